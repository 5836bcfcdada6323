"""CREAM: values of its public code, its formulas as a loop over pairs, its classes and when each is trained on."""

import numpy as np
import pytest
import torch
from drawn_batch import assert_same, built, scores
from pydantic import ValidationError
from two_networks import record_of, two_batches

from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.methods.cream import Cream, CreamSettings, refined_cross_entropy
from rrsitr_lib.methods.log_probabilities import own_probability
from rrsitr_lib.methods.partition import mixture_posterior

SIZE = 16

# --- values of the public code, github.com/XLearning-SCU/2024-TIP-CREAM at f487d6f ---

SIMILARITY = 0.5 + 0.4 * torch.cos(1 + 1.7 * torch.arange(25.0, dtype=torch.float64)).view(5, 5)
LABEL = torch.tensor([1.0, 0.9, 0.5, 0.2, 0.0], dtype=torch.float64)
OWN_PROBABILITY = [0.196374272, 0.0303658453, 2.85164e-05, 0.7413821222, 0.0002706152]
# InfoNCELoss, temperature 0.07, mode "train", soft_label: filter -> loss, gradient by the fourth row of similarities
TRAIN = {
    0.0: (7.718774403, [-0.8182793876, 0.4800549831, -0.9700023496, 3.0936100496, -0.5788245792]),
    0.2: (5.2041087318, [-0.5742990626, -0.344357318, -0.5435501843, 1.8581590746, -0.4826269042]),
    0.35: (4.3859819049, [0.1386337007, 0.0001325049, 0.0092718897, 0.2903020829, 0.0010145134]),
    1.0: (4.1901954852, [0.1386337007, 0.0001325049, 0.0092718897, -0.2955632889, 0.0003507717]),
}


def test_probability_of_the_own_partner_is_that_of_the_public_code():
    expected = torch.tensor(OWN_PROBABILITY, dtype=torch.float64)
    torch.testing.assert_close(own_probability(SIMILARITY / 0.07), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("least", "expected"), TRAIN.items())
def test_refined_cross_entropy_is_that_of_the_public_code(least, expected):
    """Its shares are divided by a sum that is larger by 1e-6."""
    similarity, (value, by_fourth_row) = SIMILARITY.clone().requires_grad_(), expected
    found = refined_cross_entropy(similarity / 0.07, LABEL, torch.full_like(LABEL, least)).mean()
    assert float(found.detach()) == pytest.approx(value, rel=1e-5)
    (gradient,) = torch.autograd.grad(found, similarity)
    torch.testing.assert_close(gradient[3], torch.tensor(by_fourth_row, dtype=torch.float64), rtol=1e-4, atol=1e-9)


def test_classes_are_those_of_the_public_code():
    """split_samples, threshold 0.5, given these probabilities."""
    method, (_, batch) = built(Cream, pairs=6), two_batches(6)[0]
    method.clean = torch.tensor([[0.9, 0.8, 0.1, 0.2, 0.6, 0.3], [0.7, 0.4, 0.6, 0.1, 0.51, 0.5]])
    assert method.objective(batch).category.tolist() == [0, 1, 1, 2, 0, 2]


# --- the whole objective, pair by pair ---


def logits_of(leaves, settings):
    """Global and local logits of one network, or global ones alone."""
    return scores(leaves, settings.scale, settings.local_loss)[::2]


def probability(logits, i):
    """Of the own partner of pair i, mean of both directions."""
    weights = logits.detach().exp()
    return float(weights[i, i] / weights[i].sum() + weights[i, i] / weights[:, i].sum()) / 2


def labels_by_the_loop(network, logits, clean, voices):
    """Label of every pair for a network: ``clean`` (2, N), ``voices`` for clean, both of the networks' logits."""
    labels = []
    for i, voice in enumerate(voices):
        own, peer = (np.mean([probability(each, i) for each in logits[k]]) for k in (network, 1 - network))
        trust = {2: clean[1 - network][i], 1: (clean[0][i] + clean[1][i]) / 2}.get(voice)
        labels.append((own + peer) / 2 if voice == 0 else trust + (1 - trust) * own)
    return labels


def loss_by_the_loop(logits, i, label, least):
    """Refined cross-entropy of pair i in both directions."""
    total = 0
    for line in (logits[i], logits[:, i]):
        log = line - line.exp().sum().log()
        others = [j for j in range(len(line)) if j != i]
        positive = sum(torch.relu(line[j]) for j in others)
        total = total - label * log[i]
        for j in others:
            share = (1 - label) * torch.relu(line[j]) / positive
            if share >= least:
                total = total - share * log[j]
    return total


