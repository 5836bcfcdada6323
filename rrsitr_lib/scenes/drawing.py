"""Aerial drawings of scene facts: ground, line, second object and group, painted in that order."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from rrsitr_lib.scenes.glyphs import ASPHALT, COLOURS, EXTENTS, EXTRAS, GLYPHS, GROUNDS, LINES, LIT, RGB
from rrsitr_lib.scenes.layout import FIXED, Zone, cells_of, grid, poses_of, turn_of, turned, zones_of

_RIMS = [(along, edge) for edge in (0.075, 0.925) for along in np.linspace(0.08, 0.92, 6)]
BORDER = np.array([(*middle, 0.15, 0.15) for middle in _RIMS + [rim[::-1] for rim in _RIMS]])  # cells all around


class _Pen:
    """A supersampled canvas that takes coordinates in units of the picture's side."""

    def __init__(self, image: Image.Image, ground: RGB) -> None:
        self.draw, self.side, self.shadow = ImageDraw.Draw(image), image.size[0], _shade(ground, 0.55)

    def polygon(self, points: np.ndarray, colour: RGB) -> None:
        """Fill ``points`` (n, 2)."""
        self.draw.polygon((points * self.side).ravel().tolist(), fill=colour)

    def stroke(self, points: np.ndarray, width: float, colour: RGB) -> None:
        """Draw a line through ``points`` (n, 2) of ``width`` in picture sides."""
        self.draw.line((points * self.side).ravel().tolist(), colour, max(1, round(width * self.side)), joint="curve")

    def stamp(self, name: str, cell: np.ndarray, size: float, angle: float, colour: RGB) -> None:
        """Paint a glyph at the middle of ``cell``, ``size`` sides large, turned by ``angle`` degrees."""
        points, drops, parts = GLYPHS[name]
        cos, sin = size * math.cos(math.radians(angle)), size * math.sin(math.radians(angle))
        points = points @ np.array([[cos, sin], [-sin, cos]]) + cell[:2] + drops * size
        flat = (points * self.side).ravel().tolist()
        roles = {"main": colour, "dark": _shade(colour, 0.66), "light": _shade(colour, 1.0, 0.5), "shadow": self.shadow}
        for role, first, last in parts:
            self.draw.polygon(flat[first:last], fill=roles[role] if isinstance(role, str) else role)


def _shade(colour: RGB, factor: float, white: float = 0.0) -> RGB:
    red, green, blue = (int((1 - white) * channel * factor + white * 255) for channel in colour)
    return red, green, blue


def _tint(colour: RGB, rng: np.random.Generator, spread: int) -> RGB:
    shifts = rng.integers(-spread, spread + 1, 3).tolist()
    return tuple(min(max(channel + shift, 0), 255) for channel, shift in zip(colour, shifts, strict=True))


