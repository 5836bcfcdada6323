"""The rankings of a run: the best answers to every question of the test split, with both parts of their score."""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.evaluation import recall_of_places
from rrsitr_lib.files import write_atomically
from rrsitr_lib.model.encoders import Features
from rrsitr_lib.model.similarity import cosine_similarity, local_similarity

FILE, TOP, BLOCK = "rankings.npz", 20, 256


@dataclass(frozen=True)
class Rankings:
    """The ``top`` best answers to every caption and every image of the test split, by the fused score.

    **Shape** ``image_of_caption`` (C,); for questions that are captions: ``images`` (C, top) image numbers, best first,
    ``images_global``, ``images_local`` (C, top) the cosine and the local similarity, not yet weighted;
    ``image_rank`` (C,) place of the true image, from 1. For questions that are images: ``captions`` (M, top),
    ``captions_global``, ``captions_local``; ``caption_rank`` (M,) place of the best true caption (0: it has none).
    ``local_share`` () weights the local part. ``texts`` (C,) the captions. Taught in: notebooks/01_retrieval
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
    local_share: np.ndarray
    texts: np.ndarray

    @classmethod
    def open(cls, folder: str | Path) -> Self | None:
        """The rankings in a run folder, None where there are none. Raises ``InputError`` for a damaged file."""
        path = Path(folder) / FILE
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(**{field.name: arrays[field.name] for field in fields(cls)})
        except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: not rankings of this version ({error})") from None

    def recalls(self) -> dict[str, float]:
        """Recall at 1, 5, 10 both ways and mR, in percent, from the places of the true answers alone."""
        return recall_of_places(self.caption_rank[self.caption_rank > 0], self.image_rank)

    def save(self, folder: str | Path) -> Path:
        """Write into a run folder, whole or not at all."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}

        def write(temporary: Path) -> None:
            with open(temporary, "wb") as file:
                np.savez_compressed(file, **arrays)

        return write_atomically(Path(folder) / FILE, write)


@torch.no_grad()
def rank(
    text: Features, image: Features, image_of_caption: np.ndarray, texts: np.ndarray, local_share: float, top: int = TOP
) -> Rankings:
    """The best answers both ways, block by block: the whole table of scores is never kept.

    **Shape** features of C captions and M images; ``image_of_caption``, ``texts`` (C,).
    """
    answers = torch.as_tensor(image_of_caption)
    numbers = torch.arange(len(image.pooled))
    by_caption, by_image = [], []
    for part in _parts(len(answers)):
        score = _score(text, image, part, slice(None))
        by_caption.append(_best(*score, answers[part, None] == numbers, local_share, top))
    for part in _parts(len(numbers)):
        score = [table.T for table in _score(text, image, slice(None), part)]
        by_image.append(_best(*score, numbers[part, None] == answers, local_share, top))
    asked, answered = (_joined(parts) for parts in (by_caption, by_image))
    return Rankings(image_of_caption, *asked, *answered, np.array(local_share), np.array([str(one) for one in texts]))


def _parts(questions: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, questions)) for start in range(0, questions, BLOCK)]


def _score(text: Features, image: Features, captions: slice, images: slice) -> tuple[Tensor, Tensor]:
    """Cosine and local similarity, (captions, images) each."""
    cosine = cosine_similarity(text.pooled[captions].float(), image.pooled[images].float())
    local = local_similarity(text.tokens[captions].float(), image.tokens[images].float())
    return cosine.cpu(), local.cpu()


def _best(cosine: Tensor, local: Tensor, true: Tensor, local_share: float, top: int) -> tuple[np.ndarray, ...]:
    """Answers best first, both parts of their score, and the place of the best true one.

    **Shape** tables (questions, answers) -> three of (questions, top), one of (questions,).
    """
    score = (1 - local_share) * cosine + local_share * local
    order = score.argsort(dim=1, descending=True, stable=True)[:, :top]
    own = score.masked_fill(~true, -torch.inf).amax(dim=1, keepdim=True)
    place = torch.where(true.any(dim=1), 1 + ((score >= own) & ~true).sum(dim=1), 0)
    best = (order, cosine.gather(1, order), local.gather(1, order), place)
    return tuple(part.numpy() for part in best)


def _joined(parts: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
