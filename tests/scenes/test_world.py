"""The built-in world: seeded, legible at any size, and honest about what is true."""

import re

import numpy as np
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.scenes.words import ATTRIBUTES, GRAMMAR, VALUES
from rrsitr_lib.scenes.world import KINDS, SceneSet, draw_scenes


@pytest.fixture(scope="module")
def world() -> SceneSet:
    return draw_scenes(1000, seed=5)


def test_same_seed_same_bits_and_prefix_of_a_larger_set():
    few, again, more, other = (draw_scenes(n, seed=s) for n, s in ((10, 1), (10, 1), (20, 1), (10, 2)))
    for set_ in (again, more):
        np.testing.assert_array_equal(few.images, set_.images[:10])
        np.testing.assert_array_equal(few.image_ids, set_.image_ids[:10])
        np.testing.assert_array_equal(few.claims, set_.claims[:50])
        np.testing.assert_array_equal(few.attributes, set_.attributes[:10])
        assert few.captions == set_.captions[:50]
    assert (few.images != other.images).any(axis=(1, 2, 3)).all()


def test_no_global_random_state_is_read_or_changed():
    np.random.seed(3)  # noqa: NPY002
    first, before = draw_scenes(3), np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    np.testing.assert_array_equal(first.images, draw_scenes(3).images)


@pytest.mark.parametrize("size", [16, 32, 128, 224])
def test_sizes_share_facts_words_and_looks(size):
    small, other = draw_scenes(18, seed=2), draw_scenes(18, seed=2, size=size)
    assert other.images.shape == (18, size, size, 3) and other.images.dtype == np.uint8
    np.testing.assert_array_equal(small.attributes, other.attributes)
    assert small.captions == other.captions

    def blocks(images):  # 8 x 8 mean colours
        return images.reshape(18, 8, images.shape[1] // 8, 8, images.shape[1] // 8, 3).mean(axis=(2, 4))

    apart = np.abs(blocks(small.images)[:, None] - blocks(other.images)).mean(axis=(2, 3, 4))
    assert np.diag(apart).mean() < 7 and (apart.argmin(axis=1) == np.arange(18)).all()


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 77])
def test_every_caption_is_true_of_its_own_scene(seed):
    scenes = draw_scenes(200, seed=seed, size=16)
    rows = np.arange(1000)
    assert scenes.true_of()[rows, rows // 5].all()
    assert (scenes.rows_image_ids == scenes.image_ids[rows // 5]).all()


def test_true_of_agrees_with_a_plain_loop():
    scenes = draw_scenes(40, seed=9, size=16)

    def holds(row, scene):
        pairs = zip(scenes.claims[row].tolist(), scenes.attributes[scene].tolist(), strict=True)
        return all(claim == -1 or (claim >> fact) % 2 for claim, fact in pairs)

    plain = np.array([[holds(row, scene) for scene in range(40)] for row in range(200)])
    np.testing.assert_array_equal(scenes.true_of(), plain)
    np.testing.assert_array_equal(scenes.true_of([3, 7], [5, 0, 1]), plain[np.ix_([3, 7], [5, 0, 1])])


def test_words_lengths_and_vagueness_are_like_the_benchmarks(world):
    lengths = [len(caption.split()) - 1 for caption in world.captions]
    words = {word for caption in world.captions for word in caption.split()}
    assert len(words) >= 250 and min(lengths) >= 5 and max(lengths) <= 20 and 10 <= np.mean(lengths) <= 13
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)* \.", caption) for caption in world.captions)
    true = world.true_of()
    assert 0.002 < (true.sum() - len(true)) / (true.size - len(true)) < 0.05
    assert all(len(set(world.captions[k : k + 5])) == 5 for k in range(0, 5000, 5))


@pytest.mark.parametrize(("attribute", "slot"), [("colour", "colour"), ("ground", "land"), ("count", "number"),
                                                 ("arrangement", "arranged")])  # fmt: skip
def test_a_word_of_a_fact_is_always_claimed(world, attribute, slot):
    """What a text says is in its claims: read back from the words, not from the grammar's run."""
    column = ATTRIBUTES.index(attribute)
    for text, claims, _ in GRAMMAR[slot]:
        allowed = dict(claims)[column]
        said = [row for row, caption in enumerate(world.captions) if f" {text} " in f" {caption} "]
        if len(text.split()) > 1:  # single words also occur in longer phrases ("a", "white snow", "many plants")
            assert (world.claims[said, column] & ~allowed == 0).all(), text


def test_scenes_hold_all_kinds_and_values_and_no_two_are_alike(world):
    assert len(KINDS) >= 12 and set(KINDS) == {name.split("_")[0] for name in world.image_ids}
    assert set(draw_scenes(18, seed=4, size=16).attributes[:, 0]) == set(range(18))
    for column, names in enumerate(VALUES.values()):
        assert set(world.attributes[:, column]) == set(range(len(names)))
    assert len({image.tobytes() for image in world.images}) == 1000
    assert len(set(world.image_ids)) == 1000 and re.fullmatch(r"[a-z]+_0007\.png", world.image_ids[7])
    assert len(np.unique(world.attributes[:100], axis=0)) >= 98


def test_a_fact_changes_the_picture():
    """The sea is where the facts say: on the far side of the shore, or under the boats of a port."""
    scenes = draw_scenes(360, seed=6)
    column = ATTRIBUTES.index
    sea = scenes.attributes[:, column("line")] == VALUES["line"].index("coast")
    left = sea & (scenes.attributes[:, column("side")] == VALUES["side"].index("left"))
    port = scenes.attributes[:, column("kind")] == VALUES["kind"].index("port")
    blueness = scenes.images[..., 2].astype(float) - scenes.images[..., 0]
    assert (blueness[left & ~port, 8:56, 58:].mean(axis=(1, 2)) > 50).all()  # the sea lies right of what is left of it
    assert (blueness[left & port, 8:56, :8].mean(axis=(1, 2)) > 50).all()  # boats lie in it


@pytest.mark.parametrize(("name", "value"), [("scenes", 0), ("size", 15), ("size", 1025), ("captions_per_scene", 0),
                                             ("scenes", 2.5), ("seed", -1)])  # fmt: skip
def test_errors_name_parameter_value_and_what_is_allowed(name, value):
    with pytest.raises(InputError, match=f"{name} is {value}: allowed is "):
        draw_scenes(**{"scenes": 2, name: value})


def test_caption_number_is_free_and_keeps_the_first_ones():
    assert draw_scenes(2, captions_per_scene=7, size=16).captions[:5] == draw_scenes(2, size=16).captions[:5]
    assert len(draw_scenes(1, captions_per_scene=60, size=16).captions) == 60
