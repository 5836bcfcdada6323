"""Pages from the templates of this room, and markdown as HTML.

What an HTML template is given is escaped, but for ``Markup``.
"""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Environment(
    loader=PackageLoader("rrsitr_lib.teach"),
    autoescape=lambda name: ".html" in (name or ""),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def plain(text: str) -> str:
    r"""A text that markdown shows as it is.

    >>> plain("a <b> of `c_i`")
    'a \\<b\\> of \\`c\\_i\\`'
    """
    return re.sub(r"([\\`*_{}\[\]<>$|&~])", r"\\\1", text)


TEMPLATES.filters["plain"] = plain


def render(template: str, **content: Any) -> str:
    """A template of ``templates/`` filled in. Raises jinja2's error for a name that it is not given."""
    return TEMPLATES.get_template(template).render(content)


def markdown(text: str, inline: bool = False) -> Markup:
    """Markdown as HTML, as on the site; ``inline`` without paragraphs.

    Raises ``InputError`` for a formula that cannot be read.
    """
    from markdown_it import MarkdownIt  # here, as the extra `site` may be missing
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    from rrsitr_lib.teach.formulas import mathml

    reader = MarkdownIt().enable("table")
    reader.use(
        dollarmath_plugin, renderer=lambda tex, options: mathml(tex, options["display_mode"]), allow_labels=False
    )
    return Markup(reader.renderInline(text) if inline else reader.render(text))
