"""Images from memory to the towers without decoding: bytes from the image store, transformed on the device."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import Normalize, RandomResizedCrop

from rrsitr_lib.model.encoder import Encoder
from rrsitr_lib.speed.device_transforms import crop_resize, normalise, resize_centre
from rrsitr_lib.speed.image_store import image_store
from rrsitr_lib.training.crops import crop_boxes
from rrsitr_lib.training.device import fits_on, to_device


class StoredImages:
    """Stored images, transformed as open_clip would, with the same crops as ``ImageFiles`` draws.

    Drawn images (M, H, W, 3) uint8, or files, whose store is built now where it is not there yet; on a GPU they are
    kept there where they fit into half of its free memory. Raises ``InputError`` naming the first image of another
    size.
    """

    def __init__(
        self, images: np.ndarray | Sequence[Path], encoder: Encoder, augment: bool, seed: int, device: torch.device
    ) -> None:
        stored = images if isinstance(images, np.ndarray) else image_store(images)
        self.augment, self.seed, self.device = augment, seed, device
        train, evaluation = encoder.train_transform.transforms, encoder.eval_transform.transforms
        self.crop = next(step for step in train if isinstance(step, RandomResizedCrop))
        levels = next(step for step in evaluation if isinstance(step, Normalize))
        self.mean, self.std = (torch.tensor(values, device=device) for values in (levels.mean, levels.std))
        self.size = self.crop.size[0]
        self.images: np.ndarray | Tensor = stored
        if fits_on(device, stored.nbytes):
            self.images = torch.from_numpy(np.array(stored)).to(device)

    def __len__(self) -> int:
        return len(self.images)

    def fetch(self, items: np.ndarray, epoch: int | None = None, among: np.ndarray | None = None) -> Tensor:
        """Shape: (items,) -> (items, 3, S, S) on the device."""
        images = self._bytes(items)
        if epoch is None or not self.augment:
            return normalise(resize_centre(images, self.size), self.mean, self.std)
        size, scale, ratio = (images.shape[1], images.shape[2]), self.crop.scale, self.crop.ratio
        boxes = torch.from_numpy(crop_boxes(size, scale, ratio, self.seed, epoch, items))
        return normalise(crop_resize(images, to_device(boxes, self.device), self.size), self.mean, self.std)

    def _bytes(self, items: np.ndarray) -> Tensor:
        if isinstance(self.images, Tensor):
            return self.images[to_device(torch.as_tensor(items), self.device)]
        return to_device(torch.from_numpy(np.asarray(self.images[items])), self.device)
