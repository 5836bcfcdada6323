"""One notebook, executed with parameters by papermill; a wrong parameter is an error before anything is computed."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rrsitr_lib.errors import InputError

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
KERNEL = {
    "extra_arguments": ["--IPKernelApp.log_level=50"],  # it warns at every start, and calls its own shutdown an error
    "coalesce_streams": True,  # one print may arrive in two messages, another time in one
    "shutdown_kernel": "immediate",  # the last cell has ended: an orderly exit would unload torch for seconds
}


def run(
    notebook: str | Path,
    output: str | Path,
    parameters: Mapping[str, Any] | None = None,
    cwd: Path | None = None,
    limit: float | None = None,
) -> None:
    """Execute a notebook by papermill; parameters that it does not know, or of another type, are an error.

    ``limit``: seconds that a cell may take. Raises ``InputError`` listing the known parameters, and papermill's own
    error when a cell fails.
    Taught in: notebooks/00_start_here
    """
    import papermill

    parameters = dict(parameters or {})
    check_parameters(Path(notebook), parameters)
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    place = str(cwd or Path.cwd())
    options = {"cwd": place, "progress_bar": False, "kernel_name": "python3", "execution_timeout": limit}
    papermill.execute_notebook(str(notebook), str(output), parameters, **options, **KERNEL)


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