@pytest.mark.parametrize(
    ("epoch", "given", "trained"),
    [
        (1, {}, [2]),
        (3, {}, [2, 1]),
        (8, {}, [2, 1, 0]),
        (1, {"mining_above": 0.0}, [2]),
        (8, {"mining_above": 0.0, "clean_above": 0.7}, [2, 1, 0]),
    ],
)
def test_loop_over_pairs_gives_value_and_gradient(epoch, given, trained):
    method, both = built(Cream, pairs=SIZE, **given), two_batches(SIZE)
    settings = method.settings
    record = record_of(method, both, ["loss"])
    method.begin_epoch(epoch, record)
    clean = [mixture_posterior(loss.astype(float), 2, seed=3)[:, 0].astype(np.float32) for loss in record.values()]
    clean = [each.astype(float) for each in clean]  # on the device they are held in single precision
    voices = sum((each > settings.clean_above).astype(int) for each in clean)
    assert set(voices) == {0, 1, 2}
    logits = [logits_of(leaves, settings) for leaves, _ in both]
    for number, (leaves, batch) in enumerate(both):
        labels, total = labels_by_the_loop(number, logits, clean, voices), 0
        for i in range(SIZE):
            mined = (voices == 2).mean() > settings.mining_above and voices[i] > 0
            least = 0.0 if mined else np.mean(labels) if epoch >= 2.5 or voices[i] == 0 else 1.0
            if voices[i] in trained:
                total = total + sum(loss_by_the_loop(each, i, labels[i], least) for each in logits[number])
        found = method.objective(batch)
        assert_same(found.total, total / SIZE, leaves, rtol=1e-6)
        np.testing.assert_allclose(found.columns["soft_label"].numpy(), labels, rtol=1e-6)
        assert found.category.tolist() == (2 - voices).tolist()
        np.testing.assert_allclose(found.weight.numpy(), np.isin(voices, trained) * labels, rtol=1e-6)


def test_labels_of_one_give_the_plain_cross_entropies():
    _, (_, batch) = two_batches(SIZE)
    losses, ones = batch.pair_loss(CreamSettings()), torch.ones(SIZE, dtype=torch.float64)
    torch.testing.assert_close(refined_cross_entropy(losses.local_scores, ones, 0 * ones), losses.local_loss)


@pytest.mark.parametrize("local_loss", [True, False])
def test_warm_up_is_contrastive(local_loss):
    (_, batch), _ = two_batches(SIZE)
    found, expected = (built(method, SIZE, local_loss=local_loss).objective(batch) for method in (Cream, Contrastive))
    torch.testing.assert_close(found.contribution, expected.contribution)
    torch.testing.assert_close(found.weight, expected.weight)


def test_without_the_local_loss_there_are_global_logits_alone():
    both = two_batches(SIZE)
    method = built(Cream, pairs=SIZE, local_loss=False)
    method.train_hard = method.train_noisy = True
    clean = np.stack([np.linspace(0.1, 0.9, SIZE), np.linspace(0.3, 0.7, SIZE) ** 2])
    method.clean, voices = torch.from_numpy(clean), (clean > 0.5).sum(axis=0)
    logits = [logits_of(leaves, method.settings) for leaves, _ in both]
    labels = labels_by_the_loop(0, logits, clean, voices)
    total = sum(loss_by_the_loop(each, i, labels[i], np.mean(labels)) for each in logits[0] for i in range(SIZE))
    found = method.objective(both[0][1])
    np.testing.assert_allclose(found.columns["soft_label"].numpy(), labels, rtol=1e-6)
    assert_same(found.total, total / SIZE, both[0][0], rtol=1e-6)


def test_before_hard_pairs_come_no_negative_is_mined():
    (_, batch), _ = two_batches(4)
    method = built(Cream, pairs=4, clean_above=0, mining_above=1)
    method.clean = torch.full((2, 4), 0.01)
    found = method.objective(batch)
    plain = found.columns["soft_label"] * found.pair_loss
    torch.testing.assert_close(found.contribution, plain)
    method.train_hard = True
    assert (method.objective(batch).contribution > plain + 0.01).any()


def test_a_share_as_large_as_the_least_one_counts():
    logits, half = torch.ones(2, 2, dtype=torch.float64), torch.full((2,), 0.5, dtype=torch.float64)
    both, own = (refined_cross_entropy(logits, half, least) for least in (half, half + 0.1))
    torch.testing.assert_close(both, 2 * own)
    torch.testing.assert_close(own, 0 * half + np.log(2))


@pytest.mark.parametrize("given", [{"hard_from": -0.1}, {"noisy_from": 1.1}, {"clean_above": 2}, {"mining_above": -1}])
def test_settings_have_ranges(given):
    with pytest.raises(ValidationError, match=next(iter(given))):
        CreamSettings(**given)


def test_classes_begin_at_shares_of_its_own_epochs():
    method, began = built(Cream, warmup_epochs=2), []
    for epoch in range(2, 10):
        method.begin_epoch(epoch, None)
        began.append((method.train_hard, method.train_noisy))
    assert began == [(False, False)] * 2 + [(True, False)] + [(True, True)] * 5
