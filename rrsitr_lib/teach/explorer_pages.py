"""The explorers of a run as pages, and the lessons to which they belong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from rrsitr_lib.teach.side_by_side import side_by_side


@dataclass(frozen=True)
class ExplorerPage:
    """One explorer as a page: its name, its title, what it teaches; ``missing`` says why there is no page."""

    name: str
    title: str
    about: str = ""
    missing: str = ""

    @property
    def file(self) -> str:
        """The name of the page's file."""
        return f"explore_{self.name}.html"


def export_explorers(
    run: str | Path,
    out: Path,
    names: Sequence[str] = (),
    against: str | Path | None = None,
    ways: Callable[[str], Mapping[str, str]] = lambda name: {},
    shared: bool = False,
    done: Callable[[], object] = bool,
) -> list[ExplorerPage]:
    """A page in ``out`` for every explorer that the run can feed; what it cannot feed is in the list, with the reason.

    With ``against``, another run on the same pairs, a page compares both. ``ways`` lead on from the page of a name;
    ``shared``: as ``write_page`` takes it. ``done`` is called after each. Raises ``InputError`` where there is no run
    or no such explorer.
    """
    from rrsitr_lib.show.explorers.tabs import EXPLORERS, OF_TWO_RUNS  # here: who makes slides need not wait for it
    from rrsitr_lib.show.page import write_plotly
    from rrsitr_lib.show.run_reader import RunReader

    RunReader.open(run)
    names = names or (*EXPLORERS, "pacing", *(OF_TWO_RUNS if against else ()))
    jobs = [(run, out, name, against, ways(name), shared) for name in reversed(names)]  # the embedding takes longest
    if shared:
        write_plotly(out)
    found = {}
    for _, page in side_by_side(export_explorer, jobs):
        found[page.name] = page
        done()
    return [found[name] for name in names]


def export_explorer(
    run: str | Path, out: Path, name: str, against: str | Path | None, ways: Mapping[str, str], shared: bool = False
) -> ExplorerPage:
    """The page of one explorer, where the run can feed it."""
    from rrsitr_lib.show.explorers.pacing import PacingExplorer
    from rrsitr_lib.show.explorers.tabs import OF_TWO_RUNS, open_explorer
    from rrsitr_lib.show.page import about, write_page
    from rrsitr_lib.show.run_reader import RunReader

    given = {"other": against} if name in OF_TWO_RUNS else {}
    explorer = PacingExplorer() if name == "pacing" else open_explorer(name, RunReader.open(run), **given)
    page = ExplorerPage(name, explorer.title, about(explorer), explorer.message)
    if not explorer.message:
        write_page(explorer, out / page.file, ways=ways, shared=shared)
    return page


def explorers_of(output: nbformat.NotebookNode) -> list[str]:
    """Names of the explorers that stood in an output."""
    from rrsitr_lib.show.explorers.stand_in import METADATA_KEY

    return list(output.get("metadata", {}).get(METADATA_KEY, []))


def homes(notebooks: Sequence[Path]) -> dict[str, Path]:
    """The lesson of every explorer: of those that show it, the first that shows the fewest others beside it."""
    best: dict[str, tuple[int, Path]] = {}
    for notebook in notebooks:
        for cell in nbformat.read(notebook, as_version=4).cells:
            for shown in map(explorers_of, cell.get("outputs", [])):
                for name in shown:
                    best[name] = min(best.get(name, (len(shown), notebook)), (len(shown), notebook))
    return {name: notebook for name, (_, notebook) in best.items()}
