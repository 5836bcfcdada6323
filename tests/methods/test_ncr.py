"""NCR: values of its public code, and its formulas as a loop over pairs."""

import numpy as np
import pytest
import torch
from drawn_batch import SIX, assert_same, built, drawn_batch, ranking
from oracles import mean_hinges, predicted_labels, soft_triplet

from rrsitr_lib.methods.ncr import Ncr, mean_hinge, soft_label, soft_margin
from rrsitr_lib.methods.triplet import triplet_loss

LABELS = np.linspace(0, 1, 101)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.6])
@pytest.mark.parametrize("m", [1.5, 10, 100])
def test_every_value_written_out(margin, m):
    expected = [margin * (m**label - 1) / (m - 1) for label in LABELS.tolist()]
    np.testing.assert_allclose(soft_margin(LABELS, margin, m), expected, rtol=1e-12)


def test_m_near_one_is_a_straight_line():
    np.testing.assert_allclose(soft_margin(LABELS, m=1 + 1e-6), 0.2 * LABELS, atol=1e-6)


def test_shape_is_kept():
    assert soft_margin(np.ones((2, 3))).shape == (2, 3)
    assert float(soft_margin(1.0)) == pytest.approx(0.2)
    assert soft_margin([]).shape == (0,)


# --- values of the public code, github.com/XLearning-SCU/2021-NeurIPS-NCR, class ContrastiveLoss, margin 0.2 ---

EVAL_LOSS = [0.0071475074, 0.0, 0.0, 0.0070229832, 0.1773706836, 0.379213162]
PREDICTED = [0.9821312316, 1.0, 1.0, 0.982442542, 0.556573291, 0.0519670949]


def test_hinge_and_prediction_are_those_of_the_public_code():
    hinge = mean_hinge(SIX, 0.2)
    torch.testing.assert_close(hinge, torch.tensor(EVAL_LOSS, dtype=torch.float64), rtol=0, atol=1e-9)
    assert float(hinge.sum()) == pytest.approx(0.5707543362, abs=1e-9), "its warm-up"
    found = soft_label(hinge, torch.zeros(6), torch.zeros(6, dtype=torch.bool), 0.2)
    torch.testing.assert_close(found, torch.tensor(PREDICTED, dtype=torch.float64), rtol=0, atol=1e-9)


def test_triplet_with_one_label_for_all_is_that_of_the_public_code():
    """With a label a pair its code takes the margin of the other pair in one direction; ours takes the pair's own."""
    margin = torch.full((6,), float(soft_margin(0.5)), dtype=torch.float64)
    assert float(triplet_loss(SIX, margin).sum()) == pytest.approx(1.1838870958, abs=1e-9)


# --- the whole objective, pair by pair ---


def by_the_loop(similarity, clean, settings, train_noisy):
    """Total and soft labels, every maximum written out; ``clean`` None in the warm-up."""
    if clean is None:
        return sum(mean_hinges(similarity, settings.margin)) / len(similarity), None
    predicted, labels, total = predicted_labels(similarity, settings.margin), [], 0
    for i, p in enumerate(clean.tolist()):
        is_clean = p > settings.clean_above
        labels.append(p + (1 - p) * predicted[i] if is_clean else predicted[i])
        if is_clean or train_noisy:
            total = total + soft_triplet(similarity, i, labels[i], settings.margin, settings.base)
    return total / len(similarity), labels


@pytest.mark.parametrize("train_noisy", [True, False])
@pytest.mark.parametrize("warm", [True, False])
def test_loop_over_pairs_gives_value_and_gradient(warm, train_noisy):
    leaves, batch = drawn_batch()
    method = built(Ncr, noisy_from=0.0 if train_noisy else 1.0)
    method.begin_epoch(0, None)
    if not warm:
        record = method.objective(batch).columns["hinge"].detach().numpy()
        method.begin_epoch(1, {"hinge": record})
        assert 0 < int((method.clean[0] > 0.5).sum()) < 24
    found = method.objective(batch)
    clean = method.clean and method.clean[0]
    expected, labels = by_the_loop(ranking(leaves), clean, method.settings, train_noisy)
    assert_same(found.total, expected, leaves, rtol=1e-6)
    if labels is not None:
        np.testing.assert_allclose(found.columns["soft_label"].numpy(), labels, rtol=1e-5)
        np.testing.assert_allclose(found.triplet.margin_text.numpy(), soft_margin(np.array(labels)), rtol=1e-5)
    assert found.pair_loss.shape == (24,) and not found.triplet.similarity.requires_grad


@pytest.mark.parametrize(("warm", "first"), [(0, 5), (4, 7)])
def test_noisy_pairs_are_trained_on_from_half_of_its_own_epochs(warm, first):
    method, trained = built(Ncr, warmup_epochs=warm), []
    for epoch in range(warm, 10):
        method.begin_epoch(epoch, None)
        trained += [epoch] if method.train_noisy else []
    assert trained == list(range(first, 10))
