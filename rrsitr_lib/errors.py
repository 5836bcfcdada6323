"""The two errors a user can cause or meet; both carry one line that says what to do."""


class InputError(ValueError):
    """A file, row or parameter is not usable: the message names it, its value and what is allowed.

    The command line prints the message on one line and exits with code 2.

    >>> raise InputError("--noise-rate is 1.4: allowed is 0 to 1")
    Traceback (most recent call last):
    ...
    rrsitr_lib.errors.InputError: --noise-rate is 1.4: allowed is 0 to 1
    """


class RunError(RuntimeError):
    """A run could not go on (loss not finite, disk full); what was committed before is kept.

    The command line prints the message on one line and exits with code 1.
    """
