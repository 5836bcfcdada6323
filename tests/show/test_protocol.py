"""The protocol explorer: counts against loops, the figure, controls swept, tables and runs that cannot feed it."""

import numpy as np
import pytest
from show.ledgers import drawn_ledger

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.noise import PROTOCOLS, inject
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.scenes.world import draw_scenes
from rrsitr_lib.show.explorers import protocol as module
from rrsitr_lib.show.explorers.controls import Choice
from rrsitr_lib.show.explorers.protocol import ProtocolExplorer
from rrsitr_lib.show.views import protocol as view_module
from rrsitr_lib.show.views.protocol import CURVE_RATES, expected_images, good_captions, protocol_figure, ruined


@pytest.fixture(scope="module")
def table():
    world = draw_scenes(24, seed=3, size=16)
    return PairTable(world.rows_image_ids, world.captions, "train", "drawn scenes")


@pytest.fixture
def run(tmp_path):
    """A run folder of drawn scenes, with a ledger and no weights."""
    config = RunConfig.build(
        encoder="tiny", scenes=40, epochs=1, noise_rate=0.6, protocol="image", noise_seed=7, seed=3
    )
    folder = tmp_path / "run"
    drawn_ledger(folder, epochs=1, pairs=200)
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    return folder


# --- numbers ---


def test_good_captions_by_a_loop(table):
    mismatched = np.random.default_rng(0).random(len(table)) < 0.5
    expected = [sum(not bad for bad, own in zip(mismatched, table.image_ids, strict=True) if own == image)
                for image in table.images]  # fmt: skip
    assert good_captions(mismatched, table.image_of_row).tolist() == expected


@pytest.mark.parametrize(("mismatched", "rows"), [(np.ones(3), np.zeros(2, int)), (np.ones(0), np.zeros(0, int))])
def test_good_captions_refuse_what_does_not_fit(mismatched, rows):
    with pytest.raises(InputError, match=r"expected \(N,\) for both"):
        good_captions(mismatched, rows)


def test_expected_images_is_what_many_draws_give():
    sizes, generator = np.array([5, 5, 5, 3, 1]), np.random.default_rng(1)
    image_of_row = np.repeat(np.arange(5), sizes)
    draws = [good_captions(generator.random(19) < 0.4, image_of_row) for _ in range(4000)]
    counted = np.mean([np.bincount(one, minlength=6) for one in draws], axis=0)
    found = expected_images(0.4, sizes)
    assert found.sum() == pytest.approx(5)
    np.testing.assert_allclose(found, counted, atol=0.06)


def test_ruined_images_are_those_whose_rows_are_all_mismatched(table):
    found = ruined(table, seed=5)
    assert found.shape == (len(PROTOCOLS), len(CURVE_RATES))
    for row, protocol in zip(found, PROTOCOLS, strict=True):
        for share, rate in zip(row, CURVE_RATES, strict=True):
            noise = inject(table.image_ids, rate, protocol, 5, table.captions)
            without = [noise.mismatched[table.image_ids == image].all() for image in table.images]
            assert share == pytest.approx(100 * np.mean(without))
    by_name = dict(zip(PROTOCOLS, found, strict=True))
    assert by_name["image"][2] > by_name["shuffle"][2] and by_name["derangement"][-1] == 100


# --- figure ---


def test_figure_shows_the_counts_the_law_and_this_injection(table):
    noise = inject(table.image_ids, 0.4, "hard", 42, table.captions)
    figure = protocol_figure(table, noise, ruined(table, 42), 0.4, "a note")
    bars, law, *lines, here = figure.data
    assert sum(bars.y) == sum(law.y) == len(table.images) and len(bars.y) == 6
    assert list(bars.y) == np.bincount(good_captions(noise.mismatched, table.image_of_row), minlength=6).tolist()
    assert [line.name for line in lines] == list(PROTOCOLS)
    assert (here.x[0], here.y[0]) == (0.4, pytest.approx(100 * bars.y[0] / len(table.images), abs=1e-2))
    assert figure.layout.title.text == "a note"


