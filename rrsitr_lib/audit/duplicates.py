"""Images that are there twice under different names, and captions of theirs that contradict each other."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from rrsitr_lib.audit.features import PairFeatures, rows_of, unit
from rrsitr_lib.data.images import NEARLY_BLACK, THREADS, open_image
from rrsitr_lib.files import fingerprint

SIZE = 32  # pixels of a small version
ONE_COLOUR = 2  # of 255 levels, between any two places of a small version
UNLIKE = 0.05  # quantile of the similarity of captions that one image has


@dataclass(frozen=True)
class Duplicates:
    """**Shape** (N,) each: number of the pair's image up to equal content; whether its twins say something else.

    ``blank``: whether its image is of one colour or nearly black, False where images were not looked at.
    """

    group_of_pair: np.ndarray
    contradicting: np.ndarray
    blank: np.ndarray


def find_duplicates(features: PairFeatures, images: np.ndarray | Sequence[Path] | None) -> Duplicates:
    """Group images of equal content: equal small versions, so that format and size do not matter.

    ``images``: M arrays or files; None compares the features instead. A pair contradicts its twins when its caption
    is less like any of theirs than captions of one image ever are (lowest 5 %).
    """
    images = features.image if images is None else images
    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(_seen, images))
    first: dict[str, int] = {}
    group = np.array([first.setdefault(content, number) for number, (content, _) in enumerate(seen)])
    group_of_pair, blank = group[features.image_of_pair], np.array([is_blank for _, is_blank in seen])
    return Duplicates(group_of_pair, _contradicting(features, group_of_pair), blank[features.image_of_pair])


def _seen(image: np.ndarray | Path) -> tuple[str, bool]:
    """Fingerprint of an image, and whether it is of one colour or nearly black; no picture is kept."""
    content = thumbnail(image) if isinstance(image, Path) else image
    return fingerprint(content), content.dtype == np.uint8 and _is_blank(content)


def _is_blank(content: np.ndarray) -> bool:
    return bool(np.ptp(content, axis=(0, 1)).max() <= ONE_COLOUR or content.max() < NEARLY_BLACK)


def thumbnail(path: Path) -> np.ndarray:
    """Decode an image to a square: the largest centred one, bicubic. **Shape** (SIZE, SIZE, 3) uint8.

    Raises ``InputError`` naming the file.
    """
    return np.asarray(ImageOps.fit(open_image(path), (SIZE, SIZE), Image.Resampling.BICUBIC))


def _contradicting(features: PairFeatures, group_of_pair: np.ndarray) -> np.ndarray:
    text, result = unit(features.text), np.zeros(len(features), dtype=bool)
    several = [pairs for pairs in rows_of(group_of_pair) if len(set(features.image_of_pair[pairs])) > 1]
    within = _within(features, text)
    if not several or not len(within):
        return result
    border = np.quantile(within, UNLIKE)
    for pairs in several:
        own = text[features.caption_of_pair[pairs]]
        like = own @ own.T
        other = features.image_of_pair[pairs][:, None] != features.image_of_pair[pairs]
        result[pairs] = np.where(other, like, -1).max(axis=1) < border
    return result


def _within(features: PairFeatures, text: np.ndarray) -> np.ndarray:
    """Similarity of neighbouring captions of one image, all that there are."""
    order = np.argsort(features.image_of_pair, kind="stable")
    same = np.diff(features.image_of_pair[order]) == 0
    first, second = features.caption_of_pair[order[:-1][same]], features.caption_of_pair[order[1:][same]]
    return np.einsum("nd,nd->n", text[first], text[second])
