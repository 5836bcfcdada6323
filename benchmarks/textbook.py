"""The formulas as they are written, in torch's own words: what the library's faster forms are measured against."""

import torch
import torch.nn.functional as F
from torch import Tensor

from rrsitr_lib.model.similarity import cosine_similarity

SCALE = 20.0


def textbook_local(text_tokens: Tensor, image_tokens: Tensor, scale: float = 1.0) -> Tensor:
    """The formula as it is written: every table of token cosines, then its Frobenius norm."""
    text, image = F.normalize(text_tokens, dim=-1), F.normalize(image_tokens, dim=-1)
    return scale * torch.linalg.norm(torch.einsum("ald,bmd->ablm", text, image), dim=(-2, -1))


def textbook_objective(image: Tensor, text: Tensor, image_tokens: Tensor, text_tokens: Tensor) -> Tensor:
    """The paper's objective with the textbook local similarity and torch's own cross-entropy."""
    similarity = cosine_similarity(image, text)
    local = textbook_local(text_tokens, image_tokens, SCALE).T
    own = torch.arange(len(image))
    loss = sum(
        F.cross_entropy(logits, own, reduction="none")
        for table in (SCALE * similarity, local)
        for logits in (table, table.T)
    )
    gamma = torch.where(loss < 5, 5.0, 18.0)
    with torch.no_grad():
        weight = torch.where(loss < 18, torch.cos(torch.pi / 2 * loss / gamma).clamp(0, 1), 0.0)
        shift = -(2 * gamma / torch.pi) * (weight * torch.arccos(weight) - torch.sqrt(1 - weight**2))
    negatives = similarity.masked_fill(torch.eye(len(image), dtype=torch.bool), -torch.inf)
    triplet = 0
    for hardest in (negatives.amax(1), negatives.amax(0)):
        gap = hardest - similarity.diagonal()
        triplet = triplet + torch.relu(0.6 * (1 + torch.relu(gap)) + gap)
    paced = torch.where(loss < 5, 1.0, 0.8) * (weight * loss + shift)
    return torch.where(loss < 18, paced, 0.9 * triplet).mean()
