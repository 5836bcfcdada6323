"""The retrieval results of a run: the best candidates for every query of the test split, and their scores by part."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.evaluation import FusedScore, recall_from_ranks
from rrsitr_lib.files import load_arrays, save_arrays

FILE, TOP, BLOCK = "retrieval.npz", 20, 256


@dataclass(frozen=True)
class RetrievalResults:
    """The ``top`` best candidates for every caption and every image of the test split, by the fused score.

    **Shape** ``image_of_caption`` (C,); for queries that are captions: ``images`` (C, top) image numbers, best first,
    ``images_global``, ``images_local`` (C, top) the cosine and the local similarity, not yet weighted;
    ``image_rank`` (C,) rank of the true image, from 1. For queries that are images: ``captions`` (M, top),
    ``captions_global``, ``captions_local``; ``caption_rank`` (M,) rank of the best true caption (0: it has none).
    ``local_fraction`` () weights the local part. ``texts`` (C,) the captions.
    """

    image_of_caption: np.ndarray
    images: np.ndarray
    images_global: np.ndarray
    images_local: np.ndarray
    image_rank: np.ndarray
    captions: np.ndarray
    captions_global: np.ndarray
    captions_local: np.ndarray
    caption_rank: np.ndarray
    local_fraction: np.ndarray
    texts: np.ndarray

    @classmethod
    def open(cls, folder: str | Path) -> Self | None:
        """The results in a run folder, None where there are none. Raises ``InputError`` for a damaged file."""
        path = Path(folder) / FILE
        if not path.exists():
            return None
        arrays = load_arrays(path, "retrieval results")
        if missing := [field.name for field in fields(cls) if field.name not in arrays]:
            raise InputError(f"{path}: not retrieval results of this version (no {missing[0]})")
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def recalls(self) -> dict[str, float]:
        """Recall at 1, 5, 10 both ways and mR, in percent, from the ranks of the true candidates alone."""
        return recall_from_ranks(self.caption_rank[self.caption_rank > 0], self.image_rank)

    def save(self, folder: str | Path) -> Path:
        """Write into a run folder, whole or not at all."""
        return save_arrays(Path(folder) / FILE, {field.name: getattr(self, field.name) for field in fields(self)})


@torch.no_grad()
def rank(
    score: FusedScore, image_of_caption: np.ndarray, texts: Sequence[str] | np.ndarray, top: int = TOP
) -> RetrievalResults:
    """The best candidates both ways, block by block: the whole table of scores is never kept.

    **Shape** score (C, M); ``image_of_caption``, ``texts`` (C,).
    """
    image_of, numbers, whole = torch.as_tensor(image_of_caption), torch.arange(score.shape[1]), slice(None)
    by_caption, by_image = [], []
    for part in _parts(score.shape[0]):
        cosine, local = (table(part, whole).cpu() for table in (score.cosine, score.local))
        by_caption.append(_best(cosine, local, image_of[part, None] == numbers, score.local_fraction, top))
    for part in _parts(score.shape[1]):
        cosine, local = (table(whole, part).T.cpu() for table in (score.cosine, score.local))
        by_image.append(_best(cosine, local, numbers[part, None] == image_of, score.local_fraction, top))
    columns = [np.concatenate(column) for blocks in (by_caption, by_image) for column in zip(*blocks, strict=True)]
    fraction, written = np.array(score.local_fraction), np.array([str(one) for one in texts])
    return RetrievalResults(*(image_of_caption, *columns, fraction, written))


def _parts(queries: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, queries)) for start in range(0, queries, BLOCK)]


def _best(cosine: Tensor, local: Tensor, true: Tensor, local_fraction: float, top: int) -> tuple[np.ndarray, ...]:
    """Candidates best first, both parts of their score, and the rank of the best true one.

    **Shape** tables (queries, candidates) -> three of (queries, top), one of (queries,).
    """
    score = (1 - local_fraction) * cosine + local_fraction * local
    order = score.argsort(dim=1, descending=True, stable=True)[:, :top]
    own = score.masked_fill(~true, -torch.inf).amax(dim=1, keepdim=True)
    ranks = torch.where(true.any(dim=1), 1 + ((score >= own) & ~true).sum(dim=1), 0)
    best = (order, cosine.gather(1, order), local.gather(1, order), ranks)
    return tuple(part.numpy() for part in best)
