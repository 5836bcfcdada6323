"""Where things lie: the zones left and right of the line, and the cells, angles and sizes of the group in them."""

from collections.abc import Mapping, Sequence

import numpy as np

from rrsitr_lib.scenes.glyphs import EXTENTS, LINES

Zone = tuple[float, float, float, float]  # left, top, right, bottom in units of the picture's side

PLACE_ACROSS = {"left": "right", "right": "left", "above": "bottom", "below": "top"}  # of a side of the line
LARGEST = {"bridge": 0.4, "storagetanks": 0.36, "parking": 0.3, "beach": 0.3, "farmland": 0.6, "stadium": 0.85,
           "tenniscourts": 0.6, "railwaystation": 1.1, "pond": 0.6}  # fmt: skip
DENSE_CELL = {"denseresidential": (0.185, 0.185), "forest": (0.155, 0.155), "parking": (0.105, 0.19)}
FIXED = {"bridge", "railwaystation", "roundabout"}  # must meet their line exactly
FREE_ANGLE = {"airport", "port", "pond", "desert", "windfarm", "forest", "storagetanks", "beach"}


def turn_of(facts: Mapping[str, str]) -> str:
    """The side on which the group lies once the canonical frame (line upright, group left of it) is turned."""
    upright = "above" if facts["axis"] == "horizontal" else "left"
    across = (side for side, place in PLACE_ACROSS.items() if place == facts["place"])
    return facts["side"] if facts["side"] in PLACE_ACROSS else next(across, upright)


def turned(points: np.ndarray, turn: str) -> np.ndarray:
    """Points (n, 2) from the canonical frame to where the facts want them."""
    points = points[:, ::-1] if turn in ("above", "below") else points
    return np.where([turn == "right", turn == "below"], 1 - points, points)


def zones_of(facts: Mapping[str, str], bend: float) -> tuple[float, list[Zone], Zone]:
    """Where the line lies in the canonical frame; the group's zones and the second object's zone in the picture."""
    half, side, middle, strip = LINES[facts["line"]][1], facts["side"], 0.5, (0.74, 0.02, 0.98, 0.98)
    if side == "both":
        near = half + bend + 0.02
        zones = [(0.02, 0.03, middle - near, 0.97), (middle + near, 0.03, 0.98, 0.97)]
    elif side == "across":
        reach = 0.175 if facts["kind"] == "roundabout" else half * 1.9
        zones, strip = [(middle - reach, 0.04, middle + reach, 0.96)], (0.78, 0.02, 0.98, 0.98)
    elif side != "none":
        middle = 0.7 - bend / 2
        zones = [(0.03, 0.03, middle - half - bend - 0.02, 0.97)]
        strip = (middle + half + bend + 0.015, 0.02, 0.99, 0.98)
    elif facts["place"] == "around":
        zones, strip = [(0.17, 0.17, 0.83, 0.83)], (0, 0, 1, 1)
    else:
        zones = [(0.04, 0.04, 0.96 if facts["extra"] == "none" else 0.7, 0.96)]
    turn = turn_of(facts)
    corners = [turned(np.array(zone).reshape(2, 2), turn) for zone in (*zones, strip)]
    *zones, strip = [tuple(np.sort(pair, axis=0).ravel().tolist()) for pair in corners]
    return middle, zones, strip


def _lattice(rows: int, columns: int, zone: Zone) -> np.ndarray:
    """Cells (rows * columns, 4) as middle x, middle y, width, height."""
    y, x = np.divmod(np.arange(rows * columns), columns)
    wide, high = (zone[2] - zone[0]) / columns, (zone[3] - zone[1]) / rows
    return np.stack([zone[0] + (x + 0.5) * wide, zone[1] + (y + 0.5) * high, 0 * x + wide, 0 * y + high], axis=1)