def test_a_further_protocol_gets_a_look_of_its_own(table, monkeypatch, number=9):
    names = (*PROTOCOLS, *(f"protocol {k}" for k in range(len(PROTOCOLS), number)))
    for place in (module, view_module):
        monkeypatch.setattr(place, "PROTOCOLS", names)
    monkeypatch.setattr(view_module, "inject", lambda ids, rate, _, *rest: inject(ids, rate, "shuffle", *rest))
    explorer = ProtocolExplorer(table, protocol=names[-1])
    assert [line.name for line in explorer.figure.data[2:-1]] == list(names)
    assert len({(line.line.dash, line.marker.symbol) for line in explorer.figure.data[2:-1]}) == number
    twin = explorer.static()
    assert len({(line.get_linestyle(), line.get_marker()) for line in twin.axes[1].lines[:number]}) == number
    assert {*names, "this injection"} <= {text.get_text() for text in twin.legends[0].get_texts()}


# --- controls ---


def test_every_position_says_what_inject_finds(table):
    explorer = ProtocolExplorer(table)
    for spec in explorer.specs:
        for value in spec.values if isinstance(spec, Choice) else (spec.values[0], spec.values[-1]):
            explorer.move(**{spec.name: value})
            now = explorer.values
            noise = inject(table.image_ids, now["rate"], now["protocol"], now["seed"], table.captions)
            assert f"realised {noise.realised_rate:.2%}" in explorer.text.value
            assert noise.fingerprint[:12] in explorer.text.value


def test_a_new_seed_moves_the_star_and_the_lines_say_theirs(table):
    explorer = ProtocolExplorer(table)
    before = [np.array(trace.y) for trace in explorer.draw(**explorer.values).data]
    explorer.move(seed=5)
    figure = explorer.draw(**explorer.values)
    assert "lines: noise seed 42" in figure.layout.title.text
    assert all(np.array_equal(old, new.y) for old, new in zip(before[2:-1], figure.data[2:-1], strict=True))
    assert not np.array_equal(before[0], figure.data[0].y)


def test_images_without_a_good_caption_are_said(table):
    explorer = ProtocolExplorer(table, protocol="image", rate=0.5)
    assert "12 of 24 images have no good caption left" in explorer.text.value


def test_an_injection_that_cannot_be_is_said_and_drawn_empty(table):
    few = table.take(np.arange(15))  # three images: a fifth of them is one, which cannot exchange
    explorer = ProtocolExplorer(few, protocol="image", rate=0.4)
    assert "Not possible with these pairs" in explorer.text.value and "1 image" in explorer.text.value
    assert np.isnan(np.asarray(explorer.figure.data[0].y, float)).all()
    assert "not possible" in explorer.figure.data[-1].name
    explorer.move(rate=1.0)
    assert "3 of 3 images" in explorer.text.value and explorer.draw(**explorer.values).data[0].y[0] == 3


def test_the_line_of_a_table_names_it(table):
    explorer = ProtocolExplorer(table, rate=0.35, protocol="hard", seed=3)
    assert explorer.state() == "ProtocolExplorer(table, rate=0.35, protocol='hard', seed=3).view()"


# --- sources ---


def test_a_run_opens_as_it_was_made(run):
    explorer = ProtocolExplorer(run)
    assert explorer.values == {"rate": 0.6, "protocol": "image", "seed": 7}
    assert "24 of 40 images have no good caption left" in explorer.text.value


def test_a_run_whose_data_are_gone_says_so(run):
    text = (run / "config.yaml").read_text(encoding="utf-8")
    (run / "config.yaml").write_text(text.replace("data: scenes", f"data: {run / 'gone'}"), encoding="utf-8")
    explorer = ProtocolExplorer(run)
    assert "nothing to show here" in explorer.message and explorer.view().children == (explorer.text,)


def test_a_ledger_alone_says_what_is_missing(run):
    (run / "config.yaml").unlink()
    assert "no config.yaml" in ProtocolExplorer(run).message


def test_one_image_alone_says_so(table):
    assert "All rows show one image" in ProtocolExplorer(table.take(np.arange(5))).message


def test_a_large_table_is_thinned_and_says_so(table, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_ROWS", 60)
    explorer = ProtocolExplorer(table)
    assert len(explorer.table) == 60 and "of 12 images" in explorer.text.value
    assert "the first 60 of 120 rows" in explorer.figure.layout.title.text
