"""What holds for every explorer that there is, over one real run, small: the next one is held to it too."""

import html
import re
import shutil
import time
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
from show.ledgers import drawn_ledger, forget
from show.test_page import content_of
from show.test_static import assert_same_numbers

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.base import same, strip
from rrsitr_lib.show.explorers.controls import Choice, label_of
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.tabs import EXPLORERS, OF_TWO_RUNS, explore, open_explorer
from rrsitr_lib.show.page import FRAMES, LARGEST_BYTES, write_page
from rrsitr_lib.show.positions import thin
from rrsitr_lib.show.style import MODEBAR
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import train

SMALL = {"encoder": "tiny", "scenes": 40, "epochs": 3, "noise_rate": 0.4, "method": "rrsitr", "seed": 3}
EVERY = [*EXPLORERS, *OF_TWO_RUNS, "pacing"]
OF_COLUMNS = ["partition", "flow", "weights", "margins", "gallery", "compare"]
SLOW = "map"  # a UMAP takes half a minute: test_embedding goes there


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "rrsitr"
    train(RunConfig.build(**SMALL), folder, progress=False)
    return folder


def opened(name, run, **given):
    """An explorer by name; one of two runs compares the run with itself."""
    given |= {"other": run} if name in OF_TWO_RUNS else {}
    return PacingExplorer(**given) if name == "pacing" else open_explorer(name, run, **given)


@pytest.fixture(params=EVERY)
def explorer(request, run):
    found = opened(request.param, run)
    assert not found.message
    return found


