"""What every explorer is: a pure drawing function, controls that call it, and a sentence below.

An explorer says three things of itself: which ``controls`` it has, how to ``draw`` a plotly figure for their values,
and what to ``say`` below it. The widget, the exported page and the line that brings a view back all follow from these.
"""

import html
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.stand_in import WHERE, ExplorerBox
from rrsitr_lib.show.style import TOOLBAR

WIDTH = 800  # pixels in a notebook, whose widgets never ask how wide their cell is; a page fills its window
CONTROL_WIDTH = "16rem"  # three side by side over a figure; a slider's track gets what its number leaves of it


@dataclass(frozen=True)
class Slider:
    """Numbers from ``low`` to ``high`` in steps of ``step``; ``label`` names the quantity, ``unit`` its unit.

    >>> Slider("epoch", "epoch", 1, 3, 1, 3).values
    (1, 2, 3)
    """

    name: str
    label: str
    low: float
    high: float
    step: float
    start: float
    unit: str = ""

    @property
    def values(self) -> tuple[float, ...]:
        """Every position, in order."""
        steps = round((self.high - self.low) / self.step)
        return tuple(round(self.low + k * self.step, 10) for k in range(steps + 1))

    def widget(self) -> widgets.Widget:
        """A slider that arrow keys move."""
        kind = widgets.IntSlider if isinstance(self.values[0], int) else widgets.FloatSlider
        top = self.values[-1]
        return kind(value=self.start, min=self.low, max=top, step=self.step, **_described(self))

    def check(self, value: Any) -> None:
        """Raises ``InputError`` for a value that no position has; ipywidgets would move it without a word."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            raise InputError(f"{self.name} is {value!r}: allowed is {self.low} to {self.high}")


@dataclass(frozen=True)
class Choice:
    """One of ``values``, shown as they are."""

    name: str
    label: str
    values: tuple[Any, ...]
    start: Any
    unit: str = ""

    def widget(self) -> widgets.Widget:
        """A list that arrow keys move."""
        return widgets.Dropdown(
            options=[(str(value), value) for value in self.values], value=self.start, **_described(self)
        )

    def check(self, value: Any) -> None:
        """Raises ``InputError`` for a value that is not offered."""
        if value not in self.values:
            shown = [str(one) for one in self.values[:12]]
            raise InputError(
                f"{self.name} is {value!r}: allowed are {', '.join(shown)}{' …' * (len(self.values) > 12)}"
            )


Control = Slider | Choice


def label_of(control: Control) -> str:
    """The quantity with its unit."""
    return f"{control.label} ({control.unit})" if control.unit else control.label


def _described(control: Control) -> dict[str, Any]:
    """As wide as its box, and named for a screen reader; the eye finds the name above."""
    return {"tooltip": label_of(control), "layout": {"width": "auto"}}


def _under_label(control: Control, widget: widgets.Widget) -> widgets.Widget:
    """A control below its name: side by side, a long name would leave a slider no track to be dragged on."""
    name = widgets.HTML(f"<div style='line-height:1.3;padding-top:6px'>{html.escape(label_of(control))}</div>")
    return widgets.VBox([name, widget], layout={"width": CONTROL_WIDTH})


class Explorer(ABC):
    """A figure with controls. Subclasses give ``title``, ``controls``, ``draw``, ``say``, and what they need.

    ``given`` are start values of controls by name. What the source lacks is said in ``message``, not raised.
    Raises ``InputError`` for a name that is no control, or a value that a control does not offer.
    """

    title: ClassVar[str]
    on_page: ClassVar[tuple[str, ...]] = ()  # controls that an exported page offers; none named: all
    source: str = ""  # as code: what stands first between the brackets to open it again

    def begin(self, given: Mapping[str, Any]) -> None:
        """Build controls and figure; called at the end of a subclass's constructor."""
        self.message = self.missing()
        self.specs: list[Control] = [] if self.message else list(self.controls())
        known = {spec.name: spec for spec in self.specs}
        for name, value in given.items():
            if not self.message:
                if name not in known:
                    raise InputError(f"{type(self).__name__} has no control {name!r}: there are {', '.join(known)}")
                known[name].check(value)
        self.widgets = {spec.name: spec.widget() for spec in self.specs}
        for name, value in given.items():
            if name in self.widgets:
                self.widgets[name].value = value
        self.text, self.code, self.cards = widgets.HTML(self.message), widgets.HTML(), widgets.HTML()
        self.figure: go.FigureWidget | None = None
        if not self.message:
            self._open()

    def _open(self) -> None:
        drawn = self.draw(**self.values)
        self._shown = drawn.to_plotly_json()
        self.figure = go.FigureWidget(drawn, layout_width=WIDTH)
        self.figure._config = {**self.figure._config, **TOOLBAR}  # a widget has no public place for it
        for trace in self.figure.data:
            if trace.customdata is not None:
                trace.on_hover(self._hover)
        for widget in self.widgets.values():
            widget.observe(self._moved, names="value")
        self._describe()

    # --- what a subclass says of itself ---

    def missing(self) -> str:
        """A sentence where the source cannot feed this explorer, else nothing."""
        return ""

    @abstractmethod
    def controls(self) -> Sequence[Control]:
        """The controls in the order of reading."""

    @abstractmethod
    def draw(self, **values: Any) -> go.Figure:
        """The figure for these values of the controls: always the same traces, in the same order."""

    @abstractmethod
    def say(self, **values: Any) -> str:
        """What the figure shows, in words and numbers; plain text."""

    def shown(self, **values: Any) -> Sequence[int]:
        """Keys of the cards below the figure."""
        return ()

    def card(self, key: int) -> str:
        """One card as HTML: a picture with its caption. Points whose ``customdata`` is a key show it when hovered."""
        return ""

    # --- what follows from it ---

    @property
    def values(self) -> dict[str, Any]:
        """The present value of every control; a slider that was dragged to 0.15 may hold 0.15000000000000002."""
        held = {name: widget.value for name, widget in self.widgets.items()}
        return {name: round(value, 10) if isinstance(value, float) else value for name, value in held.items()}

    def move(self, **values: Any) -> None:
        """Set controls as a hand would. Raises ``InputError`` for a value that a control does not offer."""
        known = {spec.name: spec for spec in self.specs}
        for name, value in values.items():
            if name not in known:
                raise InputError(f"{type(self).__name__} has no control {name!r}: there are {', '.join(known)}")
            known[name].check(value)
            self.widgets[name].value = value

    @property
    def name(self) -> str:
        """The name by which ``open_explorer`` finds it: that of its module."""
        return type(self).__module__.rpartition(".")[2]

    def view(self) -> widgets.Widget:
        """Controls, figure, sentence, cards, and the line that brings this view back."""
        if self.figure is None:
            return ExplorerBox([self.text], (), self.message)
        named = [_under_label(spec, self.widgets[spec.name]) for spec in self.specs]
        controls = widgets.Box(named, layout={"flex_flow": "row wrap", "align_items": "flex-end", "grid_gap": "0 12px"})
        parts = [controls, self.figure, self.text, self.cards, self.code]
        return ExplorerBox(parts, [self.name], f"The explorer “{self.title}” stands here {WHERE}.")

    def state(self) -> str:
        """The one line of code that shows the present view again."""
        given = [self.source] * bool(self.source) + [f"{name}={value!r}" for name, value in self.values.items()]
        return f"{type(self).__name__}({', '.join(given)}).view()"

    def _moved(self, change: Any) -> None:
        try:
            new = self.draw(**self.values)
            with self.figure.batch_update():
                self._patch(new.to_plotly_json())
            self._describe()
        except Exception as error:  # the page shows only widgets: say it there, and let it go on to the log
            self.text.value = f"<b>This control failed: {html.escape(f'{type(error).__name__}: {error}')}</b>"
            raise

    def _patch(self, new: dict[str, Any]) -> None:
        """Send only what changed: a large map stays where it is while a line moves."""
        for place, (old_trace, new_trace) in enumerate(zip(self._shown["data"], new["data"], strict=True)):
            changed = {key: value for key, value in new_trace.items() if not same(old_trace.get(key), value)}
            if changed:
                self.figure.data[place].update(changed, overwrite=True)
        layout = {key: new["layout"].get(key) for key in {*self._shown["layout"], *new["layout"]}}
        changed = {key: value for key, value in layout.items() if not same(self._shown["layout"].get(key), value)}
        if changed:
            self.figure.layout.update(changed, overwrite=True)
        self._shown = new

    def _describe(self) -> None:
        self.text.value = html.escape(self.say(**self.values), quote=False)
        self.cards.value = strip(self.card(key) for key in self.shown(**self.values))
        self.code.value = f"<code>{html.escape(self.state())}</code>"

    def _hover(self, trace: Any, points: Any, _state: Any) -> None:
        if points.point_inds:  # plotly packs an array that was sent; the figure as it was drawn still has it
            keys = np.asarray(self._shown["data"][points.trace_index]["customdata"])
            self.cards.value = strip([self.card(int(np.ravel(keys[points.point_inds[0]])[0]))])


def strip(cards: Any) -> str:
    """Cards side by side."""
    return f"<div style='display:flex;flex-wrap:wrap;gap:8px'>{''.join(cards)}</div>"


def same(old: Any, new: Any) -> bool:
    """Whether two values of a figure are equal, arrays and nested ones too."""
    if isinstance(old, np.ndarray) or isinstance(new, np.ndarray):
        old, new = np.asarray(old), np.asarray(new)
        return old.dtype == new.dtype and np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        return len(old) == len(new) and all(map(same, old, new))
    return bool(old == new)
