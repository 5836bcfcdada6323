"""Exercises of lesson 02: the realised rate, images that lose every caption, the generator that runs on."""

from typing import Any

import numpy as np

from rrsitr_lib.teach.exercise import Exercise, Wrong

LESSON = "02_noise"


def _realised(image_of_row: Any, captions: Any, caption_index: Any) -> float:
    own: dict[int, set[str]] = {}
    for image, caption in zip(image_of_row, captions, strict=True):
        own.setdefault(image, set()).add(caption)
    wrong = [captions[source] not in own[image] for image, source in zip(image_of_row, caption_index, strict=True)]
    return sum(wrong) / len(wrong)


def _by_image_only(image_of_row: Any, captions: Any, caption_index: Any) -> float:
    return float(np.mean([image_of_row[row] != image_of_row[source] for row, source in enumerate(caption_index)]))


def _by_moved_rows(image_of_row: Any, captions: Any, caption_index: Any) -> float:
    return float(np.mean([row != source for row, source in enumerate(caption_index)]))


def _by_own_row(image_of_row: Any, captions: Any, caption_index: Any) -> float:
    return float(np.mean([captions[row] != captions[source] for row, source in enumerate(caption_index)]))


def _without(mismatched: Any, image_of_row: Any) -> int:
    return int((np.bincount(image_of_row, weights=~np.asarray(mismatched, dtype=bool)) == 0).sum())


def _with_a_bad_one(mismatched: Any, image_of_row: Any) -> int:
    return int((np.bincount(image_of_row, weights=np.asarray(mismatched, dtype=float)) > 0).sum())


def _with_a_good_one(mismatched: Any, image_of_row: Any) -> int:
    return int((np.bincount(image_of_row, weights=~np.asarray(mismatched, dtype=bool)) > 0).sum())


def _by_formula(mismatched: Any, image_of_row: Any) -> float:
    return float((max(image_of_row) + 1) * np.mean(mismatched) ** 5)


def _second(rows: int, first: float, second: float, seed: int) -> np.ndarray:
    generator = np.random.RandomState(seed)
    generator.shuffle(generator.choice(rows, int(rows * first), replace=False))
    return np.sort(generator.choice(rows, int(rows * second), replace=False))


def _second_fresh(rows: int, first: float, second: float, seed: int) -> np.ndarray:
    return np.sort(np.random.RandomState(seed).choice(rows, int(rows * second), replace=False))


def _second_unshuffled(rows: int, first: float, second: float, seed: int) -> np.ndarray:
    generator = np.random.RandomState(seed)
    generator.choice(rows, int(rows * first), replace=False)
    return np.sort(generator.choice(rows, int(rows * second), replace=False))


def _second_modern(rows: int, first: float, second: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    generator.shuffle(generator.choice(rows, int(rows * first), replace=False))
    return np.sort(generator.choice(rows, int(rows * second), replace=False))


EXERCISES = (
    Exercise(
        name="realised_rate",
        lesson=LESSON,
        difficulty="warm-up",
        minutes=10,
        cases=[
            {"image_of_row": [0, 0, 1, 1], "captions": list("abcd"), "caption_index": [0, 1, 2, 3]},
            {"image_of_row": [0, 0, 1, 1], "captions": list("abcd"), "caption_index": [1, 0, 2, 3]},
            {"image_of_row": [0, 0, 1, 1], "captions": list("abcd"), "caption_index": [2, 1, 0, 3]},
            {"image_of_row": [0, 0, 1, 1], "captions": list("abca"), "caption_index": [3, 2, 1, 0]},
            {"image_of_row": [0, 1, 0, 2, 1], "captions": list("lmnlo"), "caption_index": [3, 2, 4, 0, 1]},
            {"image_of_row": [0, 1, 2], "captions": list("ppp"), "caption_index": [1, 2, 0]},
        ],
        solution=_realised,
        wrong=(
            Wrong(
                _by_moved_rows,
                "this counts the rows that got another row's caption. Some of these captions come from a row of the "
                "very same image, and then they are as true as before.",
            ),
            Wrong(
                _by_image_only,
                "this counts the captions that come from another image. Collections repeat sentences: what if the "
                "caption from elsewhere reads exactly like one of the image's own?",
            ),
            Wrong(
                _by_own_row,
                "this compares with the sentence that stood in the same row. The image has further sentences, in other "
                "rows, and each of them describes it too.",
            ),
        ),
        first_step="Begin with the truth: collect, for every image, all sentences that it has in the clean table.",
        why="A row is mismatched when its sentence is none of its image's own; moving a caption is not enough.",
    ),
    Exercise(
        name="images_without_a_good_caption",
        lesson=LESSON,
        difficulty="core",
        minutes=10,
        cases=[
            {"mismatched": np.array([True] * 5 + [False] * 5), "image_of_row": np.repeat([0, 1], 5)},
            {"mismatched": np.array([True] * 4 + [False] + [True] * 5), "image_of_row": np.repeat([0, 1], 5)},
            {"mismatched": np.array([True, False] * 5), "image_of_row": np.repeat([0, 1], 5)},
            {"mismatched": np.zeros(6, dtype=bool), "image_of_row": np.array([0, 1, 2, 0, 1, 2])},
            {"mismatched": np.ones(3, dtype=bool), "image_of_row": np.array([0, 1, 2])},
            {"mismatched": np.array([True, True, False, True]), "image_of_row": np.array([0, 1, 0, 2])},
        ],
        solution=_without,
        wrong=(
            Wrong(
                _with_a_bad_one,
                "these are the images that have lost at least one caption. One good caption is enough for a model to "
                "learn from: which images have none?",
            ),
            Wrong(
                _with_a_good_one,
                "these are the others, the images that keep at least one good caption.",
            ),
            Wrong(
                _by_formula,
                "this is the mean over all injections of five captions an image, not the count in this one. It also "
                "forgets that images may have another number of captions.",
            ),
        ),
        first_step="For a single image: when is nothing good left? Count its good rows, then do so for all images.",
        why="At 40 % a caption-wise protocol takes every caption from about one image in a hundred, an image-wise one "
        "from forty: equal rates, different problems.",
    ),
    Exercise(
        name="second_draw",
        lesson=LESSON,
        difficulty="stretch",
        minutes=15,
        cases=[
            {"rows": 10, "first": 0.2, "second": 0.4, "seed": 42},
            {"rows": 50, "first": 0.2, "second": 0.4, "seed": 42},
            {"rows": 50, "first": 0.2, "second": 0.4, "seed": 7},
            {"rows": 33, "first": 0.5, "second": 0.1, "seed": 3},
            {"rows": 12, "first": 0.2, "second": 1.0, "seed": 0},
        ],
        solution=_second,
        wrong=(
            Wrong(
                _second_fresh,
                "these rows come from a generator that has drawn nothing before. The authors' generator has already "
                "produced the split of the first rate, and is not seeded again.",
            ),
            Wrong(
                _second_unshuffled,
                "nearly: the generator ran on from the first draw of rows, but between the two draws it had something "
                "else to do. What happens to the captions of the drawn rows?",
            ),
            Wrong(
                _second_modern,
                "right in order, but another generator: the protocol uses NumPy's legacy one, whose numbers differ "
                "from those of default_rng for the same seed.",
            ),
        ),
        first_step="Make one legacy generator, and let it do everything that the first rate needs, in its order.",
        why="The split of the second rate depends on the first having been made: whoever makes only the 40 % split "
        "with a fresh generator trains on other pairs, under the same name.",
    ),
)
