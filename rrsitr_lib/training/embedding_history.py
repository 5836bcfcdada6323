"""The embedding history of a run: global features of sampled training pairs, before training and after every epoch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import load_arrays, save_arrays
from rrsitr_lib.training.batches import SplitInputs

FOLDER, SAMPLE = "embeddings", 200


@dataclass(frozen=True)
class EmbeddingHistory:
    """Normalised global features of sampled pairs over epochs; entry 0 is before training.

    **Shape** ``rows`` (n,) row numbers of the training table; ``image``, ``text`` (epochs + 1, n, D), pair by pair:
    ``text[e, k]`` is the caption with which row ``rows[k]`` was trained, the wrong one where it is mismatched.
    """

    rows: np.ndarray
    image: np.ndarray
    text: np.ndarray

    @classmethod
    def open(cls, folder: str | Path, epochs: int) -> Self | None:
        """The history in the folder of a run of ``epochs`` finished epochs, None where a snapshot is missing.

        Raises ``InputError`` for a damaged file.
        """
        folder = Path(folder) / FOLDER
        snapshots = [folder / _name(epoch) for epoch in range(epochs + 1)]
        if not all(path.exists() for path in snapshots):
            return None
        arrays = [load_arrays(path, "a snapshot of features") for path in snapshots]
        try:
            features = np.stack([one["features"] for one in arrays]).astype(np.float32)
            return cls(arrays[0]["rows"], features[:, 0], features[:, 1])
        except (ValueError, KeyError, IndexError) as error:
            raise InputError(f"{folder}: not the features of one run ({error})") from None


def sampled_rows(image_of_row: np.ndarray, seed: int, size: int = SAMPLE) -> np.ndarray:
    """Up to ``size`` rows of different images, ascending. **Shape** image_of_row (N,) -> (n,).

    >>> sampled_rows(np.array([0, 0, 1, 1]), seed=3).tolist() == sampled_rows(np.array([0, 0, 1, 1]), seed=3).tolist()
    True
    """
    order = np.random.default_rng((seed, SAMPLE)).permutation(len(image_of_row))
    _, first = np.unique(image_of_row[order], return_index=True)
    return np.sort(order[np.sort(first)[:size]])


@torch.no_grad()
def write_snapshot(
    folder: Path, epoch: int, network: Any, inputs: SplitInputs, caption_index: np.ndarray, seed: int
) -> Path:
    """Write the features after ``epoch`` epochs, whole or not at all; a resumed run writes the same file again."""
    network.eval()
    device = next(network.parameters()).device
    rows = sampled_rows(inputs.image_of_row, seed)
    image = network.image(inputs.images.fetch(inputs.image_of_row[rows]).to(device)).pooled
    text = network.text(inputs.captions.fetch(caption_index[rows]).to(device)).pooled
    both = torch.stack([nn.functional.normalize(part.float(), dim=-1) for part in (image, text)]).half().cpu().numpy()
    return save_arrays(folder / FOLDER / _name(epoch), {"rows": rows, "features": both})


def _name(epoch: int) -> str:
    return f"epoch_{epoch:05}.npz"
