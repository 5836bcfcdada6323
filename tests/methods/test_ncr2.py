"""NCR with two networks: labels of its public code, its formulas as a loop over pairs, who learns from whom."""

import numpy as np
import pytest
import torch
from drawn_batch import PAIRS, assert_same, built, ranking
from oracles import mean_hinges, predicted_labels, soft_triplet
from two_networks import record_of, two_batches

from rrsitr_lib.methods import METHODS
from rrsitr_lib.methods.ncr import mean_hinge
from rrsitr_lib.methods.ncr2 import Ncr2
from rrsitr_lib.methods.partition import mixture_posterior

# values of the public code, github.com/XLearning-SCU/2021-NeurIPS-NCR at 60256ba: SGRAF.predict with ContrastiveLoss,
# given the cosines of two drawn networks, mixed as its train does, with p from 0 to 1; of clean pairs the diagonal
PROBABILITY = torch.linspace(0, 1, 12, dtype=torch.float64)
CLEAN_LABELS = [
    1.0, 1.0, 0.9974718922, 1.0, 0.7321866054, 1.0, 1.0, 0.9643038872, 0.973929488, 0.9013943883, 0.9717503987, 1.0,
]  # fmt: skip
NOISY_LABELS = [
    1.0, 1.0, 0.9984550452, 0.9969377074, 0.7875726436, 0.9958784602, 0.8593902481, 0.7816082126, 0.7426902467,
    0.6034875407, 0.7563796751, 0.5250917596,
]  # fmt: skip


@pytest.mark.parametrize(("is_clean", "expected"), [(True, CLEAN_LABELS), (False, NOISY_LABELS)])
def test_labels_are_those_of_the_public_code(is_clean, expected):
    (_, batch), _ = two_batches(12)
    method = built(Ncr2, pairs=12, local_fraction=0.0, local_loss=False)
    hinge = mean_hinge(method.ranking_similarity(batch.pair_loss(method.settings)), 0.2)
    found = method.label(batch, hinge, PROBABILITY, torch.full((12,), is_clean))
    torch.testing.assert_close(found.detach(), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-9)


def by_the_loop(similarity, peer_similarity, clean, settings, train_noisy):
    """Total and labels, pair by pair, as the network of ``similarity`` learns."""
    own, peer = (predicted_labels(each, settings.margin) for each in (similarity, peer_similarity))
    labels, total = [], 0
    for i, p in enumerate(clean.tolist()):
        is_clean = p > settings.clean_above
        labels.append(p + (1 - p) * own[i] if is_clean else (own[i] + peer[i]) / 2)
        if is_clean or train_noisy:
            total = total + soft_triplet(similarity, i, labels[i], settings.margin, settings.base)
    return total / len(similarity), labels


@pytest.mark.parametrize("train_noisy", [True, False])
def test_loop_over_pairs_gives_value_and_gradient(train_noisy):
    method, both = built(Ncr2, noisy_from=0.0 if train_noisy else 1.0), two_batches()
    method.begin_epoch(1, record_of(method, both, ["hinge"]))
    similarities = [ranking(leaves) for leaves, _ in both]
    for number, (leaves, batch) in enumerate(both):
        found = method.objective(batch)
        hinge = np.array([float(one.detach()) for one in mean_hinges(similarities[1 - number], 0.2)])
        clean = mixture_posterior(hinge.astype(np.float32).astype(np.float64), 2, seed=3)[:, 0].astype(np.float32)
        assert 0 < (clean > 0.5).sum() < PAIRS
        views = similarities[number], similarities[1 - number]
        expected, labels = by_the_loop(*views, clean, method.settings, train_noisy)
        assert_same(found.total, expected, leaves, rtol=1e-6)
        np.testing.assert_allclose(found.columns["soft_label"].numpy(), labels, rtol=1e-5)
        np.testing.assert_array_equal(found.category.numpy(), np.where(clean > 0.5, 0, 2))


def test_each_network_learns_by_what_the_other_one_found():
    low, high = np.repeat([0.1, 5.0], PAIRS // 2), np.repeat([5.0, 0.1], PAIRS // 2)
    method, both = built(Ncr2), two_batches()
    method.begin_epoch(1, {"hinge": low, "hinge_network_1": high})
    first, second = (method.objective(batch).category.numpy() for _, batch in both)
    np.testing.assert_array_equal(first, np.repeat([2, 0], PAIRS // 2))
    np.testing.assert_array_equal(second, np.repeat([0, 2], PAIRS // 2))


def test_two_equal_networks_are_one():
    one, two = (built(METHODS[name]) for name in ("ncr", "ncr2"))
    (_, batch), other = two_batches(seeds=(5, 5))
    record = record_of(two, [(None, batch), other], ["hinge"])
    for method in (one, two):
        method.begin_epoch(1, record)
    torch.testing.assert_close(one.objective(batch).contribution, two.objective(batch).contribution)


@pytest.mark.parametrize("name", ["ncr", "ncr2"])
def test_an_epoch_of_another_method_leaves_it_in_its_warm_up(name):
    method = built(METHODS[name])
    method.begin_epoch(0, None)
    ((_, batch), _) = two_batches()
    expected = method.objective(batch).contribution
    method.begin_epoch(1, {"loss": np.ones(PAIRS)})  # its own columns are not among what another method recorded
    torch.testing.assert_close(method.objective(batch).contribution, expected)
