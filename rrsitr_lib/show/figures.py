"""Static figures, pure functions from arrays to a matplotlib figure; line style and hatch say what colour says."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rrsitr_lib.show.style import TRUE_COLOUR, WRONG_COLOUR, closed, method_looks

METRICS = {"val_mR": "validation mR (%)", "auroc": "AUROC of the loss"}
CHANCE = {"auroc": 0.5}  # where an axis begins that is not cut; else 0


def contact_sheet(
    images: np.ndarray, captions: Sequence[str], mismatched: np.ndarray | None = None, columns: int = 6
) -> Figure:
    """Images with their captions; mismatched pairs have a dashed frame and say so.

    **Shape** images (n, H, W, 3) uint8; captions and mismatched (n,).
    """
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.75 * columns, 2.65 * rows), squeeze=False)
    figure.subplots_adjust(left=0.01, right=0.99, top=1 - 0.02 / rows, bottom=0.01, wspace=0.08, hspace=0.02)
    for axis in axes.ravel():
        axis.set_axis_off()
        axis.set_anchor("N")
    wrong = np.zeros(len(images), bool) if mismatched is None else mismatched
    for axis, image, caption, is_wrong in zip(axes.ravel(), images, captions, wrong, strict=False):
        _picture(axis, image, caption, bool(is_wrong))
    return closed(figure)


def _picture(axis: Axes, image: np.ndarray, caption: str, wrong: bool) -> None:
    """One image, its caption below, both marked where they do not belong together."""
    axis.imshow(image, interpolation="nearest")  # as sharp as it is, and a third of the file
    text = textwrap.fill(caption.replace(" .", "\N{NO-BREAK SPACE}."), 26).replace("\N{NO-BREAK SPACE}", " ")
    axis.annotate(f"MISMATCHED\n{text}" if wrong else text, (0.5, 0), (0, -6), "axes fraction", "offset points",
                  ha="center", va="top", fontsize=7.5)  # fmt: skip
    if wrong:
        height, width = image.shape[:2]
        frame = plt.Rectangle((-0.5, -0.5), width, height, fill=False, ec=WRONG_COLOUR, lw=3, ls="--")
        axis.add_patch(frame).set_clip_on(False)


def curves(metrics: dict[str, pd.DataFrame], columns: dict[str, str] = METRICS) -> Figure:
    """Columns of the runs' metrics over epochs, a panel a column, a line a run; by default validation mR and AUROC.

    ``metrics`` holds the metrics.csv of each run by its name, a method's where it has one look in all figures;
    ``columns`` the label of each column. An axis that begins above its natural zero says that it is cut.
    """
    figure, axes = plt.subplots(1, len(columns), figsize=(9, 3.4), layout="constrained")
    for name, (colour, dash, marker) in method_looks(metrics).items():
        table = metrics[name]
        for axis, column in zip(axes, columns, strict=True):
            values = table[column].astype(float)
            axis.plot(table["epoch"], values, dash, color=colour, marker=marker, ms=4, label=name)
    for axis, (column, label) in zip(axes, columns.items(), strict=True):
        is_cut = axis.get_ylim()[0] > CHANCE.get(column, 0.0)
        axis.set(xlabel="epoch", ylabel=f"{label} (cut)" if is_cut else label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(metrics))
    return closed(figure)


def loss_histogram(loss: np.ndarray, mismatched: np.ndarray, gamma_1: float, gamma_2: float) -> Figure:
    """Losses of true and mismatched pairs with both thresholds.

    **Shape** loss, mismatched (N,); thresholds in the unit of the loss.
    """
    figure, axis = plt.subplots(figsize=(7, 3), layout="tight")
    bins = np.linspace(0, max(float(loss.max()), gamma_2 * 1.1), 50)
    axis.hist(loss[~mismatched], bins, color=TRUE_COLOUR, alpha=0.6, label="true pairs")
    axis.hist(loss[mismatched], bins, histtype="step", hatch="///", color=WRONG_COLOUR, label="mismatched pairs")
    for value, name, side in ((gamma_1, "gamma_1", "right"), (gamma_2, "gamma_2", "left")):
        axis.axvline(value, color="black", ls=":")
        axis.annotate(name, (value, 1), (0, 2), ("data", "axes fraction"), "offset points", ha=side, va="bottom")
    axis.set(xlabel="loss of the pair", ylabel="pairs")
    axis.legend()
    return closed(figure)
