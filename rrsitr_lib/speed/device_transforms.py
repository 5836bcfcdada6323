"""open_clip's image transforms on the device, a whole batch at once: crop and resize as two matrix products.

A resize along one axis is a matrix whose rows are the filter's weights, so a batch with a crop of its own for every
image is two batched products. Values are rounded to whole levels after each, as Pillow does: the evaluation of square
images differs from open_clip's by at most one level of 255 (``TOLERANCE``, before normalisation). Pillow 13 takes the
axes in the other order for some tall crops; then fewer than one value in a thousand is off by more, by a few levels.
"""

import torch
from torch import Tensor

TOLERANCE = 1.0  # levels of 0 to 255


def cubic_weights(start: Tensor, length: Tensor, out: int, full: int) -> Tensor:
    """Weights of an antialiased bicubic resize of [start, start + length) to ``out`` points (Pillow's, a = -1/2).

    **Shape** start, length (B,) pixels -> (B, out, full), rows that sum to 1.

    >>> cubic_weights(torch.tensor([0.0]), torch.tensor([2.0]), out=2, full=2)[0]
    tensor([[1., 0.],
            [0., 1.]])
    """
    scale = (length / out)[:, None, None]
    stretch = scale.clamp(min=1)
    centre = start[:, None, None] + (torch.arange(out, device=start.device)[:, None] + 0.5) * scale
    pixel = torch.arange(full, device=start.device) + 0.5
    distance = ((pixel - centre) / stretch).abs()
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weight = torch.where(distance < 1, near, torch.where(distance < 2, far, 0.0))
    inside = (pixel > start[:, None, None]) & (pixel < (start + length)[:, None, None])
    weight = torch.where(inside, weight, 0.0)
    return weight / weight.sum(dim=2, keepdim=True)


def crop_resize(images: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Every image cropped to its box and resized to ``size`` squares.

    **Shape** images (B, H, W, 3) uint8, boxes (B, 4) as top, left, height, width in pixels
    -> (B, 3, size, size) float32, whole levels 0 to 255.
    """
    boxes = boxes.to(images.device, torch.float32, non_blocking=True)
    rows = cubic_weights(boxes[:, 0], boxes[:, 2], size, images.shape[1])
    columns = cubic_weights(boxes[:, 1], boxes[:, 3], size, images.shape[2])
    return _apply(images, rows, columns)


def resize_centre(images: Tensor, size: int) -> Tensor:
    """The shorter side resized to ``size``, then the centred square, as open_clip evaluates. **Shape** as above."""
    height, width = images.shape[1:3]
    short = min(height, width)
    weights: list[Tensor] = []
    for side in (height, width):
        out = int(size * side / short)
        first = round((out - size) / 2)
        start, length = torch.zeros(1, device=images.device), torch.full((1,), float(side), device=images.device)
        weights.append(cubic_weights(start, length, out, side)[:, first : first + size].expand(len(images), -1, -1))
    return _apply(images, *weights)


def normalise(levels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Levels 0 to 255 to what the towers expect: (x / 255 - mean) / std. **Shape** (B, 3, S, S), (3,) -> the first."""
    return (levels / 255 - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)


def _apply(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    values = images.permute(0, 3, 1, 2).to(torch.float32)
    with torch.autocast(values.device.type, enabled=False):
        across = (values @ columns[:, None].mT).round().clamp(0, 255)
        return (rows[:, None] @ across).round().clamp(0, 255)
