"""The facts of a scene, drawn so that every combination can be seen and said."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

TURN_OF_PLACE = {"right": "left", "left": "right", "bottom": "above", "top": "below"}  # the side across the line


class Kind(NamedTuple):
    """What a kind of scene may hold."""

    colours: str
    counts: str
    grounds: str
    lines: str
    extras: str = "none trees buildings pool panels"
    arrangements: str = "row grid scattered circle"


_FIRM, _OPEN, _WILD = "grass sand soil concrete", "grass sand soil snow", "grass sand soil snow ploughed"
_ANY, _MANY, _FEW = "grass sand soil concrete snow", "1 2 3 4 5 6 7 8 9", "1 2 3 4"
_PATHS = "none road dirt-road"
KINDS: dict[str, Kind] = {
    "airport": Kind("white red blue yellow orange", _MANY, _ANY, "runway"),
    "baseballfield": Kind("brown red yellow orange", _FEW, "grass soil concrete", "none road river",
                          arrangements="row grid"),
    "beach": Kind("red blue yellow green purple orange", "2 3 4 5 6 7 8 9", "sand", "coast", "none"),
    "bridge": Kind("white red yellow orange purple black", "1 2 3", _OPEN, "river green-river", arrangements="row"),
    "denseresidential": Kind("red blue white orange brown purple", "10", _FIRM, "none road", "none"),
    "desert": Kind("orange brown white", "1 2 3 4 5 6 7", "sand", "none dirt-road", "none panels",
                   "row scattered circle"),
    "farmland": Kind("green yellow brown orange purple", "1 2 3 4 6 8 9", _OPEN, f"{_PATHS} river green-river",
                     "none trees pool buildings", "row grid"),
    "forest": Kind("green orange yellow red", "10", "grass soil snow", f"{_PATHS} river railway", "none", "scattered"),
    "parking": Kind("white red blue yellow orange green", "3 4 5 6 8 9 10", _ANY, "none road", arrangements="row grid"),
    "pond": Kind("blue green brown", _FEW, _WILD, f"{_PATHS} railway", "none trees buildings panels", "row scattered"),
    "port": Kind("white red yellow orange green black", _MANY, "grass sand concrete snow", "coast"),
    "railwaystation": Kind("white red blue yellow green", _FEW, _ANY, "railway", "none trees buildings", "row"),
    "roundabout": Kind("green red yellow blue purple", "1 2", _WILD, "road", "none trees", "row"),
    "sparseresidential": Kind("red blue white orange black purple", "1 2 3 4 5 6", _WILD,
                              f"{_PATHS} river green-river railway coast"),
    "stadium": Kind("red blue orange purple brown", "1 2", _FIRM, "none road railway", arrangements="row"),
    "storagetanks": Kind("white red blue yellow green", _MANY, _ANY, "none road railway coast river"),
    "tenniscourts": Kind("blue red green purple orange", "1 2 3 4 6 8", _FIRM, "none road", arrangements="row grid"),
    "windfarm": Kind("white red yellow", "1 2 3 4 5 6 7", "grass sand soil ploughed", "none dirt-road road coast",
                     "none trees pool", "row scattered circle"),
}  # fmt: skip
# colour or line that would not be seen on a ground
CLASHES = {"snow": ("white",), "sand": ("yellow", "dirt-road"), "soil": ("brown",), "ploughed": ("yellow",)}


def _pick(rng: np.random.Generator, names: str, left_out: Sequence[str] = ()) -> str:
    """One of the space-separated names; a dash within a name stands for a blank."""
    choice = [name for name in names.split() if name not in left_out]
    return choice[int(rng.integers(len(choice)))].replace("-", " ")


def draw_facts(name: str, rng: np.random.Generator) -> dict[str, str]:
    """Draw the facts of one scene of a kind: attribute -> name of its value, as in ``scene_words.VALUES``.

    Taught in: notebooks/00_start_here
    """
    kind = KINDS[name]
    ground = _pick(rng, kind.grounds)
    colour, line = (_pick(rng, names, CLASHES.get(ground, ())) for names in (kind.colours, kind.lines))
    count = int(_pick(rng, kind.counts))
    side, axis, form = "none", "none", "none"
    if line != "none":
        axis = _pick(rng, "vertical horizontal")
        side = _side(name, count, line, axis, rng)
        stiff = line in ("railway", "runway") or name == "roundabout"
        form = "straight" if stiff else _pick(rng, "straight curved")
    extra = "none" if side == "both" else _pick(rng, kind.extras)
    if line == "coast" and name != "port":
        extra = "none"  # the far side of the line is the sea
    arrangement = _arrangement(kind, count, side, rng)
    place = _place(extra, side, axis, rng)
    return {"kind": name, "ground": ground, "line": line, "form": form, "axis": axis, "side": side, "colour": colour,
            "count": str(count), "arrangement": arrangement, "extra": extra, "place": place}  # fmt: skip


def _side(name: str, count: int, line: str, axis: str, rng: np.random.Generator) -> str:
    if name in ("bridge", "roundabout"):
        return "across"
    large = name in ("baseballfield", "stadium", "farmland", "railwaystation", "port", "beach")
    if name in ("denseresidential", "forest") or (line != "coast" and not large and count > 3 and rng.random() < 0.3):
        return "both"
    return _pick(rng, "left right" if axis == "vertical" else "above below")


def _arrangement(kind: Kind, count: int, side: str, rng: np.random.Generator) -> str:
    """An arrangement that the count can show: a grid needs full rows, a circle four objects."""
    if kind.arrangements == "scattered":
        return "scattered"
    if count == 1 or side == "both":
        return "single" if count == 1 else "split"
    if count == 10:
        return "grid"
    shown = {"grid": count in (4, 6, 8, 9), "circle": 4 <= count <= 8, "row": count <= 6 or kind.arrangements == "row"}
    return _pick(rng, kind.arrangements, [name for name, fits in shown.items() if not fits])


def _place(extra: str, side: str, axis: str, rng: np.random.Generator) -> str:
    """The second object lies across the line from the group, or anywhere where there is no line."""
    if extra == "none":
        return "none"
    if side == "across":
        return _pick(rng, "left right" if axis == "vertical" else "top bottom")
    if side == "none":
        return _pick(rng, "left right top bottom" + " around" * 3 * (extra == "trees"))
    return next(place for place, turn in TURN_OF_PLACE.items() if turn == side)
