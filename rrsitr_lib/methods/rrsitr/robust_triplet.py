"""The robust triplet loss: what a pair that is probably mismatched still teaches."""

import torch
from torch import Tensor

from rrsitr_lib.methods.triplet import Triplet, hardest_negatives


def dynamic_margin(similarity: Tensor, hard_negative: Tensor, sigma: float) -> Tensor:
    """sigma (1 + relu(hard_negative - similarity)): grows with doubt; gradients flow through it (quirk 10).

    Shape: (B,), (B,) -> (B,), at least ``sigma`` (cosine units).

    >>> dynamic_margin(torch.tensor([0.5, 0.1]), torch.tensor([0.3, 0.6]), sigma=0.6)
    tensor([0.6000, 0.9000])
    """
    return sigma * (1 + torch.relu(hard_negative - similarity))


def robust_triplet(similarity: Tensor, sigma: float, dynamic: bool = True) -> Triplet:
    """L^rt_i = relu(margin_t - s_ii + t-) + relu(margin_v - s_ii + v-) (paper, robust triplet loss).

    Shape: (B, B) cosines, image by caption -> fields of shape (B,). ``sigma`` is the base margin in cosine units.
    Without ``dynamic`` both margins stay at ``sigma`` (paper, ablation).

    >>> robust_triplet(torch.eye(2), sigma=0.6).loss
    tensor([0., 0.])
    """
    own = similarity.diagonal()
    hardest_text, hardest_image = hardest_negatives(similarity)
    margin_text = dynamic_margin(own, hardest_text, sigma) if dynamic else torch.full_like(own, sigma)
    margin_image = dynamic_margin(own, hardest_image, sigma) if dynamic else torch.full_like(own, sigma)
    loss = torch.relu(margin_text - own + hardest_text) + torch.relu(margin_image - own + hardest_image)
    return Triplet(own, hardest_text, hardest_image, margin_text, margin_image, loss)
