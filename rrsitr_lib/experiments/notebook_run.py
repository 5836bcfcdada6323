"""One notebook, executed with parameters by papermill; a wrong parameter is an error before anything is computed."""

import ast
import math
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
RESULTS = NOTEBOOKS.parent / "results"
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
    whole = limit and math.ceil(limit)  # nbclient takes no part of a second
    options = {"progress_bar": False, "kernel_name": "python3", "execution_timeout": whole, **KERNEL}
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
    known = known_parameters(notebook)
    for name, value in parameters.items():
        if name not in known:
            raise InputError(f"{notebook}: unknown parameter {name!r}; known are {', '.join(known)}")
        default = known[name]
        is_open = default is None or (isinstance(default, float) and type(value) is int)
        if not is_open and type(value) is not type(default):
            wanted = type(default).__name__
            raise InputError(f"{notebook}: parameter {name} is {value!r}: allowed is {wanted}, as {default!r}")


def known_parameters(notebook: Path) -> dict[str, Any]:
    """The defaults in the cell with the tag ``parameters``; None for one that may have another type.

    That is ``None`` itself, one that is computed, and one with an annotation, which may allow more than its default.
    Raises ``InputError`` for what is no notebook, or whose parameters are no Python.
    """
    import nbformat
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        cells = nbformat.read(notebook, as_version=4).cells
        source = next((cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])), "")
        body = ast.parse(TransformerManager().transform_cell(source)).body  # it may hold magics
    except OSError:
        raise InputError(f"{notebook}: no such notebook") from None
    except SyntaxError as error:
        raise InputError(f"{notebook}: line {error.lineno} of the parameters is not Python ({error.msg})") from None
    except Exception as error:  # of nbformat, its schema and JSON
        raise InputError(f"{notebook}: not a notebook ({' '.join(str(error).split())[:200]})") from None
    known: dict[str, Any] = {}
    for line in body:
        if isinstance(line, ast.AnnAssign):
            known |= dict.fromkeys(_names(line.target))
        elif isinstance(line, ast.Assign):
            known |= dict.fromkeys([name for target in line.targets for name in _names(target)], _literal(line))
    return known


def _names(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def _literal(line: ast.Assign) -> Any:
    """The value of ``X = 3``; None where it is computed or shared out among several names."""
    try:
        return ast.literal_eval(line.value) if all(isinstance(target, ast.Name) for target in line.targets) else None
    except ValueError:
        return None
