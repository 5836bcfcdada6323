"""RDE: values of its public code, and its formulas as a loop over pairs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn_batch import assert_same, both_features, built, drawn_batch, scores
from oracles import triplet_alignment

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods import Batch
from rrsitr_lib.methods.partition import AMBIGUOUS, CLEAN, NOISY, consensus_division
from rrsitr_lib.methods.rde import Rde
from rrsitr_lib.methods.tal import Tal
from rrsitr_lib.model.similarity import Features

# github.com/QinYang79/RDE, commit b3fd396
LOSSES = 5.0857968878, 1.3425905570  # compute_rbs of the features below, tau 0.015, margin 0.1, labels 1 0 1 1 0 1
VOTES = "0222122201220222022202220222022202220222"  # get_loss of the losses below: how many of both call a pair clean


def test_losses_are_those_of_the_public_code():
    """One token an item, all numbers positive: then the local similarity is the cosine of the tokens."""
    number = 1.3 * torch.arange(24, dtype=torch.float64)
    image, text, image_token, text_token = (torch.cos(k + number).view(6, 4) + (1.5 if k > 1 else 0) for k in range(4))
    method = built(Rde, pairs=6)
    method.label = torch.tensor([1, 0, 1, 1, 0, 1])
    method.category = torch.where(method.label == 1, CLEAN, NOISY)
    features = both_features([image, text, image_token[:, None], text_token[:, None]])
    found = method.objective(Batch(torch.arange(6), *features))
    parts = [float((found.weight * column).sum()) for column in found.columns.values()]
    assert parts == pytest.approx(LOSSES, abs=1e-8)
    assert float(found.total) == pytest.approx(sum(LOSSES) / 6, abs=1e-8), "its code sums over the batch"


def judged(seed=3, epoch=1):
    """After an epoch with losses of forty pairs that are mostly clear; the division of the public code."""
    k = np.arange(40)
    by_global = 0.3 + 0.1 * np.cos(k) + (k % 4 == 0) * 0.8 + (k == 7) * 0.25
    by_local = 0.2 + 0.1 * np.sin(k) + (k % 4 == 0) * 0.6 + (k == 9) * 0.9 - (k == 4) * 0.5
    method = built(Rde, pairs=40, seed=seed)
    method.begin_epoch(epoch, {"alignment_global": by_global, "alignment_local": by_local})
    return method


def test_the_division_is_that_of_the_public_code():
    """But for its draws. Both mixtures find noisy pairs: else its code would take a hundredth for noisy."""
    category = judged().category.tolist()
    assert category == [{"2": CLEAN, "1": AMBIGUOUS, "0": NOISY}[vote] for vote in VOTES]
    assert {CLEAN, AMBIGUOUS, NOISY} == set(category)


def test_labels_are_certain_where_both_agree_and_drawn_anew_where_not():
    drawn = set()
    for epoch in range(1, 20):
        method = judged(epoch=epoch)
        assert method.label[method.category == CLEAN].all() and not method.label[method.category == NOISY].any()
        drawn.add(tuple(method.label[method.category == AMBIGUOUS].tolist()))
    assert drawn == {(a, b) for a in (0, 1) for b in (0, 1)}
    assert judged(epoch=7).label.tolist() == judged(epoch=7).label.tolist(), "from the seed and the epoch alone"


@pytest.mark.parametrize("local_loss", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_loop_over_pairs_gives_value_and_gradient(first, local_loss):
    leaves, batch = drawn_batch()
    method = built(Rde, local_loss=local_loss)
    label = [1] * 24
    if not first:
        record = method.objective(batch).columns
        method.begin_epoch(1, {name: column.detach().numpy() for name, column in record.items()})
        label = method.label.tolist()
        assert set(label) == {0, 1}
    found = method.objective(batch)
    cosine, _, local, _ = scores(leaves, scale=1.0)
    similarities = [cosine, local / (6 * 4) ** 0.5] if local_loss else [cosine]
    losses = [triplet_alignment(similarity, 0.1, 0.015) for similarity in similarities]
    expected = sum(label[i] * loss[i] for loss in losses for i in range(24)) / 24
    assert_same(found.total, expected, leaves)
    assert found.weight.tolist() == label


def test_without_local_part_the_first_epoch_is_tal_of_cosines():
    _, batch = drawn_batch()
    found, tal = built(Rde, local_loss=False).objective(batch), built(Tal, local_loss=False)
    torch.testing.assert_close(found.contribution, tal.objective(batch).contribution)
    assert found.weight.tolist() == [1.0] * 24 and set(found.category.tolist()) == {CLEAN}


def test_without_local_part_the_cosine_judges_alone():
    k = np.arange(40)
    method = built(Rde, pairs=40, local_loss=False)
    method.begin_epoch(1, {"alignment_global": (k % 4 == 0) + 0.1 * np.cos(k), "alignment_local": np.zeros(40)})
    assert method.category.tolist() == [NOISY if number % 4 == 0 else CLEAN for number in k]


def test_division_written_out():
    found = consensus_division(np.array([[True, True, False, False], [True, False, True, False]]))
    assert found.tolist() == [CLEAN, AMBIGUOUS, AMBIGUOUS, NOISY]


def test_masked_tokens_change_nothing():
    _, batch = drawn_batch()
    longer = [Features(side.pooled, F.pad(side.tokens, (0, 0, 0, 2))) for side in (batch.image, batch.text)]
    found, padded = built(Rde).objective(batch), built(Rde).objective(Batch(batch.rows, *longer))
    torch.testing.assert_close(padded.columns["alignment_local"], found.columns["alignment_local"])


@pytest.mark.parametrize("bad", [{"margin": -0.1}, {"temperature": 0}, {"clean_above": 1.0}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        RunConfig.build(method="rde", **bad)
