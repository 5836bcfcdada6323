"""Margins as static figures: the pull of triplet and cross-entropy, two kinds of margin, margins over epochs."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rrsitr_lib.methods.ncr import soft_margin
from rrsitr_lib.show.style import COLOURS, DASHES, TRUE_COLOUR, TRUTH_NAMES, WRONG_COLOUR, closed
from rrsitr_lib.show.views.margins import (
    LAMBDA_2,
    HardNegatives,
    RecordedMargins,
    entropy_gradient_magnitude,
    triplet_gradient_magnitude,
)


def pull_static(sigma: float, lambda_2: float = LAMBDA_2) -> Figure:
    """Pull on a pair over the gap to its hardest negatives, both directions alike; right the same enlarged."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.1), layout="tight")
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
    return closed(figure)


def two_margins_static(sigma: float, margin: float = 0.2) -> Figure:
    """The paper's margin over the gap, NCR's over the doubt 1 - y: one grows to the right, the other shrinks."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="tight")
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
    return closed(figure)


def margins_over_epochs(recorded: RecordedMargins) -> Figure:
    """Median and middle half of the recorded margins in every epoch, true and mismatched pairs."""
    figure, axis = plt.subplots(figsize=(7.5, 2.9), layout="tight")
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
    return closed(figure)
