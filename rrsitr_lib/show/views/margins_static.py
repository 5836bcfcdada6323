"""Static figures of lesson 05: the pull of triplet and cross-entropy, two kinds of margin, margins over epochs."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rrsitr_lib.methods.ncr import soft_margin
from rrsitr_lib.show.style import COLOURS, DASHES, TRUE_COLOUR, TRUTH_NAMES, WRONG_COLOUR
from rrsitr_lib.show.views.margins import (
    LAMBDA_2,
    SIMILARITIES,
    HardNegatives,
    RecordedMargins,
    entropy_gradient_magnitude,
    triplet_gradient_magnitude,
)


def pull_static(sigma: float, lambda_2: float = LAMBDA_2) -> Figure:
    """Pull on a pair over the gap to its hardest negatives, both directions alike; right the same enlarged.

    Taught in: notebooks/05_robust_triplet
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.1))
    gap = np.linspace(-1, 1, 2001)
    curves = {
        "cross-entropies, weight 1": entropy_gradient_magnitude(0, gap, gap),
        "cross-entropies, weight 0.5": 0.5 * entropy_gradient_magnitude(0, gap, gap),
        f"{lambda_2:g} x triplet, growing": lambda_2 * triplet_gradient_magnitude(0, gap, gap, sigma),
        f"{lambda_2:g} x triplet, fixed": lambda_2 * triplet_gradient_magnitude(0, gap, gap, sigma, dynamic=False),
    }
    for axis, top in zip(axes, (42, 2 * lambda_2 * (1 + sigma) * 1.4 + 0.1), strict=True):
        for (name, pull), colour, dash in zip(curves.items(), COLOURS[1:] + COLOURS[:1], DASHES, strict=True):
            axis.plot(gap, pull, dash, color=colour, lw=2.2, label=name)
        axis.set(xlabel="hardest negative less own similarity (cosine)", ylim=(-0.02 * top, top))
        axis.axvline(0, color="black", ls=":", lw=1)
        axis.set_xticks((-1, -0.5, 0, 0.5, 1))
        axis.grid(alpha=0.3)
    axes[0].set(ylabel="fall of the loss per unit", title="pull on the pair")
    axes[1].set(title="the lowest part of it, enlarged")
    axes[0].legend(fontsize=7, loc="upper left")
    return _finished(figure)


def two_margins_static(sigma: float, margin: float = 0.2) -> Figure:
    """The paper's margin over the gap, NCR's over the doubt 1 - y: one grows to the right, the other shrinks.

    Taught in: notebooks/05_robust_triplet
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.8))
    gap, doubt = np.linspace(-1, 1, 401), np.linspace(0, 1, 201)
    axes[0].plot(
        gap, HardNegatives(0.0, 0.0, sigma).margins(-gap)[0], DASHES[0], color=COLOURS[0], lw=2.5, label="RRSITR"
    )
    axes[0].axhline(sigma, color="black", ls=":", label=f"fixed, sigma = {sigma:g}")
    axes[0].set(xlabel="doubt: hardest negative less own similarity", ylabel="margin (cosine)", title="grows")
    for m, dash, colour in ((10, "--", COLOURS[1]), (2, "-.", COLOURS[2])):
        axes[1].plot(doubt, soft_margin(1 - doubt, margin, m), dash, color=colour, lw=2.5, label=f"NCR, m = {m}")
    axes[0].set_xticks((-1, -0.5, 0, 0.5, 1))
    axes[1].axhline(margin, color="black", ls=":", label=f"fixed, {margin:g}")
    axes[1].set(xlabel="doubt: one less the label y", ylabel="margin (cosine)", title="shrinks")
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend()
    return _finished(figure)


def margins_over_epochs(recorded: RecordedMargins) -> Figure:
    """Median and middle half of the recorded margins in every epoch, true and mismatched pairs.

    Taught in: notebooks/05_robust_triplet
    """
    figure, axis = plt.subplots(figsize=(7.5, 2.9))
    epochs = np.arange(1, len(recorded.margin) + 1)
    looks = zip(TRUTH_NAMES, (TRUE_COLOUR, WRONG_COLOUR), ("-o", "--s"), ("", "///"), strict=True)
    for kind, (name, colour, style, hatch) in enumerate(looks):
        low, median, high = recorded.quartiles(bool(kind))
        axis.plot(epochs, median, style, color=colour, label=f"{name}, median")
        axis.fill_between(epochs, low, high, facecolor=colour, edgecolor=colour, alpha=0.25, hatch=hatch)
    axis.set(xlabel="epoch", ylabel="margin to text (cosine)")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return _finished(figure)


def margins_static(similarity: float, negatives: HardNegatives, recorded: RecordedMargins, epoch: int) -> Figure:
    """The static twin of the margin explorer: margins and loss, pull, recorded margins in ``epoch`` (from 1).

    Taught in: notebooks/05_robust_triplet
    """
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.3))
    own, pair = SIMILARITIES, np.array([similarity])
    curves = dict(zip(("margin to text", "margin to image"), negatives.margins(own), strict=True))
    _curves(
        axes[0], own, {**curves, "loss": negatives.loss(own)}, pair, (*negatives.margins(pair), negatives.loss(pair))
    )
    pulls = {f"{LAMBDA_2:g} x triplet": triplet_gradient_magnitude, "cross-entropies": entropy_gradient_magnitude}
    rows = [
        [LAMBDA_2 * triplet_gradient_magnitude(at, *negatives), entropy_gradient_magnitude(at, *negatives[:2])]
        for at in (own, pair)
    ]
    _curves(axes[1], own, dict(zip(pulls, rows[0], strict=True)), pair, rows[1])
    for axis, label in zip(axes, ("cosine units", "fall of the loss per unit"), strict=False):
        axis.axvline(similarity, color="grey", lw=1)
        axis.set(xlabel="similarity of the pair (cosine)", ylabel=label)
    true_counts, wrong_counts = recorded.counts(epoch)
    axes[2].stairs(true_counts, recorded.edges, fill=True, color=TRUE_COLOUR, alpha=0.6, label=TRUTH_NAMES[0])
    axes[2].stairs(wrong_counts, recorded.edges, hatch="///", color=WRONG_COLOUR, label=TRUTH_NAMES[1])
    axes[2].set(xlabel="margin to text (cosine)", ylabel="pairs", title=f"recorded, epoch {epoch}")
    axes[0].set_title("margins and loss")
    axes[1].set_title("pull on the pair")
    for axis in axes:
        axis.legend(fontsize=8)
    return _finished(figure)


def _curves(axis: Axes, own: np.ndarray, curves: dict[str, np.ndarray], pair: np.ndarray, here: list) -> None:
    for (name, values), point, colour, dash in zip(curves.items(), here, COLOURS, DASHES, strict=False):
        axis.plot(own, values, dash, color=colour, lw=2, label=name)
        axis.plot(pair, point, "D", color="black", ms=6)


def _finished(figure: Figure) -> Figure:
    """Tight, and out of pyplot's list, so that a notebook shows it once."""
    figure.tight_layout()
    plt.close(figure)
    return figure
