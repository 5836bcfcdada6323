"""A drawn batch whose features are leaves, a method built for it, and a loop's value and gradient beside its own."""

import torch
from oracles import cosines, draw_inputs, local_similarity

from rrsitr_lib.methods import Batch, RunFacts
from rrsitr_lib.model.similarity import Features

PAIRS, LOCAL_FRACTION = 24, 0.1
DRAW = {"seed": 5, "B": PAIRS, "D": 20, "Lt": 6, "Li": 4}
# similarities that public code was asked about, image by caption: four pairs stand out, the fifth is close to the
# sixth, and the sixth is far from itself
SIX = torch.cos(1 + 1.7 * torch.arange(36.0, dtype=torch.float64)).view(6, 6) / 2 + 0.4 * torch.eye(
    6, dtype=torch.float64
)


def drawn_leaves(pairs=PAIRS, seed=5):
    """The four features, image, text, image tokens, text tokens: float64 with gradient."""
    return [values.requires_grad_() for values in draw_inputs(**DRAW | {"B": pairs, "seed": seed})]


def both_features(leaves):
    """Those of the images and those of the captions."""
    image, text, image_tokens, text_tokens = leaves
    return Features(image, image_tokens), Features(text, text_tokens)


def drawn_batch(pairs=PAIRS, seed=5, step=0):
    """The leaves, and the batch of them."""
    leaves = drawn_leaves(pairs, seed)
    return leaves, Batch(torch.arange(pairs), *both_features(leaves), step=step)


def built(method, pairs=PAIRS, seed=3, local_fraction=LOCAL_FRACTION, warmup_epochs=0, **settings):
    """The method for a run of ten epochs whose only batch is the whole table."""
    facts = RunFacts(pairs, pairs, 10, seed, torch.device("cpu"), local_fraction, warmup_epochs=warmup_epochs)
    return method(method.Settings(**settings), facts)


def scores(leaves, scale, local=True):
    """Scores of every query for every answer, a table (B, B) a direction: global, then local where it is on."""
    image, text, image_tokens, text_tokens = leaves
    tables = [scale * cosines(image, text)]
    if local:
        tables.append(local_similarity(text_tokens, image_tokens, scale).T)
    return [direction for table in tables for direction in (table, table.T)]


def probabilities(leaves, scale, local=True):
    """The softmax of ``scores``, written out."""
    return [[row.exp() / row.exp().sum() for row in table] for table in scores(leaves, scale, local)]


def ranking(leaves):
    """The similarity that ranks in evaluation, image by caption, from the whole tables."""
    cosine, _, local, _ = scores(leaves, scale=1.0)
    return (1 - LOCAL_FRACTION) * cosine + LOCAL_FRACTION * local


def assert_same(found, expected, leaves, rtol=1e-9):
    """Both totals, and their gradients by every leaf, in float64."""
    torch.testing.assert_close(found, expected, rtol=rtol, atol=1e-9)
    mine, wanted = (
        torch.autograd.grad(total, leaves, retain_graph=True, allow_unused=True) for total in (found, expected)
    )
    assert any(gradient is not None and gradient.any() for gradient in wanted)
    for one, other in zip(mine, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=rtol, atol=1e-9)
