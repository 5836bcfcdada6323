"""Answers of a method that are kept, for every object its own."""

from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from typing import Any


def kept(count: int | None) -> Callable[[Callable[..., Any]], Any]:
    """For a method whose last ``count`` answers are kept (None: all), for every object its own.

    >>> class Counter:
    ...     calls = 0
    ...     @kept(2)
    ...     def twice(self, number):
    ...         self.calls += 1
    ...         return 2 * number
    >>> counter = Counter()
    >>> counter.twice(3), counter.twice(3), counter.calls
    (6, 6, 1)
    """

    def keeping(method: Callable[..., Any]) -> Any:
        return cached_property(lambda self: lru_cache(maxsize=count)(partial(method, self)))

    return keeping
