"""An explorer as one HTML file that needs neither kernel nor network: every position of its controls, drawn beforehand.

The page holds plotly.js and the frames gzipped, so that it stays under the size of plotly.js alone. Many pages in one
folder can share a plotly.js beside them (``write_plotly``).
"""

import base64
import gzip
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_text
from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.controls import PAUSE, PLAYED, Control, Slider, label_of
from rrsitr_lib.show.positions import positions, rule, thin
from rrsitr_lib.show.style import TEMPLATE, TOOLBAR

PAGE = Path(__file__).with_name("page_template.html")
FRAMES, LARGEST_BYTES = 640, 5_000_000
PLOTLY = "plotly.js"  # the file that pages of one folder share
ALONE: Mapping[str, str] = {}
IMAGE = re.compile(r"src='(data:[^']+)'")


def write_page(
    explorer: Explorer, path: str | Path, frames: int = FRAMES, ways: Mapping[str, str] = ALONE, shared: bool = False
) -> Path:
    """Write the page, whole or not at all: at most ``frames`` positions, thinned evenly control by control, and
    fewer where these would show more cards than the explorer has for a page.

    ``ways`` lead on from it: addresses by what they lead to. ``shared``: it takes plotly.js from the file beside it.
    Raises ``InputError`` where the explorer has nothing to show, or the page would be over 5 MB.
    """
    if explorer.message:
        raise InputError(f"{explorer.title}: {explorer.message}")
    present = explorer.values
    kept = thin(explorer.specs, present, frames)
    while frames > 1 and len(_keys(explorer, kept)) > explorer.cards_on_page:  # every card that a frame shows is there
        frames //= 2
        kept = thin(explorer.specs, present, frames)
    controls = [_control(spec, values, present[spec.name]) for spec, values in zip(explorer.specs, kept, strict=True)]
    look = {"toolbar": TOOLBAR, "template": TEMPLATE, "played": PLAYED, "pause": PAUSE}
    content = {**look, "controls": controls, **_frames(explorer, kept)}
    parts = {
        "TITLE": html.escape(explorer.title),
        "ABOUT": html.escape(about(explorer)),
        "WAYS": _links(ways),
        "RULE": html.escape(rule(explorer, kept)),
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


def _control(spec: Control, values: list[Any], present: Any) -> dict[str, Any]:
    slider = isinstance(spec, Slider)
    start = min(values, key=lambda value: abs(value - present)) if slider else present
    shown = {"values": [str(value) for value in values], "start": values.index(start)}
    return {"name": spec.name, "label": label_of(spec), "slider": slider, **shown}


def _frames(explorer: Explorer, kept: list[list[Any]]) -> dict[str, Any]:
    """The first figure whole, every other as what differs from it, and the cards that any of them can show.

    Frames hold numbers of entries in a common pool, as most of them share a map or a histogram with others. A control
    that changes nothing somewhere shares the frame there.
    """
    base, frames, drawn, hovered, pool = None, {}, {}, {}, {}
    for place, chosen in positions(explorer, kept):
        idle = list(explorer.idle(**chosen))
        moving = tuple(value for name, value in chosen.items() if name not in idle)
        if moving not in drawn:
            figure = explorer.draw(**chosen)
            hovered |= dict.fromkeys(_hovered(figure))
            content = json.loads(figure.to_json())
            content["layout"].pop("template", None)
            base = base or content
            text = {"say": explorer.say(**chosen), "shown": list(explorer.shown(**chosen)), "idle": idle}
            drawn[moving] = _changes(base, content, pool) | text
        frames[",".join(map(str, place))] = drawn[moving]
    shown = list(dict.fromkeys([*(key for frame in drawn.values() for key in frame["shown"]), *hovered]))
    cards, images = _cards(explorer, shown[: explorer.cards_on_page])
    return {
        "base": base, "frames": frames, "cards": cards, "images": images, "pool": [json.loads(entry) for entry in pool]
    }  # fmt: skip


def _changes(base: dict[str, Any], content: dict[str, Any], pool: dict[str, int]) -> dict[str, Any]:
    traces = zip(base["data"], content["data"], strict=True)
    return {
        "data": [_change(old, new, pool) for old, new in traces],
        "layout": _change(base["layout"], content["layout"], pool),
    }


def _cards(explorer: Explorer, keys: Sequence[int]) -> tuple[dict[int, str], list[str]]:
    """Cards by key with numbers in the place of their images, and the images: many cards may show the same one."""
    images: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return f"src='#{images.setdefault(found[1], len(images))}'"

    return {key: IMAGE.sub(numbered, explorer.card(key)) for key in keys}, list(images)


def _keys(explorer: Explorer, kept: list[list[Any]]) -> set[int]:
    """Keys of the cards that stand below any of the positions."""
    return {key for _, chosen in positions(explorer, kept) for key in explorer.shown(**chosen)}


def _hovered(figure: go.Figure) -> list[int]:
    """Keys of all cards that the points of a figure show."""
    found = [np.asarray(trace.customdata) for trace in figure.data if trace.customdata is not None]
    return [int(key) for keys in found for key in (keys if keys.ndim == 1 else keys[:, 0])]


def _change(old: dict[str, Any], new: dict[str, Any], pool: dict[str, int]) -> dict[str, int]:
    """What a frame sets anew, as numbers in the pool."""
    changed = {key: json.dumps(new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key)}
    return {key: pool.setdefault(entry, len(pool)) for key, entry in changed.items()}


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
