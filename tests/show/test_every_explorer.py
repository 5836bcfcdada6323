"""What holds for every explorer that there is, over one real run, small: the next one is held to it too."""

import pytest
from show.test_page import content_of

from rrsitr_lib.config import RunConfig
from rrsitr_lib.show.explorers.controls import label_of
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.tabs import EXPLORERS, open_explorer
from rrsitr_lib.show.page import write_page
from rrsitr_lib.show.style import MODEBAR, TOOLBAR
from rrsitr_lib.training.run import train

SMALL = {"encoder": "tiny", "scenes": 40, "epochs": 2, "noise_rate": 0.4, "method": "rrsitr", "seed": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "rrsitr"
    train(RunConfig.build(**SMALL), folder, progress=False)
    return folder


@pytest.fixture(scope="module", params=[*EXPLORERS, "pacing"])
def explorer(request, run):
    found = PacingExplorer() if request.param == "pacing" else open_explorer(request.param, run)
    assert not found.message
    return found


def test_no_toolbar_offers_to_send_data_away(explorer, tmp_path):
    """The widget, the page, and the bare figure, as a reader may draw it from a cell."""
    page = content_of(write_page(explorer, tmp_path / "page.html", frames=4))
    for shown in (explorer.figure._config, page["toolbar"]):
        assert shown.items() >= TOOLBAR.items()
    assert TOOLBAR["showSendToCloud"] is False and {"lasso2d", "select2d"} < set(TOOLBAR["modeBarButtonsToRemove"])
    assert list(explorer.draw(**explorer.values).layout.modebar.remove) == MODEBAR["remove"]


def test_every_control_stands_under_its_label(explorer):
    controls = explorer.view().children[0]
    for spec, box in zip(explorer.specs, controls.children, strict=True):
        label, control = box.children
        assert control is explorer.widgets[spec.name] and control.tooltip == label_of(spec)
        assert not control.description, "beside a slider, it would take the track's place"
        assert label_of(spec) in label.value


def test_a_value_from_a_browser_is_the_one_it_stands_for(explorer):
    for spec in explorer.specs:
        if isinstance(spec.start, float):
            explorer.widgets[spec.name].value = spec.start + 2e-16
            assert explorer.values[spec.name] == spec.start
