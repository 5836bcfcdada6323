"""Mismatch ranking: the signals against plain loops, ranks and ties, agreement, precision, decisions on file."""

import itertools
import os

import numpy as np
import pandas as pd
import pytest
from oracles import RSICD, WEIGHTS, needs_rsicd, needs_towers
from scipy.stats import rankdata
from show.ledgers import drawn_ledger

from rrsitr_lib.audit.mismatch_ranking import (
    NEEDED,
    SIGNALS,
    agreement,
    mismatch_ranking,
    precision_at,
    read_decisions,
    signals,
    unit_rank,
    write_decisions,
)
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.training.ledger import PAIRS_FILE, Ledger

AWKWARD = ["a lake , blue", 'the "old" port', "NA", ".", "", "two\nlines", "Straße ›", "1", "nan"]


@pytest.fixture
def ledger(tmp_path):
    """Of a run of nine pairs of awkward captions."""
    PairTable([f"{row}.jpg" for row in range(9)], AWKWARD, "train", "memory").write_csv(tmp_path / PAIRS_FILE)
    return drawn_ledger(tmp_path, pairs=9)


# --- signals and ranks ---


@pytest.mark.parametrize("epochs", [1, 2, 6])
def test_signals_against_a_plain_loop(tmp_path, epochs):
    ledger = drawn_ledger(tmp_path, epochs, pairs=9)
    columns = {name: ledger.column(name) for name in NEEDED}
    found = signals(columns)
    assert list(found) == list(SIGNALS)
    for pair in range(len(found)):
        loss, category, own, text, image = (columns[name][:, pair].astype(float) for name in NEEDED)
        late = next((epoch for epoch in range(epochs) if category[epoch] != 2), epochs)
        lead = sum(max(text[e], image[e]) - own[e] for e in range(epochs)) / epochs
        wanted = (sum(loss) / epochs, loss[-1], sum(category == 2) / epochs, late, -sum(own) / epochs, lead)
        np.testing.assert_allclose(found.loc[pair], wanted, rtol=1e-6)


def test_rank_counts_those_below_and_half_of_the_equal():
    values = np.random.default_rng(1).integers(0, 5, 30).astype(float)
    for value, found in zip(values, unit_rank(values), strict=True):
        below, equal = (values < value).sum(), (values == value).sum() - 1
        assert found == pytest.approx((below + equal / 2) / 29)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([7.0], [0.5]), ([2.0, 2.0, 2.0], [0.5] * 3), ([1, 5], [0, 1]), ([np.inf, 1, 2], [1, 0, 0.5])],
)
def test_rank_at_the_ends(values, wanted):
    np.testing.assert_allclose(unit_rank(np.array(values)), wanted)


def test_agreement_is_mean_rank_and_votes():
    ranks = pd.DataFrame({"a": [0.95, 0.9, 0.1], "b": [1.0, 0.2, 0.0], "c": [0.5, 0.91, 0.3]})
    found = agreement(ranks, top=0.1)
    np.testing.assert_allclose(found["agreement"], [2.45 / 3, 2.01 / 3, 0.4 / 3])
    assert found["votes"].tolist() == [2, 2, 0]
    assert agreement(ranks, 1.0)["votes"].tolist() == [3, 3, 3]


def test_a_signal_that_cannot_choose_does_not_vote():
    crowd = unit_rank(np.array([1.0] * 4 + [0.0] * 6))  # four of ten tied at the top, one wanted
    assert agreement(pd.DataFrame({"noisy_share": crowd}), 0.1)["votes"].sum() == 0


# --- precision ---


def test_precision_is_the_mean_over_all_orders_of_the_tied():
    score, wrong = np.array([3, 2, 2, 2, 1.0]), np.array([False, True, True, False, True])
    orders = [order for order in itertools.permutations(range(5)) if (np.diff(score[list(order)]) <= 0).all()]
    for k in range(1, 6):
        wanted = np.mean([wrong[list(order[:k])].mean() for order in orders])
        assert precision_at(score, wrong, k) == pytest.approx(wanted)


# --- the table of a run ---


def test_table_holds_every_pair_once_most_suspect_first(tmp_path, ledger):
    columns = {name: ledger.column(name) for name in NEEDED}
    for source in (tmp_path, str(tmp_path), ledger, ledger.folder):
        table = mismatch_ranking(source)
        assert sorted(table.index) == list(range(9)) and table.index.name == "row"
        assert (np.diff(table["agreement"]) <= 0).all()
        assert (table["image"] == [f"{row}.jpg" for row in table.index]).all()
        for name in SIGNALS:
            wanted = (rankdata(signals(columns)[name]) - 1) / 8
            np.testing.assert_allclose(table[name].sort_index(), wanted)
    assert "mismatched" not in table, "the ranking must not know the truth"


def test_without_its_pairs_a_run_has_ranks_only(tmp_path, ledger):
    (tmp_path / PAIRS_FILE).unlink()
    assert mismatch_ranking(ledger)["caption"].eq("").all()


# --- decisions ---


def test_decisions_come_back_as_they_were(tmp_path, ledger):
    table = mismatch_ranking(tmp_path)
    made = {row: "wrong" if row % 2 else "right" for row in range(8)} | {8: "undecided"}
    path = write_decisions(tmp_path / "out" / "decisions.csv", made, table)
    assert read_decisions(path, table) == {row: said for row, said in made.items() if row < 8}
    written = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert list(written) == ["row", "image", "caption", "score", "decision"] and len(written) == 8
    assert written.loc[3, "score"] == f"{table.at[3, 'agreement']:.4f}"
    assert read_decisions(write_decisions(path, {}, table), table) == {}


# --- real pairs ---


@needs_rsicd
@needs_towers
def test_wrong_captions_among_real_pairs_come_first(tmp_path, cache):
    from rrsitr_lib.config import RunConfig
    from rrsitr_lib.training.run import train

    folder = tmp_path / "real"
    (folder / "images").mkdir(parents=True)
    for split, images in (("train", 60), ("val", 20), ("test", 20)):
        pairs = pd.read_csv(RSICD / f"{split}.csv")
        chosen = pairs["filename"].drop_duplicates().sample(images, random_state=3)
        pairs[pairs["filename"].isin(chosen)].to_csv(folder / f"{split}.csv", index=False)
        for name in chosen:
            os.symlink(RSICD / "images" / name, folder / "images" / name)
    given = {"encoder": "lite", "weights": str(WEIGHTS), "train": "heads", "noise_rate": 0.2, "seed": 3}
    config = RunConfig.build(data=str(folder), epochs=6, batch_size=30, warmup_steps=10, device="cpu", **given)
    train(config, tmp_path / "run", progress=False)
    table, wrong = mismatch_ranking(tmp_path / "run"), Ledger.open(tmp_path / "run").column("mismatched")
    assert precision_at(table["agreement"].to_numpy(), wrong[table.index], 20) > 2 * wrong.mean()
