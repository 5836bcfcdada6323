"""All explorers of a run, a tab each; a tab is built when it is first opened."""

import html
import importlib
from typing import Any

import ipywidgets as widgets

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.run_explorer import Source
from rrsitr_lib.show.explorers.stand_in import WHERE, ExplorerTabs
from rrsitr_lib.show.run_reader import RunReader

EXPLORERS = {
    "retrieval": ("Retrieval", "RetrievalExplorer"),
    "protocol": ("Noise protocols", "ProtocolExplorer"),
    "partition": ("Partition", "PartitionExplorer"),
    "weights": ("Weights", "WeightsExplorer"),
    "margins": ("Margins", "MarginExplorer"),
    "gallery": ("Pair gallery", "GalleryExplorer"),
    "embedding": ("Embedding", "EmbeddingExplorer"),
}


def open_explorer(name: str, source: Source, **given: Any) -> Explorer:
    """One explorer by name, over a run. Raises ``InputError`` for an unknown name, listing the known ones."""
    if name not in EXPLORERS:
        raise InputError(f"no explorer {name!r}: there are {', '.join(EXPLORERS)}")
    module = importlib.import_module(f"rrsitr_lib.show.explorers.{name}")
    return getattr(module, EXPLORERS[name][1])(source, **given)


def explore(source: Source, name: str = "weights") -> widgets.Tab:
    """A tabbed view of every explorer, ``name`` first to be seen; what the run lacks is said in its tab.

    Raises ``InputError`` where there is no run.
    """
    run, names = RunReader.open(source), list(EXPLORERS)
    if name not in EXPLORERS:
        raise InputError(f"no explorer {name!r}: there are {', '.join(EXPLORERS)}")
    in_turn = sorted(names, key=lambda one: one != name)
    words = f"The explorers of this run stand here, a tab each, {WHERE}."
    boxes, titles = [widgets.VBox() for _ in names], [title for title, _ in EXPLORERS.values()]
    tab = ExplorerTabs(boxes, in_turn, words, titles=titles)

    def fill(change: Any = None) -> None:
        place = tab.selected_index
        if place is None or tab.children[place].children:
            return
        try:
            shown = open_explorer(names[place], run).view()
        except Exception as error:  # a tab shows widgets only: say it there, and let it go on to the log
            text = html.escape(f"{type(error).__name__}: {error}")
            tab.children[place].children = (widgets.HTML(f"<b>This explorer failed: {text}</b>"),)
            raise
        tab.children[place].children = (shown,)

    tab.selected_index = names.index(name)
    fill()
    tab.observe(fill, names="selected_index")
    return tab
