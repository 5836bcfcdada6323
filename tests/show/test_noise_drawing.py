"""The drawing of a noise: a line a row to the caption that it gets, its look by what became of the pair."""

import numpy as np
from matplotlib.colors import to_hex

from rrsitr_lib.data.noise import inject
from rrsitr_lib.show.noise_drawing import LOOKS, noise_drawing

IMAGES = np.repeat(["lake_1", "lake_2", "port_1"], 2)


def test_every_row_has_a_line_to_its_caption_in_the_look_of_its_kind():
    noise = inject(IMAGES, 1.0, "shuffle", 3)
    (axis,) = noise_drawing(IMAGES, {"shuffle": noise}).axes
    lines = [line for line in axis.lines if line.get_xdata()[0] < 0.5]
    assert [tuple(line.get_ydata()) for line in lines] == list(enumerate(noise.caption_index))
    looks = list(LOOKS.values())
    wanted = [
        2 if wrong else int(source != row)
        for row, (source, wrong) in enumerate(zip(noise.caption_index, noise.mismatched, strict=True))
    ]
    assert {*wanted} == {1, 2} and [to_hex(line.get_color()) for line in lines] == [looks[kind][0] for kind in wanted]
    assert f"{noise.mismatched.sum()} of 6 mismatched" in axis.get_title()


def test_a_panel_a_noise_and_the_first_names_the_images():
    noises = {name: inject(IMAGES, 0.5, name, 0) for name in ("derangement", "image")}
    first, second = noise_drawing(IMAGES, noises).axes
    assert [text.get_text() for text in first.get_yticklabels()] == ["lake_1", "lake_2", "port_1"]
    assert not second.get_yticklabels() and second.get_title().startswith("image")
