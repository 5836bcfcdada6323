"""Generalised cross-entropy: values of public code, its formula as a loop over pairs, its limits."""

import pytest
import torch
from drawn_batch import SIX, assert_same, built, drawn_batch, probabilities
from pydantic import ValidationError

from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.methods.gce import Gce, GceSettings, generalised_cross_entropy

# github.com/AlanChou/Truncated-Loss, fef59087, TruncatedLoss(q, k=1), cutting nothing: the mean over rows, over columns
PUBLIC = {0.7: (0.5121651144, 0.5065400595), 0.3: (0.6653790752, 0.6608223611)}
SCALE = GceSettings().scale


@pytest.mark.parametrize("q", PUBLIC)
def test_values_are_those_of_the_public_code(q):
    own = [logits.log_softmax(dim=1).diagonal() for logits in (5 * SIX, 5 * SIX.T)]
    found = [float(generalised_cross_entropy(one, q).mean()) for one in own]
    assert found == pytest.approx(PUBLIC[q], abs=1e-9)


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("q", [0.3, 0.7, 1.0])
def test_loop_over_pairs_gives_value_and_gradient(q, local):
    leaves, batch = drawn_batch()
    found = built(Gce, q=q, local_loss=local).objective(batch)
    directions = probabilities(leaves, SCALE, local)
    losses = [sum((1 - direction[i][i] ** q) / q for direction in directions) for i in range(24)]
    assert_same(found.total, sum(losses) / 24, leaves)
    weights = [sum(direction[i][i].item() ** q for direction in directions) / len(directions) for i in range(24)]
    torch.testing.assert_close(found.weight, torch.tensor(weights, dtype=torch.float64))
    assert min(weights) < 0.5 < max(weights) <= 1


def test_q_near_zero_is_contrastive_training():
    leaves, batch = drawn_batch()
    found, plain = built(Gce, q=1e-9).objective(batch), built(Contrastive).objective(batch)
    torch.testing.assert_close(found.contribution, plain.contribution, rtol=1e-6, atol=1e-9)
    gradients = (torch.autograd.grad(one.total, leaves) for one in (found, plain))
    for mine, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-6, atol=1e-9)


def test_the_worst_pair_has_a_bounded_loss():
    assert float(generalised_cross_entropy(torch.tensor(-1e4), 0.7)) == pytest.approx(1 / 0.7)


@pytest.mark.parametrize("q", [0.0, -0.5, 1.1])
def test_q_out_of_range_is_refused(q):
    with pytest.raises(ValidationError, match="than or equal to 1" if q > 1 else "greater than 0"):
        GceSettings(q=q)
