"""Aerial drawings of scene facts: every object is a small table of polygons, stamped where the layout says."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
from PIL import Image, ImageDraw

RGB = tuple[int, int, int]
Zone = tuple[float, float, float, float]  # left, top, right, bottom in units of the picture's side

COLOURS: dict[str, RGB] = {
    "white": (248, 248, 244), "red": (208, 40, 38), "blue": (35, 80, 205), "yellow": (250, 212, 40),
    "orange": (243, 128, 28), "green": (32, 118, 52), "black": (34, 34, 40), "brown": (122, 76, 42),
    "purple": (146, 62, 176),
}  # fmt: skip
GROUNDS: dict[str, RGB] = {
    "grass": (128, 174, 84), "sand": (229, 205, 150), "soil": (158, 112, 84), "concrete": (172, 172, 175),
    "snow": (236, 241, 247), "ploughed": (186, 180, 92),
}  # fmt: skip
LINES: dict[str, tuple[RGB, float]] = {  # colour and half width
    "none": ((0, 0, 0), 0.0), "road": ((92, 92, 98), 0.055), "dirt road": ((206, 164, 108), 0.05),
    "river": ((52, 118, 196), 0.085), "green river": ((42, 108, 92), 0.085), "railway": ((112, 102, 98), 0.05),
    "runway": ((66, 68, 76), 0.085), "coast": ((38, 112, 176), 0.0),
}  # fmt: skip
LIT, GREEN, ASPHALT, WATER = (246, 246, 242), (96, 156, 74), (84, 84, 90), (44, 118, 182)
TURN_OF_PLACE = {"right": "left", "left": "right", "bottom": "above", "top": "below"}


def _box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _disc(radius: float, x: float = 0.0, y: float = 0.0, start: float = 0.0, end: float = 360.0) -> list:
    angles = np.radians(np.linspace(start, end, 18))
    return [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angles]


def _oval(radius: float, half: float) -> list[tuple[float, float]]:
    return _disc(radius, 0, -half, 180, 360) + _disc(radius, 0, half, 0, 180)


def _blob() -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    radii = 0.41 + 0.06 * np.sin(2 * angles + 1) + 0.045 * np.sin(3 * angles)
    return [(float(r * np.cos(a)), float(r * np.sin(a))) for r, a in zip(radii, angles, strict=True)]


def _scaled(points: list, factor: float) -> list[tuple[float, float]]:
    return [(x * factor, y * factor) for x, y in points]


def _blade(turn: float) -> list[tuple[float, float]]:
    a = np.radians(turn)
    ahead, aside = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    return [tuple(p) for p in (-0.06 * aside, 0.46 * ahead - 0.02 * aside, 0.46 * ahead + 0.03 * aside, 0.08 * aside)]


_CAR, _HULL = _box(-0.25, -0.5, 0.25, 0.5), [(0, -0.5), (0.16, -0.2), (0.17, 0.4), (0.1, 0.5), (-0.1, 0.5),
                                             (-0.17, 0.4), (-0.16, -0.2)]  # fmt: skip
_PLANE = [(0, -0.5), (0.08, -0.36), (0.08, -0.12), (0.5, 0.14), (0.5, 0.26), (0.08, 0.12), (0.07, 0.32), (0.22, 0.44),
          (0.22, 0.52), (0, 0.48), (-0.22, 0.52), (-0.22, 0.44), (-0.07, 0.32), (-0.08, 0.12), (-0.5, 0.26),
          (-0.5, 0.14), (-0.08, -0.12), (-0.08, -0.36)]  # fmt: skip
_FAN = [(0, 0.48), *_disc(0.98, 0, 0.48, 225, 315)]
_HOLLOW = _disc(0.569, 0, 0.619, 319.6, 220.4)  # between the horns of a crescent dune
_DUNE, _LEE = _disc(0.5, 0, 0, 150, 390) + _HOLLOW, _disc(0.434, 0, 0.284, 184.5, 355.5) + _HOLLOW

# Parts are painted in order; a role is "main", "dark", "light" or "shadow" of the object's colour, or a fixed colour.
GLYPHS: dict[str, list[tuple[str | RGB, list]]] = {
    "airport": [("shadow", _PLANE), ("main", _PLANE), ("dark", _box(-0.035, -0.3, 0.035, 0.4))],
    "port": [(LIT, [(0, 0.3), (0.2, 0.66), (-0.2, 0.66)]), ("main", _HULL), ("light", _box(-0.09, -0.12, 0.09, 0.3)),
             ("dark", _box(-0.09, 0.0, 0.09, 0.1))],
    "storagetanks": [("shadow", _disc(0.46)), ("dark", _disc(0.46)), ("main", _disc(0.41)),
                     ("light", _disc(0.2, -0.1, -0.1)), ("dark", _box(-0.03, -0.4, 0.03, 0.0))],
    "sparseresidential": [("shadow", _box(-0.4, -0.45, 0.4, 0.45)), ("light", _box(-0.4, -0.45, 0, 0.45)),
                          ("main", _box(-0.36, -0.42, 0.36, 0.42)), ("dark", _box(0, -0.45, 0.4, 0.45)),
                          (LIT, _box(0.12, -0.3, 0.24, -0.16))],
    "tenniscourts": [("dark", _box(-0.32, -0.5, 0.32, 0.5)), (LIT, _box(-0.24, -0.42, 0.24, 0.42)),
                     ("main", _box(-0.2, -0.38, 0.2, -0.02)), ("main", _box(-0.2, 0.02, 0.2, 0.38)),
                     (LIT, _box(-0.02, -0.22, 0.02, 0.22)), (LIT, _box(-0.2, -0.24, 0.2, -0.2)),
                     (LIT, _box(-0.2, 0.2, 0.2, 0.24)), ((30, 30, 30), _box(-0.3, -0.02, 0.3, 0.02))],
    "baseballfield": [("dark", _scaled(_FAN, 1.04)), (GREEN, _FAN),
                      ("main", [(0, 0.48), *_disc(0.56, 0, 0.48, 225, 315)]),
                      (GREEN, [(0, 0.36), (0.2, 0.16), (0, -0.04), (-0.2, 0.16)]), (LIT, _disc(0.05, 0, 0.4)),
                      ("main", _disc(0.06, 0, 0.16))],
    "stadium": [("dark", _oval(0.33, 0.2)), ("main", _oval(0.31, 0.19)), (LIT, _oval(0.245, 0.19)),
                ("main", _oval(0.23, 0.19)), (LIT, _oval(0.175, 0.19)), (GREEN, _oval(0.16, 0.19)),
                (LIT, _box(-0.15, -0.012, 0.15, 0.012)), (LIT, _disc(0.06)), (GREEN, _disc(0.04))],
    "parking": [((60, 60, 64), _scaled(_CAR, 1.06)), ("main", _CAR), ((40, 48, 60), _box(-0.19, -0.24, 0.19, -0.08)),
                ((40, 48, 60), _box(-0.19, 0.22, 0.19, 0.34))],
    "bridge": [("shadow", _box(-0.15, -0.5, 0.15, 0.5)), ("main", _box(-0.15, -0.56, 0.15, 0.56)),
               (ASPHALT, _box(-0.075, -0.56, 0.075, 0.56)), (LIT, _box(-0.012, -0.5, 0.012, 0.5))],
    "farmland": [("dark", _box(-0.5, -0.5, 0.5, 0.5)),
                 *[("main", _box(-0.46, y, 0.46, y + 0.12)) for y in np.linspace(-0.46, 0.34, 5).tolist()]],
    "tree": [("shadow", _disc(0.42)), ("dark", _disc(0.46)), ("main", _disc(0.38, -0.06, -0.06)),
             ("light", _disc(0.15, -0.16, -0.16))],
    "desert": [("shadow", _DUNE), ("main", _DUNE),
               ("dark", _LEE),
               ("light", _disc(0.47, 0, 0, 180, 300) + _disc(0.4, 0, 0.03, 290, 190))],
    "pond": [((226, 222, 190), _scaled(_blob(), 1.1)), ("dark", _blob()), ("main", _scaled(_blob(), 0.88)),
             ("light", _box(-0.2, -0.1, 0.02, -0.07)), ("light", _box(-0.05, 0.08, 0.17, 0.11))],
    "railwaystation": [((112, 102, 98), _box(-0.1, -0.8, 0.1, 0.8)), *[((70, 58, 50), _box(-0.09, y, 0.09, y + 0.02))
                       for y in np.linspace(-0.78, 0.76, 20).tolist()], ("dark", _box(-0.08, -0.42, 0.08, 0.42)),
                       *[("main", _box(-0.065, y, 0.065, y + 0.24)) for y in (-0.41, -0.13, 0.15)]],
    "windfarm": [("shadow", [(0, 0), (0.42, 0.4), (0.38, 0.44), (-0.04, 0.04)]),
                 *[(role, _blade(turn)) for role in ("shadow", "main") for turn in (30, 150, 270)],
                 ("dark", _disc(0.08))],
    "crossing": [(ASPHALT, _box(-0.15, -3, 0.15, 3))],
    "roundabout": [(LIT, _disc(0.5)),
                   (ASPHALT, _disc(0.46)), (LIT, _disc(0.28)), ("main", _disc(0.25)), ("light", _disc(0.09))],
    "beach": [("shadow", _disc(0.45)), ("main", _disc(0.45)),
              *[(LIT, [(0, 0), *_disc(0.45, 0, 0, a, a + 45)]) for a in (0, 90, 180, 270)], ("dark", _disc(0.07))],
    "building": [("shadow", _box(-0.3, -0.5, 0.3, 0.5)), ("dark", _box(-0.3, -0.5, 0.3, 0.5)),
                 ("main", _box(-0.26, -0.46, 0.26, 0.46)), ("dark", _box(-0.1, -0.3, 0.1, -0.1)),
                 ("dark", _box(-0.1, 0.1, 0.1, 0.3))],
    "pool": [(LIT, _box(-0.25, -0.5, 0.25, 0.5)), ("main", _box(-0.19, -0.44, 0.19, 0.44)),
             ("light", _box(-0.07, -0.4, -0.05, 0.4)), ("light", _box(0.05, -0.4, 0.07, 0.4))],
    "panel": [("shadow", _box(-0.3, -0.44, 0.3, 0.44)), (LIT, _box(-0.32, -0.46, 0.32, 0.46)),
              *[("main", _box(x, y, x + 0.27, y + 0.25)) for x in (-0.29, 0.02) for y in (-0.43, -0.12, 0.18)]],
}  # fmt: skip
GLYPHS["denseresidential"] = GLYPHS["sparseresidential"]
GLYPHS["forest"] = GLYPHS["tree"]
SHAPES = {name: np.concatenate([np.asarray(points) for _, points in parts]) for name, parts in GLYPHS.items()}
# how far each point is dropped: shadows fall to the lower right however the object is turned
DROPS = {name: np.concatenate([np.full((len(points), 1), 0.09 * (role == "shadow")) for role, points in parts])
         for name, parts in GLYPHS.items()}  # fmt: skip
ENDS = {name: [0, *accumulate(2 * len(points) for _, points in parts)] for name, parts in GLYPHS.items()}
PARTS = {name: [(role, *ends) for (role, _), ends in zip(parts, pairwise(ENDS[name]), strict=True)]
         for name, parts in GLYPHS.items()}  # fmt: skip
EXTENTS = {name: np.ptp(points, axis=0) for name, points in SHAPES.items()}
EXTENTS |= {"railwaystation": np.array([0.2, 1.0]), "roundabout": np.array([1.0, 1.0]), "bridge": np.array([0.3, 1.1])}

LARGEST = {"bridge": 0.4, "storagetanks": 0.36, "parking": 0.3, "beach": 0.3, "farmland": 0.6, "stadium": 0.85,
           "tenniscourts": 0.6, "railwaystation": 1.1, "pond": 0.6}  # fmt: skip
DENSE_CELL = {"denseresidential": (0.185, 0.185), "forest": (0.155, 0.155), "parking": (0.105, 0.19)}
FIXED = {"bridge", "railwaystation", "roundabout"}  # must meet their line exactly
FREE_ANGLE = {"airport", "port", "pond", "desert", "windfarm", "tree", "forest", "storagetanks", "beach"}
EXTRAS: dict[str, tuple[str, RGB, int]] = {
    "trees": ("tree", (40, 112, 50), 6), "buildings": ("building", (200, 196, 212), 3),
    "pool": ("pool", (60, 200, 225), 1), "panels": ("panel", (28, 38, 92), 4),
}  # fmt: skip


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

    def stamp(self, glyph: str, cell: np.ndarray, size: float, angle: float, colour: RGB) -> None:
        """Paint a glyph at the middle of ``cell``, ``size`` sides large, turned by ``angle`` degrees."""
        cos, sin = size * math.cos(math.radians(angle)), size * math.sin(math.radians(angle))
        points = SHAPES[glyph] @ np.array([[cos, sin], [-sin, cos]]) + cell[:2] + DROPS[glyph] * size
        flat = (points * self.side).ravel().tolist()
        roles = {"main": colour, "dark": _shade(colour, 0.66), "light": _shade(colour, 1.0, 0.5), "shadow": self.shadow}
        for role, first, last in PARTS[glyph]:
            self.draw.polygon(flat[first:last], fill=roles[role] if isinstance(role, str) else role)


def _shade(colour: RGB, factor: float, white: float = 0.0) -> RGB:
    return tuple(int((1 - white) * channel * factor + white * 255) for channel in colour)


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


def _turned(points: np.ndarray, turn: str) -> np.ndarray:
    """From the canonical frame (line upright, objects left of it) to where the facts want them."""
    points = points[:, ::-1] if turn in ("above", "below") else points
    return np.where([turn == "right", turn == "below"], 1 - points, points)


def _turned_zone(zone: Zone, turn: str) -> Zone:
    corners = np.sort(_turned(np.array([zone[:2], zone[2:]]), turn), axis=0)
    return tuple(corners.ravel().tolist())


def _turn(facts: Mapping[str, str]) -> str:
    if facts["place"] in TURN_OF_PLACE:
        return TURN_OF_PLACE[facts["place"]]
    if facts["side"] in TURN_OF_PLACE.values():
        return facts["side"]
    return "above" if facts["axis"] == "horizontal" else "left"


def _layout(facts: Mapping[str, str], bend: float) -> tuple[float, list[Zone], Zone]:
    """Where the line, the group's zones and the second object's zone lie, in the canonical frame."""
    half, side, middle = LINES[facts["line"]][1], facts["side"], 0.5
    if side == "both":
        near = half + bend + 0.02
        return middle, [(0.02, 0.03, middle - near, 0.97), (middle + near, 0.03, 0.98, 0.97)], (0, 0, 0, 0)
    if side == "across":
        reach = 0.175 if facts["kind"] == "roundabout" else half * 1.9
        return middle, [(middle - reach, 0.04, middle + reach, 0.96)], (0.78, 0.02, 0.98, 0.98)
    if side != "none":
        middle = 0.7 - bend / 2
        edge = middle - half - bend - 0.02
        return middle, [(0.03, 0.03, edge, 0.97)], (middle + half + bend + 0.015, 0.02, 0.99, 0.98)
    if facts["place"] == "around":
        return middle, [(0.17, 0.17, 0.83, 0.83)], (0, 0, 1, 1)
    return middle, [(0.04, 0.04, 0.96 if facts["extra"] == "none" else 0.7, 0.96)], (0.74, 0.02, 0.98, 0.98)


def _lattice(rows: int, columns: int, zone: Zone) -> np.ndarray:
    """Cells (rows * columns, 4) as middle x, middle y, width, height."""
    y, x = np.divmod(np.arange(rows * columns), columns)
    wide, high = (zone[2] - zone[0]) / columns, (zone[3] - zone[1]) / rows
    return np.stack([zone[0] + (x + 0.5) * wide, zone[1] + (y + 0.5) * high, 0 * x + wide, 0 * y + high], axis=1)


def _grid(short: int, long: int, zone: Zone) -> np.ndarray:
    """A lattice whose longer count follows the zone's longer side."""
    return _lattice(short, long, zone) if zone[2] - zone[0] > zone[3] - zone[1] else _lattice(long, short, zone)


