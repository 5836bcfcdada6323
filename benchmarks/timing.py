"""Two forms of one thing, timed in turn: what a ratio of a benchmark is, and how it is printed."""

import time
from collections.abc import Callable, Sequence

import numpy as np

Action = Callable[[], object]


def timed(action: Action) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(
    title: str, ours: Action, textbook: Action, repeats: int, warm: bool = True, goal: float | None = None
) -> float:
    """Time both in turn, so that the machine's drift hits both; print the ratio, its spread, and if ``goal`` is met.

    Returns the median of the ratios.
    """
    if warm:
        ours(), textbook()
    seconds = np.array([[timed(textbook), timed(ours)] for _ in range(repeats)])
    return ratio_line(title, seconds, goal)


def ratio_line(title: str, seconds: np.ndarray, goal: float | None = None) -> float:
    """The line of two forms whose seconds are known. **Shape** (repeats, 2): textbook, ours. Returns the ratio."""
    slow, fast = np.median(seconds, axis=0)
    ratios = seconds[:, 0] / seconds[:, 1]
    ratio = float(np.median(ratios))
    spread = f"({ratios.min():.1f} to {ratios.max():.1f})"
    said = "" if goal is None else f"  goal {goal:g} x: {'met' if ratio >= goal else 'missed'}"
    print(f"{title:58} {slow:9.4f} s {fast:9.4f} s {ratio:7.1f} x   {spread}{said}", flush=True)
    return ratio


def plain(title: str, action: Action, repeats: int) -> None:
    """A figure with no textbook form beside it."""
    times = [timed(action) for _ in range(repeats)]
    spread = f"({min(times):.4f} to {max(times):.4f} s)"
    print(f"{title:58} {'':11} {np.median(times):9.4f} s {'':9}   {spread}", flush=True)


def multiples_of_first(actions: Sequence[Action], rounds: int) -> tuple[float, list[str]]:
    """Median seconds of the first action, and of all the time as its multiple: median, quartiles in brackets.

    Every round times all in turn, so that the machine's drift hits all.
    """
    seconds = np.array([[timed(action) for action in actions] for _ in range(rounds)])
    quartiles = np.quantile(seconds / seconds[:, :1], [0.25, 0.5, 0.75], axis=0)
    return float(np.median(seconds[:, 0])), [
        f"{middle:.2f} ({low:.2f} to {high:.2f})" for low, middle, high in quartiles.T
    ]
