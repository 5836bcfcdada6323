"""The static twin of a plotly figure, drawn by matplotlib from the figure itself: what is seen where no script runs.

It knows what our figures use: lines, markers, bars, maps, straight lines and bands, labels, and one legend.
"""

import html
import re
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import DASHES, GRID, HATCHES, MARKERS, PLOTLY_DASHES, PLOTLY_HATCHES, PLOTLY_MARKERS, closed

WIDTH, PIXELS, LETTERS, POINTS = 9.5, 84, 11, 0.75  # inches of a figure; of an inch: pixels, letters; points a pixel
LINES = dict(zip(PLOTLY_DASHES, DASHES, strict=True))
SYMBOLS = {**dict(zip(PLOTLY_MARKERS, MARKERS, strict=True)), "star": "*", "x": "X"}
PATTERNS = dict(zip(PLOTLY_HATCHES, HATCHES, strict=True))
CLEAR = "rgba(0,0,0,0)"


def static_twin(figure: go.Figure) -> Figure:
    """The same numbers, colours, dashes and words as ``figure``, a row of panels with one legend for all.

    Raises ``InputError`` for a kind of trace, dash, symbol or hatch that no figure of ours has.

    >>> static_twin(go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))).axes[0].lines[0].get_ydata().tolist()
    [3.0, 4.0]
    """
    names = sorted({trace.xaxis or "x" for trace in figure.data}, key=lambda name: int(name[1:] or 1))
    size = (WIDTH, (figure.layout.height or 400) / PIXELS)
    widths = [np.ptp(_axis(figure, name).domain or (0, 1)) for name in names]
    twin, axes = plt.subplots(1, len(names), figsize=size, width_ratios=widths, squeeze=False, layout="constrained")
    panels = dict(zip(names, axes[0], strict=True))
    draw = {"scatter": _draw_scatter, "bar": _draw_bars, "heatmap": _draw_map}
    for trace in figure.data:
        _known(draw, trace.type, "trace")(panels[trace.xaxis or "x"], trace, figure.layout)
    for name, axis in panels.items():
        across, up = _axis(figure, name), _axis(figure, name.replace("x", "y"))
        _set_axis(axis.xaxis, across, axis.set_xlim)
        _set_axis(axis.yaxis, up, axis.set_ylim)
        axis.set_aspect("equal" if up.scaleanchor else "auto")
        if not axis.images:  # as the explorers' template has it
            axis.grid(color=GRID, lw=0.6)
            axis.set_axisbelow(True)
            axis.spines[["top", "right"]].set_visible(False)
    _draw_shapes(figure, panels)
    _write(figure, panels)
    _add_legend(twin)
    return closed(twin)


def plain_text(text: str | None) -> str:
    """Words without the marks that only plotly reads.

    >>> plain_text("<b>true</b><br>0.5")
    'true\\n0.5'
    """
    return html.unescape(re.sub("</?b>", "", (text or "").replace("<br>", "\n")))


