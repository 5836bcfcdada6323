"""All explorers of a run, a tab each; a tab is built when it is first opened."""

import html
import importlib
from typing import Any

import ipywidgets as widgets

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.chosen import Chosen
from rrsitr_lib.show.explorers.run_explorer import Source
from rrsitr_lib.show.explorers.stand_in import WHERE, ExplorerTabs
from rrsitr_lib.show.run_reader import RunReader

EXPLORERS = {
    "retrieval": ("Retrieval", "RetrievalExplorer"),
    "protocol": ("Noise protocols", "ProtocolExplorer"),
    "partition": ("Partition", "PartitionExplorer"),
    "flow": ("Flow", "FlowExplorer"),
    "weights": ("Weights", "WeightsExplorer"),
    "margins": ("Margins", "MarginExplorer"),
    "gallery": ("Pair gallery", "GalleryExplorer"),
    "embedding": ("Embedding", "EmbeddingExplorer"),
}
OF_TWO_RUNS = {"compare": ("Compare", "CompareExplorer")}


def open_explorer(name: str, source: Source, **given: Any) -> Explorer:
    """One explorer by name, over a run, or over ``source`` and ``other``.

    Raises ``InputError`` for an unknown name, listing the known ones.
    """
    known = EXPLORERS | OF_TWO_RUNS
    if name not in known:
        raise InputError(f"no explorer {name!r}: there are {', '.join(known)}")
    module = importlib.import_module(f"rrsitr_lib.show.explorers.{name}")
    return getattr(module, known[name][1])(source, **given)


def explore(source: Source, other: Source | None = None, name: str = "") -> widgets.Tab:
    """A tabbed view of every explorer of a run; what the run lacks is said in its tab.

    With ``other``, a run on the same pairs, the first tab compares the two. ``name`` is the tab to be seen first:
    that one, else the weights. A pair, a selection or a pin that is chosen in one tab is chosen in all that have one.
    Raises ``InputError`` where there is no run, or the other one has other pairs.
    """
    run, known = RunReader.open(source), EXPLORERS if other is None else OF_TWO_RUNS | EXPLORERS
    names, name = list(known), name or ("weights" if other is None else "compare")
    if name not in known:
        raise InputError(f"no explorer {name!r}: there are {', '.join(known)}")
    in_turn = sorted(names, key=lambda one: one != name)
    words = f"The explorers of this run stand here, a tab each, {WHERE}."
    boxes, titles = [widgets.VBox() for _ in names], [title for title, _ in known.values()]
    tab, chosen = ExplorerTabs(boxes, in_turn, words, titles=titles), Chosen()

    def fill(change: Any = None) -> None:
        place = tab.selected_index
        if place is None or tab.children[place].children:
            return
        try:
            given = {"other": other} if names[place] in OF_TWO_RUNS else {}
            explorer = open_explorer(names[place], run, **given)
            explorer.follow(chosen)
            shown = explorer.view()
        except Exception as error:  # a tab shows widgets only: say it there, and let it go on to the log
            text = html.escape(f"{type(error).__name__}: {error}")
            tab.children[place].children = (widgets.HTML(f"<b>This explorer failed: {text}</b>"),)
            raise
        tab.children[place].children = (shown,)

    tab.selected_index = names.index(name)
    fill()
    tab.observe(fill, names="selected_index")
    return tab
