"""Sphinx as this project uses it: its settings, and pages from a folder of sources."""

import io
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rrsitr_lib.errors import InputError

TITLE = "Learning from mismatched pairs"
COLOUR = re.compile("\x1b\\[[0-9;]*m")
THEME = Path(__file__).with_name("site_theme")
SPHINX: Mapping[str, Any] = {
    "project": TITLE,
    "html_title": TITLE,
    "extensions": ["myst_nb", "rrsitr_lib.teach.formulas"],
    "nb_execution_mode": "off",
    "myst_enable_extensions": ["dollarmath"],
    "suppress_warnings": ["myst.header", "misc.highlighting_failure"],  # a lesson may begin below its title
    "html_theme": "furo",
    "html_math_renderer": "mathml",
    "templates_path": [str(THEME)],
    "html_static_path": [str(THEME / "static")],
    "html_css_files": ["site.css"],
    "html_js_files": ["explorer_height.js"],
    "html_show_search_summary": False,  # it would fetch pages, which a browser refuses to files on a disk
    "html_copy_source": False,
    "html_use_index": False,
    "html_show_copyright": False,
}


def need_sphinx() -> None:
    """Raises ``InputError`` where what makes the pages is not installed."""
    try:
        import furo  # noqa: F401
        import myst_nb  # noqa: F401
    except ImportError as error:
        raise InputError(f"the pages need {error.name}: pip install 'rrsitr-lib[site]'") from None


def run_sphinx(source: Path, out: Path, done: Callable[[], object] = bool) -> None:
    """Pages of a folder of sources, into ``out``. Then raises ``InputError`` for what Sphinx complains of."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    pages, said = source.with_name("html"), io.StringIO()
    with patch_docutils(), docutils_namespace():
        builder = Sphinx(source, None, pages, source.with_name("trees"), "html", dict(SPHINX), None, said)
        builder.connect("doctree-resolved", lambda _app, _tree, name: name[:2].isdigit() and done())
        builder.build()
    shutil.copytree(pages, out, dirs_exist_ok=True)
    if complaints := COLOUR.sub("", said.getvalue()).replace(f"{source}/", "").strip():
        raise InputError(f"the site is written, but its sources have faults: {complaints}")
