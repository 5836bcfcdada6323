"""What every explorer is: a pure drawing function, controls that call it, and a sentence below.

An explorer says three things of itself: which ``controls`` it has, how to ``draw`` a plotly figure for their values,
and what to ``say`` below it. The widget, the static twin, the exported page and the line that brings a view back all
follow from these.
"""

import html
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.controls import Control, placed
from rrsitr_lib.show.explorers.stand_in import WHERE, ExplorerBox
from rrsitr_lib.show.explorers.watcher import FigureWatcher, prepare
from rrsitr_lib.show.static import static_twin

if TYPE_CHECKING:
    from rrsitr_lib.show.explorers.chosen import Chosen


class Explorer(ABC):
    """A figure with controls. Subclasses give ``title``, ``controls``, ``draw``, ``say``, and what they need.

    ``given`` are start values of controls by name. What the source lacks is said in ``message``, not raised.
    Raises ``InputError`` for a name that is no control, or a value that a control does not offer.
    """

    title: ClassVar[str]
    cards_on_page: ClassVar[int] = 800  # as many as an exported page has room for, each with an image of its own
    gesture: ClassVar[str] = ""  # "select" or "lasso": how the mouse selects in the figure; ``told`` reads it
    drags: ClassVar[bool] = False  # lines of the figure can be dragged; ``told`` reads it

    def __init__(self, **given: Any) -> None:
        """Build controls and figure; a subclass calls it when it has what they need."""
        self.message = self.missing()
        self.specs: list[Control] = [] if self.message else list(self.controls())
        if not self.message:
            self._check(given)
        self.widgets = {spec.name: spec.widget() for spec in self.specs}
        for name in given.keys() & self.widgets.keys():
            self.widgets[name].value = given[name]
        self.text, self.code, self.cards = widgets.HTML(self.message), widgets.HTML(), widgets.HTML()
        self.figure: go.FigureWidget | None = None
        if not self.message:
            self._open()

    def _check(self, values: Mapping[str, Any]) -> None:
        known = {spec.name: spec for spec in self.specs}
        for name, value in values.items():
            if name not in known:
                raise InputError(f"{type(self).__name__} has no control {name!r}: there are {', '.join(known)}")
            known[name].check(value)

    def _open(self) -> None:
        drawn = self.draw(**self.values)
        self._shown = drawn.to_plotly_json()
        self.figure, self.watcher = go.FigureWidget(drawn), FigureWatcher()
        prepare(self.figure, self.gesture, self.drags)
        self.watcher.on_msg(self._told)
        for trace in self.figure.data:
            if trace.customdata is not None:
                trace.on_hover(self._hover)
        for widget in self.widgets.values():
            widget.observe(self._moved, names="value")
        self._describe()

    # --- what a subclass says of itself ---

    @property
    def source(self) -> str:
        """As code, what stands first between the brackets to open it again."""
        return ""

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
        """One card as HTML: an image with its caption. Points whose ``customdata`` is a key show it when hovered."""
        return ""

    def idle(self, **values: Any) -> Sequence[str]:
        """Names of the controls that change nothing now; they cannot be moved until they do."""
        return ()

    def told(self, message: Mapping[str, Any]) -> None:
        """A hand did something in the figure; ``FigureWatcher`` says what messages there are."""
        return None  # most figures are looked at only

    # --- what follows from it ---

    @property
    def values(self) -> dict[str, Any]:
        """The present value of every control; a slider that was dragged to 0.15 may hold 0.15000000000000002."""
        held = {name: widget.value for name, widget in self.widgets.items()}
        return {name: round(value, 10) if isinstance(value, float) else value for name, value in held.items()}

    def move(self, **values: Any) -> None:
        """Set controls as a hand would. Raises ``InputError`` for a value that a control does not offer."""
        self._check(values)
        for name, value in values.items():
            self.widgets[name].value = value

    def drag(self, name: str, at: float) -> None:
        """A line of the figure was dragged to ``at``: set its slider to the nearest position, and the line to it."""
        spec = next(spec for spec in self.specs if spec.name == name)
        self.move(**{name: min(spec.values, key=lambda value: abs(value - at))})
        self.figure.layout.shapes = []  # also a line that goes back to its place must be sent
        self.figure.layout.shapes = self._shown["layout"]["shapes"]

    def static(self) -> Figure:
        """The present view without a script, as a matplotlib figure."""
        return static_twin(self.draw(**self.values))

    @property
    def name(self) -> str:
        """The name by which ``open_explorer`` finds it: that of its module."""
        return type(self).__module__.rpartition(".")[2]

    def follow(self, chosen: "Chosen") -> None:  # noqa: B027 (most explorers have no pair)
        """Share pair, selection and pins with whoever follows ``chosen``, where the explorer has them."""

    def view(self) -> widgets.Widget:
        """Controls, figure, sentence, cards, and the line that brings this view back."""
        if self.figure is None:
            return ExplorerBox([self.text], (), self.message)
        named = [part for spec in self.specs for part in placed(spec, self.widgets[spec.name])]
        controls = widgets.Box(named, layout={"flex_flow": "row wrap", "align_items": "flex-end", "grid_gap": "0 12px"})
        parts = [controls, self.figure, self.text, self.cards, self.watcher, self.code]
        return ExplorerBox(parts, [self.name], f"The explorer “{self.title}” stands here {WHERE}.")

    def state(self) -> str:
        """The one line of code that shows the present view again."""
        given = [self.source] * bool(self.source) + [f"{name}={value!r}" for name, value in self.values.items()]
        return f"{type(self).__name__}({', '.join(given)}).view()"

    def _moved(self, change: Any) -> None:
        with self._failures_said("control"):
            new = self.draw(**self.values)
            with self.figure.batch_update():
                self._patch(new.to_plotly_json())
            self._describe()

    def _told(self, _watcher: widgets.Widget, message: Mapping[str, Any], _buffers: Any) -> None:
        with self._failures_said("gesture"):
            self.told(message)

    @contextmanager
    def _failures_said(self, what: str) -> Iterator[None]:
        """The page shows only widgets: say there what broke, and let it go on to the log."""
        try:
            yield
        except Exception as error:
            self.text.value = f"<b>This {what} failed: {html.escape(f'{type(error).__name__}: {error}')}</b>"
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
        values, idle = self.values, self.idle(**self.values)
        self.text.value = html.escape(self.say(**values), quote=False)
        self.show_cards(self.shown(**values))
        for name, widget in self.widgets.items():
            widget.disabled = name in idle
        self.code.value = f"<code>{html.escape(self.state())}</code>"

    def show_cards(self, keys: Sequence[int]) -> None:
        """Put cards below the figure."""
        self.cards.value = strip(self.card(key) for key in keys)

    def _hover(self, trace: Any, points: Any, _state: Any) -> None:
        if points.point_inds:  # plotly packs an array that was sent; the figure as it was drawn still has it
            keys = np.asarray(self._shown["data"][points.trace_index]["customdata"])
            self.cards.value = strip([self.card(int(np.ravel(keys[points.point_inds[0]])[0]))])


def strip(cards: Iterable[str]) -> str:
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
