"""What things look like from above: their colours, and small tables of polygons for the objects."""

import numpy as np

RGB = tuple[int, int, int]
Points = list[tuple[float, float]]
Parts = list[tuple[str | RGB, Points]]

COLOURS: dict[str, RGB] = {
    "white": (248, 248, 244), "red": (208, 40, 38), "blue": (35, 80, 205), "yellow": (250, 212, 40),
    "orange": (243, 128, 28), "green": (32, 118, 52), "black": (34, 34, 40), "brown": (122, 76, 42),
    "purple": (146, 62, 176)}  # fmt: skip
GROUNDS: dict[str, RGB] = {
    "grass": (128, 174, 84), "sand": (229, 205, 150), "soil": (158, 112, 84), "concrete": (172, 172, 175),
    "snow": (236, 241, 247), "ploughed": (186, 180, 92)}  # fmt: skip
LINES: dict[str, tuple[RGB, float, float, float]] = {  # colour, half width, width of dashes, distance of rails
    "none": ((0, 0, 0), 0, 0, 0), "road": ((92, 92, 98), 0.055, 0.016, 0),
    "dirt road": ((206, 164, 108), 0.05, 0, 0.02), "river": ((52, 118, 196), 0.085, 0, 0),
    "green river": ((42, 108, 92), 0.085, 0, 0), "railway": ((112, 102, 98), 0.05, 0, 0.022),
    "runway": ((66, 68, 76), 0.085, 0.026, 0.07), "coast": ((38, 112, 176), 0, 0, 0)}  # fmt: skip
EXTRAS: dict[str, tuple[str, RGB, int]] = {  # glyph, colour, number
    "trees": ("tree", (40, 112, 50), 6), "buildings": ("building", (200, 196, 212), 3),
    "pool": ("pool", (60, 200, 225), 1), "panels": ("panel", (28, 38, 92), 4)}  # fmt: skip
LIT, GREEN, ASPHALT, GLASS = (246, 246, 242), (96, 156, 74), (84, 84, 90), (40, 48, 60)


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _rect(right: float, bottom: float) -> Points:
    return _box(-right, -bottom, right, bottom)


def _disc(radius: float, x: float = 0.0, y: float = 0.0, start: float = 0.0, end: float = 360.0) -> Points:
    angles = np.radians(np.linspace(start, end, 18))
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1).tolist()


def _oval(radius: float, half: float) -> Points:
    return _disc(radius, 0, -half, 180, 360) + _disc(radius, 0, half, 0, 180)


def _scaled(points: Points, factor: float) -> Points:
    return [(x * factor, y * factor) for x, y in points]


def _blade(degrees: float) -> Points:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [(cos * x - sin * y, sin * x + cos * y) for x, y in ((0, -0.06), (0.46, -0.02), (0.46, 0.03), (0, 0.08))]


_HULL = [(0, -0.5), (0.16, -0.2), (0.17, 0.4), (0.1, 0.5), (-0.1, 0.5), (-0.17, 0.4), (-0.16, -0.2)]
_PLANE = [(0, -0.5), (0.08, -0.36), (0.08, -0.12), (0.5, 0.14), (0.5, 0.26), (0.08, 0.12), (0.07, 0.32), (0.22, 0.44),
          (0.22, 0.52), (0, 0.48), (-0.22, 0.52), (-0.22, 0.44), (-0.07, 0.32), (-0.08, 0.12), (-0.5, 0.26),
          (-0.5, 0.14), (-0.08, -0.12), (-0.08, -0.36)]  # fmt: skip
_FAN = [(0, 0.48), *_disc(0.98, 0, 0.48, 225, 315)]
_HORNS = _disc(0.569, 0, 0.619, 319.6, 220.4)  # the hollow between the horns of a crescent dune
_DUNE = _disc(0.5, 0, 0, 150, 390) + _HORNS
_ANGLES = np.linspace(0, 2 * np.pi, 28, endpoint=False)
_RADII = 0.41 + 0.06 * np.sin(2 * _ANGLES + 1) + 0.045 * np.sin(3 * _ANGLES)
_POND = np.stack([_RADII * np.cos(_ANGLES), _RADII * np.sin(_ANGLES)], axis=1).tolist()

