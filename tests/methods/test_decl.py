"""DECL: values of its public code, and its formulas as a loop over pairs."""

import math

import numpy as np
import pytest
import torch
from drawn_batch import SIX, assert_same, built, drawn_batch, ranking

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.decl import Decl, evidential_loss, hard_hinge, hardness, most_evident
from rrsitr_lib.methods.ncr import mean_hinge
from rrsitr_lib.methods.partition import CLEAN, NOISY

# github.com/QinYang79/DECL, commit 1b0a775, warmup_batch and train_batch with raw similarities given, batch size 6,
# eta 1, mu 2, else its defaults: epoch, steps before, labels, H, its loss, the sum of its gradient's magnitudes
PUBLIC_CODE = [
    (0, 0, [1] * 6, 5, 3.4112674205, 15.3072660780),
    (0, 2, [1] * 6, 3, 3.7884201428, 18.2437382671),
    (5, 9, [1, 0, 1, 1, 0, 1], 2, 4.2504963192, 14.3800516077),
]
GIVEN = {"hardening": 1.0, "fewest_negatives": 2}


@pytest.mark.parametrize(("epoch", "step", "labels", "negatives", "loss", "gradient"), PUBLIC_CODE)
def test_loss_and_gradient_are_those_of_the_public_code(epoch, step, labels, negatives, loss, gradient):
    assert hardness(6, step, GIVEN["hardening"], GIVEN["fewest_negatives"]) == negatives
    method, similarity = built(Decl, pairs=6, **GIVEN), SIX.clone().requires_grad_()
    method.ranking_similarity = lambda losses: similarity
    method.begin_epoch(epoch, {"matched": np.array(labels, dtype=bool)})
    found = method.objective(drawn_batch(pairs=6, step=step)[1])
    total = 6 * found.total  # its code sums the hinges
    (slope,) = torch.autograd.grad(total, similarity)
    assert float(total.detach()) == pytest.approx(loss, abs=1e-9)
    assert float(slope.abs().sum()) == pytest.approx(gradient, abs=1e-8)
    assert found.columns["matched"].tolist() == [True] * 4 + [False] * 2, "its get_correspondence"
    assert found.weight.tolist() == labels


def divergence(parameters):
    """Of a Dirichlet distribution from the uniform one, by its definition."""
    total, size = sum(parameters), len(parameters)
    found = torch.lgamma(total) - sum(torch.lgamma(a) for a in parameters) - math.lgamma(size)
    return found + sum((a - 1) * (torch.digamma(a) - torch.digamma(total)) for a in parameters)


def by_the_loop(similarity, labels, negatives, settings):
    """Total: hinges sorted, evidence entry by entry; without evidence the hinges alone."""
    size, total = len(similarity), 0
    score = torch.tanh(similarity)
    for i, label in enumerate(labels):
        for row in (score[i], score[:, i]):
            hinges = sorted((torch.relu(0.2 + row[j] - row[i]) for j in range(size) if j != i), reverse=True)
            total = total + 0.8 * label * sum(hinges[:negatives]) / negatives
            if settings.evidential:
                evidence = [torch.exp(entry / 0.1) for entry in row]
                alpha, match = [e + 1 for e in evidence], [label * (j == i) for j in range(size)]
                strength = sum(alpha)
                error = sum((y - a / strength) ** 2 for y, a in zip(match, alpha, strict=True))
                variance = sum(a * (strength - a) / (strength**2 * (strength + 1)) for a in alpha)
                misleading = [e * (1 - y) + 1 for y, e in zip(match, evidence, strict=True)]
                total = total + (error + variance + 0.1 * divergence(misleading)) / size
    return total / size


@pytest.mark.parametrize("evidential", [True, False])
@pytest.mark.parametrize("epoch", [0, 5])
def test_loop_over_pairs_gives_value_and_gradient(epoch, evidential):
    leaves, batch = drawn_batch(step=500)
    method = built(Decl, evidential=evidential)
    method.begin_epoch(0, None)
    matched = method.objective(batch).columns["matched"].numpy()
    assert 0 < matched.sum() < 24
    method.begin_epoch(epoch, {"matched": matched})
    labels = matched.astype(int).tolist() if epoch and evidential else [1] * 24
    found = method.objective(batch)
    expected = by_the_loop(ranking(leaves), labels, 11, method.settings)  # 24 - 0.025 * 501 is 11.475
    assert_same(found.total, expected, leaves)
    assert found.weight.tolist() == labels
    assert found.category.tolist() == [CLEAN if label else NOISY for label in labels]


def test_hardness_grows_to_its_end():
    found = [hardness(40, step, 0.025, 5) for step in range(2000)]
    assert found[:40] == [39] * 40 and found[40] == 38 and found == sorted(found, reverse=True) and found[-1] == 5
    assert [hardness(size, 0, 0.025, 5) for size in (2, 5, 6)] == [1, 4, 5], "a small batch has no more"


def test_all_negatives_are_the_mean_hinge_and_one_is_the_hardest():
    torch.testing.assert_close(hard_hinge(SIX, 0.2, 5), mean_hinge(SIX, 0.2) * 6 / 5)
    assert (hard_hinge(SIX, 0.2, 1) >= hard_hinge(SIX, 0.2, 2)).all()


def test_evidence_for_a_match_lowers_its_loss_and_other_evidence_raises_it():
    def loss(own, other, label):
        evidence = torch.full((3, 3), other) + torch.eye(3) * (own - other)
        return float(evidential_loss(evidence, torch.full((3,), label), 0.1)[0])

    assert loss(50.0, 0.0, 1.0) < loss(5.0, 0.0, 1.0) < loss(5.0, 5.0, 1.0) < loss(0.0, 50.0, 1.0)
    assert loss(0.0, 0.0, 0.0) < loss(50.0, 0.0, 0.0), "a pair that is wrong has no match at all"


def test_the_most_evident_is_taken_from_both_directions():
    evidence = torch.tensor([[2.0, 9.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 1.0]])
    assert most_evident(evidence).tolist() == [False, True, True]


def test_without_record_every_pair_counts():
    method = built(Decl, warmup_epochs=0)
    method.begin_epoch(1, {"loss": np.zeros(24)})
    assert method.matched is None


@pytest.mark.parametrize(
    "bad",
    [{"margin": -1}, {"hardening": -1}, {"fewest_negatives": 0}, {"temperature": 0}, {"hinge_factor": -1},
     {"divergence_factor": -1}, {"warmup_epochs": -1}, {"evidential": 2}],
)  # fmt: skip
def test_bad_settings_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        RunConfig.build(method="decl", **bad)
