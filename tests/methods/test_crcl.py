"""CRCL: values of its public code, and its formulas as a loop over pairs."""

import numpy as np
import pytest
import torch
from drawn_batch import SIX, assert_same, built, drawn_batch, ranking

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.crcl import Crcl, active_complementary_loss
from rrsitr_lib.methods.log_probabilities import own_probability
from rrsitr_lib.methods.pair_loss import symmetric_cross_entropy
from rrsitr_lib.methods.rcl import complementary_loss

# github.com/QinYang79/CRCL, commit 4a96406, CRCL.train_self with its defaults (two epochs frozen), similarities given:
# epoch (from 0), the labels it is given, its loss, the sum of its gradient's magnitudes, the labels that it keeps
ONES = [1.0] * 6
PROBABILITY = [0.9726389404, 0.9998874431, 0.9999986655, 0.9678379708, 0.1646182966, 0.0003638442]
GIVEN = [1, 0.9, 0.6, 0.3, 0.05, 0.1]
PUBLIC_CODE = [
    (0, ONES, 7.6807890365, 44.9054606005, ONES),
    (1, ONES, 7.6807890365, 44.9054606005, PROBABILITY),
    (2, PROBABILITY, 3.3391709424, 15.3657141136, [*PROBABILITY[:5], 0.0]),
    (2, GIVEN, 3.1736711731, 12.4653187506, [0.9945277881, 0.9199774886, 0.6799997331, 0.4335675942, 0.0, 0.0]),
]


@pytest.mark.parametrize(("epoch", "labels", "loss", "gradient", "kept"), PUBLIC_CODE)
def test_loss_and_labels_are_those_of_the_public_code(epoch, labels, loss, gradient, kept):
    method, similarity = built(Crcl, pairs=6), SIX.clone().requires_grad_()
    method.ranking_similarity = lambda losses: similarity
    method.begin_epoch(epoch, {"label": np.array(labels)})
    found = method.objective(drawn_batch(pairs=6)[1])
    (slope,) = torch.autograd.grad(found.total, similarity)
    assert float(found.total.detach()) == pytest.approx(loss, abs=1e-6), "labels are kept in single precision"
    assert float(slope.abs().sum()) == pytest.approx(gradient, abs=1e-5)
    np.testing.assert_allclose(found.columns["label"].numpy(), kept, atol=1e-7)


def by_the_loop(similarity, last, settings):
    """Total and labels; ``last`` None while they are frozen."""
    size, total, labels = len(similarity), 0, []
    powers = torch.exp(similarity / settings.temperature)
    for i in range(size):
        ways = [powers[i] / powers[i].sum(), powers[:, i] / powers[:, i].sum()]
        label = 1.0
        if last is not None:
            label = 0.8 * last[i] + 0.2 * float(sum(p[i].detach() for p in ways)) / 2
            label = 0.0 if label < 0.1 else label
        for p in ways:
            others = sum(torch.tan(p[j]) for j in range(size) if j != i)
            total = total - label * torch.log(p[i]) + 5 * others / (others + torch.tan(p[i])) ** (1 - label)
        labels.append(label)
    return total / size, labels


@pytest.mark.parametrize("epoch", [0, 2])
def test_loop_over_pairs_gives_value_and_gradient(epoch):
    leaves, batch = drawn_batch()
    method, last = built(Crcl), np.linspace(1, 0, 24)
    method.begin_epoch(epoch, {"label": last})
    found = method.objective(batch)
    expected, labels = by_the_loop(ranking(leaves), last if epoch else None, method.settings)
    assert_same(found.total, expected, leaves, rtol=1e-6)
    np.testing.assert_allclose(found.weight.numpy(), labels, atol=1e-6)
    np.testing.assert_allclose(found.columns["label"].numpy(), labels, atol=1e-6)
    wanted = [0 if label > 0.5 else 1 if label >= 0.1 else 2 for label in labels]
    assert found.category.tolist() == wanted and (epoch == 0 or set(wanted) == {0, 1, 2})


def test_the_last_frozen_epoch_keeps_the_probability_and_trains_by_one():
    leaves, batch = drawn_batch()
    method = built(Crcl)
    method.begin_epoch(1, {"label": np.ones(24)})
    found = method.objective(batch)
    logits = ranking(leaves).detach() / 0.05
    torch.testing.assert_close(found.columns["label"], own_probability(logits))
    assert found.weight.tolist() == [1.0] * 24


def test_frozen_epochs_begin_after_a_warm_up():
    """A pair that a plain warm-up does not find can still be rejected: its label begins with its probability."""
    _, batch = drawn_batch()
    method = built(Crcl, warmup_epochs=4)
    for epoch, record in ((4, {"loss": np.zeros(24)}), (5, {"label": np.ones(24)})):
        method.begin_epoch(epoch, record)
        found = method.objective(batch)
        assert found.weight.tolist() == [1.0] * 24
    assert found.columns["label"].min() < 0.1, "the last frozen epoch keeps the probability"
    method.begin_epoch(6, {"label": found.columns["label"].numpy()})
    assert (method.objective(batch).weight == 0).any()


def test_labels_follow_the_record_alone():
    _, batch = drawn_batch()
    one, other = (built(Crcl, frozen_epochs=0) for _ in range(2))
    one.begin_epoch(0, None)
    record = {"label": one.objective(batch).columns["label"].float().numpy()}
    one.begin_epoch(1, record)
    other.begin_epoch(1, record)
    assert torch.equal(one.objective(batch).columns["label"], other.objective(batch).columns["label"])
    other.begin_epoch(1, {"loss": np.zeros(24)})
    assert other.label is None, "without labels, as after a warm-up, they begin at 1"


def test_a_pair_that_is_believed_fully_learns_by_cross_entropy_and_rcl():
    logits = SIX / 0.05
    found = active_complementary_loss(logits, torch.ones(6), 5.0)
    ways = (complementary_loss(table, 0.05, "tan") for table in (SIX, SIX.T))
    torch.testing.assert_close(found, symmetric_cross_entropy(logits) + 5 * sum(ways))
    torch.testing.assert_close(
        active_complementary_loss(logits, torch.ones(6), 0.0), symmetric_cross_entropy(logits), msg="no factor"
    )


def test_a_pair_without_belief_does_not_learn_by_cross_entropy():
    logits = SIX / 0.05
    found = active_complementary_loss(logits, torch.zeros(6), 5.0)
    assert (found <= 10).all(), "both normalised losses are at most 1"


@pytest.mark.parametrize(
    "bad",
    [{"temperature": 0.0}, {"momentum": 1.0}, {"epsilon": 1.5}, {"complementary_factor": -1}, {"frozen_epochs": -1}],
)
def test_bad_settings_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        RunConfig.build(method="crcl", **bad)