# Parts are painted in order; a role is "main", "dark", "light" or "shadow" of the object's colour, or a fixed colour.
PARTS: dict[str, Parts] = {
    "airport": [("shadow", _PLANE), ("main", _PLANE), ("dark", _box(-0.035, -0.3, 0.035, 0.4))],
    "baseballfield": [("dark", _scaled(_FAN, 1.04)), (GREEN, _FAN),
        ("main", [(0, 0.48), *_disc(0.56, 0, 0.48, 225, 315)]),
        (GREEN, [(0, 0.36), (0.2, 0.16), (0, -0.04), (-0.2, 0.16)]), (LIT, _disc(0.05, 0, 0.4)),
        ("main", _disc(0.06, 0, 0.16))],
    "beach": [("shadow", _disc(0.45)), ("main", _disc(0.45)),
        *[(LIT, [(0, 0), *_disc(0.45, 0, 0, a, a + 45)]) for a in (0, 90, 180, 270)], ("dark", _disc(0.07))],
    "bridge": [("shadow", _rect(0.15, 0.5)), ("main", _rect(0.15, 0.56)), (ASPHALT, _rect(0.075, 0.56)),
        (LIT, _rect(0.012, 0.5))],
    "building": [("shadow", _rect(0.3, 0.5)), ("dark", _rect(0.3, 0.5)), ("main", _rect(0.26, 0.46)),
        ("dark", _box(-0.1, -0.3, 0.1, -0.1)), ("dark", _box(-0.1, 0.1, 0.1, 0.3))],
    "crossing": [(ASPHALT, _rect(0.15, 3))],
    "desert": [("shadow", _DUNE), ("main", _DUNE), ("dark", _disc(0.434, 0, 0.284, 184.5, 355.5) + _HORNS),
        ("light", _disc(0.47, 0, 0, 180, 300) + _disc(0.4, 0, 0.03, 290, 190))],
    "farmland": [("dark", _rect(0.5, 0.5)),
        *[("main", _box(-0.46, y, 0.46, y + 0.12)) for y in np.linspace(-0.46, 0.34, 5)]],
    "panel": [("shadow", _rect(0.3, 0.44)), (LIT, _rect(0.32, 0.46)),
        *[("main", _box(x, y, x + 0.27, y + 0.25)) for x in (-0.29, 0.02) for y in (-0.43, -0.12, 0.18)]],
    "parking": [((60, 60, 64), _scaled(_rect(0.25, 0.5), 1.06)), ("main", _rect(0.25, 0.5)),
        (GLASS, _box(-0.19, -0.24, 0.19, -0.08)), (GLASS, _box(-0.19, 0.22, 0.19, 0.34))],
    "pond": [((226, 222, 190), _scaled(_POND, 1.1)), ("dark", _POND), ("main", _scaled(_POND, 0.88)),
        ("light", _box(-0.2, -0.1, 0.02, -0.07)), ("light", _box(-0.05, 0.08, 0.17, 0.11))],
    "pool": [(LIT, _rect(0.25, 0.5)), ("main", _rect(0.19, 0.44)), ("light", _box(-0.07, -0.4, -0.05, 0.4)),
        ("light", _box(0.05, -0.4, 0.07, 0.4))],
    "port": [(LIT, [(0, 0.3), (0.2, 0.66), (-0.2, 0.66)]), ("main", _HULL), ("light", _box(-0.09, -0.12, 0.09, 0.3)),
        ("dark", _box(-0.09, 0.0, 0.09, 0.1))],
    "railwaystation": [((112, 102, 98), _rect(0.1, 0.8)),
        *[((70, 58, 50), _box(-0.09, y, 0.09, y + 0.02)) for y in np.linspace(-0.78, 0.76, 20)],
        ("dark", _rect(0.08, 0.42)), *[("main", _box(-0.065, y, 0.065, y + 0.24)) for y in (-0.41, -0.13, 0.15)]],
    "roundabout": [(LIT, _disc(0.5)), (ASPHALT, _disc(0.46)), (LIT, _disc(0.28)), ("main", _disc(0.25)),
        ("light", _disc(0.09))],
    "sparseresidential": [("shadow", _rect(0.4, 0.45)), ("light", _box(-0.4, -0.45, 0, 0.45)),
        ("main", _rect(0.36, 0.42)), ("dark", _box(0, -0.45, 0.4, 0.45)), (LIT, _box(0.12, -0.3, 0.24, -0.16))],
    "stadium": [("dark", _oval(0.33, 0.2)), ("main", _oval(0.31, 0.19)), (LIT, _oval(0.245, 0.19)),
        ("main", _oval(0.23, 0.19)), (LIT, _oval(0.175, 0.19)), (GREEN, _oval(0.16, 0.19)), (LIT, _rect(0.15, 0.012)),
        (LIT, _disc(0.06)), (GREEN, _disc(0.04))],
    "storagetanks": [("shadow", _disc(0.46)), ("dark", _disc(0.46)), ("main", _disc(0.41)),
        ("light", _disc(0.2, -0.1, -0.1)), ("dark", _box(-0.03, -0.4, 0.03, 0.0))],
    "tenniscourts": [("dark", _rect(0.32, 0.5)), (LIT, _rect(0.24, 0.42)), ("main", _box(-0.2, -0.38, 0.2, -0.02)),
        ("main", _box(-0.2, 0.02, 0.2, 0.38)), (LIT, _rect(0.02, 0.22)), (LIT, _box(-0.2, -0.24, 0.2, -0.2)),
        (LIT, _box(-0.2, 0.2, 0.2, 0.24)), ((30, 30, 30), _rect(0.3, 0.02))],
    "tree": [("shadow", _disc(0.42)), ("dark", _disc(0.46)), ("main", _disc(0.38, -0.06, -0.06)),
        ("light", _disc(0.15, -0.16, -0.16))],
    "windfarm": [("shadow", [(0, 0), (0.42, 0.4), (0.38, 0.44), (-0.04, 0.04)]),
        *[(role, _blade(turn)) for role in ("shadow", "main") for turn in (30, 150, 270)], ("dark", _disc(0.08))],
}  # fmt: skip


def _glyph(parts: Parts) -> tuple[np.ndarray, np.ndarray, list[tuple[str | RGB, int, int]]]:
    """All points in one array, so that a stamp turns them at once; their drops; and where each part lies in them."""
    points: list[tuple[float, float]] = []
    drops, ends = [], []
    for role, outline in parts:
        ends.append((role, 2 * len(points), 2 * len(points + outline)))
        points += outline
        drops += [0.09 * (role == "shadow")] * len(outline)  # to the lower right however the object is turned
    return np.array(points), np.array(drops)[:, None], ends


GLYPHS = {name: _glyph(parts) for name, parts in PARTS.items()}
GLYPHS |= {"denseresidential": GLYPHS["sparseresidential"], "forest": GLYPHS["tree"]}
EXTENTS = {name: np.ptp(points, axis=0) for name, (points, _, _) in GLYPHS.items()}
EXTENTS |= {"railwaystation": np.array([0.2, 1.0]), "roundabout": np.array([1.0, 1.0]), "bridge": np.array([0.3, 1.1])}
