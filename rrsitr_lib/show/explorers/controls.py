"""The controls of an explorer: a slider, or a list of choices; what they offer, and how they look."""

import html
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from rrsitr_lib.errors import InputError

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


def under_label(control: Control, widget: widgets.Widget) -> widgets.Widget:
    """A control below its name: side by side, a long name would leave a slider no track to be dragged on."""
    name = widgets.HTML(f"<div style='line-height:1.3;padding-top:6px'>{html.escape(label_of(control))}</div>")
    return widgets.VBox([name, widget], layout={"width": CONTROL_WIDTH})
