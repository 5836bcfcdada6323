"""Formulas as MathML, which browsers draw by themselves: no page asks a server for a script.

The site's pages get them by Sphinx, of which this module is an extension; slides by ``pages.markdown``.
"""

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

from rrsitr_lib.errors import InputError


def mathml(tex: str, block: bool = False) -> str:
    r"""A formula in LaTeX, as MathML. Raises ``InputError`` for a command that is not known.

    >>> mathml(r"\gamma_1").split()[2:]
    ['<msub>', '<mi>γ</mi>', '<mn>1</mn>', '</msub>', '</math>']
    """
    try:
        return str(tex2mathml(tex, as_block=block))
    except MathError as error:
        raise InputError(f"formula '{' '.join(tex.split())}': {error}") from None


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(mathml(node.astext(), block=True))
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls it."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}