def grid(short: int, long: int, zone: Zone) -> np.ndarray:
    """A lattice whose longer count follows the zone's longer side."""
    return _lattice(short, long, zone) if zone[2] - zone[0] > zone[3] - zone[1] else _lattice(long, short, zone)


def _dense(kind: str, zone: Zone, rng: np.random.Generator) -> np.ndarray:
    wide, high = DENSE_CELL[kind]
    cells = _lattice(max(1, round((zone[3] - zone[1]) / high)), max(1, round((zone[2] - zone[0]) / wide)), zone)
    if kind == "forest":
        cells[:, :2] += rng.uniform(-0.3, 0.3, (len(cells), 2)) * cells[:, 2:]
        cells[:, 2:] *= rng.uniform(0.9, 1.35, (len(cells), 1))
    return cells


def cells_of(facts: Mapping[str, str], zones: Sequence[Zone], rng: np.random.Generator) -> np.ndarray:
    """The cells (objects, 4) of the main group."""
    count, kind, arrangement = int(facts["count"]), facts["kind"], facts["arrangement"]
    upright, zone = facts["axis"] == "vertical", zones[0]
    left, top, right, bottom = zone
    wide, high = right - left, bottom - top
    if count == 10:
        return np.concatenate([_dense(kind, zone, rng) for zone in zones])
    if arrangement == "split":
        return np.concatenate([grid(1, n, z) for n, z in zip((count - count // 2, count // 2), zones, strict=True)])
    if kind == "railwaystation":  # trains lie along the line, one next to the other across it
        return _lattice(1, count, zone) if upright else _lattice(count, 1, zone)
    if arrangement == "circle":
        reach, angles = min(wide, high) / 2, 2 * np.pi * (np.arange(count) + 0.25) / count
        cell = min(0.62 * reach, 3.4 * reach / count)
        radius = reach - cell / 2
        x, y = (left + right) / 2 + radius * np.cos(angles), (top + bottom) / 2 + radius * np.sin(angles)
        return np.stack([x, y, 0 * x + cell, 0 * x + cell], axis=1)
    if arrangement == "scattered":
        short = 2 if count <= 4 else 3
        cells = grid(short, max(short, round(short * max(wide, high) / min(wide, high))) + (count > 8), zone)
        cells = cells[rng.permutation(len(cells))[:count]]
        shrunk, shake = (0.8, 0.15) if count > 3 else (1.0, 0.05)  # few objects may be larger
        cells[:, 2:] *= shrunk
        cells[:, :2] += rng.uniform(-shake, shake, (count, 2)) * cells[:, 2:]
        return cells
    rows = (3 if count == 9 else 2) if arrangement == "grid" else 1
    cells = grid(rows, count // rows, zone)
    if kind == "bridge":  # a bridge is short along the river and long across it
        cells[:, 3 if upright else 2] = 0.2
    return cells


def poses_of(facts: Mapping[str, str], cells: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Angles and sizes (objects,): long objects follow their cell, scattered ones turn freely, one size for a group."""
    kind, count = facts["kind"], len(cells)
    wide, high = EXTENTS[kind]
    lying = np.minimum(cells[:, 2] / high, cells[:, 3] / wide)
    standing = np.minimum(cells[:, 2] / wide, cells[:, 3] / high)
    angles: np.ndarray = np.where(standing >= lying * 0.999, 0.0, 90.0) + 180 * rng.integers(0, 2)
    sizes: np.ndarray = np.maximum(lying, standing)
    if kind in FREE_ANGLE and facts["arrangement"] == "scattered":
        angles = rng.uniform(0, 360, count)
        sizes = np.minimum(cells[:, 2], cells[:, 3]) / max(wide, high)
    elif kind not in FIXED:
        angles = angles + rng.uniform(-5, 5)
    if kind != "forest":
        sizes = np.full(count, min(sizes.min(), LARGEST.get(kind, 0.46) * rng.uniform(0.92, 1)))
    return angles, sizes * (0.95 if kind in ("railwaystation", "bridge") else 0.86)
