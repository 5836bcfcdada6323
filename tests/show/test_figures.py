"""Static figures: what is drawn, not how it looks."""

from itertools import pairwise

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from rrsitr_lib.show import figures
from rrsitr_lib.show.style import (
    CATEGORY_COLOURS,
    COLOURS,
    HATCHES,
    METHOD_LOOKS,
    OTHER_METHODS,
    TRUE_COLOUR,
    WRONG_COLOUR,
)

MISMATCHED = np.array([False, True, False, True])


def metrics(auroc=(0.8, 0.9, 0.95)):
    return pd.DataFrame({"epoch": [1, 2, 3], "val_mR": [10.0, 20.0, 30.0], "auroc": auroc})


def drawn(figure):
    """Everything a figure says, as one text; it must also draw without a warning."""
    figure.canvas.draw()
    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    before = plt.get_fignums()
    yield
    assert plt.get_fignums() == before, "a notebook would show the figure twice"


@pytest.mark.parametrize("count", [1, 6, 7])
def test_contact_sheet_marks_the_mismatched(count):
    images = np.zeros((count, 16, 16, 3), np.uint8)
    wrong = np.arange(count) % 2 == 1
    figure = figures.contact_sheet(images, [f"caption {k} ." for k in range(count)], wrong)
    said = drawn(figure)
    assert all(f"caption {k} ." in said for k in range(count))
    assert said.count("MISMATCHED") == wrong.sum()
    dashed = [axis for axis in figure.axes if any(patch.get_linestyle() == "--" for patch in axis.patches)]
    assert len(dashed) == wrong.sum()
    assert sum(bool(axis.images) for axis in figure.axes) == count


def test_contact_sheet_without_truth_marks_nothing():
    assert "MISMATCHED" not in drawn(figures.contact_sheet(np.zeros((2, 8, 8, 3), np.uint8), ["a", "b"]))


def test_curves_differ_in_more_than_colour():
    names = ["contrastive", "rrsitr", "rival one", "rival two", "rival three"]
    figure = figures.curves({name: metrics() for name in names})
    said = drawn(figure)
    for axis in figure.axes:
        assert [line.get_label() for line in axis.lines] == names, "no method is dropped"
        looks = {(line.get_linestyle(), line.get_marker()) for line in axis.lines}
        assert len(looks) == len(names)
        np.testing.assert_array_equal(axis.lines[0].get_xdata(), [1, 2, 3])
    assert "mR" in said and "AUROC" in said


def test_a_method_has_one_look_whatever_is_beside_it():
    alone, among = ({"oracle": metrics()}, dict.fromkeys(["mine", "contrastive", "oracle"], metrics()))
    looks = []
    for runs in (alone, among):
        (line,) = [line for line in figures.curves(runs).axes[0].lines if line.get_label() == "oracle"]
        looks.append((line.get_color(), line.get_linestyle(), line.get_marker()))
    assert looks[0] == looks[1]
    colours = [*(look[0] for look in METHOD_LOOKS.values()), *OTHER_METHODS, TRUE_COLOUR, WRONG_COLOUR]
    assert len(set(colours)) == len(colours), "no method has the colour of another, or of truth"


def test_what_is_neither_a_truth_nor_a_category_nor_a_known_method_has_none_of_their_colours():
    taken = {TRUE_COLOUR, WRONG_COLOUR, *CATEGORY_COLOURS, *(look[0] for look in METHOD_LOOKS.values())}
    assert not {*COLOURS} & taken


def luminance(colour):
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_what_is_called_noisy_has_another_colour_than_what_is_mismatched_and_categories_differ_in_grey():
    assert not {*CATEGORY_COLOURS} & {TRUE_COLOUR, WRONG_COLOUR}
    grey = sorted(luminance(colour) for colour in CATEGORY_COLOURS)
    contrasts = [(light + 0.05) / (dark + 0.05) for dark, light in pairwise(grey)]
    assert min(contrasts) > 1.5 and len(set(HATCHES)) == 3
    assert 1.05 / (luminance(CATEGORY_COLOURS[2]) + 0.05) > 4.5, "open symbols of it are seen on white"


@pytest.mark.parametrize(("auroc", "said"), [((0.8, 0.85, 0.9), " (cut)"), ((0.5, 0.6, 0.9), "")])
def test_an_axis_that_leaves_its_zero_out_says_so(auroc, said):
    panel = figures.curves({"rrsitr": metrics(auroc=auroc)}).axes[1]
    assert panel.get_ylabel() == f"AUROC of the loss{said}"
    assert (panel.get_ylim()[0] > 0.5) == bool(said)


def test_curves_without_noise_have_no_auroc():
    figure = figures.curves({"rrsitr": metrics(auroc=(None, None, None))})
    assert np.isnan(figure.axes[1].lines[0].get_ydata().astype(float)).all()
    drawn(figure)


def test_loss_histogram_counts_every_pair_and_shows_both_thresholds():
    figure = figures.loss_histogram(np.array([1.0, 30.0, 2.0, 40.0]), MISMATCHED, gamma_1=5, gamma_2=18)
    axis = figure.axes[0]
    assert {line.get_xdata()[0] for line in axis.lines} == {5, 18}
    said = drawn(figure)
    assert "true pairs" in said and "mismatched pairs" in said
    assert sum(patch.get_height() for patch in axis.patches if isinstance(patch, plt.Rectangle)) == 2
