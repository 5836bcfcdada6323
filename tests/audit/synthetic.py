"""Features whose truth is known: images and captions of one hidden thing, seen through two random maps."""

import numpy as np

from rrsitr_lib.audit.features import PairFeatures


def features(images=60, captions_each=2, wrong=0.2, seed=0, width=16):
    """(features, mismatched): captions of ``wrong`` of the pairs moved to other images."""
    generator = np.random.default_rng(seed)
    hidden = generator.standard_normal((images, 6))
    image = hidden @ generator.standard_normal((6, width)) + 0.1 * generator.standard_normal((images, width))
    own = np.repeat(np.arange(images), captions_each)
    text = hidden[own] @ generator.standard_normal((6, width)) + 0.1 * generator.standard_normal((len(own), width))
    caption_of_pair = np.arange(len(own))
    moved = generator.permutation(len(own))[: round(wrong * len(own))]
    caption_of_pair[moved] = np.roll(moved, 1)
    return PairFeatures(image.astype("f4"), text.astype("f4"), own, caption_of_pair), own[caption_of_pair] != own
