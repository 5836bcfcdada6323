"""The command ``rrsitr``: errors on one line, exit code 0 done, 1 the run failed, 2 bad input, 130 interrupted."""

import logging
import os
import sys

import typer

from rrsitr_lib.cli.audit import audit
from rrsitr_lib.cli.data import app as data_app
from rrsitr_lib.cli.data import noise
from rrsitr_lib.cli.exchange import features, push, weights
from rrsitr_lib.cli.runs import evaluate, inspect, methods, train
from rrsitr_lib.cli.show import doctor, export, site
from rrsitr_lib.cli.study import app as study_app
from rrsitr_lib.cli.verify import verify
from rrsitr_lib.errors import InputError, RunError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Learn from remote-sensing image-text pairs that do not always belong together (RRSITR, CVPR 2026).\n\n"
    "Start with: rrsitr doctor, then rrsitr train --data scenes --encoder tiny --noise-rate 0.4 --out runs/first",
)
for command in (doctor, noise, methods, train, evaluate, inspect, audit, weights, features, push, export, site, verify):
    app.command()(command)
app.add_typer(data_app, name="data")
app.add_typer(study_app, name="study")

INTERRUPTED = 130


def main() -> None:
    """Entry point: every expected error becomes one line on stderr and an exit code."""
    logging.getLogger().setLevel(logging.ERROR)
    try:
        code = app(standalone_mode=False) or 0
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except InputError as error:
        code = _say(f"error: {error}", 2)
    except (RunError, OSError) as error:
        code = _say(f"error: {error}", 1)
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's own complaints; where their class lives varies by version
            raise
        code = _say(f"error: {error.format_message()}" if error.format_message() else "", 2)
    if code == INTERRUPTED:  # some versions of typer catch the interrupt and return the code
        _say("interrupted: the same command goes on after the last finished epoch", code)
    raise SystemExit(code)


def _say(message: str, code: int) -> int:
    if message:  # empty where typer has shown its help instead
        print(" ".join(message.split()), file=sys.stderr)
    return code
