"""Symmetric cross-entropy: values of public code, its formula as a loop over pairs, its limits."""

import math

import pytest
import torch
from drawn_batch import SIX, assert_same, built, drawn_batch, probabilities
from pydantic import ValidationError

from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.methods.sce import Sce, SceSettings, gradient_share, symmetric_loss

# github.com/HanxunH/SCELoss-Reproduce, c81fb333, SCELoss(alpha, beta, 6): the mean over rows, over columns
PUBLIC = {(0.1, 1.0): (4.0871075811, 4.0558209377), (6.0, 0.1): (5.4483444162, 5.4879597731)}


@pytest.mark.parametrize(("alpha", "beta"), PUBLIC)
def test_values_are_those_of_the_public_code(alpha, beta):
    own = [logits.log_softmax(dim=1).diagonal() for logits in (5 * SIX, 5 * SIX.T)]
    found = [float(symmetric_loss(one, alpha, beta, math.log(1e-4)).mean()) for one in own]
    assert found == pytest.approx(PUBLIC[alpha, beta], abs=1e-6), "it works in float32"


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("given", [{}, {"alpha": 6.0, "beta": 0.1, "log_zero": -4.0}, {"alpha": 0.0}], ids=str)
def test_loop_over_pairs_gives_value_and_gradient(given, local):
    leaves, batch = drawn_batch()
    settings = SceSettings(local_loss=local, **given)
    found = built(Sce, local_loss=local, **given).objective(batch)
    directions, losses = probabilities(leaves, settings.scale, local), []
    for i in range(24):
        loss = 0
        for direction in directions:
            for answer, p in enumerate(direction[i]):
                if answer == i:
                    loss = loss - settings.alpha * p.log()
                else:
                    loss = loss - settings.beta * p * settings.log_zero
        losses.append(loss)
    assert_same(found.total, sum(losses) / 24, leaves)


def test_the_weight_is_the_share_of_the_gradient_beside_a_cross_entropy():
    logits = (5 * SIX).requires_grad_()
    own = logits.log_softmax(dim=1).diagonal()
    symmetric = symmetric_loss(own, 0.1, 1.0, -4.0)
    (plain,), (found,) = (torch.autograd.grad(loss.sum(), logits, retain_graph=True) for loss in (-own, symmetric))
    share = gradient_share(own, 0.1, 1.0, -4.0)
    torch.testing.assert_close(found, plain * 4.1 * share[:, None], rtol=1e-9, atol=1e-12)
    assert 0 < share.min() < 0.5 < share.max() < 1


def test_the_recorded_weight_is_the_mean_over_the_directions():
    leaves, batch = drawn_batch()
    directions = probabilities(leaves, SceSettings().scale)
    own = torch.stack([torch.stack([row[i] for i, row in enumerate(table)]) for table in directions]).log()
    expected = gradient_share(own, 0.1, 1.0, math.log(1e-4)).mean(dim=0)
    torch.testing.assert_close(built(Sce).objective(batch).weight, expected.detach())


def test_without_the_reverse_it_is_contrastive_training():
    leaves, batch = drawn_batch()
    found, plain = built(Sce, alpha=1.0, beta=0.0).objective(batch), built(Contrastive).objective(batch)
    assert_same(found.total, plain.total, leaves)
    torch.testing.assert_close(found.weight, plain.weight)
    assert torch.equal(found.category, plain.category)


def test_the_reverse_alone_is_bounded_for_the_worst_pair():
    worst = torch.tensor([-1e4])
    assert float(symmetric_loss(worst, alpha=0.0, beta=1.0, log_zero=-4.0)) == 4.0
    assert float(symmetric_loss(worst, alpha=0.1, beta=1.0, log_zero=-4.0)) == pytest.approx(1004.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alpha": -0.1}, "alpha"), ({"beta": -1.0}, "beta"), ({"log_zero": 0.0}, "log_zero"),
        ({"alpha": 0.0, "beta": 0.0}, "alpha and beta are both 0"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        SceSettings(**given)
