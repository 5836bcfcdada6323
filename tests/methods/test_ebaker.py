"""EBAKER: its exclusion as a loop over pairs."""

import numpy as np
import pytest
import torch
from drawn_batch import assert_same, built, drawn_batch
from oracles import pair_losses

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.base import PAPER_SCALE
from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.methods.ebaker import Ebaker, highest_dropped
from rrsitr_lib.methods.partition import CLEAN, NOISY


@pytest.mark.parametrize("share", [0.01, 0.3])
@pytest.mark.parametrize("epoch", [3, 4])
def test_loop_over_pairs_gives_value_and_gradient(epoch, share):
    leaves, batch = drawn_batch()
    similarity, global_loss, local_loss = pair_losses(*leaves, PAPER_SCALE)
    last = np.linspace(-0.3, 0.9, 100)
    method = built(Ebaker, dropped_share=share)
    method.begin_epoch(epoch, {"similarity": last})
    found = method.objective(batch)
    threshold = sorted(last.tolist())[int(share * 100)]
    kept = [float(similarity[i, i].detach()) > threshold or epoch < 4 for i in range(24)]
    assert all(kept) == (epoch < 4 or share == 0.01)
    expected = sum(global_loss[i] + local_loss[i] for i in range(24) if kept[i]) / 24
    assert_same(found.total, expected, leaves)
    assert found.weight.tolist() == kept
    assert found.category.tolist() == [CLEAN if keep else NOISY for keep in kept]


def test_a_dropped_pair_stays_among_the_negatives():
    leaves, batch = drawn_batch()
    method = built(Ebaker, all_pairs_epochs=0, dropped_share=0.3)
    method.begin_epoch(0, {"similarity": np.linspace(-0.3, 0.9, 100)})
    found = method.objective(batch)
    dropped = found.weight == 0
    (gradient,) = torch.autograd.grad(found.total, leaves[0])
    assert dropped.any() and (found.contribution[dropped] == 0).all()
    assert (gradient[dropped].abs().sum(dim=1) > 0).all()


def test_nothing_dropped_is_contrastive_training():
    _, batch = drawn_batch()
    method = built(Ebaker, all_pairs_epochs=0)
    method.begin_epoch(1, {"loss": np.zeros(24)})
    contrastive = built(Contrastive).objective(batch)
    assert torch.equal(method.objective(batch).contribution, contrastive.contribution)


def test_the_quantile_counts_pairs():
    cosine = np.random.default_rng(3).permutation(1000) / 1000
    threshold = highest_dropped(cosine, 0.01)
    assert threshold == 0.01 and (cosine <= threshold).sum() == 11, "the pair at the quantile is dropped too"
    assert highest_dropped(cosine, 0.999) == 0.999


@pytest.mark.parametrize("bad", [{"all_pairs_epochs": -1}, {"dropped_share": 1.0}, {"dropped_share": 0.0}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        RunConfig.build(method="ebaker", **bad)
