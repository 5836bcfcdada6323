"""What a noise protocol does to a handful of rows, drawn: a line from every image to the caption that it gets."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rrsitr_lib.data.noise import Noise
from rrsitr_lib.show.style import TRUE_COLOUR, WRONG_COLOUR, closed

LOOKS = {  # colour, dash and width of a line
    "its own caption, not moved": ("#999999", "-", 1.0),
    "moved, and still true": (TRUE_COLOUR, "-", 2.0),
    "moved, mismatched": (WRONG_COLOUR, "--", 2.0),
}


def noise_drawing(image_ids: Sequence[str], noises: Mapping[str, Noise]) -> Figure:
    """A panel a noise by name: rows left, the captions that stood beside them right, a line from row to new caption.

    Rows of one image share a band. **Shape** ``image_ids`` (N,), sorted by image; every noise over the same N rows.
    """
    figure, axes = plt.subplots(1, len(noises), figsize=(2.4 * len(noises), 3.6), layout="constrained", squeeze=False)
    for axis, (name, noise) in zip(axes[0], noises.items(), strict=True):
        _bands(axis, image_ids, named=axis is axes[0, 0])
        for row, source in enumerate(noise.caption_index):
            kind = 2 if noise.mismatched[row] else int(source != row)
            colour, dash, width = list(LOOKS.values())[kind]
            axis.plot([0.14, 0.86], [row, source], dash, color=colour, lw=width)
        axis.set_title(f"{name}\n{int(noise.mismatched.sum())} of {len(noise)} mismatched", fontsize=9)
    lines = [plt.Line2D([], [], color=colour, ls=dash, lw=width) for colour, dash, width in LOOKS.values()]
    figure.legend(lines, list(LOOKS), loc="outside lower center", ncols=len(lines), fontsize=8)
    return closed(figure)


def _bands(axis: Axes, image_ids: Sequence[str], named: bool) -> None:
    """A square for every row's image, a stroke for its caption, and a band behind the rows of every second image."""
    first = np.flatnonzero([row == 0 or image_ids[row] != image_ids[row - 1] for row in range(len(image_ids))])
    ends = [*first[1:], len(image_ids)]
    for number, (begin, end) in enumerate(zip(first, ends, strict=True)):
        if number % 2 == 0:
            axis.axhspan(begin - 0.5, end - 0.5, color="#eeeeee", zorder=0)
    for row in range(len(image_ids)):
        axis.add_patch(Rectangle((0.0, row - 0.28), 0.12, 0.56, facecolor="white", edgecolor="black"))
        axis.plot([0.88, 1.0], [row, row], color="black", lw=3)
    names = [image_ids[row] for row in first] if named else []
    axis.set(xlim=(-0.04, 1.04), ylim=(len(image_ids) - 0.5, -0.5), xticks=(0.06, 0.94))
    axis.set_xticklabels(("image", "caption"), fontsize=8)
    axis.set_yticks((first + np.array(ends) - 1) / 2 if named else [], names, fontsize=8)
    axis.tick_params(length=0)
