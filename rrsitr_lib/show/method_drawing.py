"""The method as one drawing, made by code: pairs, scores, losses, categories, weight or triplet, mean."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.methods.rrsitr.self_paced import weight
from rrsitr_lib.show.style import CATEGORY_COLOURS, HATCHES, TRUE_COLOUR, WRONG_COLOUR

INK, QUIET = "#222222", 0.2
PAIRS, WRONG = 5, 3  # drawn, and which of them is mismatched
LEVELS = (23.5, 12.5, 1.5)  # lower edges of the boxes of clean, ambiguous and noisy pairs
HEIGHT = 8.0


def method_drawing(lit: str = "") -> Figure:
    """One batch on its way through RRSITR, left to right; ``lit`` names the part that stands out, empty: all do.

    Parts: ``pairs scores losses categories weights triplet mean``. The regulariser, which moves no gradient, is left
    out. Raises ``InputError`` for another name.

    >>> len(method_drawing("weights").axes)
    1
    """
    if lit and lit not in PARTS:
        raise InputError(f"lit is {lit!r}: the parts of the drawing are {', '.join(PARTS)}")
    figure = plt.figure(figsize=(10, 3.7), dpi=80 if lit else 100, layout="constrained")  # a reminder is small
    plt.close(figure)  # as a cell's value a notebook shows it once; style.closed would spoil the formulas
    axis = figure.add_subplot()
    axis.set(xlim=(0, 101), ylim=(0, 36.5), aspect="equal")
    axis.axis("off")
    for name, draw in PARTS.items():
        before = {*axis.get_children()}
        draw(axis)
        for artist in {*axis.get_children()} - before:
            seen = QUIET if lit and name != lit else 1.0
            for part in (artist, getattr(artist, "arrow_patch", None)):  # an annotation keeps its arrow's own
                if part is not None:
                    part.set_alpha(seen)
    return figure


def _say(axis: Axes, x: float, y: float, text: str, size: float = 8, **style: str) -> None:
    axis.text(x, y, text, fontsize=size, **{"ha": "center", "va": "center", "color": INK, **style})


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1, "shrinkA": 0, "shrinkB": 0})


def _box(axis: Axes, x: float, y: float, width: float, height: float, **style: str) -> None:
    look = {"facecolor": "white", "edgecolor": INK, **style}
    axis.add_patch(FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.8", lw=1, **look))


def _pairs(axis: Axes) -> None:
    _say(axis, 7, 34.5, "a batch of $B$ pairs", weight="bold")
    for row in range(PAIRS):
        y, wrong = 27 - 5.6 * row, row == WRONG
        colour = WRONG_COLOUR if wrong else TRUE_COLOUR
        axis.add_patch(Rectangle((1, y), 4, 4, facecolor=colour, edgecolor=INK))
        for line, length in ((2.9, 7), (1.1, 5)):
            axis.plot([7, 7 + length], [y + line] * 2, color=colour, lw=2.5, ls=":" if wrong else "-")
    _say(axis, 7, 1.2, "one is mismatched (dotted);\nnobody says which", 7)


def _scores(axis: Axes) -> None:
    _say(axis, 24, 34.5, "two scores", weight="bold")
    shades = np.random.default_rng(0).uniform(0.05, 0.45, (2, PAIRS, PAIRS))
    for table, (bottom, name) in enumerate(
        ((20, "global: $s_{ij}$, cosine"), (3.5, "local: $r_{ij}$, norm of tokens"))
    ):
        for row in range(PAIRS):
            for column in range(PAIRS):
                own = row == column
                shade = (0.2 if row == WRONG else 0.85) if own else shades[table, row, column]
                place = (18.5 + 2.2 * column, bottom + 2.2 * (PAIRS - 1 - row))
                axis.add_patch(
                    Rectangle(place, 2.2, 2.2, facecolor=str(1 - shade), edgecolor=INK if own else "#bbbbbb")
                )
        _say(axis, 24, bottom - 1.4, name, 7)
        _arrow(axis, (14.8, bottom + 5.5), (18, bottom + 5.5))


def _losses(axis: Axes) -> None:
    _say(axis, 41, 34.5, "four cross-entropies", weight="bold")
    for bottom in (20, 3.5):
        for y, name in ((bottom + 6.2, "along the row"), (bottom + 0.6, "along the column")):
            _box(axis, 34.5, y, 13, 4)
            _say(axis, 41, y + 2, name, 7)
            _arrow(axis, (29.8, bottom + 5.5), (34.2, y + 2))
            _arrow(axis, (47.5, y + 2), (48.8, 18.2 if bottom > 17 else 15.8))
    _say(axis, 41, 17, r"sum: loss $\ell_i$ of the pair", 8.5, weight="bold")


def _categories(axis: Axes) -> None:
    _say(axis, 59, 34.5, "three categories", weight="bold")
    rules = (r"$\ell_i < \gamma_1$", r"$\gamma_1 \leq \ell_i < \gamma_2$", r"$\ell_i \geq \gamma_2$")
    for level, name, rule, colour, hatch in zip(LEVELS, CATEGORY_NAMES, rules, CATEGORY_COLOURS, HATCHES, strict=True):
        axis.add_patch(Rectangle((53, level), 2, HEIGHT, facecolor=colour, edgecolor=INK, hatch=hatch))
        _box(axis, 55, level, 10.5, HEIGHT)
        _say(axis, 60.2, level + 5.4, name, 8)
        _say(axis, 60.2, level + 2.4, rule, 8)
        _arrow(axis, (49, 17), (52.7, level + HEIGHT / 2))


def _curve(axis: Axes, level: float, x: np.ndarray, y: np.ndarray) -> None:
    """A small curve in the box that begins at ``level``. **Shape** both (n,), in [0, 1]."""
    _box(axis, 70, level, 17, HEIGHT)
    _arrow(axis, (66, level + HEIGHT / 2), (69.7, level + HEIGHT / 2))
    axis.plot(71 + 4.5 * x, level + 1 + 6 * y, color=INK, lw=1.5)
    axis.plot([71, 71, 75.8], [level + 7.2, level + 1, level + 1], color=INK, lw=0.5)


def _weights(axis: Axes) -> None:
    _say(axis, 79, 34.5, "weight or triplet", weight="bold")
    kinds = ((0.0, r"$w(\ell_i; \gamma_1)\,\ell_i$"), (5 / 18, r"$\lambda_1\, w(\ell_i; \gamma_2)\,\ell_i$"))
    for level, (least, text) in zip(LEVELS, kinds, strict=False):
        share = torch.linspace(least, 1, 50)  # of the category's upper threshold; the paper's are 5 and 18
        _curve(axis, level, share.numpy(), weight(share, 1.0).numpy())
        _say(axis, 81.5, level + HEIGHT / 2, text, 8)


def _triplet(axis: Axes) -> None:
    gap = np.array([0.0, 0.45, 1.0])
    _curve(axis, LEVELS[2], gap, np.array([0.0, 0.0, 0.9]))
    _say(axis, 81.5, LEVELS[2] + HEIGHT / 2, r"$\lambda_2\, L^{rt}_i$", 8)


def _mean(axis: Axes) -> None:
    _say(axis, 96, 34.5, "mean", weight="bold")
    _box(axis, 92, 12.5, 8, 8)
    _say(axis, 96, 16.5, "over the\nbatch", 8)
    for level in LEVELS:
        _arrow(axis, (87.3, level + HEIGHT / 2), (91.7, 16.5 + (level - LEVELS[1]) / 5))


PARTS: dict[str, Callable[[Axes], None]] = {
    "pairs": _pairs, "scores": _scores, "losses": _losses, "categories": _categories, "weights": _weights,
    "triplet": _triplet, "mean": _mean,
}  # fmt: skip
