"""The two errors a user can cause or meet; both carry one line that says what to do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


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


def complaint(error: "ValidationError") -> str:
    """The first thing that pydantic found wrong, in one line: the field, its value, what is allowed."""
    first = error.errors()[0]
    own = first.get("ctx", {}).get("error")  # raised by a validator of ours, which says everything
    if not first["loc"]:
        return str(own or first["msg"])
    field, given = ".".join(str(part) for part in first["loc"]), repr(first["input"])
    said = first["msg"].replace("Input should be a ", "allowed is a ").replace("Input should be", "allowed is a value")
    message = str(own or said)
    return f"{field} is {given if len(given) <= 80 else given[:80] + '…'}: {message[0].lower()}{message[1:]}"
