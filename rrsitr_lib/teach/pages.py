"""HTML from the templates of this room: whatever a template is given is escaped, but for ``Markup``."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.filters import markdown2html

TEMPLATES = Environment(
    loader=PackageLoader("rrsitr_lib.teach"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **content: Any) -> str:
    """A template of ``templates/`` filled in. Raises jinja2's error for a name that it is not given."""
    return TEMPLATES.get_template(template).render(content)


def markdown(text: str) -> Markup:
    """Markdown as HTML, as in a notebook."""
    return Markup(markdown2html(text))
