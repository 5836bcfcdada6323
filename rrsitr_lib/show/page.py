"""An explorer as one HTML file that needs neither kernel nor network: every position of its controls, drawn beforehand.

The page holds plotly.js and the frames gzipped, so that it stays under the size of plotly.js alone. Many pages in one
folder can share a plotly.js beside them (``write_plotly``).
"""

import base64
import gzip
import html
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_text
from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.controls import PAUSE, PLAYED, Control, Slider, label_of
from rrsitr_lib.show.style import TEMPLATE, TOOLBAR

PAGE = Path(__file__).with_name("page_template.html")
FRAMES, CARDS, LARGEST_BYTES = 320, 800, 5_000_000
PLOTLY = "plotly.js"  # the file that pages of one folder share
ALONE: Mapping[str, str] = {}


def write_page(
    explorer: Explorer, path: str | Path, frames: int = FRAMES, ways: Mapping[str, str] = ALONE, shared: bool = False
) -> Path:
    """Write the page, whole or not at all: at most ``frames`` positions, thinned evenly control by control, and
    fewer where these would show more than 800 different cards.

    ``ways`` lead on from it: addresses by what they lead to. ``shared``: it takes plotly.js from the file beside it.
    Raises ``InputError`` where the explorer has nothing to show, or the page would be over 5 MB.
    """
    if explorer.message:
        raise InputError(f"{explorer.title}: {explorer.message}")
    present = explorer.values
    offered = [spec for spec in explorer.specs if not explorer.on_page or spec.name in explorer.on_page]
    kept = thin(offered, present, frames)
    while frames > 1 and len(_of_all(explorer, offered, kept)) > CARDS:  # every card that a frame shows is there
        frames //= 2
        kept = thin(offered, present, frames)
    controls = [_control(spec, values, present[spec.name]) for spec, values in zip(offered, kept, strict=True)]
    look = {"toolbar": TOOLBAR, "template": TEMPLATE, "played": PLAYED, "pause": PAUSE}
    content = {**look, "controls": controls, **_frames(explorer, offered, kept)}
    parts = {
        "TITLE": html.escape(explorer.title),
        "ABOUT": html.escape(about(explorer)),
        "WAYS": _links(ways),
        "RULE": html.escape(_rule(explorer, offered, kept)),
        "BESIDE": f'<script src="{PLOTLY}"></script>' if shared else "",
        "PLOTLY": "" if shared else _packed(get_plotlyjs()),
        "CONTENT": _packed(json.dumps(content, separators=(",", ":"))),
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"%{name}%", part)
    if len(text.encode()) > LARGEST_BYTES:
        raise InputError(f"{path}: the page would have {len(text.encode()) / 1e6:.1f} MB; fewer frames make it smaller")
    return write_text(path, text)


def write_plotly(folder: Path) -> Path:
    """The plotly.js that pages of ``folder`` share."""
    return write_text(
        folder / PLOTLY, f'document.getElementById("plotly").textContent = "{_packed(get_plotlyjs())}";\n'
    )


def _links(ways: Mapping[str, str]) -> str:
    links = [f'<a href="{html.escape(address)}">{html.escape(name)}</a>' for name, address in ways.items()]
    return f"<nav>{' · '.join(links)}</nav>" if links else ""


def about(explorer: Explorer) -> str:
    """The docstring as far as it speaks to whoever looks, not to whoever writes code."""
    words = " ".join((type(explorer).__doc__ or "").split()).replace("``", "")
    return re.split(r"Raises |In code:", words)[0].strip()


def thin(specs: Sequence[Control], present: dict[str, Any], frames: int) -> list[list[Any]]:
    """The values of every control that a page keeps: the longest list is halved until the product fits.

    First, last and present value always stay, and those that a lesson asks for.

    >>> thin([Slider("epoch", "epoch", 1, 9, 1, 9)], {"epoch": 9}, frames=5)
    [[1, 3, 5, 7, 9]]
    """

    def always(spec: Control) -> set[Any]:
        return {present[spec.name], *(spec.asked if isinstance(spec, Slider) else ())}

    kept = [[value for value in spec.values if _works(spec, value, present)] for spec in specs]
    while np.prod([len(values) for values in kept]) > frames:
        shorter = [_halved(values, always(spec)) for spec, values in zip(specs, kept, strict=True)]
        able = [place for place, values in enumerate(shorter) if len(values) < len(kept[place])]
        if not able:
            break
        longest = max(able, key=lambda place: len(kept[place]))
        kept[longest] = shorter[longest]
    return kept


