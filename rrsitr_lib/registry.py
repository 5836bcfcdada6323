"""Registries: what a package's files register by name, found without importing them.

A name stands in its file as ``register("name")``; it is read from the source, so that ``--help`` and a configuration
wait for no torch. The file is imported when its entry is first asked for.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from rrsitr_lib.errors import InputError

Entry = TypeVar("Entry")
PACKAGE = Path(__file__).parent
REGISTERED = re.compile(r"\bregister\(\s*[\"']([\w.-]+)[\"']\s*\)")


class Registry(Mapping[str, Entry], Generic[Entry]):
    """Entries by name; ``what`` names the kind in messages.

    ``places`` are packages below this one, of which every file may register entries, or single modules; one that is not
    there is left out. ``first``: the names that stand first, in this order; the others follow in that of their files.
    A name that is registered from elsewhere, such as a notebook, is known in this process only.

    >>> colours = Registry("colour")
    >>> @colours.register("blue")
    ... class Blue: ...
    >>> list(colours), colours["blue"].__name__
    (['blue'], 'Blue')
    """

    def __init__(self, what: str, *places: str, first: Sequence[str] = ()) -> None:
        self.what, self._places, self._first = what, places, first
        self._entries: dict[str, Entry] = {}
        self._modules: dict[str, str] | None = None

    def register(self, name: str) -> Callable[[Any], Any]:
        """Decorate, or call with, what ``name`` shall stand for. Raises ``InputError`` where the name is taken."""

        def keep(entry: Any) -> Any:
            known = self._entries.get(name)
            if known is not None and getattr(known, "__qualname__", known) != getattr(entry, "__qualname__", entry):
                raise InputError(f"{self.what} {name!r} is registered twice: allowed is one of a name")
            self._entries[name] = entry
            return entry

        return keep

    def check(self, name: str) -> None:
        """Raises ``InputError`` for an unknown name, listing the known ones; imports nothing."""
        if name not in self:
            raise InputError(f"{self.what} is {name!r}: allowed are {', '.join(self)}")

    def __getitem__(self, name: str) -> Entry:
        self.check(name)
        if name not in self._entries:
            importlib.import_module(self._sources()[name])
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._sources()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._sources(), *self._entries]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _sources(self) -> dict[str, str]:
        """Name -> module that registers it."""
        if self._modules is None:
            self._modules = {}
            for place in self._places:
                for module, path in _modules(place):
                    for name in REGISTERED.findall(path.read_text(encoding="utf-8")):
                        self._modules.setdefault(name, module)
            order = [name for name in self._first if name in self._modules]
            self._modules = {name: self._modules[name] for name in dict.fromkeys([*order, *self._modules])}
        return self._modules


def _modules(place: str) -> Iterator[tuple[str, Path]]:
    """The module, or every module and package in a package one level down, with its files."""
    name, path = f"{PACKAGE.name}.{place}", PACKAGE.joinpath(*place.split("."))
    if path.with_suffix(".py").is_file():
        yield name, path.with_suffix(".py")
    for inside in sorted(path.iterdir()) if path.is_dir() else ():
        if inside.suffix == ".py" and inside.stem != "__init__":
            yield f"{name}.{inside.stem}", inside
        elif (inside / "__init__.py").is_file():
            yield from ((f"{name}.{inside.name}", file) for file in sorted(inside.glob("*.py")))


METHODS: Registry[Any] = Registry("method", "methods", first=("contrastive", "rrsitr", "oracle"))
PROTOCOLS: Registry[Any] = Registry("protocol", "data.noise", first=("shuffle", "derangement", "image", "hard"))
DATASETS: Registry[Any] = Registry(
    "data set", "data.datasets", "scenes.dataset", first=("scenes", "rsitmd", "rsicd", "nwpu")
)
ENCODERS: Registry[Any] = Registry("encoder", "model.encoders", first=("tiny", "tiny-strong", "lite", "vit-b-32"))


def extension(name: str) -> Any:
    """A module of a room that the core does without, such as "speed.distributed": loaded where a run asks for it."""
    return importlib.import_module(f"{PACKAGE.name}.{name}")
