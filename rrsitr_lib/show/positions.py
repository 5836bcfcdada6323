"""Which positions of its controls an exported page keeps, and what it says of those that it leaves out."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.controls import Control


def thin(specs: Sequence[Control], present: dict[str, Any], frames: int) -> list[list[Any]]:
    """The values of every control that a page keeps; the present one is always among them.

    A control that names its values of a page keeps them. Of the others the longest list is halved until the product
    fits ``frames``; first and last value stay as long as there is room.

    >>> from rrsitr_lib.show.explorers.controls import Slider
    >>> thin([Slider("epoch", "epoch", 1, 9, 1, 9)], {"epoch": 9}, frames=5)
    [[1, 3, 5, 7, 9]]
    """
    kept = [[value for value in spec.values if _offered(spec, value, present)] for spec in specs]
    while np.prod([len(values) for values in kept]) > frames:
        shorter = [
            _halved(values, {present[spec.name]}) if spec.on_page is None else values
            for spec, values in zip(specs, kept, strict=True)
        ]
        able = [place for place, values in enumerate(shorter) if len(values) < len(kept[place])]
        if not able:
            break
        longest = max(able, key=lambda place: len(kept[place]))
        kept[longest] = shorter[longest]
    return kept


def _offered(spec: Control, value: Any, present: dict[str, Any]) -> bool:
    return spec.on_page is None or value in spec.on_page or value == present[spec.name]


def _halved(values: list[Any], own: set[Any]) -> list[Any]:
    """Every second value with the last and the own ones; where that is no shorter, both ends and the own ones."""
    for chosen in ({*values[::2], values[-1]} | own, {values[0], values[-1]} | own, {values[0]} | own):
        kept = [value for value in values if value in chosen]
        if len(kept) < len(values):
            return kept
    return values


def positions(explorer: Explorer, kept: Sequence[list[Any]]) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """Every combination of the kept values of all controls: the place of each in its list, and the values by name."""
    names = [spec.name for spec in explorer.specs]
    for place in itertools.product(*(range(len(values)) for values in kept)):
        yield place, {name: values[k] for name, values, k in zip(names, kept, place, strict=True)}


def rule(explorer: Explorer, kept: Sequence[list[Any]]) -> str:
    """What a page leaves out."""
    both = list(zip(explorer.specs, kept, strict=True))
    thinned = [
        f"{spec.label} {len(some)} of {len(spec.values)}" for spec, some in both if 1 < len(some) < len(spec.values)
    ]
    fixed = [f"{spec.label} {some[0]}" for spec, some in both if len(some) == 1 < len(spec.values)]
    parts = {"Positions kept": thinned, "Fixed here": fixed}
    return " ".join(f"{what}: {', '.join(named)}." for what, named in parts.items() if named)
