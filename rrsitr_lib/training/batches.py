"""What a trainer feeds an encoder: images or cached tokens by image, token numbers or cached tokens by caption."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import Compose, RandomResizedCrop
from torchvision.transforms.functional import resized_crop

from rrsitr_lib.config import RunConfig
from rrsitr_lib.cores import cores
from rrsitr_lib.data.images import as_image
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.model.encoder import Encoder
from rrsitr_lib.training.crops import crop_box
from rrsitr_lib.training.device import ONE_PROCESS, OneProcess

IN_MEMORY_BYTES = 2 * 1024**3
WORKERS = 8  # that decode images, where a GPU would wait for them


class Items(Protocol):
    """Items by number: ``fetch`` gives the tensors of a batch, shape (items,) -> (items, ...)."""

    def __len__(self) -> int: ...

    def fetch(self, items: np.ndarray, epoch: int | None = None, among: np.ndarray | None = None) -> Tensor:
        """``epoch`` None is evaluation: no random transform. ``among``: the items whose longest sets the length."""


@dataclass
class SplitInputs:
    """A split, ready to be encoded: row i pairs image ``image_of_row[i]`` with caption ``i`` of the clean table.

    Shape: ``images`` M items, ``captions`` N items, ``image_of_row`` (N,); ``cut`` (N,) bool, captions whose end the
    encoder does not read.
    """

    table: PairTable
    images: Items
    captions: Items
    cut: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    shards: Sequence[int] = ()  # rows of each, where the pairs are in shards

    @property
    def image_of_row(self) -> np.ndarray:
        """Image number of every row, (N,)."""
        return self.table.image_of_row


class InMemory:
    """Items that lie in memory, shape (items, ...)."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __len__(self) -> int:
        return len(self.tensor)

    def fetch(self, items: np.ndarray, epoch: int | None = None, among: np.ndarray | None = None) -> Tensor:
        """The same in training and evaluation."""
        return self.tensor[torch.as_tensor(items)]


class StreamedTokens:
    """Captions that are made token numbers when asked for, as there are more than memory holds."""

    def __init__(self, captions: Any, encoder: Encoder) -> None:
        self.captions, self.encoder = captions, encoder

    def __len__(self) -> int:
        return len(self.captions)

    def fetch(self, items: np.ndarray, epoch: int | None = None, among: np.ndarray | None = None) -> Tensor:
        """Shape: (items,) -> (items, L) int64."""
        asked = items if among is None else np.concatenate([items, among])
        different, place = np.unique(asked, return_inverse=True)  # one process asks for all that it is among
        tokens = self.encoder.tokenize(list(self.captions[different]))[torch.from_numpy(place)]
        return self.encoder.trimmed(tokens[: len(items)], None if among is None else tokens[len(items) :])


