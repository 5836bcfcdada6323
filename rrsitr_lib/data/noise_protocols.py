"""The three protocols that know which image a caption belongs to: ``derangement``, ``image`` and ``hard``."""

import re

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from rrsitr_lib.errors import InputError

TRIES = 50
REPAIRS = 8  # passes over the clashes; each leaves few of them, or there is hardly a way out
SMALL = 1_000  # up to this many drawn rows an exact matching is affordable when repair fails


class Groups:
    """Which image and which sentence every row has, as whole numbers, and what follows for foreign captions.

    Shape: ``images`` (N,) int64, ``texts`` (N,) int64 or None (then every caption counts as different).
    """

    def __init__(self, images: np.ndarray, texts: np.ndarray | None) -> None:
        self.images, self.texts = images, texts
        if texts is not None:
            self._sentences = int(texts.max()) + 1
            self._own = pd.Index(pd.unique(images * self._sentences + texts))

    def foreign(self, rows: np.ndarray, sources: np.ndarray) -> np.ndarray:
        """True where the caption of row ``sources`` is no sentence of the image of row ``rows``, elementwise."""
        elsewhere = self.images[rows] != self.images[sources]
        if self.texts is None:
            return elsewhere
        key = (self.images[rows] * self._sentences + self.texts[sources])[elsewhere]
        elsewhere[elsewhere] = self._own.get_indexer(key) < 0
        return elsewhere

    def mismatched(self, caption_index: np.ndarray) -> np.ndarray:
        """Shape: (N,) int64 -> (N,) bool."""
        result = np.zeros(len(caption_index), dtype=bool)
        moved = np.flatnonzero(caption_index != np.arange(len(caption_index)))
        result[moved] = self.foreign(moved, caption_index[moved])
        return result


