"""The one door for YAML: files, ``--set``, parameters of notebooks; what would run code, grow or hide is refused."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rrsitr_lib.errors import InputError

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a study of thousands of seeds is read ten times faster
DEEPEST, REPEATED = 50, 100_000  # levels; letters and values that aliases may repeat


class _Loader(LOADER):
    """Of its own, as what resolves belongs to a class."""


# by YAML 1.1 a number needs a dot before its exponent; everywhere else, JSON included, 1e-3 is one
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+[eE][-+]?\d+$"), list("-+0123456789"))


@dataclass
class _Open:
    """A list or a mapping that is being read. ``size``: letters and values in it, at any depth."""

    event: Any = None
    size: int = 1
    children: int = 0
    keys: set[str] = field(default_factory=set)


def read_yaml(path: str | Path) -> Any:
    """What a YAML file holds, by ``parse_yaml``. Raises ``InputError`` naming the file and what is wrong."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: not readable YAML ({error.strerror})") from None
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{str(path)!r}: not readable YAML ({error})") from None
    return parse_yaml(content, str(path))


def parse_yaml(content: str | bytes, where: str) -> Any:
    """What YAML says, as plain values; raises ``InputError`` that begins with ``where`` and names the line.

    Refused are tags, a key that comes twice, aliases that repeat more than 100,000 values, more than 50 levels, and
    what is no UTF-8.

    >>> parse_yaml("learning_rate: 1e-3", "a.yaml")
    {'learning_rate': 0.001}
    >>> parse_yaml("seed: 3\\nseed: 4", "a.yaml")
    Traceback (most recent call last):
    ...
    rrsitr_lib.errors.InputError: a.yaml: not readable YAML (line 2: 'seed' comes twice)
    """
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.encode().decode()
        _check(text)
        return yaml.load(text, _Loader)
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        wrong = f"{error.object[error.start : error.end]!r} is not UTF-8"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        wrong = f"line {mark.line + 1}: {error.problem or error.context}" if mark else str(error.problem)
    except (
        yaml.YAMLError,
        ValueError,
        OverflowError,
    ) as error:  # a control character, 2026-99-99, an endless number
        wrong = str(error).splitlines()[0].partition("; use sys")[0]
    raise InputError(f"{where}: not readable YAML ({wrong})")


def _check(text: str) -> None:
    """Raises ``ValueError`` for what is refused, before anything is built that could grow."""
    parents, sizes, repeated = [_Open()], dict[str | None, int](), 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            closed = parents.pop()
            parents[-1].size += closed.size
            sizes[closed.event.anchor] = closed.size
        elif isinstance(event, yaml.NodeEvent):
            size = (
                sizes.get(event.anchor) if isinstance(event, yaml.AliasEvent) else len(getattr(event, "value", "")) + 1
            )
            repeated += (size or 0) * isinstance(event, yaml.AliasEvent)
            if wrong := _refused(event, parents, size, repeated):
                raise ValueError(f"line {event.start_mark.line + 1}: {wrong}")
            if isinstance(event, yaml.CollectionStartEvent):
                parents.append(_Open(event))
                continue
            sizes[event.anchor] = size or 0
            parents[-1].size += size or 0


def _refused(event: Any, parents: list[_Open], size: int | None, repeated: int) -> str:
    """Why a node is refused, else nothing."""
    parent = parents[-1]
    is_key = isinstance(parent.event, yaml.MappingStartEvent) and parent.children % 2 == 0
    parent.children += 1
    if is_key and isinstance(event, yaml.ScalarEvent):
        if event.value in parent.keys:
            return f"{event.value[:80]!r} comes twice"
        parent.keys.add(event.value)
    if getattr(event, "tag", None) not in (None, "!"):
        return f"tag {event.tag} is not allowed"
    if size is None:
        return f"*{event.anchor} names nothing before it"
    if repeated > REPEATED:
        return f"aliases such as *{event.anchor} repeat more than {REPEATED:,} values"
    return "" if len(parents) <= DEEPEST else f"more than {DEEPEST} lists or mappings in each other"
