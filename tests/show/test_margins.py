"""Margin dynamics: the numbers against plain loops and autograd, the figures, then the controls."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from show.ledgers import drawn_ledger

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.pair_loss import symmetric_cross_entropy
from rrsitr_lib.methods.rrsitr.robust_triplet import robust_triplet
from rrsitr_lib.show.explorers.margins import MarginExplorer
from rrsitr_lib.show.views.margins import (
    HardNegatives,
    RecordedMargins,
    entropy_gradient_magnitude,
    margins_figure,
    regime,
    triplet_gradient_magnitude,
)

EPOCHS, PAIRS = 4, 60
PLACES = [(-1.0, 1.0), (0.1, 0.6), (0.5, 0.5), (0.5, 0.2), (0.9, 0.3), (0.9, 0.1), (1.0, -1.0)]
NEGATIVES = HardNegatives(text=0.6, image=0.3, sigma=0.6)


def drawn(epochs=EPOCHS, pairs=PAIRS, seed=3):
    generator = np.random.default_rng(seed)
    return (0.6 + 0.5 * generator.random((epochs, pairs))).astype("f4"), generator.random(pairs) < 0.4


@pytest.fixture
def ledger(tmp_path):
    """Four epochs of sixty pairs; margins from 0.6 to 1.1."""
    margin, mismatched = drawn()
    return drawn_ledger(tmp_path / "run", EPOCHS, PAIRS, mismatched, margin_text=margin)


# --- numbers ---


@pytest.mark.parametrize("sigma", [0.0, 0.2, 0.6, 1.5])
@pytest.mark.parametrize(("own", "hardest"), PLACES)
def test_margins_and_loss_written_out(own, hardest, sigma):
    negatives = HardNegatives(hardest, 0.3, sigma)
    margins = [sigma * (1 + max(0, rival - own)) for rival in (hardest, 0.3)]
    loss = sum(max(0, margin - own + rival) for margin, rival in zip(margins, (hardest, 0.3), strict=True))
    pulls = 0.9 * triplet_gradient_magnitude(own, *negatives), entropy_gradient_magnitude(own, hardest, 0.3)
    found = negatives.dynamics(np.array([own])).ravel()
    np.testing.assert_allclose(found, [*margins, loss, *pulls], atol=1e-12)


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("sigma", [0.0, 0.6])
def test_pull_of_the_triplet_is_what_autograd_says(sigma, dynamic):
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        cosines = (2 * torch.rand(6, 6, dtype=torch.float64, generator=generator) - 1).requires_grad_()
        found = robust_triplet(cosines, sigma, dynamic)
        own = [
            -float(torch.autograd.grad(loss, cosines, retain_graph=True)[0][i, i]) for i, loss in enumerate(found.loss)
        ]
        pull = triplet_gradient_magnitude(*(part.detach().numpy() for part in found[:3]), sigma, dynamic)
        np.testing.assert_allclose(pull, own, atol=1e-12)


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_pull_of_the_cross_entropies_with_one_rival_each(place):
    own, hardest = PLACES[place]
    cosines = torch.tensor([[own, hardest], [hardest, own]], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(symmetric_cross_entropy(20 * cosines)[0], cosines)
    assert float(entropy_gradient_magnitude(own, hardest, hardest, 20)) == pytest.approx(
        -float(gradient[0, 0]), abs=1e-9
    )


@pytest.mark.parametrize(
    ("own", "hardest", "words", "pull"),
    [(0.1, 0.6, "behind", 3.2), (0.5, 0.5, "within", 2.0), (0.3, -0.3, "beyond", 0.0), (0.9, 0.3, "beyond", 0.0)],
)
def test_words_and_pull_agree_on_the_borders(own, hardest, words, pull):
    assert words in regime(own, hardest, 0.6)
    assert float(triplet_gradient_magnitude(own, hardest, hardest, 0.6)) == pytest.approx(pull)


def test_recorded_margins_count_every_pair_once_in_bars_that_stay():
    margin, mismatched = drawn()
    recorded = RecordedMargins(margin, mismatched)
    for epoch in range(1, EPOCHS + 1):
        for kind, counts in zip((False, True), recorded.counts(epoch), strict=True):
            values = margin[epoch - 1, mismatched == kind]
            inside = [(low <= values) & (values < high) for low, high in pairwise(recorded.edges)]
            inside[-1] |= values == recorded.edges[-1]
            assert counts.tolist() == [one.sum() for one in inside] and counts.sum() == len(values)
    np.testing.assert_allclose(recorded.quartiles(True)[1], np.median(margin[:, mismatched], axis=1), rtol=1e-6)


@pytest.mark.parametrize("mismatched", [np.zeros(3, bool), np.ones(3, bool)], ids=["all true", "all mismatched"])
def test_one_kind_alone_and_margins_that_are_all_equal(mismatched):
    recorded = RecordedMargins(np.full((2, 3), 0.6), mismatched)
    assert sum(counts.sum() for counts in recorded.counts(2)) == 3
    assert np.isnan(recorded.quartiles(not mismatched[0])).all()
    assert len(margins_figure(0.1, NEGATIVES, recorded, 1).data) == 10


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (2,)), ((0, 3), (3,)), ((2, 0), (0,))])
def test_bad_arrays_are_named(shapes):
    with pytest.raises(InputError, match=r"expected \(epochs, N\) and \(N,\)"):
        RecordedMargins(np.ones(shapes[0]), np.zeros(shapes[1], bool))


# --- figures ---


def test_traces_hold_the_numbers():
    recorded = RecordedMargins(*drawn())
    figure = margins_figure(0.1, NEGATIVES, recorded, 2)
    text, image, loss, pair, triplet, entropies, pulls, true_bars, wrong_bars, marked = figure.data
    own = np.asarray(text.x)
    curves = [trace.y for trace in (text, image, loss, triplet, entropies)]
    np.testing.assert_allclose(curves, NEGATIVES.dynamics(own), atol=6e-4)
    np.testing.assert_allclose(pair.y, [0.9, 0.72, 2.32], atol=1e-9)
    np.testing.assert_allclose(pulls.y, [2.88, 39.65], atol=1e-3)
    assert [list(true_bars.y), list(wrong_bars.y)] == [counts.tolist() for counts in recorded.counts(2)]
    assert not len(marked.x) and {shape.x0 for shape in figure.layout.shapes} == {0.1, 0.6, 0.3}


def test_same_traces_without_a_run():
    with_run, without = (margins_figure(0.1, NEGATIVES, run, 1) for run in (RecordedMargins(*drawn()), None))
    assert [trace.name for trace in with_run.data] == [trace.name for trace in without.data]
    assert len(without.data[-1].y) == 0 and "no run is open" in without.to_json()


# --- controls ---


def test_says_margin_loss_pull_and_regime(ledger):
    explorer = MarginExplorer(ledger, similarity=0.1, hardest_text=0.6, hardest_image=-0.2, epoch=2)
    margin, mismatched = np.asarray(ledger.column("margin_text"))[1], np.asarray(ledger.column("mismatched"))
    for part in (
        "Text: margin 0.90, behind its rival",
        "Image: margin 0.60, ahead, but within the margin",
        "Loss 1.70",
        "falls by 2.34",
        f"{margin[explorer.values['pair']]:.2f} for pair {explorer.values['pair']}; median",
        f"{np.median(margin[~mismatched]):.2f} for true pairs and {np.median(margin[mismatched]):.2f} for mismatched",
    ):
        assert part in explorer.text.value


def test_without_a_run_it_says_so_and_offers_no_epoch():
    explorer = MarginExplorer()
    assert "No run is open" in explorer.text.value and "epoch" not in explorer.values
    assert explorer.state().startswith("MarginExplorer(similarity=")
    with pytest.raises(InputError, match="no control 'epoch'"):
        MarginExplorer(epoch=1)


def test_a_pair_brings_its_recorded_cosines_and_margin(ledger):
    explorer = MarginExplorer(ledger, epoch=3)
    pair = int(explorer.specs[0].values[4])
    explorer.move(pair=pair)
    for name in ("similarity", "hardest_text", "hardest_image"):
        assert explorer.values[name] == pytest.approx(ledger.column(name)[2, pair], abs=0.0251), name
    margin = float(ledger.column("margin_text")[2, pair])
    assert (
        explorer.figure.layout.shapes[-1].x0 == pytest.approx(margin)
        and f"{margin:.2f} for pair {pair}" in explorer.text.value
    )
    explorer.move(similarity=-1.0)
    assert explorer.values["pair"] == pair, "moved by hand, it stays the pair"


def test_the_widest_margins_are_offered_first_true_and_mismatched_by_turns(ledger):
    pairs, margin = MarginExplorer(ledger).specs[0].values, ledger.column("margin_text")[-1]
    kinds = np.asarray(ledger.column("mismatched"))[list(pairs)]
    assert not (kinds[::2] | ~kinds[1::2]).any()
    assert pairs[0] == max(np.flatnonzero(~np.asarray(ledger.column("mismatched"))), key=lambda row: margin[row])
