"""DECL (Qin et al., Deep Evidential Learning with Noisy Correspondence for Cross-modal Retrieval, ACM MM 2022).

Evidence for every match of the batch, exp(tanh(s) / tau), tells by its argmax whether a pair is right. Right pairs
learn by a hinge that grows harder: its mean over the H hardest negatives, H falling step by step from B - 1 to 5. Every
pair learns evidence, a wrong one that it has none. Adapted: s is the similarity that ranks in evaluation, in the place
of SGRAF's before its sigmoid; where local similarities are large, tanh levels off. The code sums hinges and averages
evidence: divided by B, its loss is a mean over pairs. Whether a pair is right is told by the last epoch, where the code
looks at all pairs anew before each. The code's step counts from 1, and so many steps that H falls to 5 within a tenth
of its training; a short run hardly gets there by the same ``hardening``. Its scripts for
Flickr30K warm up for 5 epochs, at 60 and 80 % noise for 2. In the record ``weight`` is the hinge's label:
a wrong pair still learns evidence. ``evidential`` off: the hinge of every pair. Taught in: lesson 10.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.distributions import Dirichlet, kl_divergence

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, Positive, RunFacts
from rrsitr_lib.methods.partition import CLEAN, NOISY
from rrsitr_lib.methods.triplet import hinges, recorded_triplet


class DeclSettings(MethodSettings):
    """The defaults are those of the paper's code."""

    evidential: bool = Field(True, description="off: no evidence, and the hinge of every pair counts")
    margin: float = Field(0.2, ge=0, description="of the hinge")
    hardening: float = Field(0.025, ge=0, description="eta, by how many negatives a step H falls")
    fewest_negatives: int = Field(5, ge=1, description="mu, below which H does not fall")
    temperature: Positive = Field(0.1, description="tau of the evidence")
    hinge_factor: float = Field(0.8, ge=0, description="lambda_1, of the hinge")
    divergence_factor: float = Field(0.1, ge=0, description="lambda_2, of evidence for what does not match")
    warmup_epochs: int = Field(5, ge=0, description="first epochs, in which every pair counts as right")


@register("decl")
class Decl(Method):
    """Evidence of a match, and a hinge that grows harder."""

    Settings = DeclSettings
    columns: ClassVar[Mapping[str, str]] = {"matched": "|b1"}
    settings: DeclSettings

    def __init__(self, settings: DeclSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.matched: Tensor | None = None  # (N,) bool, after the warm-up

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """After the warm-up: which pairs had the most evidence of their row in the last epoch."""
        self.matched = None
        believed = self.settings.evidential and epoch >= self.settings.warmup_epochs
        if believed and record is not None and "matched" in record:
            self.matched = torch.from_numpy(record["matched"].astype(bool)).to(self.run.device)

    def objective(self, batch: Batch) -> Objective:
        """Mean of lambda_1 y hinge + evidential loss / B, by labels y of 1 (right) and 0."""
        settings = self.settings
        losses = batch.pair_loss(settings)
        score = self.ranking_similarity(losses).tanh()
        evidence = (score / settings.temperature).exp()
        negatives = hardness(len(score), batch.step, settings.hardening, settings.fewest_negatives)
        hinge = hard_hinge(score, settings.margin, negatives)
        label = torch.ones_like(hinge) if self.matched is None else self.matched[batch.rows].to(hinge.dtype)
        loss = settings.hinge_factor * label * hinge
        if settings.evidential:
            loss = loss + self._evidential(evidence, label) / len(score)
        record = recorded_triplet(losses.similarity, torch.full_like(hinge, settings.margin), hinge)
        category = torch.where(label > 0, CLEAN, NOISY)
        return Objective.of(losses, loss, label, category, record, matched=most_evident(evidence))

    def _evidential(self, evidence: Tensor, label: Tensor) -> Tensor:
        factor = self.settings.divergence_factor
        return evidential_loss(evidence, label, factor) + evidential_loss(evidence.T, label, factor)


def hardness(batch_size: int, step: int, hardening: float, fewest: int) -> int:
    """H = max(B - eta t, mu) negatives at most, t = step + 1 counted from 1 as in DECL's code, and never over B - 1.

    >>> [hardness(100, step, hardening=0.025, fewest=5) for step in (0, 1_000, 10_000)]
    [99, 74, 5]
    """
    return min(max(int(batch_size - hardening * (step + 1)), fewest), batch_size - 1)


def hard_hinge(similarity: Tensor, margin: float, negatives: int) -> Tensor:
    """Mean of [margin + s_ij - s_ii]+ over the ``negatives`` hardest j, and the same with s_ji (DECL, RDH loss).

    **Shape** (B, B), image by caption -> (B,), at least 0. ``negatives``: 1 to B - 1.

    >>> table = torch.tensor([[1.0, 0.9, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> hard_hinge(table, margin=0.2, negatives=1), hard_hinge(table, margin=0.2, negatives=2)
    (tensor([0.1000, 0.1000, 0.0000]), tensor([0.0500, 0.0500, 0.0000]))
    """
    by_image, by_text = hinges(similarity, margin)
    return by_image.topk(negatives, dim=1).values.mean(dim=1) + by_text.topk(negatives, dim=0).values.mean(dim=0)


def most_evident(evidence: Tensor) -> Tensor:
    """Whether a pair has of its row the most evidence, that of both directions added. **Shape** (B, B) -> (B,) bool.

    >>> most_evident(torch.tensor([[2.0, 3.0], [0.0, 1.0]]))  # 4 against 3, 2 against 3
    tensor([ True, False])
    """
    both = evidence + evidence.T
    return both.argmax(dim=1) == torch.arange(len(both), device=both.device)


def evidential_loss(evidence: Tensor, label: Tensor, divergence_factor: float) -> Tensor:
    """Expected squared error of a row's match under Dirichlet(evidence + 1), and lambda_2 times misleading evidence.

    Misleading is evidence for what does not match: its Dirichlet's divergence from the uniform one. The match is the
    pair's own with label 1, and none at all with label 0 (DECL, ACM MM 2022, after Sensoy et al., NeurIPS 2018).
    **Shape** (B, B), at least 0, label (B,) of 0 and 1 -> (B,), at least 0.

    >>> evidential_loss(torch.zeros(2, 2), torch.tensor([1.0, 0.0]), divergence_factor=0.1)  # 1/2 + 1/6
    tensor([0.6667, 0.6667])
    """
    match, parameters = label.diag(), evidence + 1
    strength = parameters.sum(dim=1, keepdim=True)
    expected = parameters / strength
    error = (match - expected).square() + expected * (1 - expected) / (strength + 1)
    misleading = Dirichlet(evidence * (1 - match) + 1, validate_args=False)
    uniform = Dirichlet(torch.ones_like(evidence), validate_args=False)
    return error.sum(dim=1) + divergence_factor * kl_divergence(misleading, uniform)