def _ring(count: int, zone: Zone) -> np.ndarray:
    left, top, right, bottom = zone
    reach = min(right - left, bottom - top) / 2
    angles = 2 * np.pi * (np.arange(count) + 0.25) / count
    cell = min(0.62 * reach, 3.4 * reach / count)
    radius = reach - cell / 2
    x, y = (left + right) / 2 + radius * np.cos(angles), (top + bottom) / 2 + radius * np.sin(angles)
    return np.stack([x, y, 0 * x + cell, 0 * x + cell], axis=1)


def _scatter(count: int, zone: Zone, rng: np.random.Generator) -> np.ndarray:
    wide, high = zone[2] - zone[0], zone[3] - zone[1]
    short = 2 if count <= 4 else 3
    cells = _grid(short, max(short, round(short * max(wide, high) / min(wide, high))) + (count > 8), zone)
    cells = cells[rng.permutation(len(cells))[:count]]
    shrunk, shake = (0.8, 0.15) if count > 3 else (1.0, 0.05)  # few objects may be larger
    cells[:, 2:] *= shrunk
    cells[:, :2] += rng.uniform(-shake, shake, (count, 2)) * cells[:, 2:]
    return cells


def _dense(kind: str, zone: Zone, rng: np.random.Generator) -> np.ndarray:
    wide, high = DENSE_CELL[kind]
    cells = _lattice(max(1, round((zone[3] - zone[1]) / high)), max(1, round((zone[2] - zone[0]) / wide)), zone)
    if kind == "forest":
        cells[:, :2] += rng.uniform(-0.3, 0.3, (len(cells), 2)) * cells[:, 2:]
        cells[:, 2:] *= rng.uniform(0.9, 1.35, (len(cells), 1))
    return cells


