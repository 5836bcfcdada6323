"""The retrieval results of a run: the best candidates for every query of the test split, and their scores by part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.evaluation import FusedScore, recall_from_ranks, true_ranks
from rrsitr_lib.files import load_arrays, save_arrays
from rrsitr_lib.model.similarity import parts

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
    """The best candidates both ways; where both tables of similarities fit they are made once, else band by band.

    **Shape** score (C, M); ``image_of_caption``, ``texts`` (C,). Raises ``InputError`` where a score is not a number.
    """
    kept = [*_tables(score)] if score.fits else []
    by_caption: list[list[Tensor]] = []
    by_image: list[Tensor] = []

    def bands() -> Iterator[tuple[slice, Tensor]]:
        return ((rows, score.mixed(cosine, local)) for rows, cosine, local in kept or _tables(score))

    answers = torch.as_tensor(image_of_caption, device=score.device)
    caption_rank, image_rank = true_ranks(bands, answers, score.shape[1])
    for rows, cosine, local in kept or _tables(score):
        three = score.mixed(cosine, local), cosine, local
        by_caption.append(_best(three, top)[1:])
        by_image = _merged(by_image, _best([table.T for table in three], top, rows.start), top)
    images = [torch.cat(column).cpu().numpy() for column in zip(*by_caption, strict=True)]
    captions = [column.cpu().numpy() for column in by_image[1:]]
    fraction, written = np.array(score.local_fraction), np.array([str(one) for one in texts])
    arrays = (image_of_caption, *images, image_rank, *captions, caption_rank, fraction, written)
    return RetrievalResults(*arrays)


def _tables(score: FusedScore) -> Iterator[tuple[slice, Tensor, Tensor]]:
    return ((rows, score.cosine(rows), score.local(rows)) for rows in score.rows())


def _best(tables: Sequence[Tensor], top: int, first: int = 0) -> list[Tensor]:
    """Scores of the best candidates, their numbers, counted from ``first``, and both parts of their score.

    **Shape** score, cosine, local (queries, candidates) -> four of (queries, top).
    """
    found = []
    for part in parts(len(tables[0]), BLOCK):
        score, cosine, local = (table[part] for table in tables)
        places = best_places(score, top)
        found.append([score.gather(1, places), places + first, cosine.gather(1, places), local.gather(1, places)])
    return [torch.cat(column) for column in zip(*found, strict=True)]


def _merged(before: list[Tensor], found: list[Tensor], top: int) -> list[Tensor]:
    """The best of two bands of candidates, of which the first have the lower numbers."""
    if not before:
        return found
    both = [torch.cat(columns, dim=1) for columns in zip(before, found, strict=True)]
    places = best_places(both[0], top)
    return [column.gather(1, places) for column in both]


def best_places(score: Tensor, top: int) -> Tensor:
    """Places of the ``top`` highest scores of every row, the highest first, equal ones as they stand; without a sort.

    The bits of a float32, those of negative ones turned round, are whole numbers in the same order: with the place
    behind them no two are equal. **Shape** (queries, candidates) float32 -> (queries, top) int64.

    >>> best_places(torch.tensor([[0.5, -1.0, 0.5, 2.0]]), 3)
    tensor([[3, 0, 2]])
    """
    bits = (score + 0.0).view(torch.int32).long()  # -0.0 is 0.0
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    keys = (ordered << 32) - torch.arange(score.shape[1], device=score.device)
    return keys.topk(min(top, score.shape[1]), dim=1).indices
