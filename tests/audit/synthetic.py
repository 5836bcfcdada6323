"""Features whose truth is known: pictures and captions of one hidden thing, seen through two random maps."""

import numpy as np

from rrsitr_lib.audit.features import PairFeatures


def features(pictures=60, captions_each=2, wrong=0.2, seed=0, width=16):
    """(features, mismatched): captions of ``wrong`` of the pairs moved to other pictures."""
    generator = np.random.default_rng(seed)
    hidden = generator.standard_normal((pictures, 6))
    image = hidden @ generator.standard_normal((6, width)) + 0.1 * generator.standard_normal((pictures, width))
    own = np.repeat(np.arange(pictures), captions_each)
    text = hidden[own] @ generator.standard_normal((6, width)) + 0.1 * generator.standard_normal((len(own), width))
    caption_of_pair = np.arange(len(own))
    moved = generator.permutation(len(own))[: round(wrong * len(own))]
    caption_of_pair[moved] = np.roll(moved, 1)
    mismatched = own[caption_of_pair] != own
    return PairFeatures(
        image.astype(np.float32), text.astype(np.float32), own, caption_of_pair, shared=False
    ), mismatched