def _ground(facts: Mapping[str, str], side: int, rng: np.random.Generator) -> tuple[Image.Image, RGB]:
    """Ground with slow and fast variation, on a fixed grid so that every size shows the same scene."""
    base = _tint(GROUNDS[facts["ground"]], rng, 7)
    slow = Image.fromarray(rng.integers(0, 256, (7, 7), np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
    height = (np.asarray(slow, np.float32) - 128) / 11 + (rng.integers(0, 256, (64, 64)) - 128) / 16
    if facts["ground"] == "ploughed":
        across, along = np.mgrid[0:64, 0:64]
        height += 26 * np.sign(np.sin((along + across * rng.uniform(-1, 1)) * 0.8))
    picture = np.clip(np.asarray(base, np.float32) + height[..., None], 0, 255).astype(np.uint8)
    return Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR), base


def _draw_line(pen: _Pen, facts: Mapping[str, str], middle: float, bend: float, rng: np.random.Generator) -> None:
    """The road, river, railway or runway, with the markings that tell them apart, or the sea."""
    kind, turn = facts["line"], turn_of(facts)
    colour, half, dash, apart = LINES[kind]
    along = np.linspace(-0.06, 1.06, 29)
    x = middle + bend * np.sin(2 * np.pi * (along * rng.uniform(0.95, 1.15) + rng.random()))
    colour = _tint(colour, rng, 8)

    def shifted(shift: float) -> np.ndarray:
        return turned(np.stack([x + shift, along], axis=1), turn)

    path = shifted(0)

    if kind == "coast":  # a port's boats lie in the water, and its shore is a quay without surf
        far, outwards, edge = (-0.1, -1, (120, 120, 124)) if facts["kind"] == "port" else (1.1, 1, LIT)
        corners = turned(np.array([[far, 1.1], [far, -0.1]]), turn)
        for shift, paint in ((0.0, edge), (0.03, _shade(colour, 1, 0.25)), (0.07, colour)):
            pen.polygon(np.concatenate([shifted(outwards * shift), corners]), paint)
        return
    if "river" in kind:
        pen.stroke(path, 2 * half + 0.035, _shade(colour, 0.75, 0.35))
    pen.stroke(path, 2 * half, colour)
    for k in range(0, 28, 2) if dash else ():
        pen.stroke(path[k : k + 2], dash, LIT)
    for shift in (-apart, apart) if apart else ():
        pen.stroke(shifted(shift), 0.013, (150, 106, 66) if kind == "dirt road" else (222, 222, 226))
    for y in np.arange(0, 1, 0.045) if kind == "railway" else ():
        pen.stroke(turned(np.array([[middle - 0.045, y], [middle + 0.045, y]]), turn), 0.012, (62, 50, 44))


def _draw_extra(pen: _Pen, facts: Mapping[str, str], zone: Zone, rng: np.random.Generator) -> None:
    """The second object: a row in its strip, or trees all around."""
    glyph, colour, count = EXTRAS[facts["extra"]]
    loose = glyph == "tree"
    wide, high = EXTENTS[glyph]
    angle = 0.0 if (zone[3] - zone[1] >= zone[2] - zone[0]) else 90.0
    for cell in BORDER if facts["place"] == "around" else grid(1, count, zone):
        size = min(min(cell[2:]) / wide, max(cell[2:]) / high) * (0.95 if loose else 0.85)
        shaken = cell + rng.uniform(-0.015, 0.015, 4) * loose
        pen.stamp(glyph, shaken, size, rng.uniform(0, 360) if loose else angle, _tint(colour, rng, 9))


def _draw_group(pen: _Pen, facts: Mapping[str, str], zones: Sequence[Zone], rng: np.random.Generator) -> None:
    """The main objects and what lies under them: the asphalt of a parking lot, the cross roads of roundabouts."""
    kind, cells = facts["kind"], cells_of(facts, zones, rng)
    angles, sizes = poses_of(facts, cells, rng)
    for left, top, right, bottom in zones if kind == "parking" else ():
        pen.polygon(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]), ASPHALT)
    for cell, size in zip(cells, sizes, strict=True) if kind == "roundabout" else ():
        pen.stamp("crossing", cell, size, 90.0 if facts["axis"] == "vertical" else 0.0, ASPHALT)
    for cell, angle, size in zip(cells, angles, sizes, strict=True):
        shaken = cell + rng.uniform(-0.008, 0.008, 4) * (kind not in FIXED)
        pen.stamp(kind, shaken, size, angle, _tint(COLOURS[facts["colour"]], rng, 9))


def draw_scene(facts: Mapping[str, str], size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one scene from its facts: attribute -> name of its value, as in ``words.VALUES``.

    **Shape**: returns (size, size, 3) uint8, RGB. The same facts and generator state give the same scene at any size.
    """
    side = size * (3 if size <= 128 else 2)  # smooth edges at small sizes, where they matter
    image, base = _ground(facts, side, rng)
    pen, bend = _Pen(image, base), 0.065 if facts["form"] == "curved" else 0.0
    middle, zones, strip = zones_of(facts, bend)
    if facts["line"] != "none":
        _draw_line(pen, facts, middle, bend, rng)
    if facts["extra"] != "none":
        _draw_extra(pen, facts, strip, rng)
    _draw_group(pen, facts, zones, rng)
    return np.asarray(image.reduce(side // size))
