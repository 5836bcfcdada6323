"""VSE++: values of its public code, and its formula as a loop over pairs."""

import pytest
import torch
from drawn_batch import SIX, assert_same, built, drawn_batch, ranking
from oracles import cosines, triplet
from pydantic import ValidationError

from rrsitr_lib.methods.triplet import triplet_loss
from rrsitr_lib.methods.vsepp import Vsepp, VseppSettings

# github.com/fartashf/vsepp, abe382fd, class ContrastiveLoss with max_violation: the sum over this batch, by margin
PUBLIC = {0.2: 1.8767075805, 0.6: 5.3049718001}


@pytest.mark.parametrize("margin", PUBLIC)
def test_value_is_that_of_the_public_code(margin):
    method = built(Vsepp, pairs=6, margin=margin)
    method.ranking_similarity = lambda losses: SIX
    found = method.objective(drawn_batch(pairs=6)[1])
    assert float(found.contribution.sum()) == pytest.approx(PUBLIC[margin], abs=1e-9)
    assert float(found.total) == pytest.approx(PUBLIC[margin] / 6, abs=1e-9)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.6])
def test_loop_over_pairs_gives_value_and_gradient(margin):
    leaves, batch = drawn_batch()
    found = built(Vsepp, margin=margin).objective(batch)
    similarity = ranking(leaves)
    losses = [triplet(similarity, i, margin, margins="fixed") for i in range(24)]
    assert 0 < sum(loss > 0 for loss in losses), "some pairs are not told apart"
    assert_same(found.total, sum(losses) / 24, leaves)
    torch.testing.assert_close(found.triplet.loss, torch.stack(losses), rtol=1e-9, atol=1e-9)
    assert found.triplet.margin_text.tolist() == found.triplet.margin_image.tolist() == [margin] * 24


def test_the_record_holds_cosines_and_a_full_weight():
    (image, text, *_), batch = drawn_batch()
    found = built(Vsepp).objective(batch)
    cosine = cosines(image, text).detach()
    torch.testing.assert_close(found.triplet.similarity, cosine.diagonal())
    cosine.fill_diagonal_(-2)
    torch.testing.assert_close(found.triplet.hardest_text, cosine.amax(dim=1))
    torch.testing.assert_close(found.triplet.hardest_image, cosine.amax(dim=0))
    assert found.weight.tolist() == [1.0] * 24 and not found.triplet.hardest_text.requires_grad


def test_without_local_loss_it_sees_the_cosines_alone():
    leaves, batch = drawn_batch()
    found = built(Vsepp, local_loss=False).objective(batch)
    torch.testing.assert_close(found.contribution, triplet_loss(cosines(*leaves[:2]), torch.tensor(0.2)))
    found.total.backward()
    assert [leaf.grad is None for leaf in leaves] == [False, False, True, True]


def test_a_negative_margin_is_refused():
    with pytest.raises(ValidationError, match="margin"):
        VseppSettings(margin=-0.1)
