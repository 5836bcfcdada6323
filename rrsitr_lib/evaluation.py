"""Retrieval recall from a fused score, and how well the losses tell mismatched pairs from true ones."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.model.similarity import Features, cosine_similarity, local_similarity, parts

DENSE_BYTES = 2**30  # of a table of scores that is kept whole
Bands = Callable[[], Iterable[tuple[slice, Tensor]]]


class FusedScore:
    """(1 - local_fraction) * global cosine + local_fraction * local similarity (paper, evaluation).

    Shape: ``text`` pooled (C, D), tokens (C, Lt, D), ``image`` pooled (M, D), tokens (M, Li, D) -> (C, M).
    The local part is the norm without the factor 20, so it can exceed the cosine by far (quirk 11). ``others``: text
    and image of further networks, whose similarities are averaged with these. ``entry_of_caption`` (C,): equal captions
    share an entry of ``text``, and are compared once.
    """

    def __init__(
        self,
        text: Features,
        image: Features,
        local_fraction: float = 0.1,
        others: Sequence[tuple[Features, Features]] = (),
        entry_of_caption: np.ndarray | None = None,
    ) -> None:
        self.networks, self.local_fraction = [(text, image), *others], local_fraction
        self.device = text.pooled.device
        self.entries = None if entry_of_caption is None else torch.from_numpy(entry_of_caption).to(self.device)
        captions = text.pooled if self.entries is None else self.entries
        self.shape = (len(captions), len(image.pooled))

    @property
    def fits(self) -> bool:
        """Whether a whole table is small enough to be kept."""
        return 4 * self.shape[0] * self.shape[1] <= DENSE_BYTES

    def rows(self) -> Iterator[slice]:
        """Captions whose scores with all images are made at once: memory stays bounded however large the set."""
        return parts(self.shape[0], max(1, DENSE_BYTES // (4 * self.shape[1])))

    def cosine(self, rows: slice) -> Tensor:
        """Cosine of some captions with all images, (captions, images)."""
        return self._mean(rows, lambda text, image: cosine_similarity(text.pooled.float(), image.pooled.float()))

    def local(self, rows: slice) -> Tensor:
        """Local similarity of some captions with all images, (captions, images)."""
        return self._mean(rows, lambda text, image: local_similarity(text.tokens.float(), image.tokens.float()))

    def _mean(self, rows: slice, similarity: Callable[[Features, Features], Tensor]) -> Tensor:
        """Over the networks."""
        whole = self.entries is not None and rows == slice(0, self.shape[0])
        chosen = rows if self.entries is None or whole else self.entries[rows]
        tables = [similarity(Features(*(part[chosen] for part in text)), image) for text, image in self.networks]
        mean = tables[0] if len(tables) == 1 else torch.stack(tables).mean(dim=0)
        return mean[self.entries] if whole else mean

    def mixed(self, cosine: Tensor, local: Tensor) -> Tensor:
        """The score of both parts."""
        return (1 - self.local_fraction) * cosine + self.local_fraction * local

    def bands(self) -> Iterator[tuple[slice, Tensor]]:
        """Some captions, and their scores with all images."""
        for rows in self.rows():
            yield rows, self.mixed(self.cosine(rows), self.local(rows)) if self.local_fraction else self.cosine(rows)

    def dense(self) -> Tensor:
        """The whole score, (C, M)."""
        return torch.cat([band for _, band in self.bands()])


def recall(score: Any, image_of_caption: np.ndarray, ks: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
    """Recall at K both ways and mR, their mean, in percent (paper, evaluation).

    Image to text: a hit if any caption of the image is among the K best; any number of captions an image, none allowed
    (the image is then only a wrong answer). Text to image: a hit if the caption's image is among the K best.
    Ties count against us: everything wrong that scores as high as the right answer is ranked before it, so a constant
    score finds nothing. Shape: ``score`` (captions, images) array, tensor or ``FusedScore``;
    ``image_of_caption`` (captions,). Raises ``InputError`` for wrong shapes, image numbers out of range, NaN, K < 1.

    >>> recall(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), ks=(1,))
    {'i2t_R@1': 100.0, 't2i_R@1': 100.0, 'mR': 100.0}
    >>> recall(np.zeros((2, 2)), np.array([0, 1]), ks=(1,))["mR"]
    0.0
    """
    if not isinstance(score, FusedScore):
        score = torch.as_tensor(np.asarray(score) if not isinstance(score, Tensor) else score.detach())
    answers = _checked(score, image_of_caption, ks)
    if isinstance(score, FusedScore) and score.fits:
        score = score.dense()
    whole = slice(0, len(answers))
    bands = score.bands if isinstance(score, FusedScore) else lambda: [(whole, score)]
    caption_rank, image_rank = true_ranks(bands, answers.to(score.device), score.shape[1])
    return recall_from_ranks(caption_rank[caption_rank > 0], image_rank, ks)


def true_ranks(bands: Bands, answers: Tensor, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Rank, from 1, of the best true caption of every image (0: it has none), and of the true image of every caption.

    Wrong candidates with an equal score come first. ``bands`` gives (rows, scores (rows, images)) of all captions, and
    is asked twice. Shape: ``answers`` (C,), on the device of the scores -> (M,), (C,).
    Raises ``InputError`` where a score is not a number.
    """
    own = torch.cat([_own(rows, band, answers) for rows, band in bands()])
    best = own.new_full((images,), -torch.inf).scatter_reduce(0, answers, own, "amax")
    zeros, image_ranks = torch.zeros(images, dtype=torch.long, device=answers.device), []
    as_good = zeros
    for rows, band in bands():
        image_ranks.append((band >= own[rows, None]).sum(dim=1))  # itself among them
        as_good = as_good + (band >= best).sum(dim=0)
    own_as_good = zeros.scatter_add(0, answers, (own >= best[answers]).long())
    asked = zeros.scatter_add(0, answers, torch.ones_like(answers)) > 0
    caption_rank = torch.where(asked, 1 + as_good - own_as_good, 0)
    return caption_rank.cpu().numpy(), torch.cat(image_ranks).cpu().numpy()


def _own(rows: slice, band: Tensor, answers: Tensor) -> Tensor:
    """Score of the true image of every caption of a band."""
    if band.isnan().any():
        row, column = torch.nonzero(band.isnan())[0].tolist()
        raise InputError(f"score[{rows.start + row}, {column}] is not a number")
    own = band.gather(1, answers[rows, None])[:, 0]
    return own if own.is_floating_point() else own.double()


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


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
