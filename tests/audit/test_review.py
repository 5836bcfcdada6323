"""A sample that is looked at: drawn blind, kept as decisions; what it says of all pairs is true as often as it says."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from audit.test_audit import folder  # noqa: F401 (a fixture)
from test_cli import rrsitr

from rrsitr_lib.audit.review import Review, sample, sizes_of
from rrsitr_lib.audit.review_sheet import read_review
from rrsitr_lib.errors import InputError

QUICK = ["--encoder", "tiny-strong", "--folds", "2", "--quick"]


@pytest.fixture(scope="module")
def audited(folder, tmp_path_factory):  # noqa: F811
    """An audit with a sheet of ten and ten."""
    out = tmp_path_factory.mktemp("audit") / "audit"
    lines = (folder / "pairs.csv").read_text(encoding="utf-8-sig").splitlines()
    names, captions = zip(*(line.split(";", 1) for line in lines[1:61]), strict=True)
    captions = (*captions[:24], *captions[-18:], *captions[24:-18])  # from row 25 on all are wrong
    rows = [*map(";".join, zip(names, captions, strict=True)), lines[-1]]
    table = out.with_suffix(".csv")
    table.write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    images = ["--images", folder / "images"]
    assert rrsitr("audit", table, *images, "--out", out, *QUICK, "--review", "10+12") == 0
    return out


def decided(out, path, decide):
    """The sheet as it is when all is decided by ``decide(row)``."""
    sheet = pd.read_csv(out / "review.csv", keep_default_na=False)
    sheet.assign(decision=[decide(row) for row in sheet.itertuples()]).to_csv(path, index=False)
    return path


def test_the_sheet_is_blind_and_mixed(audited):
    sheet = pd.read_csv(audited / "review.csv", keep_default_na=False)
    suspects = pd.read_csv(audited / "suspects.csv")
    flagged = suspects.set_index(["row", "caption"])["left_out"]
    kinds = [bool(flagged[row, caption]) for row, caption in zip(sheet["row"], sheet["caption"], strict=True)]
    assert sum(kinds) == min(10, int(flagged.sum())) and len(kinds) - sum(kinds) == 12
    assert 0 < sum(kinds[: len(kinds) // 2]) < sum(kinds), "neither part comes first"
    assert set(sheet["decision"]) == {"undecided"} and set(sheet["score"]) == {""}
    page = (audited / "review.html").read_text(encoding="utf-8")
    assert page.count("<img") == page.count("data:image/jpeg") == len(sheet) and "http" not in page
    rows = json.loads(re.search(r'id="rows">(.*?)</script>', page, re.DOTALL)[1])
    assert [tuple(row) for row in rows] == list(sheet[["row", "image", "caption"]].itertuples(index=False, name=None))
    assert "<script>湖" not in page  # a caption's own markup


def test_decisions_are_read_back(audited, tmp_path, capsys):
    path = decided(audited, tmp_path / "mine.csv", lambda row: ("wrong", "right", "undecided")[row.Index % 3])
    assert rrsitr("review", audited, "--decisions", path) == 0
    said = capsys.readouterr().out
    review = read_review(audited, path)
    assert review.flagged[0] + review.others[0] == 61
    assert (
        f"{review.flagged[1] + review.others[1]} pairs decided: {review.flagged[1]} of the {review.flagged[0]}" in said
    )
    for name in ("precision: ", "missed: ", "noise rate: ", "more looks would halve"):
        assert name in said


def test_a_new_audit_does_not_overwrite_decisions(audited, folder, tmp_path, capsys):  # noqa: F811
    out = tmp_path / "audit"
    again = ["audit", folder / "pairs.csv", "--out", out, *QUICK, "--review", "3+3"]
    assert rrsitr(*again) == 0 and rrsitr(*again) == 0
    decided(out, out / "review.csv", lambda row: "wrong")
    capsys.readouterr()
    assert rrsitr(*again) == 2 and "review.csv: it holds decisions" in capsys.readouterr().err
    assert rrsitr("review", out) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda lines: [lines[0], "9999,x.png,nothing,,wrong"],
            r"entry 1 \(row 9999\): the audit has no such pair",
        ),
        (lambda lines: [*lines, lines[1]], r"entry 23 \(row \d+\): it is there twice"),
        (
            lambda lines: [lines[0], lines[1].replace("undecided", "maybe")],
            r"entry 1 \(row \d+\): decision is 'maybe': allowed are",
        ),
        (
            lambda lines: [lines[0].replace("decision", "said"), *lines[1:]],
            r"no column decision: needed are row, image",
        ),
        (lambda lines: lines, "no pair that was called wrong is decided"),
    ],
)
def test_other_decisions_are_named(audited, tmp_path, change, message):
    lines = (audited / "review.csv").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "review.csv"
    path.write_text("\n".join(change(lines)), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_review(audited, path)


def test_a_folder_that_is_no_audit_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no suspects\.csv in it: allowed is the folder of an audit"):
        read_review(tmp_path)


@pytest.mark.parametrize("text", ["40", "0+4", "40+", "a+b", "40+-1", "40 + 40", "1" * 6 + "+1"])
def test_sizes_are_two_numbers(text):
    with pytest.raises(InputError, match="allowed are two numbers of pairs"):
        sizes_of(text)


def test_a_larger_sample_holds_the_smaller():
    flagged = np.random.default_rng(0).random(500) < 0.3
    small, large = (set(sample(flagged, (size, size), seed=4).tolist()) for size in (10, 40))
    assert small < large and len(large) == 80
    assert set(sample(flagged, (9999, 9999), seed=4).tolist()) == set(range(500))


def test_intervals_hold_the_truth_as_often_as_they_say():
    generator = np.random.default_rng(1)
    inside, worlds = np.zeros(4), 200
    for seed in range(worlds):
        wrong = generator.random(generator.integers(200, 3000)) < generator.uniform(0.02, 0.6)
        flagged = np.where(wrong, generator.random(len(wrong)) < 0.8, generator.random(len(wrong)) < 0.08)
        rows = sample(flagged, (40, 40), seed)
        review = Review.of(flagged, {row: "wrong" if wrong[row] else "right" for row in rows.tolist()})
        truths = [wrong[flagged].mean(), wrong[~flagged].mean(), wrong.mean(), (wrong & ~flagged).sum() / wrong.sum()]
        found = [review.precision, review.wrong_among_others, review.noise_rate, review.missed]
        inside += [low - 1e-9 <= truth <= high + 1e-9 for truth, (_, low, high) in zip(truths, found, strict=True)]
    assert ((inside / worlds > 0.9) & (inside / worlds < 0.99)).all(), inside / worlds


def test_all_looked_at_leaves_no_doubt_and_more_looks_leave_less():
    wrong, flagged = np.arange(60) < 20, np.arange(60) < 25
    whole = Review.of(flagged, {row: "wrong" if wrong[row] else "right" for row in range(60)})
    assert whole.noise_rate == (20 / 60, 20 / 60, 20 / 60) and whole.missed == (0, 0, 0)
    assert whole.precision == (0.8, 0.8, 0.8) and whole.looks_to_halve() is not None
    few = Review((500, 40, 30), (1500, 40, 4))
    more = few.looks_to_halve()
    spread = [few.flagged[1] + more // 2, few.others[1] + more // 2]
    halved = Review((500, spread[0], spread[0] * 3 // 4), (1500, spread[1], spread[1] // 10))
    assert np.ptp(halved.noise_rate[1:]) == pytest.approx(np.ptp(few.noise_rate[1:]) / 2, rel=0.15)