@pytest.fixture(scope="session")
def folder_of_pages(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def page(explorer, folder_of_pages):
    """Of few positions, written once for all tests."""
    path = folder_of_pages / f"{explorer.name}.html"
    return path if path.exists() else write_page(explorer, path, frames=4)


def ends(spec):
    """Every option of a list; lowest, highest and first position of a slider."""
    return spec.values if isinstance(spec, Choice) else (spec.values[0], spec.values[-1], spec.start)


def everything(explorer):
    """What one sees of an explorer."""
    return [explorer.figure.to_json(), explorer.text.value, explorer.cards.value]


# --- controls ---


def test_every_control_changes_what_is_seen_and_the_way_back_ends_in_the_same(explorer):
    before, start = everything(explorer), explorer.values
    for spec in explorer.specs:
        if spec.name == SLOW:
            continue
        if spec.name in explorer.idle(**explorer.values):
            explorer.move(schedule="linear")
        seen = set()
        for value in ends(spec):
            explorer.move(**{spec.name: value})
            assert explorer.values[spec.name] == value
            assert same(explorer._shown, explorer.draw(**explorer.values).to_plotly_json())
            assert explorer.text.value == html.escape(explorer.say(**explorer.values), quote=False)
            assert not re.search(r"\bnan\b", explorer.text.value)
            seen.add(tuple(everything(explorer)))
        assert len(seen) > 1 or len(spec.values) == 1, f"{spec.name} changes nothing"
        explorer.move(**start)
    assert everything(explorer) == before


def test_a_control_that_changes_nothing_now_cannot_be_moved(run):
    weights, retrieval = open_explorer("weights", run), open_explorer("retrieval", run)
    assert weights.widgets["start"].disabled and not weights.widgets["epoch"].disabled
    assert not retrieval.widgets["caption"].disabled
    weights.move(schedule="linear")
    retrieval.move(direction="image to captions")
    assert not weights.widgets["start"].disabled and retrieval.widgets["caption"].disabled
    seen = everything(retrieval)
    retrieval.move(caption=3)
    assert everything(retrieval) == seen


def test_every_control_stands_under_its_label_and_names_itself(explorer):
    boxes = [box for box in explorer.view().children[0].children if isinstance(box, widgets.VBox)]
    for spec, box in zip(explorer.specs, boxes, strict=True):
        label, control = box.children
        assert control is explorer.widgets[spec.name] and control.tooltip == label_of(spec)
        assert not control.description, "beside a slider, it would take the track's place"
        assert label_of(spec) in label.value


def test_an_epoch_can_be_played(explorer):
    played = [one for one in explorer.view().children[0].children if isinstance(one, widgets.Play)]
    epochs = [spec for spec in explorer.specs if spec.name == "epoch"]
    assert [(one.min, one.max, one.value) for one in played] == [(e.low, e.high, e.start) for e in epochs]


def test_the_view_holds_figure_text_cards_and_line(explorer):
    _, figure, text, cards, *_, code = explorer.view().children
    assert (figure, text, cards) == (explorer.figure, explorer.text, explorer.cards)
    assert html.escape(explorer.state()) in code.value


def test_a_value_from_a_browser_is_the_one_it_stands_for(explorer):
    for spec in explorer.specs:
        if isinstance(spec.start, float):
            explorer.widgets[spec.name].value = spec.start + 2e-16
            assert explorer.values[spec.name] == spec.start


def test_state_is_a_line_that_shows_the_same_again(explorer):
    explorer.move(**{spec.name: spec.values[0] for spec in explorer.specs})
    line = explorer.state()
    assert "\n" not in line
    again = eval(line.removesuffix(".view()"), {type(explorer).__name__: type(explorer)})
    assert again.values == explorer.values and everything(again) == everything(explorer)


def test_what_breaks_is_said_and_raised(explorer, monkeypatch):
    def explode(**_):
        raise ZeroDivisionError("the figure broke")

    monkeypatch.setattr(explorer, "draw", explode)
    for spec in explorer.specs:
        for value in {spec.values[0], spec.values[-1]} - {explorer.values[spec.name]}:
            with pytest.raises(ZeroDivisionError, match="the figure broke"):
                explorer.widgets[spec.name].value = value
            assert "the figure broke" in explorer.text.value


@pytest.mark.parametrize("name", EVERY)
def test_a_position_that_does_not_exist_is_refused(name, run):
    explorer = opened(name, run)
    bad = [(spec.name, "no such value") for spec in explorer.specs] + [("colours", 1)]
    for spec in explorer.specs:
        bad += [] if isinstance(spec, Choice) else [(spec.name, one) for one in (spec.high + 1, spec.low - 1, True)]
    before = everything(explorer)
    for control, value in bad:
        for refused in (explorer.move, lambda **given: opened(name, run, **given)):
            with pytest.raises(InputError, match=f"{control} is {value!r}: allowed|no control '{control}': there are"):
                refused(**{control: value})
    assert everything(explorer) == before


def test_hovering_a_point_shows_its_card_after_a_move_too(explorer):
    for spec in explorer.specs[:1]:
        explorer.move(**{spec.name: spec.values[-1]})
    for number, trace in enumerate(explorer.draw(**explorer.values).data):
        if trace.customdata is not None and len(trace.customdata):
            explorer._hover(explorer.figure.data[number], SimpleNamespace(point_inds=[0], trace_index=number), None)
            assert explorer.cards.value == strip([explorer.card(int(trace.customdata[0]))])


# --- figure, twin, page ---


def test_the_static_twin_holds_the_numbers_of_the_figure(explorer):
    twin = explorer.static()
    assert_same_numbers(explorer.draw(**explorer.values), twin)
    shown = {text.get_text() for text in twin.legends[0].get_texts()}
    assert shown == {t.name for t in explorer.figure.data if t.name and t.showlegend is not False and len(t.x)} - {None}


def test_readable_in_grey_and_every_axis_says_what_it_is(explorer):
    figure = explorer.draw(**explorer.values)
    looks = {
        (trace.xaxis, trace.mode, trace.line.dash, trace.line.width, trace.marker.symbol)
        for trace in figure.data
        if trace.type == "scatter" and len(trace.x)
    }
    assert len(looks) == sum(trace.type == "scatter" and len(trace.x) > 0 for trace in figure.data)
    bars = [trace.marker for trace in figure.data if trace.type == "bar"]
    assert len({(look.pattern.shape, look.line.width) for look in bars}) == len(bars)
    assert all(look.pattern.fillmode == "overlay" for look in bars if look.pattern.shape)
    names = {trace.xaxis or "x" for trace in figure.data}
    assert all(figure.layout[f"xaxis{name[1:]}"].title.text for name in names)


def test_the_page_is_whole_small_and_needs_no_network(explorer, page):
    text, content = page.read_text(), content_of(page)
    assert len(text) < LARGEST_BYTES and not re.search(r"(src|href)\s*=\s*['\"]?https?:", text)
    names = [control["name"] for control in content["controls"]]
    assert names == [spec.name for spec in explorer.specs] and content["frames"]


ASKED = {  # by the questions below the explorers of the lessons
    "retrieval": {"direction": ["image to captions"], "caption": [1, 2, 3, 4, 5], "k": [5, 10, 20]},
    "protocol": {"rate": [0.25, 0.4, 0.75], "protocol": ["shuffle", "image"], "seed": [42, 43]},
    "partition": {"gamma_1": [5.0], "gamma_2": [12.0, 18.0], "epoch": [1, 2, 3]},
    "flow": {"epoch": [1, 2]},
    "weights": {"epoch": [1, 2, 3], "sort": ["loss", "weight"], "schedule": ["linear"], "start": [0.5]},
    "margins": {"similarity": [0.1, 0.35, 0.65, 0.95], "sigma": [0.0, 0.6], "epoch": [1, 2, 3]},
    "gallery": {"sort": ["agreement", "late"], "truth": ["hidden", "shown"]},
    "embedding": {"gap": ["removed"], "epoch": [0, 1, 2, 3], "lines": ["mismatched only"], "colour": ["category"]},
    "compare": {"epoch": [1, 2, 3]},
    "pacing": {"loss": [4.9, 5.0], "gamma_2": [12.0, 18.0], "lambda_1": [0.8, 1.0]},
}


def test_the_page_has_the_positions_that_the_lessons_ask_for(explorer):
    specs = {spec.name: spec for spec in explorer.specs}
    kept = dict(zip(specs, thin(explorer.specs, explorer.values, FRAMES), strict=True))
    for name, values in ASKED[explorer.name].items():
        there = set(values) & set(specs[name].values)
        assert there and there <= set(kept[name]), name
    pairs = kept.get("pair", [])
    assert len(pairs) > 2 or explorer.name not in ("partition", "weights"), "true ones and mismatched ones"


def test_no_toolbar_offers_to_send_data_away(explorer, page):
    """The widget, the page, and the bare figure, as a reader may draw it from a cell."""
    widget = explorer.figure._config
    for shown in (widget, content_of(page)["toolbar"]):
        assert not shown["showSendToCloud"] and "sendDataToCloud" in shown["modeBarButtonsToRemove"]
    assert list(explorer.draw(**explorer.values).layout.modebar.remove) == MODEBAR["remove"]
    unread = {"select": "lasso2d", "lasso": "select2d"}.get(explorer.gesture)
    expected = MODEBAR["remove"] if unread is None else ["sendChartToCloud", "sendDataToCloud", unread]
    assert widget["modeBarButtonsToRemove"] == list(explorer.figure.layout.modebar.remove) == expected


@pytest.mark.parametrize("name", OF_COLUMNS)
def test_a_large_run_answers_in_time(name, tmp_path):
    drawn_ledger(tmp_path, epochs=30, pairs=20_000)
    explorer = opened(name, tmp_path)
    explorer.move(**{spec.name: spec.values[len(spec.values) // 2] for spec in explorer.specs})
    started = time.perf_counter()
    for spec in explorer.specs:
        explorer.move(**{spec.name: spec.start})
    seconds = (time.perf_counter() - started) / len(explorer.specs)
    assert seconds < 0.7, f"{seconds:.3f} s a move: a control must answer at once, on a busy machine too"
    assert len(explorer.figure.to_json()) < 1e6


# --- runs that lack something ---


@pytest.mark.parametrize("name", OF_COLUMNS)
def test_a_missing_column_is_said_not_raised(name, run, tmp_path):
    for column in opened(name, run).needs:
        copy = shutil.copytree(run, tmp_path / column)
        forget(copy, column)
        explorer = opened(name, copy, epoch=1)
        assert f"no column {column}" in explorer.message
        assert explorer.view().children == (explorer.text,) and explorer.text.value == explorer.message
        with pytest.raises(InputError, match=f"no column {column}"):
            write_page(explorer, tmp_path / "page.html")
        assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("name", OF_COLUMNS)
def test_a_run_without_an_epoch_says_so(name, tmp_path):
    Ledger.create(tmp_path, np.array([True, False]), {})
    explorer = opened(name, tmp_path)
    assert "no finished epoch" in explorer.message and len(explorer.view().children) == 1


@pytest.mark.parametrize("name", [*EXPLORERS, *OF_TWO_RUNS])
def test_a_folder_without_a_ledger_is_an_input_error(name, tmp_path):
    with pytest.raises(InputError, match="no ledger here"):
        opened(name, tmp_path)


def test_an_unknown_explorer_is_refused_with_the_known_ones(run):
    for call in (open_explorer, lambda name, run: explore(run, name=name)):
        with pytest.raises(InputError, match="no explorer 'tsne': there are retrieval, protocol"):
            call("tsne", run)
