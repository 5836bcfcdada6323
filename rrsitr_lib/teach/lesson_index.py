"""Which lesson teaches what of the library, read from what the lessons import."""

import ast

from rrsitr_lib.teach.sources import lesson_sources

HEAD = """# Where the library is taught

Every function and class that a lesson uses, its module, and the lessons. `make notebooks` writes this page.

| name | module | lessons |
|---|---|---|
"""


def taught() -> dict[tuple[str, str], list[str]]:
    """(name, module) of everything that lessons import from the library, with the names of these lessons.

    >>> taught()["inject", "rrsitr_lib.data.noise"][0]
    '02_noise'
    """
    found: dict[tuple[str, str], list[str]] = {}
    for source in lesson_sources():
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rrsitr_lib"):
                for one in node.names:
                    lessons = found.setdefault((one.name, str(node.module)), [])
                    lessons += [source.stem] if source.stem not in lessons else []
    return dict(sorted(found.items(), key=lambda item: (item[0][1], item[0][0])))


def index_page() -> str:
    """The page as Markdown."""
    rows = [
        f"| `{name}` | `{module}` | {', '.join(map(_link, lessons))} |" for (name, module), lessons in taught().items()
    ]
    return HEAD + "\n".join(rows) + "\n"


def _link(lesson: str) -> str:
    return f"[{lesson.partition('_')[0]}]({lesson}.ipynb)"
