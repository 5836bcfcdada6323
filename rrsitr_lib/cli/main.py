"""The command ``rrsitr``: an error is one line and an exit code.

0 done, 1 the run failed, 2 bad input, 3 an error of this library, 130 interrupted.
"""

import logging
import os
import re
import sys
from collections.abc import Sequence

import typer

from rrsitr_lib.cli.audit import audit, review
from rrsitr_lib.cli.data import app as data_app
from rrsitr_lib.cli.data import noise
from rrsitr_lib.cli.exchange import features, push, weights
from rrsitr_lib.cli.runs import evaluate, inspect, methods, train
from rrsitr_lib.cli.show import doctor, export, site
from rrsitr_lib.cli.study import app as study_app
from rrsitr_lib.cli.verify import verify
from rrsitr_lib.errors import InputError, RunError, printable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Learn from remote-sensing image-text pairs that do not always belong together (RRSITR, CVPR 2026).\n\n"
    "Start with: rrsitr doctor, then rrsitr train --data scenes --noise-rate 0.4 --out runs/first",
)
COMMANDS = (
    doctor, noise, methods, train, evaluate, inspect, audit, review, weights, features, push, export, site, verify,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)
app.add_typer(data_app, name="data")
app.add_typer(study_app, name="study")

INTERRUPTED, UNEXPECTED = 130, 3
TRACEBACK = "RRSITR_TRACEBACK"  # set: an error of this library is raised, not told
GO_ON = ("train", "study run", "study retry")  # commands that keep what is finished


def main() -> None:
    """Entry point: every error becomes one line on stderr and an exit code."""
    logging.getLogger().setLevel(logging.ERROR)
    if hasattr(sys.stdout, "reconfigure"):  # a terminal without UTF-8 cannot show every caption
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        _refuse_empty(sys.argv[1:])
        code = app(standalone_mode=False) or 0
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except InputError as error:
        code = _say(f"error: {error}", 2)
    except RunError as error:
        code = _say(f"error: {error}", 1)
    except OSError as error:
        code = _say(f"error: {f'{error.filename}: {error.strerror}' if error.filename else error}", 1)
    except Exception as error:
        code = _unexpected(error)
    if code == INTERRUPTED:  # some versions of typer catch the interrupt and return the code
        _say(f"interrupted{_promise(sys.argv[1:])}", code)
    raise SystemExit(code)


def _refuse_empty(arguments: Sequence[str]) -> None:
    """An empty path would mean the working folder, an empty name nothing: a shell's variable that is not set."""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if not argument or re.fullmatch(r"--[\w-]+=", argument):
            name = argument.rstrip("=") or (before if before.startswith("-") else "an argument")
            raise InputError(f"{name} is empty: allowed is a text of one letter or more")


def _promise(arguments: Sequence[str]) -> str:
    command = " ".join(arguments)
    goes_on = command.startswith(tuple(f"{name} " for name in GO_ON)) and "--no-resume" not in arguments
    return ": the same command goes on after the last finished epoch" if goes_on else ""


def _unexpected(error: Exception) -> int:
    """A complaint of typer, whose class lives elsewhere in other versions, or an error of this library."""
    if hasattr(error, "format_message"):
        return _say(f"error: {error.format_message()}" if error.format_message() else "", 2)
    if os.environ.get(TRACEBACK):
        raise error
    what = f"unexpected {type(error).__name__}: {error}"[:500]
    return _say(f"error: {what}; please report it, {TRACEBACK}=1 shows where it arose", UNEXPECTED)


def _say(message: str, code: int) -> int:
    if message:  # empty where typer has shown its help instead
        print(printable(" ".join(message.split())), file=sys.stderr)
    return code
