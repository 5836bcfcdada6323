"""Exported pages: what they keep, what they leave out and say so, and that they are whole."""

import base64
import gzip
import json
import re

import numpy as np
import pytest
from show.ledgers import drawn_ledger

from rrsitr_lib.show import page
from rrsitr_lib.show.explorers.controls import Choice, Slider
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.weights import WeightsExplorer
from rrsitr_lib.show.page import thin, write_page


def content_of(path):
    packed = re.search(r'id="content">([^<]+)<', path.read_text())[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def pooled(content, change):
    return {key: content["pool"][number] for key, number in change.items()}


@pytest.fixture
def explorer(tmp_path):
    return WeightsExplorer(drawn_ledger(tmp_path / "run"))


def test_every_frame_is_the_figure_of_its_position(explorer, tmp_path):
    path = write_page(explorer, tmp_path / "page.html")
    content = content_of(path)
    assert [control["name"] for control in content["controls"]] == list(explorer.on_page)
    specs = {spec.name: spec for spec in explorer.specs}
    for place, frame in content["frames"].items():
        chosen = dict(explorer.values)
        for control, number in zip(content["controls"], place.split(","), strict=True):
            (value,) = [v for v in specs[control["name"]].values if str(v) == control["values"][int(number)]]
            chosen[control["name"]] = value
        drawn = json.loads(explorer.draw(**chosen).to_json())
        shown = [old | pooled(content, new) for old, new in zip(content["base"]["data"], frame["data"], strict=True)]
        assert shown == drawn["data"] and frame["say"] == explorer.say(**chosen)
        layout = content["base"]["layout"] | pooled(content, frame["layout"])
        assert layout == {key: value for key, value in drawn["layout"].items() if key != "template"}
        assert frame["shown"] == list(explorer.shown(**chosen))
        assert all(str(key) in content["cards"] for key in frame["shown"])


def test_a_page_of_few_cards_has_fewer_positions_and_every_card_of_them(explorer, tmp_path, monkeypatch):
    whole = content_of(write_page(explorer, tmp_path / "whole.html"))
    most = len({key for frame in whole["frames"].values() for key in frame["shown"]})
    monkeypatch.setattr(page, "CARDS", most - 1)
    thinned = content_of(write_page(explorer, tmp_path / "page.html"))
    shown = {str(key) for frame in thinned["frames"].values() for key in frame["shown"]}
    assert len(thinned["frames"]) < len(whole["frames"]) and shown <= thinned["cards"].keys()
    assert len(thinned["cards"]) < most


def test_positions_that_are_left_out_are_said(tmp_path):
    text = write_page(PacingExplorer(), tmp_path / "page.html", frames=20).read_text()
    assert re.search(r"Positions kept: loss of the pair \d+ of 241", text)
    assert "Fixed here: gamma_2 18.0, lambda_1 0.8" in text


def test_a_value_that_needs_a_kernel_is_not_offered_unless_it_is_the_present_one():
    spec = Choice("truth", "truth", ("hidden", "blind", "shown"), "hidden", in_kernel=("blind",))
    assert thin([spec], {"truth": "shown"}, 100) == [["hidden", "shown"]]
    assert thin([spec], {"truth": "blind"}, 100) == [["hidden", "blind", "shown"]]


@pytest.mark.parametrize("frames", [4, 30, 1000])
def test_thinning_keeps_what_a_lesson_asks_for(frames):
    assert {7, 12} <= {*thin([Slider("a", "a", 0, 40, 1, 7, asked=(12,))], {"a": 7}, frames)[0]}


@pytest.mark.parametrize("frames", [2, 7, 30, 1000])
def test_thinning_keeps_both_ends_and_the_present_value(frames):
    specs = [Slider("a", "a", 0, 20, 1, 7), Choice("b", "b", ("x", "y", "z"), "y")]
    kept = thin(specs, {"a": 7, "b": "y"}, frames)
    assert 7 in kept[0] and "y" in kept[1] and kept[0] == sorted(kept[0])
    assert np.prod([len(values) for values in kept]) <= max(frames, 6)
    if frames >= 30:
        assert kept[0][0] == 0 and kept[0][-1] == 20
