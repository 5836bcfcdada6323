"""Exported pages: what they keep, what they leave out and say so, and that they are whole."""

import base64
import gzip
import json
import re

import numpy as np
import pytest
from show.ledgers import drawn_ledger

from rrsitr_lib.show.explorers.controls import Choice, Slider
from rrsitr_lib.show.explorers.margins import MarginExplorer
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.weights import WeightsExplorer
from rrsitr_lib.show.page import write_page
from rrsitr_lib.show.positions import thin


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
    assert [control["name"] for control in content["controls"]] == [spec.name for spec in explorer.specs]
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
    monkeypatch.setattr(explorer, "shown", lambda epoch, **_: [epoch])
    whole = content_of(write_page(explorer, tmp_path / "whole.html"))
    most = len({key for frame in whole["frames"].values() for key in frame["shown"]})
    monkeypatch.setattr(explorer, "cards_on_page", most - 1, raising=False)
    thinned = content_of(write_page(explorer, tmp_path / "page.html"))
    shown = {str(key) for frame in thinned["frames"].values() for key in frame["shown"]}
    assert len(thinned["frames"]) < len(whole["frames"]) and shown <= thinned["cards"].keys()
    assert len(thinned["cards"]) < most


def test_positions_that_are_left_out_are_said(tmp_path):
    text = write_page(PacingExplorer(), tmp_path / "page.html", frames=20).read_text()
    assert re.search(r"Positions kept: loss of the pair \d+ of 241", text)
    assert "lambda_1 3 of 11" in text and "Fixed here" not in text


def test_what_one_position_shows_is_fixed_and_said(explorer, tmp_path):
    text = write_page(MarginExplorer(), tmp_path / "page.html").read_text()
    assert "Fixed here: hardest image 0.3." in text


def test_a_value_that_a_page_does_not_offer_is_there_where_it_is_the_present_one():
    spec = Choice("truth", "truth", ("hidden", "blind", "shown"), "hidden", on_page=("hidden", "shown"))
    assert thin([spec], {"truth": "shown"}, 100) == [["hidden", "shown"]]
    assert thin([spec], {"truth": "blind"}, 100) == [["hidden", "blind", "shown"]]


@pytest.mark.parametrize("frames", [4, 30, 1000])
def test_thinning_keeps_what_a_control_names(frames):
    specs = [Slider("a", "a", 0, 40, 1, 7, on_page=(12, 30)), Slider("b", "b", 0, 9, 1, 3)]
    kept = thin(specs, {"a": 7, "b": 3}, frames)
    assert kept[0] == [7, 12, 30] and (len(kept[1]) < 10) == (frames < 30)


def test_where_a_control_changes_nothing_it_rests_and_shares_the_frame(explorer, tmp_path):
    content = content_of(write_page(explorer, tmp_path / "page.html"))
    controls = {control["name"]: control["values"] for control in content["controls"]}
    names = [*controls]
    schedule, start = names.index("schedule"), names.index("start")
    for place, frame in content["frames"].items():
        numbers = place.split(",")
        recorded = controls["schedule"][int(numbers[schedule])] == "as recorded"
        numbers[start] = "0"
        assert frame["idle"] == ["start"] * recorded
        assert not recorded or frame == content["frames"][",".join(numbers)]


def test_cards_of_one_image_hold_it_once(tmp_path):
    class Drawn(PacingExplorer):
        def shown(self, **values):
            return range(4)

        def card(self, key):
            return f"<img src='data:image/jpeg;base64,{'ab'[key % 2]}' alt='card {key}'>"

    content = content_of(write_page(Drawn(), tmp_path / "page.html"))
    assert content["images"] == ["data:image/jpeg;base64,a", "data:image/jpeg;base64,b"]
    assert content["cards"]["3"] == "<img src='#1' alt='card 3'>"


@pytest.mark.parametrize("frames", [2, 7, 30, 1000])
def test_thinning_keeps_both_ends_and_the_present_value(frames):
    specs = [Slider("a", "a", 0, 20, 1, 7), Choice("b", "b", ("x", "y", "z"), "y")]
    kept = thin(specs, {"a": 7, "b": "y"}, frames)
    assert 7 in kept[0] and "y" in kept[1] and kept[0] == sorted(kept[0])
    assert np.prod([len(values) for values in kept]) <= max(frames, 6)
    if frames >= 30:
        assert kept[0][0] == 0 and kept[0][-1] == 20