def _works(spec: Control, value: Any, present: dict[str, Any]) -> bool:
    """Whether a page can show a value: what only a kernel can answer stays where it is the present one."""
    return isinstance(spec, Slider) or value not in spec.in_kernel or value == present[spec.name]


def _halved(values: list[Any], own: set[Any]) -> list[Any]:
    """Every second value with the last and the own ones; where that is no shorter, both ends and the own ones."""
    for chosen in ({*values[::2], values[-1]} | own, {values[0], values[-1]} | own, {values[0]} | own):
        kept = [value for value in values if value in chosen]
        if len(kept) < len(values):
            return kept
    return values


def _control(spec: Control, values: list[Any], present: Any) -> dict[str, Any]:
    slider = isinstance(spec, Slider)
    start = min(values, key=lambda value: abs(value - present)) if slider else present
    shown = {"values": [str(value) for value in values], "start": values.index(start)}
    return {"name": spec.name, "label": label_of(spec), "slider": slider, **shown}


def _frames(explorer: Explorer, offered: Sequence[Control], kept: list[list[Any]]) -> dict[str, Any]:
    """The first figure whole, every other as what differs from it, and the cards that any of them can show.

    Frames hold numbers of entries in a common pool, as most of them share a map or a histogram with others.
    """
    base, frames, hovered, pool = None, {}, {}, {}
    for place, chosen in _positions(explorer, offered, kept):
        drawn = explorer.draw(**chosen)
        figure = json.loads(drawn.to_json())
        figure["layout"].pop("template", None)
        base = base or figure
        shown = list(explorer.shown(**chosen))
        hovered |= dict.fromkeys(_hovered(drawn))
        change = {
            "data": [_change(old, new, pool) for old, new in zip(base["data"], figure["data"], strict=True)],
            "layout": _change(base["layout"], figure["layout"], pool),
        }
        frames[",".join(map(str, place))] = {**change, "say": explorer.say(**chosen), "shown": shown}
    keys = list(dict.fromkeys([*(key for frame in frames.values() for key in frame["shown"]), *hovered]))
    cards = {key: explorer.card(key) for key in keys[:CARDS]}
    return {"base": base, "frames": frames, "cards": cards, "pool": [json.loads(entry) for entry in pool]}


def _positions(
    explorer: Explorer, offered: Sequence[Control], kept: list[list[Any]]
) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """Every combination of the kept values: the place of each in its list, and all values of the explorer."""
    names = [spec.name for spec in offered]
    for place in itertools.product(*(range(len(values)) for values in kept)):
        yield place, explorer.values | {name: values[k] for name, values, k in zip(names, kept, place, strict=True)}


def _of_all(explorer: Explorer, offered: Sequence[Control], kept: list[list[Any]]) -> list[int]:
    """Keys of the cards that stand below any of the positions."""
    shown = (explorer.shown(**chosen) for _, chosen in _positions(explorer, offered, kept))
    return list(dict.fromkeys(key for keys in shown for key in keys))


def _hovered(figure: go.Figure) -> list[int]:
    """Keys of all cards that the points of a figure show."""
    found = [np.asarray(trace.customdata) for trace in figure.data if trace.customdata is not None]
    return [int(key) for keys in found for key in (keys if keys.ndim == 1 else keys[:, 0])]


def _change(old: dict[str, Any], new: dict[str, Any], pool: dict[str, int]) -> dict[str, int]:
    """What a frame sets anew, as numbers in the pool."""
    changed = {key: json.dumps(new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key)}
    return {key: pool.setdefault(entry, len(pool)) for key, entry in changed.items()}


def _rule(explorer: Explorer, offered: Sequence[Control], kept: list[list[Any]]) -> str:
    """What the page leaves out."""
    counts = [(spec.label, len(values), len(spec.values)) for spec, values in zip(offered, kept, strict=True)]
    thinned = [f"{label} {some} of {whole}" for label, some, whole in counts if some < whole]
    fixed = [f"{spec.label} {explorer.values[spec.name]}" for spec in explorer.specs if spec not in offered]
    parts = {"Positions kept": thinned, "Fixed here": fixed}
    return " ".join(f"{what}: {', '.join(named)}." for what, named in parts.items() if named)


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