def _known(table: dict[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise InputError(f"{what} is {name!r}: a static twin knows {', '.join(filter(None, table))}")
    return table[name]


def _label(trace: Any) -> str | None:
    """The name in the legend; a trace without points has none, as in plotly."""
    return trace.name if trace.showlegend is not False and len(trace.x) else None


def _axis(figure: go.Figure, name: str) -> Any:
    return figure.layout[f"{name[0]}axis{name[1:]}"]


def _draw_scatter(axis: Axes, trace: go.Scatter, _layout: go.Layout) -> None:
    mode, x, y = trace.mode or "lines", *(np.asarray(part, float) for part in (trace.x, trace.y))
    if mode == "text":
        for at, text in zip(zip(x, y, strict=True), trace.text, strict=True):
            look = {"ha": "center", "fontsize": 8, "weight": "bold" if "<b>" in text else "normal"}
            axis.annotate(plain_text(text), at, (0, 2), textcoords="offset points", **look)
        return
    style = _known(LINES, trace.line.dash or "solid", "dash") if "lines" in mode else ""
    line = {"ls": style or "none", "lw": POINTS * (trace.line.width or 2), "alpha": trace.opacity}
    line["antialiased"] = not np.isnan(y).any()  # hard edges of many pieces keep the file of a notebook small
    colour = trace.line.color or trace.marker.color
    axis.plot(x, y, color=colour, label=_label(trace), **line, **(_marker(trace, colour) if "markers" in mode else {}))


def _marker(trace: go.Scatter, colour: str) -> dict[str, Any]:
    look, (shape, *ending) = trace.marker, (trace.marker.symbol or "circle").split("-open")
    fill = "none" if ending else look.color or colour
    edge = (look.color or colour) if ending else look.line.color or fill
    symbol = _known(SYMBOLS, shape.removesuffix("-dot"), "symbol")
    width = look.line.width or (2 if ending else 0)
    return {"marker": symbol, "ms": POINTS * (look.size or 6), "mfc": fill, "mec": edge, "mew": POINTS * width}


def _draw_bars(axis: Axes, trace: go.Bar, layout: go.Layout) -> None:
    x, y = np.asarray(trace.x, float), np.asarray(trace.y, float)
    width = trace.width or (1 - (layout.bargap or 0)) * (np.diff(x).min() if len(x) > 1 else 1)
    start = np.zeros(len(x)) if trace.base is None else np.asarray(trace.base, float)
    if layout.barmode == "relative" and trace.base is None:
        heights = [np.array([bar.get_height() for bar in bars]) for bars in axis.containers]
        start = sum((np.where(np.sign(one) == np.sign(y), one, 0) for one in heights), start)
    look = trace.marker
    colour = "none" if look.color == CLEAR else look.color
    edge = {"ec": look.line.color or "white", "lw": POINTS * (look.line.width or 0)}
    hatch = _known(PATTERNS, look.pattern.shape or "", "hatch")
    axis.bar(x, y, width, start, color=colour, alpha=trace.opacity, hatch=hatch, label=_label(trace), **edge)


def _draw_map(axis: Axes, trace: go.Heatmap, _layout: go.Layout) -> None:
    values, places = np.asarray(trace.z, float), []
    for ticks, names, number in ((axis.set_xticks, trace.x, 1), (axis.set_yticks, trace.y, 0)):
        words = names is not None and isinstance(names[0], str)
        first = 0 if words or names is None else names[0]
        places += [first - 0.5, first + values.shape[number] - 0.5]
        if words:
            ticks(range(len(names)), names)
    colours = LinearSegmentedColormap.from_list("plotly", list(trace.colorscale))
    shown = {"vmin": trace.zmin, "vmax": trace.zmax, "cmap": colours, "extent": places, "origin": "lower"}
    drawn = axis.imshow(values, aspect="auto", interpolation="nearest", **shown)
    if trace.showscale is not False:
        axis.figure.colorbar(drawn, ax=axis, location="top", label=trace.colorbar.title.text, aspect=30)
    middle = (trace.zmin + trace.zmax) / 2
    for (row, column), value in np.ndenumerate(values if trace.texttemplate else np.empty((0, 0))):
        colour = "white" if value < middle else "black"
        axis.text(column, row, plain_text(trace.text[row][column]), ha="center", va="center", color=colour, fontsize=9)


def _set_axis(axis: Any, given: Any, set_limits: Callable[..., Any]) -> None:
    """Name, range, direction and ticks of one axis."""
    axis.set_label_text(plain_text(given.title.text), fontsize=9)
    axis.set_tick_params(labelsize=8)
    if given.range:
        set_limits(*given.range)
    if given.rangemode == "tozero":
        set_limits(0)
    if given.autorange == "reversed":
        axis.set_inverted(True)
    if given.dtick:
        axis.set_major_locator(MultipleLocator(given.dtick))


def _draw_shapes(figure: go.Figure, panels: dict[str, Axes]) -> None:
    """Straight lines through a whole panel, upright where both ends have one x; upright bands."""
    for shape in figure.layout.shapes:
        number = re.sub(r"\D", "", shape.xref)
        axis, line = panels[f"x{number}"], shape.line
        if shape.type == "rect":
            look = {"fc": shape.fillcolor, "ec": line.color, "alpha": shape.opacity, "lw": POINTS * line.width}
            axis.axvspan(shape.x0, shape.x1, zorder=0, **look)
            continue
        draw, at = (axis.axvline, shape.x0) if shape.x0 == shape.x1 else (axis.axhline, shape.y0)
        draw(at, color=line.color, ls=_known(LINES, line.dash, "dash"), lw=1.2)


def _write(figure: go.Figure, panels: dict[str, Axes]) -> None:
    """Titles of panels, words over a place of a panel, and the title of all."""
    middles = {name: np.mean(_axis(figure, name).domain or (0, 1)) for name in panels}
    for note in figure.layout.annotations:
        if note.xref == "paper":
            nearest = min(middles, key=lambda name: abs(middles[name] - note.x))
            panels[nearest].set_title(plain_text(note.text), fontsize=10)
        else:
            at = {"xycoords": panels[note.xref].get_xaxis_transform(), "textcoords": "offset points"}
            panels[note.xref].annotate(note.text, (note.x, note.y), (0, 2), ha=note.xanchor, fontsize=8, **at)
    next(iter(panels.values())).figure.suptitle(plain_text(figure.layout.title.text), fontsize=9)


def _add_legend(twin: Figure) -> None:
    """One legend below all panels, in as many columns as its longest name leaves room for."""
    drawn = [pair for axis in twin.axes for pair in zip(*axis.get_legend_handles_labels(), strict=True)]
    shown = {name: handle for handle, name in drawn}
    if len(shown) > 1:
        columns = max(1, int(WIDTH * LETTERS / (5 + max(map(len, shown)))))
        look = {"ncols": min(columns, len(shown)), "fontsize": 8, "frameon": False}
        twin.legend(shown.values(), shown.keys(), loc="outside lower center", **look)
