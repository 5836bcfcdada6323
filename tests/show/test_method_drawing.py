"""The drawing of the method: every part can be lit, and nothing lies outside or over another text."""

import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.method_drawing import PARTS, QUIET, method_drawing


def drawn(figure):
    figure.draw_without_rendering()
    return figure.axes[0]


@pytest.mark.parametrize("part", PARTS)
def test_lit_part_alone_stands_out(part):
    alphas = [artist.get_alpha() for artist in drawn(method_drawing(part)).texts]
    assert {*alphas} <= {QUIET, 1.0} and QUIET in alphas
    assert any(patch.get_alpha() == 1.0 for patch in method_drawing(part).axes[0].patches)
    texts = drawn(method_drawing(part)).texts
    arrows = [text.arrow_patch.get_alpha() for text in texts if getattr(text, "arrow_patch", None)]
    assert QUIET in arrows, "the arrows of the other parts are quiet too"


def test_whole_drawing_says_all_categories_and_has_no_text_over_another():
    axis = drawn(method_drawing())
    assert {*CATEGORY_NAMES} <= {text.get_text() for text in axis.texts}
    boxes = [text.get_window_extent() for text in axis.texts if text.get_text()]
    frame = axis.figure.bbox
    for number, box in enumerate(boxes):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1, axis.texts[number].get_text()
        assert not any(box.overlaps(other) for other in boxes[number + 1 :]), axis.texts[number].get_text()


def test_unknown_part_is_named_with_the_known_ones():
    with pytest.raises(InputError, match=r"lit is 'wave': the parts of the drawing are pairs, scores"):
        method_drawing("wave")
