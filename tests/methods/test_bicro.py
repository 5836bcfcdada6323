"""BiCro: labels and warm-up of its public code, its formulas as a loop over pairs, batches that hold no anchor."""

import numpy as np
import pytest
import torch
from drawn_batch import PAIRS, assert_same, built, ranking
from oracles import cosines, mean_hinges, soft_triplet
from pydantic import ValidationError
from two_networks import record_of, two_batches

from rrsitr_lib.methods.beta_mixture import beta_mixture_posterior
from rrsitr_lib.methods.bicro import Bicro, BicroSettings, clean_anchors, consistency
from rrsitr_lib.methods.ncr import mean_hinge

# --- values of the public code, github.com/xu5zhao/BiCro at 0231631, margin 1, for the features of a drawn network ---

# n_y of SGRAF.predict, noise_tem 0 and 0.5, where the noisy batch is the clean one
CONSISTENCY = [
    1.0, 1.0, 0.9361992289, 0.6948770609, 1.0, 0.0, 0.0431828041, 0.3481822336, 0.3588728319, 0.6325833766, 0.0,
    0.868405121, 0.9443432827, 0.0, 0.0, 0.2209451788, 0.0, 0.0, 0.0, 0.0, 0.7002101088, 0.8851025298, 0.0,
    0.3396676599,
]  # fmt: skip
NOISY_LABELS = [label if label > 0.5 else 0.0 for label in CONSISTENCY]
# c_y of SGRAF.predict, noise_tem 0.5, each label on its own pair
CLEAN_LABELS = [
    1.0, 1.0, 0.9680996144, 0.8474385305, 1.0, 0.0, 0.521591402, 0.6740911168, 0.6794364159, 0.8162916883, 0.0,
    0.9342025605, 0.9721716414, 0.0, 0.0, 0.6104725894, 0.0, 0.0, 0.0, 0.0, 0.8501050544, 0.9425512649, 0.0,
    0.66983383,
]  # fmt: skip


def golden_features():
    """(image, text, cosines) of the network that the public code was given."""
    _, (leaves, _) = two_batches()
    image, text = (leaf.detach() for leaf in leaves[:2])
    return image, text, cosines(image, text)


def test_anchors_and_labels_of_noisy_pairs_are_those_of_the_public_code():
    image, text, similarity = golden_features()
    anchor = clean_anchors(mean_hinge(similarity, 1.0), torch.ones(PAIRS, dtype=torch.bool))
    assert anchor.nonzero().ravel().tolist() == [0, 1, 4]
    found = consistency(cosines(image, image), cosines(text, text), anchor).clamp(min=0)
    torch.testing.assert_close(found, torch.tensor(CONSISTENCY, dtype=torch.float64), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("noisy", "expected"), [([], CLEAN_LABELS), ([9, 20, 23], NOISY_LABELS)])
def test_labels_are_those_of_the_public_code(noisy, expected):
    (_, batch), _ = two_batches()
    method = built(Bicro, local_fraction=0.0, local_loss=False, margin=1.0)
    is_clean = torch.ones(PAIRS, dtype=torch.bool)
    is_clean[noisy] = False  # too few to move the anchors
    found = method.label(batch, torch.zeros(PAIRS), is_clean.double(), is_clean)
    rows = noisy or list(range(PAIRS))
    torch.testing.assert_close(
        found[rows], torch.tensor(expected, dtype=torch.float64)[rows], rtol=0, atol=1e-9, check_dtype=False
    )


def test_warm_up_is_that_of_the_public_code():
    """ContrastiveLoss in mode "warmup_sele", warmup_rate 0.3."""
    (leaves, _), _ = two_batches()
    hinge = mean_hinge(cosines(leaves[0], leaves[1]).detach() - 0.3 * torch.eye(PAIRS), 0.2)
    weight = built(Bicro).warm_up_weight(hinge)
    assert float((weight * hinge).sum()) == pytest.approx(0.08023969204, abs=1e-9) and weight.sum() == 7


# --- the whole objective, pair by pair ---


def labels_by_the_loop(leaves, similarity, is_clean):
    """Label of every pair by the features and the similarity of one network."""
    image, text = leaves[0].detach(), leaves[1].detach()
    images, texts = cosines(image, image).tolist(), cosines(text, text).tolist()
    hinges = [float(hinge) for hinge in mean_hinges(similarity.detach(), 0.2)]
    clean = sorted(np.flatnonzero(is_clean), key=lambda i: hinges[i])
    anchors = clean[: len(clean) // 10 + 1]
    labels = []
    for i in range(len(image)):
        by_image, by_text = max(anchors, key=lambda a: images[i][a]), max(anchors, key=lambda a: texts[i][a])
        ratios = images[i][by_image] / texts[i][by_image], texts[i][by_text] / images[i][by_text]
        mean = sum(ratio if ratio < 1 else 1 / ratio for ratio in ratios) / 2
        label = (1 + mean) / 2 if is_clean[i] else mean
        labels.append(1.0 if i in anchors else label if label > 0.5 else 0.0)
    return labels


@pytest.mark.parametrize("train_noisy", [True, False])
def test_loop_over_pairs_gives_value_and_gradient(train_noisy):
    method, both = built(Bicro, noisy_from=0.0 if train_noisy else 1.0), two_batches()
    method.begin_epoch(1, record_of(method, both, ["hinge"]))
    similarities = [ranking(leaves) for leaves, _ in both]
    for number, (leaves, batch) in enumerate(both):
        peer_leaves, peer_similarity = both[1 - number][0], similarities[1 - number]
        hinge = [float(one.detach()) for one in mean_hinges(peer_similarity, 0.2)]
        is_clean = beta_mixture_posterior(np.array(hinge, dtype=np.float32).astype(float)) > 0.5
        assert 0 < is_clean.sum() < PAIRS
        labels = labels_by_the_loop(peer_leaves, peer_similarity, is_clean)
        taken = [i for i in range(PAIRS) if is_clean[i] or train_noisy]
        expected = sum(soft_triplet(similarities[number], i, labels[i], 0.2, 10) for i in taken) / PAIRS
        found = method.objective(batch)
        assert_same(found.total, expected, leaves, rtol=1e-6)
        np.testing.assert_allclose(found.columns["soft_label"].numpy(), labels, rtol=1e-6)
        assert found.category.tolist() == np.where(is_clean, 0, 2).tolist()


def test_warm_up_trains_on_the_smallest_losses():
    (leaves, batch), _ = two_batches()
    found = built(Bicro).objective(batch)
    hinges = mean_hinges(ranking(leaves), 0.2)
    expected = sum(sorted(hinges, key=lambda hinge: float(hinge.detach()))[: int(0.3 * PAIRS)]) / PAIRS
    torch.testing.assert_close(found.total, expected)
    assert found.weight.sum() == 7 and (found.triplet.margin_text == 0.2).all()


def test_a_batch_without_clean_pairs_has_no_anchor_and_labels_of_zero():
    (_, batch), _ = two_batches()
    method = built(Bicro)
    none = torch.zeros(PAIRS, dtype=torch.bool)
    assert not method.label(batch, torch.zeros(PAIRS), torch.zeros(PAIRS), none).any()


@pytest.mark.parametrize("given", [{"warm_up_share": 0}, {"warm_up_share": 1.1}, {"label_above": -0.1}, {"margin": -1}])
def test_settings_have_ranges(given):
    with pytest.raises(ValidationError, match=next(iter(given))):
        BicroSettings(**given)
