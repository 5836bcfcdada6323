"""Pictures from memory to the towers without decoding: bytes from the image store, transformed on the device."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import Normalize, RandomResizedCrop

from rrsitr_lib.data.image_store import build_store
from rrsitr_lib.files import fingerprint
from rrsitr_lib.model.device_transforms import crop_resize, normalise, resize_centre
from rrsitr_lib.randomness import drawn_from

ON_DEVICE_BYTES = 8 * 1024**3


class StoreBank:
    """Stored pictures, transformed as open_clip would, with the same crops as ``PictureBank`` draws.

    **Shape** pictures (M, H, W, 3) uint8. On a GPU they are kept there where they fit into 8 GiB.
    """

    def __init__(self, pictures: np.ndarray, encoder: Any, augment: bool, seed: int, device: torch.device) -> None:
        self.augment, self.seed, self.device = augment, seed, device
        train, evaluation = encoder.train_transform.transforms, encoder.eval_transform.transforms
        self.crop = next(step for step in train if isinstance(step, RandomResizedCrop))
        self.levels = next(step for step in evaluation if isinstance(step, Normalize))
        self.size = self.crop.size[0]
        self.pictures: np.ndarray | Tensor = pictures
        if device.type == "cuda" and pictures.nbytes <= ON_DEVICE_BYTES:
            self.pictures = torch.from_numpy(np.array(pictures)).to(device)

    def __len__(self) -> int:
        return len(self.pictures)

    def fetch(self, items: np.ndarray, epoch: int | None = None) -> Tensor:
        """Shape: (items,) -> (items, 3, S, S) on the device."""
        pictures = self._bytes(items)
        if epoch is None or not self.augment:
            return normalise(resize_centre(pictures, self.size), self.levels.mean, self.levels.std)
        boxes = torch.tensor([self._box(int(item), epoch, pictures.shape[1:3]) for item in items])
        return normalise(crop_resize(pictures, boxes, self.size), self.levels.mean, self.levels.std)

    def _bytes(self, items: np.ndarray) -> Tensor:
        if isinstance(self.pictures, Tensor):
            return self.pictures[torch.as_tensor(items).to(self.device, non_blocking=True)]
        pictures = torch.from_numpy(np.asarray(self.pictures[items]))
        if self.device.type == "cuda":
            return pictures.pin_memory().to(self.device, non_blocking=True)
        return pictures

    def _box(self, item: int, epoch: int, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        with drawn_from(self.seed, epoch, item):
            return self.crop.get_params(torch.empty(3, *shape), self.crop.scale, self.crop.ratio)


def store_bank(
    pictures: np.ndarray | Sequence[Path],
    names: Sequence[str],
    encoder: Any,
    augment: bool,
    seed: int,
    device: torch.device,
) -> StoreBank:
    """A bank over drawn arrays, or over the image store of files, which is built now where it is not there yet.

    Pictures of unequal sizes are not stored: ``InputError`` names the first. A changed file is another store.
    """
    if not isinstance(pictures, np.ndarray):
        stats = [path.stat() for path in pictures]
        key = fingerprint(
            *(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}" for path, stat in zip(pictures, stats, strict=True))
        )
        sources = {name: lambda path=path: path for name, path in zip(names, pictures, strict=True)}
        pictures = build_store(sources, key=key).pictures
    return StoreBank(pictures, encoder, augment, seed, device)