def _cells(facts: Mapping[str, str], zones: Sequence[Zone], rng: np.random.Generator) -> np.ndarray:
    """The cells (objects, 4) of the main group."""
    count, kind, arrangement, zone = int(facts["count"]), facts["kind"], facts["arrangement"], zones[0]
    upright = facts["axis"] == "vertical"
    if count == 10:
        return np.concatenate([_dense(kind, zone, rng) for zone in zones])
    if arrangement == "split":
        return np.concatenate([_grid(1, n, z) for n, z in zip((count - count // 2, count // 2), zones, strict=True)])
    if kind == "railwaystation":  # trains lie along the line, one next to the other across it
        return _lattice(1, count, zone) if upright else _lattice(count, 1, zone)
    if arrangement == "circle":
        return _ring(count, zone)
    if arrangement == "scattered":
        return _scatter(count, zone, rng)
    rows = {"grid": 3 if count == 9 else 2}.get(arrangement, 1)
    cells = _grid(rows, count // rows, zone)
    if kind == "bridge":  # a bridge is short along the river and long across it
        cells[:, 3 if upright else 2] = 0.2
    return cells


def _poses(facts: Mapping[str, str], cells: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Angles and sizes (objects,): long objects follow their cell, scattered ones turn freely, one size for a group."""
    kind, count = facts["kind"], len(cells)
    wide, high = EXTENTS[kind]
    lying = np.minimum(cells[:, 2] / high, cells[:, 3] / wide)
    standing = np.minimum(cells[:, 2] / wide, cells[:, 3] / high)
    angles = np.where(standing >= lying * 0.999, 0.0, 90.0) + 180 * rng.integers(0, 2)
    sizes = np.maximum(lying, standing)
    if kind in FREE_ANGLE and facts["arrangement"] == "scattered":
        angles = rng.uniform(0, 360, count)
        sizes = np.minimum(cells[:, 2], cells[:, 3]) / max(wide, high)
    elif kind not in FIXED:
        angles = angles + rng.uniform(-5, 5)
    if kind != "forest":
        sizes = np.full(count, min(sizes.min(), LARGEST.get(kind, 0.46) * rng.uniform(0.92, 1)))
    return angles, sizes * (0.95 if kind in ("railwaystation", "bridge") else 0.86)


def _draw_line(pen: _Pen, facts: Mapping[str, str], middle: float, bend: float, rng: np.random.Generator) -> None:
    """The road, river, railway, runway or shore, with the markings that tell them apart."""
    kind, turn = facts["line"], _turn(facts)
    colour, half = LINES[kind]
    along = np.linspace(-0.06, 1.06, 29)
    x = middle + bend * np.sin(2 * np.pi * (along * rng.uniform(0.95, 1.15) + rng.random()))
    path = _turned(np.stack([x, along], axis=1), turn)
    colour = _tint(colour, rng, 8)
    if kind == "coast":
        _draw_sea(pen, np.stack([x, along], axis=1), facts["kind"] == "port", colour, turn)
        return
    if "river" in kind:
        pen.stroke(path, 2 * half + 0.035, _shade(colour, 0.75, 0.35))
    pen.stroke(path, 2 * half, colour)
    if kind in ("road", "runway"):
        for k in range(0, 28, 2):
            pen.stroke(path[k : k + 2], 0.016 if kind == "road" else 0.026, LIT)
    for shift in {"railway": (-0.022, 0.022), "dirt road": (-0.02, 0.02), "runway": (-0.07, 0.07)}.get(kind, ()):
        rail = _turned(np.stack([x + shift, along], axis=1), turn)
        pen.stroke(rail, 0.013, (150, 106, 66) if kind == "dirt road" else (222, 222, 226))
    if kind == "railway":
        for y in np.arange(0, 1, 0.045):
            pen.stroke(_turned(np.array([[middle - 0.045, y], [middle + 0.045, y]]), turn), 0.012, (62, 50, 44))


def _draw_sea(pen: _Pen, shore: np.ndarray, left: bool, colour: RGB, turn: str) -> None:
    """Water on one side of the shore (left of it for a port), with surf; a port's shore is a quay."""
    far = -0.1 if left else 1.1
    for shift, paint in ((0.0, LIT if not left else (120, 120, 124)), (0.03, _shade(colour, 1, 0.25)), (0.07, colour)):
        edge = shore + np.array([-shift if left else shift, 0])
        pen.polygon(_turned(np.concatenate([edge, [[far, 1.1], [far, -0.1]]]), turn), paint)


def _border(steps: int) -> np.ndarray:
    """Cells along the four edges of the picture."""
    along, low, high = np.linspace(0.08, 0.92, steps), np.full(steps, 0.075), np.full(steps, 0.925)
    x, y = np.concatenate([along, along, low, high]), np.concatenate([low, high, along, along])
    return np.stack([x, y, 0 * x + 0.15, 0 * x + 0.15], axis=1)


def _draw_extra(pen: _Pen, facts: Mapping[str, str], zone: Zone, rng: np.random.Generator) -> None:
    """The second object: a row in its strip, or trees all around."""
    glyph, colour, count = EXTRAS[facts["extra"]]
    loose = glyph == "tree"
    wide, high = EXTENTS[glyph]
    angle = 0.0 if (zone[3] - zone[1] >= zone[2] - zone[0]) else 90.0
    for cell in _border(6) if facts["place"] == "around" else _grid(1, count, zone):
        size = min(min(cell[2:]) / wide, max(cell[2:]) / high) * (0.95 if loose else 0.85)
        shaken = cell + rng.uniform(-0.015, 0.015, 4) * loose
        pen.stamp(glyph, shaken, size, rng.uniform(0, 360) if loose else angle, _tint(colour, rng, 9))


def _draw_group(pen: _Pen, facts: Mapping[str, str], zones: Sequence[Zone], rng: np.random.Generator) -> None:
    """The main objects and what lies under them: the asphalt of a parking lot, the cross roads of roundabouts."""
    kind, cells = facts["kind"], _cells(facts, zones, rng)
    angles, sizes = _poses(facts, cells, rng)
    for zone in zones if kind == "parking" else ():
        pen.polygon(np.array(_box(*zone)), ASPHALT)
    for cell, size in zip(cells, sizes, strict=True) if kind == "roundabout" else ():
        pen.stamp("crossing", cell, size, 90.0 if facts["axis"] == "vertical" else 0.0, ASPHALT)
    for cell, angle, size in zip(cells, angles, sizes, strict=True):
        shaken = cell + rng.uniform(-0.008, 0.008, 4) * (kind not in FIXED)
        pen.stamp(kind, shaken, size, angle, _tint(COLOURS[facts["colour"]], rng, 9))


def draw_scene(facts: Mapping[str, str], size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one scene from its facts: attribute -> name of its value, as in ``scene_captions.VALUES``.

    **Shape**: returns (size, size, 3) uint8, RGB. The same facts and generator state give the same scene at any size.

    Taught in: notebooks/00_start_here
    """
    side = size * (3 if size <= 128 else 2)  # smooth edges at small sizes, where they matter
    image, base = _ground(facts, side, rng)
    pen, turn = _Pen(image, base), _turn(facts)
    bend = {"curved": 0.065, "straight": 0.0, "none": 0.0}[facts["form"]]
    middle, zones, strip = _layout(facts, bend)
    zones = [_turned_zone(zone, turn) for zone in zones]
    if facts["line"] != "none":
        _draw_line(pen, facts, middle, bend, rng)
    if facts["extra"] != "none":
        _draw_extra(pen, facts, _turned_zone(strip, turn), rng)
    _draw_group(pen, facts, zones, rng)
    return np.asarray(image.reduce(side // size))
