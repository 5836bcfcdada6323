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


def describe_error(error: "ValidationError") -> str:
    """The first thing that pydantic found wrong, in one line: the field, its value, what is allowed."""
    first, *others = error.errors()
    own = first.get("ctx", {}).get("error")  # raised by a validator of ours, which says everything
    if not first["loc"]:
        return str(own or first["msg"])
    # of a field with several types each has a complaint, named by field and type
    kinds = others if len(first["loc"]) > 1 else []
    same = [other for other in kinds if other["loc"][:-1] == first["loc"][:-1] and other["input"] == first["input"]]
    location = first["loc"][:-1] if same else first["loc"]
    field, given = ".".join(str(part) for part in location), repr(first["input"])
    said = " or ".join(one["msg"].removeprefix("Input should be ") for one in [first, *same])
    if said != first["msg"]:
        said = f"allowed is {said if said.startswith('a ') else f'a value {said}'}"
    message = str(own or said)
    return f"{field} is {given if len(given) <= 80 else given[:80] + '…'}: {message[0].lower()}{message[1:]}"
