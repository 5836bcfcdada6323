"""Notebooks executed in this process, which is quicker than a kernel."""

import contextlib
import io

import matplotlib.pyplot
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from rrsitr_lib.experiments.notebook_run import NOTEBOOKS


def run_here(book):
    """All code cells, in the working folder; returns what they print."""
    matplotlib.use("Agg")
    said, names = io.StringIO(), {"__name__": "__main__"}
    with contextlib.redirect_stdout(said):
        for cell in book.cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, "cell", "exec"), names)
    matplotlib.pyplot.close("all")
    return said.getvalue()


def run_lesson(name, parameters):
    """A committed lesson with other parameters, put in by papermill."""
    return run_here(parameterize_notebook(load_notebook_node(str(NOTEBOOKS / f"{name}.ipynb")), parameters))
