"""NCR: values of its public code, and its formulas as a loop over pairs."""

import numpy as np
import pytest
import torch
from oracles import draw_inputs, local_similarity

from rrsitr_lib.methods import Batch, RunFacts
from rrsitr_lib.methods.ncr import Ncr, NcrSettings, mean_hinge, soft_label, soft_margin, soft_triplet
from rrsitr_lib.model.similarity import Features

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

SIMILARITY = torch.cos(1 + 1.7 * torch.arange(36.0, dtype=torch.float64)).view(6, 6) / 2 + 0.4 * torch.eye(
    6, dtype=torch.float64
)
EVAL_LOSS = [0.0071475074, 0.0, 0.0, 0.0070229832, 0.1773706836, 0.379213162]
PREDICTED = [0.9821312316, 1.0, 1.0, 0.982442542, 0.556573291, 0.0519670949]


def test_hinge_and_prediction_are_those_of_the_public_code():
    hinge = mean_hinge(SIMILARITY, 0.2)
    torch.testing.assert_close(hinge, torch.tensor(EVAL_LOSS, dtype=torch.float64), rtol=0, atol=1e-9)
    assert float(hinge.sum()) == pytest.approx(0.5707543362, abs=1e-9), "its warm-up"
    found = soft_label(hinge, torch.zeros(6), torch.zeros(6, dtype=torch.bool), 0.2)
    torch.testing.assert_close(found, torch.tensor(PREDICTED, dtype=torch.float64), rtol=0, atol=1e-9)


def test_triplet_with_one_label_for_all_is_that_of_the_public_code():
    """With a label a pair its code takes the margin of the other pair in one direction; ours takes the pair's own."""
    margin = torch.full((6,), float(soft_margin(0.5)), dtype=torch.float64)
    assert float(soft_triplet(SIMILARITY, margin).sum()) == pytest.approx(1.1838870958, abs=1e-9)


# --- the whole objective, pair by pair ---


def by_the_loop(similarity, clean, settings, train_noisy):
    """Total and soft labels, every maximum written out; ``clean`` None in the warm-up."""
    size, margin = len(similarity), settings.margin
    others = [[j for j in range(size) if j != i] for i in range(size)]
    hinges = [
        sum(torch.relu(margin + similarity[i, j] - similarity[i, i]) for j in others[i]) / size
        + sum(torch.relu(margin + similarity[j, i] - similarity[i, i]) for j in others[i]) / size
        for i in range(size)
    ]
    if clean is None:
        return sum(hinges) / size, None
    believed = [min(max(margin - float(hinge.detach()) / 2, 0), margin) for hinge in hinges]
    best = np.mean(sorted(believed)[-(size // 10 + 1) :])
    labels, total = [], 0
    for i in range(size):
        predicted, p = min(believed[i] / best, 1), float(clean[i])
        is_clean = p > settings.clean_above
        labels.append(p + (1 - p) * predicted if is_clean else predicted)
        soft = margin * (settings.base ** labels[i] - 1) / (settings.base - 1)
        hardest = max(similarity[i, j] for j in others[i]), max(similarity[j, i] for j in others[i])
        if is_clean or train_noisy:
            total = total + sum(torch.relu(soft - similarity[i, i] + other) for other in hardest)
    return total / size, labels


@pytest.mark.parametrize("train_noisy", [True, False])
@pytest.mark.parametrize("warm", [True, False])
def test_loop_over_pairs_gives_value_and_gradient(warm, train_noisy):
    settings = NcrSettings(noisy_from=0.0 if train_noisy else 1.0)
    run = RunFacts(24, 24, 10, 3, torch.device("cpu"), local_fraction=0.1)
    method = Ncr(settings, run)
    leaves = [values.requires_grad_() for values in draw_inputs(seed=5, B=24, D=20, Lt=6, Li=4)]
    image, text, image_tokens, text_tokens = leaves
    batch = Batch(torch.arange(24), Features(image, image_tokens), Features(text, text_tokens))
    method.begin_epoch(0, None)
    if not warm:
        record = method.objective(batch).columns["hinge"].detach().numpy()
        method.begin_epoch(1, {"hinge": record})
        assert 0 < int((method.clean > 0.5).sum()) < 24
    found = method.objective(batch)
    cosine = torch.nn.functional.cosine_similarity(image[:, None], text[None], dim=-1)
    similarity = 0.9 * cosine + 0.1 * local_similarity(text_tokens, image_tokens).T
    expected, labels = by_the_loop(similarity, method.clean, settings, train_noisy)
    torch.testing.assert_close(found.total, expected, rtol=1e-6, atol=1e-9)
    for mine, wanted in zip(
        torch.autograd.grad(found.total, leaves), torch.autograd.grad(expected, leaves), strict=True
    ):
        torch.testing.assert_close(mine, wanted, rtol=1e-6, atol=1e-9)
    if labels is not None:
        np.testing.assert_allclose(found.columns["soft_label"].numpy(), labels, rtol=1e-5)
        np.testing.assert_allclose(found.triplet.margin_text.numpy(), soft_margin(np.array(labels)), rtol=1e-5)
    assert found.pair_loss.shape == (24,) and not found.triplet.similarity.requires_grad
