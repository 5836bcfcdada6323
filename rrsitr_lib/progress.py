"""One progress bar for a terminal and a notebook, and a line a minute where the output is neither."""

import sys
from typing import Any

from tqdm.auto import tqdm as auto_bar
from tqdm.std import tqdm as text_bar

LINE_SECONDS = 60.0


class _Lines(text_bar):
    """A bar that prints itself on a line of its own."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if msg != "":  # which would clear the line
            self.fp.write(f"{msg or self}\n")
            self.fp.flush()

    def close(self) -> None:
        if not self.disable:
            self.display()
        self.leave = False
        super().close()


def progress_bar(total: int, what: str, unit: str, done: int = 0, shown: bool = True) -> Any:
    """A bar of ``total`` units of which ``done`` are there, to be updated and closed, or used in ``with``.

    ``shown`` False: nothing is printed.
    """
    options = {"total": total, "initial": done, "desc": what, "unit": unit, "disable": not shown}
    if not shown or sys.stderr.isatty() or _in_notebook():
        return auto_bar(**options)
    return _Lines(**options, ascii=True, mininterval=LINE_SECONDS, maxinterval=LINE_SECONDS, ncols=100)


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config
