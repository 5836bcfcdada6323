"""A drawn batch as two networks see it."""

import torch
from drawn_batch import PAIRS, both_features, drawn_leaves

from rrsitr_lib.methods import Batch
from rrsitr_lib.methods.base import column_of


def two_batches(pairs=PAIRS, seeds=(5, 6)):
    """(leaves, batch) of both networks; the leaves of a network are its four features."""
    leaves = [drawn_leaves(pairs, seed) for seed in seeds]
    seen = [both_features(one) for one in leaves]
    without = [tuple(features.detach() for features in both) for both in seen]
    batches = [Batch(torch.arange(pairs), *seen[k], network=k, others=(without[1 - k],)) for k in range(2)]
    return list(zip(leaves, batches, strict=True))


def record_of(method, both, columns):
    """The ledger's columns of one epoch of both networks."""
    found = [method.objective(batch) for _, batch in both]
    return {
        column_of(name, number): {"loss": result.pair_loss, **result.columns}[name].detach().float().numpy()
        for number, result in enumerate(found) for name in columns
    }  # fmt: skip
