"""Pictures that are there twice under different names, and captions of theirs that contradict each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rrsitr_lib.audit.features import PairFeatures, unit
from rrsitr_lib.data.images import load_thumbnails
from rrsitr_lib.files import fingerprint

SIZE = 32
UNLIKE = 0.05  # quantile of the similarity of captions that one picture has


@dataclass(frozen=True)
class Duplicates:
    """**Shape** (N,) both: number of the pair's picture up to equal content; whether its twins say something else."""

    group_of_pair: np.ndarray
    contradicting: np.ndarray


def find_duplicates(features: PairFeatures, pictures: np.ndarray | Sequence[Path] | None) -> Duplicates:
    """Group pictures of equal content: equal small versions, so that format and size do not matter.

    ``pictures``: M arrays or files; None compares the features instead. A pair contradicts its twins when its caption
    is less like any of theirs than captions of one picture ever are (lowest 5 %).
    """
    contents = features.image if pictures is None else _small(pictures)
    first: dict[str, int] = {}
    group = np.array([first.setdefault(fingerprint(content), number) for number, content in enumerate(contents)])
    group_of_pair = group[features.image_of_pair]
    return Duplicates(group_of_pair, _contradicting(features, group_of_pair))


def _small(pictures: np.ndarray | Sequence[Path]) -> np.ndarray:
    return pictures if isinstance(pictures, np.ndarray) else load_thumbnails(pictures, SIZE)


def _contradicting(features: PairFeatures, group_of_pair: np.ndarray) -> np.ndarray:
    text, result = unit(features.text), np.zeros(len(features), dtype=bool)
    members: dict[int, list[int]] = {}
    for pair, group in enumerate(group_of_pair.tolist()):
        members.setdefault(group, []).append(pair)
    several = {group: pairs for group, pairs in members.items() if len(set(features.image_of_pair[pairs])) > 1}
    if not several:
        return result
    within = _within(features, text)
    if not len(within):
        return result
    border = np.quantile(within, UNLIKE)
    for pairs in several.values():
        own = text[features.caption_of_pair[pairs]]
        like = own @ own.T
        other = features.image_of_pair[pairs][:, None] != features.image_of_pair[pairs]
        result[pairs] = np.where(other, like, -1).max(axis=1) < border
    return result


def _within(features: PairFeatures, text: np.ndarray) -> np.ndarray:
    """Similarity of neighbouring captions of one picture, all that there are."""
    order = np.argsort(features.image_of_pair, kind="stable")
    same = np.diff(features.image_of_pair[order]) == 0
    first, second = features.caption_of_pair[order[:-1][same]], features.caption_of_pair[order[1:][same]]
    return np.einsum("nd,nd->n", text[first], text[second])
