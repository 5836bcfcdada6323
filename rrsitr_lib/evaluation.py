"""Retrieval recall from a fused score, and how well the losses tell mismatched pairs from true ones."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.model.similarity import Features, cosine_similarity, local_similarity

BLOCK_ROWS, BLOCK_COLUMNS = 512, 1024
DENSE_BYTES = 2**30
Block = tuple[slice, slice, Tensor]


class FusedScore:
    """(1 - local_fraction) * global cosine + local_fraction * local similarity, by blocks (paper, evaluation).

    Shape: ``text`` pooled (C, D), tokens (C, Lt, D), ``image`` pooled (M, D), tokens (M, Li, D) -> blocks of (C, M).
    The local part is the norm without the factor 20, so it can exceed the cosine by far (quirk 11). ``others``: text
    and image of further networks, whose similarities are averaged with these.
    """

    def __init__(
        self,
        text: Features,
        image: Features,
        local_fraction: float = 0.1,
        others: Sequence[tuple[Features, Features]] = (),
    ) -> None:
        self.networks, self.local_fraction = [(text, image), *others], local_fraction
        self.shape = (len(text.pooled), len(image.pooled))
        self.device = text.pooled.device

    def cosine(self, rows: slice, columns: slice) -> Tensor:
        """Cosine of some captions with some images, (captions, images)."""
        return _mean([cosine_similarity(t.pooled[rows].float(), i.pooled[columns].float()) for t, i in self.networks])

    def local(self, rows: slice, columns: slice) -> Tensor:
        """Local similarity of some captions with some images, (captions, images)."""
        return _mean([local_similarity(t.tokens[rows].float(), i.tokens[columns].float()) for t, i in self.networks])

    def blocks(self) -> Iterator[Block]:
        """The score block by block: memory stays bounded however large the set."""
        for rows, columns in _grid(*self.shape):
            score = self.cosine(rows, columns)
            if self.local_fraction:
                score = (1 - self.local_fraction) * score + self.local_fraction * self.local(rows, columns)
            yield rows, columns, score

    def dense(self) -> Tensor:
        """The whole score, (C, M)."""
        score = torch.empty(self.shape, device=self.device)
        for rows, columns, block in self.blocks():
            score[rows, columns] = block
        return score


def _mean(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.stack(list(parts)).mean(dim=0)


def recall(score: Any, image_of_caption: np.ndarray, ks: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
    """Recall at K both ways and mR, their mean, in percent (paper, evaluation).

    Image to text: a hit if any caption of the image is among the K best; any number of captions an image, none allowed
    (the image is then only a wrong answer). Text to image: a hit if the caption's image is among the K best.
    Ties count against us: everything wrong that scores as high as the right answer is ranked before it, so a constant
    score finds nothing. Shape: ``score`` (captions, images) array, tensor or ``FusedScore``, read block by block twice;
    ``image_of_caption`` (captions,). Raises ``InputError`` for wrong shapes, image numbers out of range, NaN, K < 1.

    >>> recall(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), ks=(1,))
    {'i2t_R@1': 100.0, 't2i_R@1': 100.0, 'mR': 100.0}
    >>> recall(np.zeros((2, 2)), np.array([0, 1]), ks=(1,))["mR"]
    0.0
    """
    if not isinstance(score, FusedScore):
        score = torch.as_tensor(np.asarray(score) if not isinstance(score, Tensor) else score.detach())
    elif score.shape[0] * score.shape[1] * 4 <= DENSE_BYTES:
        score = score.dense()
    answers = _checked(score, image_of_caption, ks)
    text_rank, image_rank = _ranks(score, answers)
    return recall_from_ranks(image_rank + 1, text_rank + 1, ks)


def recall_from_ranks(
    caption_rank: np.ndarray, image_rank: np.ndarray, ks: Sequence[int] = (1, 5, 10)
) -> dict[str, float]:
    """Recall at K both ways and mR, their mean, in percent, from the ranks of the true candidates, from 1.

    Shape: ``caption_rank`` (images that have captions,), rank of the best of its captions; ``image_rank`` (captions,).

    >>> recall_from_ranks(np.array([1, 2]), np.array([1, 1, 4]), ks=(1,))["i2t_R@1"]
    50.0
    """
    result = {f"i2t_R@{k}": 100 * float((caption_rank <= k).mean()) for k in ks}
    result |= {f"t2i_R@{k}": 100 * float((image_rank <= k).mean()) for k in ks}
    return result | {"mR": float(np.mean(list(result.values())))}


def chance_recall(image_of_caption: np.ndarray, images: int, ks: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
    """What a random order would reach, in percent: the row every table needs beside its results.

    Shape: ``image_of_caption`` (captions,). One minus the hypergeometric chance of drawing none of an image's captions.

    >>> round(chance_recall(np.repeat(np.arange(452), 5), 452)["mR"], 2)  # RSITMD's test set
    1.18
    """
    captions, own = len(image_of_caption), np.bincount(image_of_caption, minlength=images)
    result = {}
    for k in ks:
        drawn = np.arange(min(k, captions))
        miss = np.prod(np.clip((captions - own[own > 0][:, None] - drawn) / (captions - drawn), 0, 1), axis=1)
        result[f"i2t_R@{k}"] = float(100 * (1 - miss).mean())
    result |= {f"t2i_R@{k}": 100.0 * min(k, images) / images for k in ks}
    return result | {"mR": float(np.mean(list(result.values())))}


def partition_quality(loss: np.ndarray, category: np.ndarray, mismatched: np.ndarray) -> dict[str, Any]:
    """How loss and category of every pair agree with the injected truth.

    ``auroc``: chance that a mismatched pair has the higher loss, in [0, 1], None without both kinds; ``confusion``:
    3 x 2 counts, category by (true, mismatched); ``precision`` and ``recall`` of calling a pair noisy,
    ``clean_precision`` the share of true pairs among those called clean, each [0, 1], or None without counts.
    Shape: all (N,). Raises ``InputError`` for unequal lengths or losses that are not finite.

    >>> partition_quality(np.array([1.0, 2.0, 9.0]), np.array([0, 1, 2]), np.array([False, False, True]))["auroc"]
    1.0
    """
    from sklearn.metrics import roc_auc_score

    loss, category, mismatched = np.asarray(loss), np.asarray(category), np.asarray(mismatched, dtype=bool)
    if not loss.shape == category.shape == mismatched.shape or loss.ndim != 1:
        raise InputError(f"shapes {loss.shape}, {category.shape}, {mismatched.shape}: all three must be (N,)")
    if not np.isfinite(loss).all():
        raise InputError(f"loss of row {int(np.argmax(~np.isfinite(loss)))} is not finite")
    if not np.isin(category, (0, 1, 2)).all():
        raise InputError(f"category holds {np.setdiff1d(category, (0, 1, 2))[0]}: allowed are 0, 1 and 2")
    confusion = np.zeros((3, 2), dtype=int)
    np.add.at(confusion, (category.astype(int), mismatched.astype(int)), 1)
    both = 0 < mismatched.sum() < len(mismatched)
    return {
        "auroc": float(roc_auc_score(mismatched, loss)) if both else None,
        "confusion": confusion.tolist(),
        **confusion_scores(confusion),
    }


def auroc_in_words(quality: Mapping[str, Any]) -> str:
    """The AUROC of a ``partition_quality``, or which kind of pair there must be for one and is not.

    >>> auroc_in_words({"auroc": None, "confusion": [[0, 3], [0, 1], [0, 0]]})
    'all pairs are mismatched, none is true: no AUROC'
    """
    if quality["auroc"] is not None:
        return f"AUROC of the loss {quality['auroc']:.3f} (0.5 chance, 1 best)"
    mismatched = sum(row[1] for row in quality["confusion"])
    return f"{'all pairs are mismatched, none is true' if mismatched else 'no pair is mismatched'}: no AUROC"


def confusion_scores(confusion: np.ndarray) -> dict[str, float | None]:
    """``precision`` and ``recall`` of calling a pair noisy, ``clean_precision``; [0, 1], or None without counts.

    Shape: (3, 2), category by (true, mismatched).

    >>> confusion_scores(np.array([[8, 2], [1, 1], [1, 7]]))["precision"]
    0.875
    """
    return {
        "precision": _share(confusion[2, 1], confusion[2].sum()),
        "recall": _share(confusion[2, 1], confusion[:, 1].sum()),
        "clean_precision": _share(confusion[0, 0], confusion[0].sum()),
    }


def _checked(score: Any, image_of_caption: np.ndarray, ks: Sequence[int]) -> Tensor:
    answers = np.asarray(image_of_caption)
    if len(score.shape) != 2 or 0 in score.shape or answers.shape != (score.shape[0],):
        raise InputError(
            f"score has shape {tuple(score.shape)} and image_of_caption {answers.shape}: "
            "expected (captions, images) and (captions,), neither empty"
        )
    if answers.dtype.kind not in "iu" or answers.min() < 0 or answers.max() >= score.shape[1]:
        raise InputError(f"image_of_caption must hold whole numbers from 0 to {score.shape[1] - 1}")
    if len(ks) == 0 or any(isinstance(k, bool) or not k >= 1 or k != k // 1 for k in ks):
        raise InputError(f"ks is {tuple(ks)}: allowed are whole numbers of at least 1")
    return torch.as_tensor(answers.astype(np.int64))


def _ranks(score: Any, answers: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Wrong answers that score at least as high as the right one: (captions,), and (images that have captions,)."""
    captions, images = score.shape
    own = torch.full((captions,), -torch.inf, dtype=torch.float64)
    for rows, columns, block in _blocks(score):
        if block.isnan().any():
            row, column = torch.nonzero(block.isnan())[0].tolist()
            raise InputError(f"score[{rows.start + row}, {columns.start + column}] is not a number")
        here = torch.nonzero((answers[rows] >= columns.start) & (answers[rows] < columns.stop))[:, 0]
        own[rows.start + here] = block[here, answers[rows][here] - columns.start]
    best = torch.full((images,), -torch.inf, dtype=torch.float64).scatter_reduce_(0, answers, own, "amax")
    before_caption, before_image = torch.zeros(captions, dtype=torch.long), torch.zeros(images, dtype=torch.long)
    for rows, columns, block in _blocks(score):
        before_caption[rows] += (block >= own[rows, None]).sum(dim=1)
        before_image[columns] += (block >= best[columns]).sum(dim=0)
    own_as_good = torch.zeros(images, dtype=torch.long).scatter_add_(0, answers, (own >= best[answers]).long())
    asked = torch.bincount(answers, minlength=images) > 0
    return (before_caption - 1).numpy(), (before_image - own_as_good)[asked].numpy()


def _blocks(score: Any) -> Iterator[Block]:
    if isinstance(score, FusedScore):
        grid = score.blocks()
    else:
        grid = ((rows, columns, score[rows, columns]) for rows, columns in _grid(*score.shape))
    return ((rows, columns, block.cpu().double()) for rows, columns, block in grid)


def _grid(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, rows, BLOCK_ROWS):
        for column in range(0, columns, BLOCK_COLUMNS):
            yield slice(row, min(row + BLOCK_ROWS, rows)), slice(column, min(column + BLOCK_COLUMNS, columns))


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
