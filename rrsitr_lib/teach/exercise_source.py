"""What a source of exercises must look like, checked line by line before a notebook is made of it."""

import ast
import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rrsitr_lib.errors import InputError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
IN_ITS_PLACE = "# as many lines as you like"
LIKE_A_MARKER = re.compile(r"^[\s#]*(BEGIN|END)[\s_-]+SOLUTION\b", re.I)


@dataclass(frozen=True)
class SourceOutline:
    """Of one source: the functions with a solution and the checks, both by line; ``calls`` are the checks' texts."""

    tasks: dict[str, int]
    checks: dict[str, int]
    calls: dict[str, str]


def without_solution(code: str) -> str:
    """The code with one comment in the place of every solution; the stub above it stays.

    The markers must be in order, as ``outline`` makes sure.

    >>> print(without_solution("answer = None\\n### BEGIN SOLUTION\\nanswer = 1\\n### END SOLUTION"))
    answer = None
    # as many lines as you like
    """
    kept, inside = [], False
    for line in code.splitlines():
        if line.strip() == BEGIN:
            kept.append(line.replace(BEGIN, IN_ITS_PLACE))
        inside = line.strip() == BEGIN or (inside and line.strip() != END)
        if not inside and line.strip() != END:
            kept.append(line)
    return "\n".join(kept)


def outline(source: Path, known: Set[str]) -> SourceOutline:
    """Where the exercises and checks of a source stand; ``known`` are the names that the checks of its lesson hold.

    Raises ``InputError`` naming file and line for a marker that is misspelt, nested or without partner, for a
    solution that is not within one function, and for an exercise that only one side of source and checks has.
    """
    text = source.read_text(encoding="utf-8")
    solutions = _solutions(source, text.splitlines())
    try:
        body, _ = ast.parse(text).body, ast.parse(without_solution(text))
    except SyntaxError as error:
        _refuse(source, error.lineno or 1, f"no Python with or without its solutions ({error.msg})")
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    found = SourceOutline({}, {}, {})
    for first, last in solutions:
        around = [node for node in functions if node.lineno < first and last <= (node.end_lineno or 0) + 1]
        if not around or not text.splitlines()[first - 1].startswith(" "):
            _refuse(source, first, "a solution must stand within a function, after its stub")
        found.tasks.setdefault(around[-1].name, around[-1].lineno)
    for node in body:
        name = _checked(node)
        if name is not None:
            found.checks[name] = node.lineno
            found.calls[ast.get_source_segment(text, node) or ""] = name
    _compare(source, found, known, len(text.splitlines()))
    return found


def _solutions(source: Path, lines: list[str]) -> list[tuple[int, int]]:
    """First and last line of every solution, markers included, counted from 1."""
    regions, began = [], 0
    for number, line in enumerate(lines, 1):
        marker = line.strip()
        if marker not in (BEGIN, END) and LIKE_A_MARKER.match(line):
            _refuse(source, number, f"{marker!r} is no marker: write {BEGIN!r} or {END!r}")
        if marker == BEGIN and began:
            _refuse(source, number, f"{BEGIN} within the solution that began in line {began}")
        if marker == END and not began:
            _refuse(source, number, f"{END} without {BEGIN}")
        if began and line.startswith("# %%"):
            _refuse(source, began, f"{BEGIN} without {END} in its cell")
        if marker == BEGIN:
            began = number
        elif marker == END:
            regions.append((began, number))
            began = 0
    if began:
        _refuse(source, began, f"{BEGIN} without {END}")
    return regions


def _checked(node: ast.stmt) -> str | None:
    """``name`` of a statement ``checks.name(name)``, whatever it is called with."""
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        owner = call.func.value
        return call.func.attr if isinstance(owner, ast.Name) and owner.id == "checks" else None
    return None


def _compare(source: Path, found: SourceOutline, known: Set[str], last: int) -> None:
    held = ", ".join(sorted(known)) or "none"
    for kind, lines in (("task", found.tasks), ("check", found.checks)):
        for name in lines.keys() - known:
            _refuse(source, lines[name], f"{kind} {name!r} is not in the checks of {source.stem}, which hold {held}")
        for name in sorted(known - lines.keys()):
            _refuse(source, last, f"ends without the {kind} {name!r}, which the checks of {source.stem} hold")


def _refuse(source: Path, line: int, said: str) -> NoReturn:
    raise InputError(f"{source}, line {line}: {said}")
