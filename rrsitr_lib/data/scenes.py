"""The built-in world: seeded aerial scenes with captions, which knows what is true of which scene."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rrsitr_lib.data.scene_captions import write_captions
from rrsitr_lib.data.scene_drawing import draw_scene
from rrsitr_lib.data.scene_facts import KINDS, draw_facts
from rrsitr_lib.data.scene_words import VALUES
from rrsitr_lib.errors import InputError

FACTS, PAINT, WORDS, ORDER = range(4)  # independent random streams of a scene


@dataclass(frozen=True)
class SceneSet:
    """Drawn scenes, five captions for each (or as many as asked), and the truth about both.

    **Shape**: images (scenes, size, size, 3) uint8 RGB; image_ids (scenes,) text, "airport_0007.png";
    captions (rows,) texts, row r belongs to scene r // captions per scene; attributes (scenes, attributes) int64,
    the facts as positions in ``scene_words.VALUES``; claims (rows, attributes) int64, a bit for each value that
    the caption allows, -1 (all bits) where it says nothing.

    >>> world = draw_scenes(4, seed=1, size=32)
    >>> bool(world.true_of()[:5, 0].all())
    True

    Taught in: notebooks/00_start_here
    """

    images: np.ndarray
    image_ids: np.ndarray
    captions: list[str]
    attributes: np.ndarray
    claims: np.ndarray

    @property
    def rows_image_ids(self) -> np.ndarray:
        """Image id of every row.

        **Shape**: (rows,) text.

        Taught in: notebooks/00_start_here
        """
        return np.repeat(self.image_ids, len(self.captions) // len(self.image_ids))

    def true_of(self, rows: Sequence[int] | np.ndarray | None = None,
                scenes: Sequence[int] | np.ndarray | None = None) -> np.ndarray:  # fmt: skip
        """Which captions are true of which scenes; all rows and all scenes unless told.

        **Shape**: rows (r,) and scenes (s,) positions; returns (r, s) bool.

        >>> draw_scenes(3, size=32).true_of(rows=[0, 1], scenes=[2]).shape
        (2, 1)

        Taught in: notebooks/00_start_here
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

    Taught in: notebooks/00_start_here
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
    facts = [draw_facts(kind, stream(k, FACTS)) for k, kind in enumerate(kinds)]
    codes = [[names.index(fact[attribute]) for attribute, names in VALUES.items()] for fact in facts]
    written = [write_captions(code, captions_per_scene, stream(k, WORDS)) for k, code in enumerate(codes)]
    return SceneSet(
        images=np.stack([draw_scene(fact, size, stream(k, PAINT)) for k, fact in enumerate(facts)]),
        image_ids=np.array([f"{kind}_{k:04d}.png" for k, kind in enumerate(kinds)]),
        captions=[text for texts, _ in written for text in texts],
        attributes=np.array(codes, np.int64),
        claims=np.concatenate([claims for _, claims in written]),
    )
