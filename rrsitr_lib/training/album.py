"""The album of a run: global features of a sample of training pairs, before training and after every epoch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically
from rrsitr_lib.training.inputs import SplitInputs

FOLDER, SAMPLE = "album", 200


@dataclass(frozen=True)
class Album:
    """Normalised global features of sampled pairs over epochs; place 0 is before training.

    **Shape** ``rows`` (n,) row numbers of the training table; ``image``, ``text`` (epochs + 1, n, D), pair by pair:
    ``text[e, k]`` is the caption with which row ``rows[k]`` was trained, the wrong one where it is mismatched.
    Taught in: notebooks/08_the_space
    """

    rows: np.ndarray
    image: np.ndarray
    text: np.ndarray

    @classmethod
    def open(cls, folder: str | Path, epochs: int) -> Self | None:
        """The album in the folder of a run of ``epochs`` finished epochs, None where it lacks a page.

        Raises ``InputError`` for a damaged file.
        """
        folder = Path(folder) / FOLDER
        pages = [folder / _page(epoch) for epoch in range(epochs + 1)]
        if not all(path.exists() for path in (folder / "rows.npy", *pages)):
            return None
        try:
            features = np.stack([np.load(page, allow_pickle=False) for page in pages]).astype(np.float32)
            rows = np.load(folder / "rows.npy", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{folder}: damaged ({error})") from None
        return cls(rows, features[:, 0], features[:, 1])


def sampled_rows(image_of_row: np.ndarray, seed: int, size: int = SAMPLE) -> np.ndarray:
    """Up to ``size`` rows of different images, ascending. **Shape** image_of_row (N,) -> (n,).

    >>> sampled_rows(np.array([0, 0, 1, 1]), seed=3).tolist() == sampled_rows(np.array([0, 0, 1, 1]), seed=3).tolist()
    True
    """
    order = np.random.default_rng((seed, SAMPLE)).permutation(len(image_of_row))
    _, first = np.unique(image_of_row[order], return_index=True)
    return np.sort(order[np.sort(first)[:size]])


@torch.no_grad()
def write_page(
    folder: Path, epoch: int, model: nn.Module, inputs: SplitInputs, caption_index: np.ndarray, config: RunConfig
) -> Path:
    """Write the features after ``epoch`` epochs, whole or not at all; a resumed run writes the same file again."""
    model.eval()
    device = next(model.parameters()).device
    rows = sampled_rows(inputs.image_of_row, config.seed)
    image = model.image(inputs.images.fetch(inputs.image_of_row[rows]).to(device)).pooled
    text = model.text(inputs.captions.fetch(caption_index[rows]).to(device)).pooled
    both = torch.stack([nn.functional.normalize(part.float(), dim=-1) for part in (image, text)]).half().cpu().numpy()
    if epoch == 0:
        write_atomically(folder / FOLDER / "rows.npy", lambda temporary: _save(temporary, rows))
    return write_atomically(folder / FOLDER / _page(epoch), lambda temporary: _save(temporary, both))


def _page(epoch: int) -> str:
    return f"epoch_{epoch:05}.npy"


def _save(path: Path, values: np.ndarray) -> None:
    with open(path, "wb") as file:  # by name, numpy would add an ending
        np.save(file, values, allow_pickle=False)
