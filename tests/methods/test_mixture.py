"""Hard selection by a mixture: whose losses count, whose do not, and that those stay as negatives."""

import warnings

import numpy as np
import pytest
import torch
from drawn_batch import assert_same, built, drawn_batch, probabilities
from pydantic import ValidationError
from sklearn.mixture import GaussianMixture

from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.methods.mixture import Mixture, MixtureSettings
from rrsitr_lib.methods.partition import CLEAN, NOISY

SCALE = MixtureSettings().scale


def after_an_epoch(batch, **settings):
    """The method in its second epoch, and the losses that it has seen."""
    method = built(Mixture, **settings)
    method.begin_epoch(0, None)
    loss = method.objective(batch).pair_loss.detach().float().numpy()
    method.begin_epoch(1, {"loss": loss})
    return method, loss


def posterior_of(loss):
    """Of the component with the lower mean, by scikit-learn, as NCR and DivideMix fit it."""
    scaled = ((loss - loss.min()) / (loss.max() - loss.min())).reshape(-1, 1).astype(np.float64)
    with warnings.catch_warnings(action="ignore"):  # ten iterations seldom converge
        fitted = GaussianMixture(2, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=3).fit(scaled)
    return fitted.predict_proba(scaled)[:, fitted.means_.argmin()]


def test_the_first_epoch_is_contrastive_training():
    leaves, batch = drawn_batch()
    method = built(Mixture)
    method.begin_epoch(0, None)
    found, plain = method.objective(batch), built(Contrastive).objective(batch)
    assert_same(found.total, plain.total, leaves)
    assert found.weight.tolist() == [1.0] * 24 and set(found.category.tolist()) == {CLEAN}


@pytest.mark.parametrize("clean_above", [0.5, 0.9])
def test_loop_over_pairs_gives_value_and_gradient(clean_above):
    leaves, batch = drawn_batch()
    method, loss = after_an_epoch(batch, clean_above=clean_above)
    found, posterior, total = method.objective(batch), posterior_of(loss), 0
    directions = probabilities(leaves, SCALE)
    counts = [i for i in range(24) if posterior[i] > clean_above]
    assert 0 < len(counts) < 24
    for i in counts:
        for direction in directions:
            total = total - direction[i][i].log()
    assert_same(found.total, total / 24, leaves)
    assert [i for i, weight in enumerate(found.weight.tolist()) if weight == 1] == counts
    assert found.category.tolist() == [CLEAN if i in counts else NOISY for i in range(24)]


def test_a_stricter_threshold_keeps_fewer_pairs():
    _, batch = drawn_batch()
    kept = [int(after_an_epoch(batch, clean_above=above)[0].clean.sum()) for above in (0.0, 0.5, 0.999999)]
    assert kept == sorted(kept, reverse=True) and kept[0] > kept[2]


def test_a_pair_that_does_not_count_still_teaches_as_a_negative():
    (image, *_), batch = drawn_batch()
    method, _ = after_an_epoch(batch)
    (gradient,) = torch.autograd.grad(method.objective(batch).total, image)
    assert gradient[~method.clean].abs().amax(dim=1).min() > 0


def test_the_rows_of_a_batch_are_those_of_the_table():
    _, batch = drawn_batch()
    method, _ = after_an_epoch(batch)
    order = torch.arange(23, -1, -1)
    assert torch.equal(method.objective(batch._replace(rows=order)).weight, method.clean[order].double())


@pytest.mark.parametrize("clean_above", [-0.1, 1.0])
def test_a_threshold_out_of_range_is_refused(clean_above):
    with pytest.raises(ValidationError, match="clean_above"):
        MixtureSettings(clean_above=clean_above)
