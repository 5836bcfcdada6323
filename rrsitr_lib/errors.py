"""The two errors a user can cause or meet; both carry one line that says what to do."""

import errno
import os
import re
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from pydantic import ValidationError

# What moves a cursor, ends a line or turns the direction of writing, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
MENDS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room there"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "choose a folder that you may write to"),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "a file stands where a folder is needed"),
    errno.EISDIR: "a folder stands where the file should go",
    errno.ENAMETOOLONG: "a shorter name is needed",
    errno.EFBIG: "larger files are not allowed here, see ulimit -f",
}
_OS_ERROR = re.compile(r"os error (\d+)")  # how a library in Rust passes the system's number on


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


def input_error(where: object, what: str, value: object, allowed: str) -> NoReturn:
    """Raise ``InputError`` in the form that all messages about tables have (``complaint``)."""
    raise InputError(f"{where}: {complaint(what, value, allowed)}")


def complaint(what: str, value: object, allowed: str) -> str:
    """What is wrong with a value, which is shown in part where it is long."""
    shown = " ".join(repr(value).split())
    return f"{what} is {shown if len(shown) <= 90 else shown[:87] + '...'}: allowed is {allowed}"


def printable(text: str) -> str:
    r"""Text of a stranger for a terminal: control characters are shown, never sent.

    >>> printable("a \x1b[31mred\x1b[0m lake")
    'a \\x1b[31mred\\x1b[0m lake'
    """
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def cause(error: Exception) -> str:
    """What the system says about writing, without its number or a temporary name, and what to do.

    >>> cause(OSError(errno.ENOSPC, "inner words", "/tmp/.3f.tmp"))
    'No space left on device (make room there)'
    """
    inner = _OS_ERROR.search(str(error))
    number = getattr(error, "errno", None) or (int(inner[1]) if inner else 0)
    if not number:
        return str(error)
    mend = MENDS.get(number)
    return os.strerror(number) + (f" ({mend})" if mend else "")


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
