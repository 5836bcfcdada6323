"""One notebook, executed with parameters by papermill; a wrong parameter is an error before anything is computed."""

import ast
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically

if TYPE_CHECKING:
    from nbformat import NotebookNode

PACKAGE = Path(str(files("rrsitr_lib")))
IN_CHECKOUT, IN_WHEEL = PACKAGE.parent / "notebooks", PACKAGE / "notebooks"
NOTEBOOKS = IN_CHECKOUT if (IN_CHECKOUT / "src").is_dir() else IN_WHEEL
KERNEL: dict[str, Any] = {
    "extra_arguments": ["--IPKernelApp.log_level=50"],  # it warns at every start, and calls its own shutdown an error
    "coalesce_streams": True,  # one print may arrive in two messages, another time in one
    "shutdown_kernel": "immediate",  # the last cell has ended: an orderly exit would unload torch for seconds
    "store_widget_state": False,  # a figure's holds all of plotly's script, five megabytes
}
WIDGET_OUTPUT = "application/vnd.jupyter.widget-view+json"


def run(
    notebook: str | Path,
    output: str | Path,
    parameters: Mapping[str, Any] | None = None,
    cwd: Path | None = None,
    limit: float | None = None,
) -> None:
    """Execute a notebook by papermill; parameters that it does not know, or of another type, are an error.

    Widgets are not kept: ``output`` is opened without their kernel.
    ``limit``: seconds that a cell may take. Raises ``InputError`` listing the known parameters, and papermill's own
    error when a cell fails.
    """
    import nbformat
    import papermill

    parameters = dict(parameters or {})
    check_parameters(Path(notebook), parameters)
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    options = {"progress_bar": False, "kernel_name": "python3", "execution_timeout": limit, **KERNEL}
    executed = papermill.execute_notebook(str(notebook), str(output), parameters, cwd=str(cwd or Path.cwd()), **options)
    without_widgets(executed)
    write_atomically(output, lambda temporary: nbformat.write(executed, temporary))


def without_widgets(notebook: "NotebookNode") -> None:
    """Take out widgets, of which nothing is to be seen without their kernel; what outputs say beside them stays."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_OUTPUT, None)


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """papermill only warns about an unknown name, and takes any type. Raises ``InputError`` for both."""
    import papermill

    if not notebook.exists():
        raise InputError(f"{notebook}: no such notebook")
    known = papermill.inspect_notebook(str(notebook))
    for name, value in parameters.items():
        if name not in known:
            raise InputError(f"{notebook}: unknown parameter {name!r}; known are {', '.join(known)}")
        default = ast.literal_eval(known[name]["default"])
        if type(value) is not type(default) and not (isinstance(default, float) and type(value) is int):
            wanted = type(default).__name__
            raise InputError(f"{notebook}: parameter {name} is {value!r}: allowed is {wanted}, as {default!r}")
