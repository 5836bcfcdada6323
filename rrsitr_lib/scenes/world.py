"""The built-in world: seeded aerial scenes with captions, which knows what is true of which scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rrsitr_lib.errors import InputError
from rrsitr_lib.scenes.captions import write_captions
from rrsitr_lib.scenes.drawing import draw_scene
from rrsitr_lib.scenes.layout import PLACE_ACROSS
from rrsitr_lib.scenes.words import VALUES

FACTS, PAINT, WORDS, ORDER = range(4)  # independent random streams of a scene


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
LARGE = ("baseballfield", "stadium", "farmland", "railwaystation", "port", "beach")  # not on both sides of a line
# colour or line that would not be seen on a ground
CLASHES = {"snow": ("white",), "sand": ("yellow", "dirt-road"), "soil": ("brown",), "ploughed": ("yellow",)}


def _pick(rng: np.random.Generator, names: str, left_out: Sequence[str] = ()) -> str:
    """One of the space-separated names; a dash within a name stands for a blank."""
    choice = [name for name in names.split() if name not in left_out]
    return choice[int(rng.integers(len(choice)))].replace("-", " ")


def _facts(name: str, rng: np.random.Generator) -> dict[str, str]:
    """Draw the facts of one scene of a kind: attribute -> name of its value, as in ``words.VALUES``."""
    kind = KINDS[name]
    ground = _pick(rng, kind.grounds)
    colour, line = (_pick(rng, names, CLASHES.get(ground, ())) for names in (kind.colours, kind.lines))
    count = int(_pick(rng, kind.counts))
    axis = side = form = extra = place = "none"
    if line != "none":
        axis = _pick(rng, "vertical horizontal")
        splits = line != "coast" and name not in LARGE and count > 3
        if name in ("bridge", "roundabout"):
            side = "across"
        elif name in ("denseresidential", "forest") or (splits and rng.random() < 0.3):
            side = "both"
        else:
            side = _pick(rng, "left right" if axis == "vertical" else "above below")
        stiff = line in ("railway", "runway") or name == "roundabout"
        form = "straight" if stiff else _pick(rng, "straight curved")
    if side != "both":
        extra = _pick(rng, kind.extras)
    if line == "coast" and name != "port":
        extra = "none"  # the far side of the line is the sea
    arrangement = _arrangement(kind, count, side, rng)
    if extra != "none" and side == "across":
        place = _pick(rng, "left right" if axis == "vertical" else "top bottom")
    elif extra != "none" and side == "none":
        place = _pick(rng, "left right top bottom" + " around" * 3 * (extra == "trees"))
    elif extra != "none":
        place = PLACE_ACROSS[side]
    return {"kind": name, "ground": ground, "line": line, "form": form, "axis": axis, "side": side, "colour": colour,
            "count": str(count), "arrangement": arrangement, "extra": extra, "place": place}  # fmt: skip


def _arrangement(kind: Kind, count: int, side: str, rng: np.random.Generator) -> str:
    """An arrangement that the count can show: a grid needs full rows, a circle four objects."""
    if kind.arrangements == "scattered":
        return "scattered"
    if count in (1, 10) or side == "both":
        return "single" if count == 1 else "split" if side == "both" else "grid"
    shown = {"grid": count in (4, 6, 8, 9), "circle": 4 <= count <= 8, "row": count <= 6 or kind.arrangements == "row"}
    return _pick(rng, kind.arrangements, [name for name, fits in shown.items() if not fits])


@dataclass(frozen=True)
class SceneSet:
    """Drawn scenes, five captions for each (or as many as asked), and the truth about both.

    **Shape**: images (scenes, size, size, 3) uint8 RGB; image_ids (scenes,) text, "airport_0007.png";
    captions (rows,) texts, row r belongs to scene r // captions per scene; attributes (scenes, attributes) int64,
    the facts as positions in ``words.VALUES``; claims (rows, attributes) int64, a bit for each value that
    the caption allows, -1 (all bits) where it says nothing.
    """

    images: np.ndarray
    image_ids: np.ndarray
    captions: list[str]
    attributes: np.ndarray
    claims: np.ndarray

    @property
    def rows_image_ids(self) -> np.ndarray:
        """Image id of every row. **Shape** (rows,) text."""
        return np.repeat(self.image_ids, len(self.captions) // len(self.image_ids))

    def true_of(self, rows: Sequence[int] | np.ndarray | None = None,
                scenes: Sequence[int] | np.ndarray | None = None) -> np.ndarray:  # fmt: skip
        """Which captions are true of which scenes; all rows and all scenes unless told.

        **Shape**: rows (r,) and scenes (s,) positions; returns (r, s) bool.

        >>> draw_scenes(3, size=32).true_of(rows=[0, 1], scenes=[0]).tolist()
        [[True], [True]]
        """
        claims = self.claims if rows is None else self.claims[np.asarray(rows, int)]
        attributes = self.attributes if scenes is None else self.attributes[np.asarray(scenes, int)]
        true = np.ones((len(claims), len(attributes)), bool)
        for column, names in enumerate(VALUES.values()):
            allowed = (claims[:, column, None] >> np.arange(len(names)) & 1).astype(bool)  # (rows, values)
            true &= allowed[:, attributes[:, column]]
        return true


def draw_scenes(scenes: int, seed: int = 0, size: int = 64, captions_per_scene: int = 5) -> SceneSet:
    """Draw ``scenes`` aerial scenes of ``size`` x ``size`` pixels with captions; scene k depends on (seed, k) alone.

    scenes 1 to 1,000,000; seed 0 or more; size 16 to 1024 pixels (the same facts at every size);
    captions_per_scene 1 to 1,000. Raises ``InputError`` outside.

    >>> world = draw_scenes(2, seed=3)
    >>> world.images.shape, len(world.captions)
    ((2, 64, 64, 3), 10)
    """
    for name, value, low, high in (("scenes", scenes, 1, 10**6), ("seed", seed, 0, 2**63 - 1), ("size", size, 16, 1024),
                                   ("captions_per_scene", captions_per_scene, 1, 1000)):  # fmt: skip
        if not isinstance(value, int | np.integer) or not low <= value <= high:
            raise InputError(f"{name} is {value}: allowed is a whole number, {low} to {high}")

    def stream(scene: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng((seed, scene, purpose))

    # Kinds come in shuffled rounds, so that small sets hold every kind.
    rounds = [stream(turn, ORDER).permutation(tuple(KINDS)) for turn in range(-(-scenes // len(KINDS)))]
    kinds = np.concatenate(rounds)[:scenes].tolist()
    facts = [_facts(kind, stream(k, FACTS)) for k, kind in enumerate(kinds)]
    codes = [[names.index(fact[attribute]) for attribute, names in VALUES.items()] for fact in facts]
    written = [write_captions(code, captions_per_scene, stream(k, WORDS)) for k, code in enumerate(codes)]
    return SceneSet(
        images=np.stack([draw_scene(fact, size, stream(k, PAINT)) for k, fact in enumerate(facts)]),
        image_ids=np.array([f"{kind}_{k:04d}.png" for k, kind in enumerate(kinds)]),
        captions=[text for texts, _ in written for text in texts],
        attributes=np.array(codes, np.int64),
        claims=np.concatenate([claims for _, claims in written]),
    )