class TokenNumbers:
    """Captions as an encoder's token numbers, trimmed on the host to what the batch needs."""

    def __init__(self, captions: Sequence[str], encoder: Encoder) -> None:
        self.tokens, self.encoder = encoder.tokenize(captions), encoder
        self.cut = encoder.cut(captions, self.tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    def fetch(self, items: np.ndarray, epoch: int | None = None, among: np.ndarray | None = None) -> Tensor:
        """Shape: (items,) -> (items, L) int64."""
        like = None if among is None else self.tokens[torch.as_tensor(among)]
        return self.encoder.trimmed(self.tokens[torch.as_tensor(items)], like)


class ImageFiles:
    """Images that are decoded and transformed when asked for; random transforms depend on (seed, epoch, image)."""

    def __init__(
        self, images: np.ndarray | Sequence[Any], train_transform: Any, eval_transform: Any, seed: int
    ) -> None:
        self.images, self.seed = images, seed
        self.train_transform, self.eval_transform = train_transform, eval_transform

    def __len__(self) -> int:
        return len(self.images)

    def fetch(self, items: np.ndarray, epoch: int | None = None, among: np.ndarray | None = None) -> Tensor:
        """Shape: (items,) -> (items, 3, H, W)."""
        return torch.stack([self._one(int(item), epoch) for item in items])

    def _one(self, item: int, epoch: int | None) -> Tensor:
        image = as_image(self.images[item])
        if epoch is None:
            return self.eval_transform(image)
        crop, *rest = self.train_transform.transforms
        if not isinstance(crop, RandomResizedCrop):
            return self.train_transform(image)
        box = crop_box((image.height, image.width), crop.scale, crop.ratio, self.seed, epoch, item)
        return Compose(rest)(resized_crop(image, *box, crop.size, crop.interpolation))


def image_items(
    images: np.ndarray | Sequence[Path], encoder: Encoder, augment: bool, seed: int, device: torch.device | None = None
) -> Items:
    """Images in memory where nothing is random and they fit into 2 GiB, else decoded batch by batch; on the host."""
    train_transform = encoder.train_transform if augment else encoder.eval_transform
    files = ImageFiles(images, train_transform, encoder.eval_transform, seed)
    first = files.fetch(np.array([0]))
    if augment or first.nbytes * len(files) > IN_MEMORY_BYTES:
        return files
    together = first.new_empty(len(files), *first.shape[1:])
    for item in range(len(files)):
        together[item] = files.fetch(np.array([item]))[0]
    return InMemory(together)


def epoch_order(rows: int, seed: int, epoch: int, parts: Sequence[int] = (), window: int = 1) -> np.ndarray:
    """The order in which an epoch visits the rows, a permutation (rows,) that depends on seed and epoch alone.

    ``parts``: rows of every shard; then ``window`` drawn shards at a time are shuffled together, and read together.

    >>> epoch_order(4, seed=3, epoch=0).tolist() == epoch_order(4, seed=3, epoch=0).tolist()
    True
    >>> sorted(epoch_order(6, seed=3, epoch=0, parts=[2, 2, 2], window=2)[:4].tolist())
    [2, 3, 4, 5]
    """
    generator = np.random.default_rng((seed, epoch))
    if len(parts) <= window:
        return generator.permutation(rows)
    starts, drawn = np.cumsum([0, *parts]), generator.permutation(len(parts))
    windows = [drawn[first : first + window] for first in range(0, len(parts), window)]
    together = [np.concatenate([np.arange(starts[one], starts[one + 1]) for one in shards]) for shards in windows]
    return np.concatenate([generator.permutation(one) for one in together])


class RowBatches(Dataset):
    """Batches by (epoch, rows): (images, captions); row i takes caption ``caption_index[i]``.

    Of several processes each takes its share of a batch's rows.
    """

    def __init__(self, inputs: SplitInputs, caption_index: np.ndarray, processes: OneProcess = ONE_PROCESS) -> None:
        self.inputs, self.caption_index, self.processes = inputs, caption_index, processes

    def __getitem__(self, asked: tuple[int, np.ndarray]) -> tuple[Tensor, Tensor]:
        epoch, rows = asked
        own = self.processes.own_rows(rows)
        images = self.inputs.images.fetch(self.inputs.image_of_row[own], epoch)
        return images, self.inputs.captions.fetch(self.caption_index[own], epoch, self.caption_index[rows])


class Loader:
    """Batches in order, of one epoch after another; processes that decode images ahead are kept for the whole run.

    They give the same result as none.
    """

    def __init__(self, batches: RowBatches, config: RunConfig, device: torch.device) -> None:
        decodes, gpu = isinstance(batches.inputs.images, ImageFiles), device.type == "cuda"
        given = min(WORKERS, cores()) if config.workers == "auto" and gpu else config.workers
        workers = given if decodes and isinstance(given, int) else 0
        self._asked: list[tuple[int, np.ndarray]] = []
        self._loader = DataLoader(
            batches,
            batch_size=None,
            sampler=self._asked,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=_as_it_is,  # a worker could not be sent a lambda
            pin_memory=decodes and gpu,
            generator=torch.Generator(),  # its own: nothing is drawn from the run's
        )

    def epoch(self, number: int, row_batches: Sequence[np.ndarray]) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of some rows each, transformed as in that epoch."""
        self._asked[:] = [(number, rows) for rows in row_batches]
        return iter(self._loader)


def _as_it_is(batch: Any) -> Any:
    return batch
