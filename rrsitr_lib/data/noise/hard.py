"""``hard``: the caption comes from another image of the same class, so that it is nearly right."""

import re

import numpy as np
import pandas as pd

from rrsitr_lib.data.noise import PairIndex
from rrsitr_lib.errors import InputError
from rrsitr_lib.registry import PROTOCOLS

TRIES = 50


@PROTOCOLS.register("hard")
def hard(pairs: PairIndex, rate: float, seed: int) -> np.ndarray:
    """Exactly ``round(N * rate)`` rows get a caption drawn from another image of the same class.

    The class is the file name's (``airport_12.jpg``), else found from the words of the captions; a class with one image
    draws from all. Captions are copied, not exchanged, so one may serve twice.
    Shape: result (N,) int64. Raises ``InputError`` when there is neither class nor caption.
    """
    generator = np.random.default_rng(seed)
    caption_index = np.arange(len(pairs.images))
    class_of_image = _class_of_image(pairs, seed)
    lonely = (np.bincount(class_of_image) == 1)[class_of_image]
    drawn = generator.choice(len(caption_index), round(len(caption_index) * rate), replace=False)
    for attempt in range(TRIES):
        # a class whose images share all their sentences: after half the tries any other image must do
        anywhere = lonely[pairs.images[drawn]] | (attempt >= TRIES // 2)
        for rows, classes in ((drawn[~anywhere], class_of_image), (drawn[anywhere], np.zeros_like(class_of_image))):
            if len(rows):
                caption_index[rows] = _from_another_image(pairs.images, classes, rows, generator)
        drawn = drawn[~pairs.is_mismatched(drawn, caption_index[drawn])]
        if not len(drawn):
            return caption_index
    raise InputError(f"row {drawn[0]}: no caption of another image differs from those of {pairs.image_ids[drawn[0]]!r}")


def _from_another_image(
    images: np.ndarray, class_of_image: np.ndarray, rows: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draw for each of ``rows`` a row of the same class but another image, evenly over the class's rows."""
    sizes, by_class = np.bincount(images), np.argsort(class_of_image, kind="stable")
    own_start = np.empty_like(sizes)  # rows stand sorted by class, then by image: where each image begins
    own_start[by_class] = np.cumsum(sizes[by_class]) - sizes[by_class]
    class_sizes = np.bincount(class_of_image, weights=sizes).astype(np.int64)
    class_start = np.cumsum(class_sizes) - class_sizes
    order = np.argsort(own_start[images], kind="stable")
    image, own_class = images[rows], class_of_image[images[rows]]
    place = class_start[own_class] + generator.integers(0, class_sizes[own_class] - sizes[image])
    return order[np.where(place < own_start[image], place, place + sizes[image])]


def class_in_name(image_id: str) -> str:
    """The class that a file name carries before its number, with the ``_`` between them, else nothing.

    >>> class_in_name("airport12.jpg"), class_in_name("12.jpg")
    ('airport', '')
    """
    found = re.match(r"([^\W\d]+(?:[ _-][^\W\d]+)*)[ _-]?\d", image_id)
    return found[1] if found else ""


def _class_of_image(pairs: PairIndex, seed: int) -> np.ndarray:
    """The class of every image as a number, shape (M,): by file name where all carry one, else by the words."""
    # images are numbered in order of appearance: a row is its image's first where the number is a new maximum
    first_row = np.flatnonzero(np.diff(np.maximum.accumulate(pairs.images), prepend=-1))
    names = [class_in_name(str(pairs.image_ids[row])) for row in first_row]
    classes, _ = pd.factorize(np.array(names, dtype=object))
    if all(names) and (classes.max() > 0 or pairs.captions is None):
        return classes.astype(np.int64)
    if pairs.captions is None:
        nameless = pairs.image_ids[first_row[[not name for name in names]][0]]
        raise InputError(f"image id {nameless!r} carries no class (as airport_12.jpg does): hard noise needs captions")
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = pd.Series(np.asarray(pairs.captions, dtype=object).astype(str)).groupby(pairs.images).agg(" ".join)
    words = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True).fit_transform(texts)
    clusters = max(1, round(np.sqrt(len(texts) / 2)))
    return MiniBatchKMeans(clusters, random_state=seed, n_init=1).fit_predict(words).astype(np.int64)
