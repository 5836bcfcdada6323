"""Static figures, pure functions from arrays to a matplotlib figure; line style and hatch say what colour says."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rrsitr_lib.objective.partition import CATEGORY_NAMES
from rrsitr_lib.show.weights import WeightMap

TRUE_COLOUR, WRONG_COLOUR = "#0072b2", "#d55e00"  # Okabe and Ito: told apart by colour-blind people, and in grey
STYLES = (("#0072b2", "-"), ("#d55e00", "--"), ("#009e73", "-."), ("#cc79a7", ":"))


def contact_sheet(
    images: np.ndarray, captions: Sequence[str], mismatched: np.ndarray | None = None, columns: int = 6
) -> Figure:
    """Pictures with their captions; mismatched pairs have a dashed frame and say so.

    **Shape** images (n, H, W, 3) uint8; captions and mismatched (n,). Taught in: notebooks/00_start_here
    """
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.1 * columns, 2.75 * rows), squeeze=False)
    for place, axis in enumerate(axes.ravel()):
        axis.set_axis_off()
        if place >= len(images):
            continue
        axis.imshow(images[place])
        wrong = mismatched is not None and bool(mismatched[place])
        text = _wrapped(captions[place], 26)
        axis.set_title(f"MISMATCHED\n{text}" if wrong else text, fontsize=7.5, y=-0.04, va="top")
        if wrong:
            height, width = images[place].shape[:2]
            frame = plt.Rectangle((-0.5, -0.5), width, height, fill=False, ec=WRONG_COLOUR, lw=4, ls="--")
            axis.add_patch(frame).set_clip_on(False)
    figure.tight_layout(h_pad=2.5)
    return _closed(figure)


def curves(metrics: dict[str, pd.DataFrame]) -> Figure:
    """Validation mR and AUROC of the loss over epochs, a line a method.

    ``metrics`` holds the metrics.csv of each run. Taught in: notebooks/06_training_end_to_end
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for (name, table), (colour, style) in zip(metrics.items(), STYLES, strict=False):
        axes[0].plot(table["epoch"], table["val_mR"], style, color=colour, marker="o", ms=3, label=name)
        axes[1].plot(table["epoch"], table["auroc"].astype(float), style, color=colour, marker="o", ms=3, label=name)
    for axis, label in zip(axes, ("validation mR (%)", "AUROC of the loss"), strict=True):
        axis.set(xlabel="epoch", ylabel=label)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.tight_layout()
    return _closed(figure)


def loss_histogram(loss: np.ndarray, mismatched: np.ndarray, gamma_1: float, gamma_2: float) -> Figure:
    """Losses of true and mismatched pairs with both thresholds.

    **Shape** loss, mismatched (N,); thresholds in the unit of the loss. Taught in: notebooks/06_training_end_to_end
    """
    figure, axis = plt.subplots(figsize=(7, 3))
    bins = np.linspace(0, max(float(loss.max()), gamma_2 * 1.1), 50)
    axis.hist(loss[~mismatched], bins, color=TRUE_COLOUR, alpha=0.6, label="true pairs")
    axis.hist(loss[mismatched], bins, histtype="step", hatch="///", color=WRONG_COLOUR, label="mismatched pairs")
    for value, name in ((gamma_1, "gamma_1"), (gamma_2, "gamma_2")):
        axis.axvline(value, color="black", ls=":")
        axis.annotate(name, (value, axis.get_ylim()[1]), ha="left", va="top", xytext=(3, 0), textcoords="offset points")
    axis.set(xlabel="loss of the pair", ylabel="pairs")
    axis.legend()
    figure.tight_layout()
    return _closed(figure)


def partition_over_epochs(category: np.ndarray, mismatched: np.ndarray) -> Figure:
    """Share of each category over epochs, true pairs left and mismatched pairs right.

    **Shape** category (epochs, N), mismatched (N,). Taught in: notebooks/06_training_end_to_end
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
    epochs = np.arange(1, len(category) + 1)
    for axis, select, title in zip(axes, (~mismatched, mismatched), ("true pairs", "mismatched pairs"), strict=True):
        shares = [(category[:, select] == number).mean(axis=1) for number in range(3)] if select.any() else []
        drawn = axis.stackplot(epochs, *shares, labels=CATEGORY_NAMES, colors=["#56b4e9", "#f0e442", "#d55e00"])
        for area, hatch in zip(drawn, ("", "..", "//"), strict=False):
            area.set(hatch=hatch, edgecolor="white")
        axis.set(xlabel="epoch", title=f"{title} ({int(select.sum())})", ylim=(0, 1))
    axes[0].set_ylabel("share called")
    axes[1].legend(loc="center right")
    figure.tight_layout()
    return _closed(figure)


def weights_static(weights: WeightMap, epoch: int) -> Figure:
    """The static twin of the weights explorer: the map of weights, and their distribution at ``epoch`` (from 1).

    Taught in: notebooks/06_training_end_to_end
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), width_ratios=(1.3, 1))
    rows, epochs = weights.rows.shape
    shown = axes[0].imshow(
        weights.rows, aspect="auto", cmap="cividis", vmin=0, vmax=1, extent=(0.5, epochs + 0.5, rows, 0)
    )
    axes[0].axhline(weights.true_rows, color="white", ls="--")
    axes[0].set(xlabel="epoch", ylabel=f"true pairs above the line, mismatched below\n{weights.rule}")
    figure.colorbar(shown, ax=axes[0], label="weight")
    bins, true_counts, wrong_counts = weights.histogram(epoch)
    axes[1].stairs(true_counts, bins, fill=True, color=TRUE_COLOUR, alpha=0.6, label="true pairs")
    axes[1].stairs(wrong_counts, bins, hatch="///", fill=False, color=WRONG_COLOUR, label="mismatched pairs")
    axes[1].set(xlabel=f"weight in epoch {epoch}", ylabel="pairs")
    axes[1].legend()
    figure.tight_layout()
    return _closed(figure)


def _closed(figure: Figure) -> Figure:
    """Out of pyplot's list, so that a notebook shows it once, as the cell's value."""
    plt.close(figure)
    return figure


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return textwrap.fill(text, width)
