"""The controls of an explorer: a slider, or a list of choices; what they offer, and how they look."""

import html
from dataclasses import dataclass, field
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np
from traitlets import observe, validate

from rrsitr_lib.errors import InputError

PLAYED, PAUSE = "epoch", 700  # the control that is played like a film; milliseconds a position
CONTROL_WIDTH = "16rem"  # three side by side over a figure; a slider's track gets what its number leaves of it


@dataclass(frozen=True)
class Slider:
    """Numbers from ``low`` to ``high`` in steps of ``step``; ``label`` names the quantity, ``unit`` its unit.

    An exported page offers those ``on_page``, what a lesson asks for among them; by default all that it has room for.

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
    on_page: tuple[float, ...] | None = None

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
    """One of ``values``, shown as they are; an exported page offers those ``on_page``, by default all."""

    name: str
    label: str
    values: tuple[Any, ...]
    start: Any
    unit: str = ""
    on_page: tuple[Any, ...] | None = None
    kind: ClassVar[type[widgets.Dropdown]] = widgets.Dropdown

    def widget(self) -> widgets.Widget:
        """A list that arrow keys move."""
        return self.kind(options=[(str(value), value) for value in self.values], value=self.start, **_described(self))

    def check(self, value: Any) -> None:
        """Raises ``InputError`` for a value that is not offered."""
        if value not in self.values:
            shown = [str(one) for one in self.values[:12]]
            raise InputError(
                f"{self.name} is {value!r}: allowed are {', '.join(shown)}{' …' * (len(self.values) > 12)}"
            )


class OpenDropdown(widgets.Dropdown):
    """A list that takes a value it does not offer as one more at its end, and stays where it is while it grows."""

    @validate("value")
    def _validate_value(self, proposal: Any) -> Any:
        if proposal.value not in self._options_values:
            self.options = (*self.options, (str(proposal.value), proposal.value))
        return proposal.value

    @observe("options")
    def _propagate_options(self, change: Any) -> None:
        self.set_trait("_options_labels", tuple(label for label, _ in self._options_full))
        self._options_values = tuple(value for _, value in self._options_full)


@dataclass(frozen=True)
class Pair(Choice):
    """A pair by its row: ``values`` are worth a look, any other of ``among`` (n,), ascending, can be set."""

    among: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64), compare=False)
    kind: ClassVar[type[widgets.Dropdown]] = OpenDropdown

    def check(self, value: Any) -> None:
        """Raises ``InputError`` for what is no row of a pair that is shown."""
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value not in self.among:
            rows = f"{self.among[0]} to {self.among[-1]:,}, of the {len(self.among):,} pairs that are shown"
            raise InputError(f"{self.name} is {value!r}: allowed are {rows}")


Control = Slider | Choice


def label_of(control: Control) -> str:
    """The quantity with its unit."""
    return f"{control.label} ({control.unit})" if control.unit else control.label


def _described(control: Control) -> dict[str, Any]:
    """As wide as its box, and named for a screen reader; the eye finds the name above."""
    return {"tooltip": label_of(control), "layout": {"width": "auto"}}


def under_label(control: Control, widget: widgets.Widget) -> widgets.Widget:
    """A control below its name: side by side, a long name would leave a slider no track to be dragged on."""
    name = widgets.HTML(f"<div style='line-height:1.3;padding-top:6px'>{html.escape(label_of(control))}</div>")
    return widgets.VBox([name, widget], layout={"width": CONTROL_WIDTH})


def placed(control: Control, widget: widgets.Widget) -> list[widgets.Widget]:
    """A control under its label; where it is that of the epoch, buttons that play it stand beside it."""
    parts = [under_label(control, widget)]
    if control.name == PLAYED:
        ends = {"min": int(control.low), "max": int(control.high), "value": widget.value}
        play = widgets.Play(interval=PAUSE, show_repeat=False, tooltip="play over epochs", **ends)
        widgets.jslink((play, "value"), (widget, "value"))
        parts.append(play)
    return parts
