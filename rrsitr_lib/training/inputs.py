"""What the loop feeds an encoder: pictures or cached tokens by image, token numbers or cached tokens by caption."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from rrsitr_lib.data.images import open_image
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.model.token_cache import TokenCache
from rrsitr_lib.randomness import drawn_from

IN_MEMORY_BYTES = 2 * 1024**3


class Bank(Protocol):
    """Items by number: ``fetch`` gives the tensors of a batch, shape (items,) -> (items, ...)."""

    def __len__(self) -> int: ...

    def fetch(self, items: np.ndarray, epoch: int | None = None) -> Tensor:
        """``epoch`` None is evaluation: no random transform."""


@dataclass
class SplitInputs:
    """A split, ready to be encoded: row i pairs image ``image_of_row[i]`` with caption ``i`` of the clean table.

    Shape: ``images`` M items, ``captions`` N items, ``image_of_row`` (N,).
    """

    table: PairTable
    images: Bank
    captions: Bank

    @property
    def image_of_row(self) -> np.ndarray:
        """Image number of every row, (N,)."""
        return self.table.image_of_row


class TensorBank:
    """Items that lie in memory, shape (items, ...)."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __len__(self) -> int:
        return len(self.tensor)

    def fetch(self, items: np.ndarray, epoch: int | None = None) -> Tensor:
        """The same in training and evaluation."""
        return self.tensor[torch.as_tensor(items)]


class TokenBank:
    """Cached tower tokens, reduced once; a batch is as long as its longest item, zero beyond an item's own length.

    ``entry_of_item`` (items,) lets equal captions share an entry of the cache.
    """

    def __init__(
        self, cache: TokenCache, reduction: tuple[Tensor, Tensor] | None, entry_of_item: np.ndarray | None = None
    ) -> None:
        self.lengths = torch.from_numpy(cache.lengths.astype(np.int64))
        self.entries = None if entry_of_item is None else torch.from_numpy(entry_of_item)
        self.tokens: np.ndarray | Tensor = cache.tokens
        if reduction is not None:
            mean, axes = reduction
            chunks = (torch.from_numpy(np.array(cache.tokens[k : k + 256])).float() for k in range(0, len(cache), 256))
            self.tokens = torch.cat([((chunk - mean) @ axes).half() for chunk in chunks])
        self.width = self.tokens.shape[2]

    def __len__(self) -> int:
        return len(self.lengths if self.entries is None else self.entries)

    def fetch(self, items: np.ndarray, epoch: int | None = None) -> Tensor:
        """Shape: (items,) -> (items, longest, width) float32."""
        entries = torch.as_tensor(items) if self.entries is None else self.entries[torch.as_tensor(items)]
        lengths = self.lengths[entries]
        longest = int(lengths.max())
        tokens = torch.as_tensor(np.asarray(self.tokens[entries.numpy(), :longest])).float()
        return tokens.masked_fill((torch.arange(longest) >= lengths[:, None])[..., None], 0.0)


class PictureBank:
    """Pictures that are decoded and transformed when asked for; random transforms depend on (seed, epoch, image)."""

    def __init__(
        self, pictures: np.ndarray | Sequence[Path], train_transform: Any, eval_transform: Any, seed: int
    ) -> None:
        self.pictures, self.seed = pictures, seed
        self.train_transform, self.eval_transform = train_transform, eval_transform

    def __len__(self) -> int:
        return len(self.pictures)

    def fetch(self, items: np.ndarray, epoch: int | None = None) -> Tensor:
        """Shape: (items,) -> (items, 3, H, W)."""
        return torch.stack([self._one(int(item), epoch) for item in items])

    def _one(self, item: int, epoch: int | None) -> Tensor:
        source = self.pictures[item]
        picture = Image.fromarray(source) if isinstance(source, np.ndarray) else open_image(source)
        if epoch is None:
            return self.eval_transform(picture)
        with drawn_from(self.seed, epoch, item):
            return self.train_transform(picture)


def picture_bank(pictures: np.ndarray | Sequence[Path], encoder: Any, augment: bool, seed: int) -> Bank:
    """A bank of pictures: in memory where nothing is random and it fits into 2 GiB, else decoded batch by batch.

    Taught in: notebooks/00_start_here
    """
    bank = PictureBank(pictures, encoder.train_transform, encoder.eval_transform, seed)
    size = bank.fetch(np.array([0])).nbytes * len(bank)
    if augment or size > IN_MEMORY_BYTES:
        if not augment:
            bank.train_transform = bank.eval_transform
        return bank
    return TensorBank(torch.cat([bank.fetch(np.array([item])) for item in range(len(bank))]))


def epoch_order(rows: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the rows, a permutation (rows,) that depends on seed and epoch alone.

    >>> epoch_order(4, seed=3, epoch=0).tolist() == epoch_order(4, seed=3, epoch=0).tolist()
    True
    """
    return np.random.default_rng((seed, epoch)).permutation(rows)


class RowBatches(Dataset):
    """The batches of one epoch by number: (rows, images, captions); row i takes caption ``caption_index[i]``.

    Taught in: notebooks/06_training_end_to_end
    """

    def __init__(
        self, inputs: SplitInputs, row_batches: Sequence[np.ndarray], caption_index: np.ndarray, epoch: int
    ) -> None:
        self.inputs, self.row_batches, self.caption_index, self.epoch = inputs, row_batches, caption_index, epoch

    def __len__(self) -> int:
        return len(self.row_batches)

    def __getitem__(self, number: int) -> tuple[np.ndarray, Tensor, Tensor]:
        rows = self.row_batches[number]
        images = self.inputs.images.fetch(self.inputs.image_of_row[rows], self.epoch)
        return rows, images, self.inputs.captions.fetch(self.caption_index[rows])


def load(dataset: RowBatches, workers: int) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
    """Iterate the batches in order; ``workers`` processes decode pictures ahead, the result is the same without."""
    if not isinstance(dataset.inputs.images, PictureBank):
        workers = 0
    pinned = isinstance(dataset.inputs.images, PictureBank) and torch.cuda.is_available()
    yield from DataLoader(dataset, batch_size=None, num_workers=workers, collate_fn=_as_it_is, pin_memory=pinned)


def _as_it_is(batch: tuple[np.ndarray, Tensor, Tensor]) -> tuple[np.ndarray, Tensor, Tensor]:
    return batch