def derangement(groups: Groups, rate: float, seed: int) -> np.ndarray:
    """Exactly ``round(N * rate)`` rows permute their captions so that none keeps a caption of its own image.

    Shape: result (N,) int64, a permutation. Raises ``InputError`` where no such permutation exists.
    """
    rows = len(groups.images)
    count = round(rows * rate)
    generator = np.random.default_rng(seed)
    caption_index = np.arange(rows)
    if count == 0:
        return caption_index
    for attempt in range(TRIES):
        order = generator.permutation(rows)
        if attempt:  # an image may hold at most half of the drawn rows: keep no more of any
            order = order[pd.Series(groups.images[order]).groupby(groups.images[order]).cumcount() < count // 2]
        drawn = order[:count]
        if len(drawn) < count:
            break
        sources = None
        if 2 * np.bincount(groups.images[drawn]).max() <= count:
            sources = _deranged(groups, drawn, generator)
        if sources is not None:
            caption_index[drawn] = sources
            return caption_index
    raise InputError(
        f"noise rate {rate} draws {count} of {rows} rows, but no exchange gives each of them a caption of another "
        "image: take a larger table, another rate, or the shuffle protocol"
    )


def _deranged(groups: Groups, drawn: np.ndarray, generator: np.random.Generator) -> np.ndarray | None:
    """A permutation of ``drawn`` without a caption of the own image: shuffle, then exchange the few that clash."""
    sources = generator.permutation(drawn)
    for _ in range(REPAIRS):
        clashes = np.flatnonzero(~groups.foreign(drawn, sources))
        if not len(clashes):
            return sources
        for clash in clashes:
            other = generator.integers(len(drawn))
            pair, swapped = [clash, other], [other, clash]
            if groups.foreign(drawn[pair], sources[swapped]).all():
                sources[pair] = sources[swapped]
    if len(drawn) > SMALL:
        return None
    allowed = groups.foreign(drawn[:, None], sources[None, :])
    match = maximum_bipartite_matching(csr_matrix(allowed), perm_type="column")
    return None if (match < 0).any() else sources[match]


def image_level(groups: Groups, rate: float, seed: int) -> np.ndarray:
    """``round(M * rate)`` of the M images exchange all their captions together, none keeps its own (DECL, RCL, L2RM).

    Row k of an image gets caption k of its new partner, beginning anew where the partner has fewer.
    Shape: result (N,) int64.
    """
    generator = np.random.default_rng(seed)
    order = np.argsort(groups.images, kind="stable")
    sizes = np.bincount(groups.images)
    starts = np.cumsum(sizes) - sizes
    count = round(len(sizes) * rate)
    caption_index = np.arange(len(groups.images))
    if count == 1:
        raise InputError(f"noise rate {rate} of {len(sizes)} images is 1 image: an exchange needs at least two")
    circle = generator.permutation(len(sizes))[:count]  # each passes its captions to the next: nobody keeps its own
    partner = np.arange(len(sizes))
    partner[circle] = np.roll(circle, 1)
    position = np.arange(len(order)) - np.repeat(starts, sizes)
    partner_of_row = np.repeat(partner, sizes)
    caption_index[order] = order[starts[partner_of_row] + position % sizes[partner_of_row]]
    return caption_index


def hard(groups: Groups, image_ids: np.ndarray, captions: np.ndarray | None, rate: float, seed: int) -> np.ndarray:
    """Exactly ``round(N * rate)`` rows get a caption drawn from another image of the same class.

    The class is the file name's (``airport_12.jpg``), else found from the words of the captions; a class with one image
    draws from all. Captions are copied, not exchanged, so one may serve twice.
    Shape: result (N,) int64. Raises ``InputError`` when there is neither class nor caption.
    """
    generator = np.random.default_rng(seed)
    caption_index = np.arange(len(groups.images))
    class_of_image = _class_of_image(groups, image_ids, captions, seed)
    lonely = (np.bincount(class_of_image) == 1)[class_of_image]
    drawn = generator.choice(len(caption_index), round(len(caption_index) * rate), replace=False)
    for attempt in range(TRIES):
        # a class whose images share all their sentences: after half the tries any other image must do
        anywhere = lonely[groups.images[drawn]] | (attempt >= TRIES // 2)
        for rows, classes in ((drawn[~anywhere], class_of_image), (drawn[anywhere], np.zeros_like(class_of_image))):
            if len(rows):
                caption_index[rows] = _from_another_image(groups.images, classes, rows, generator)
        drawn = drawn[~groups.foreign(drawn, caption_index[drawn])]
        if not len(drawn):
            return caption_index
    raise InputError(f"row {drawn[0]}: no caption of another image differs from those of {image_ids[drawn[0]]!r}")


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


def _class_of_image(groups: Groups, image_ids: np.ndarray, captions: np.ndarray | None, seed: int) -> np.ndarray:
    """The class of every image as a number, shape (M,): by file name where all carry one, else by the words."""
    # images are numbered in order of appearance: a row is its image's first where the number is a new maximum
    first_row = np.flatnonzero(np.diff(np.maximum.accumulate(groups.images), prepend=-1))
    names = [re.match(r"([^\W\d]+(?:[ _-][^\W\d]+)*)[ _-]?\d", str(image_ids[row])) for row in first_row]
    classes, _ = pd.factorize(np.array([match[1] if match else "" for match in names], dtype=object))
    if all(names) and (classes.max() > 0 or captions is None):
        return classes.astype(np.int64)
    if captions is None:
        nameless = image_ids[first_row[[match is None for match in names]][0]]
        raise InputError(f"image id {nameless!r} carries no class (as airport_12.jpg does): hard noise needs captions")
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = pd.Series(np.asarray(captions, dtype=object).astype(str)).groupby(groups.images).agg(" ".join)
    words = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True).fit_transform(texts)
    clusters = max(1, round(np.sqrt(len(texts) / 2)))
    return MiniBatchKMeans(clusters, random_state=seed, n_init=1).fit_predict(words).astype(np.int64)
