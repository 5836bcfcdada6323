"""CRCL (Qin et al., Cross-modal Active Complementary Learning with Self-refining Correspondence, NeurIPS 2023).

A pair learns actively, by cross-entropy, as far as it is believed right, its label y; and complementarily, by its
negatives, as RCL does: the sum of their tangents, divided by the sum of all to the power 1 - y. The label follows the
softmax p of the pair's own similarity with momentum, y_t = 0.8 y_{t-1} + 0.2 p, and is 0 where it falls under epsilon.
Adapted: the similarity is the one that ranks in evaluation; the label is kept in the ledger. The code trains several
times over, each time a new network with the labels of the last one; this is one training. The factor of the
complementary loss is that of the code, which fixes it. The paper sorts no pairs: in the record those with label 0 are
noisy, and clean ones have a label above ``clean_above``; ``weight`` is the label, with which the cross-entropy counts,
and the complementary loss counts beside it. Taught in: lesson 10.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, Positive, RunFacts
from rrsitr_lib.methods.log_probabilities import own_probability
from rrsitr_lib.methods.pair_loss import symmetric_cross_entropy
from rrsitr_lib.methods.partition import AMBIGUOUS, CLEAN, NOISY
from rrsitr_lib.methods.triplet import only_negatives


class CrclSettings(MethodSettings):
    """The defaults are those of the paper's code."""

    temperature: Positive = Field(0.05, description="of the softmax over the batch")
    momentum: float = Field(0.8, ge=0, lt=1, description="share of the last epoch's label in the next")
    epsilon: float = Field(0.1, ge=0, le=1, description="a label below is 0")
    complementary_factor: float = Field(5.0, ge=0, description="factor of the complementary loss")
    frozen_epochs: int = Field(2, ge=0, description="its first epochs, in which every label is 1")
    clean_above: float = Field(0.5, ge=0, le=1, description="for the record: clean where the label is above")


@register("crcl")
class Crcl(Method):
    """Active complementary loss by labels that refine themselves."""

    Settings = CrclSettings
    columns: ClassVar[Mapping[str, str]] = {"label": "<f4"}
    settings: CrclSettings

    def __init__(self, settings: CrclSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.epoch = 0  # of its own, after a warm-up
        self.label: Tensor | None = None  # (N,), as the last epoch left it

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """The labels as the last epoch left them; 1 before the first."""
        self.epoch, self.label = epoch - self.run.warmup_epochs, None
        if record is not None and "label" in record:
            self.label = torch.from_numpy(record["label"].astype(np.float32)).to(self.run.device)

    def objective(self, batch: Batch) -> Objective:
        """Mean of the active complementary loss, by the labels that this batch corrects."""
        settings = self.settings
        losses = batch.pair_loss(settings)
        logits = self.ranking_similarity(losses) / settings.temperature
        with torch.no_grad():
            probability = own_probability(logits)
            label = self._corrected(batch.rows, probability)
            # labels begin with what the frozen epochs have learned, not with 1
            kept = probability if self.epoch == settings.frozen_epochs - 1 else label
            doubtful = torch.where(label == 0, NOISY, AMBIGUOUS)
            category = torch.where(label > settings.clean_above, CLEAN, doubtful)
        loss = active_complementary_loss(logits, label, settings.complementary_factor)
        return Objective.of(losses, loss, label, category, label=kept)

    def _corrected(self, rows: Tensor, probability: Tensor) -> Tensor:
        """The last label moved towards the probability, once labels are no longer frozen."""
        last = torch.ones_like(probability) if self.label is None else self.label[rows].to(probability.dtype)
        if self.epoch < self.settings.frozen_epochs:
            return torch.ones_like(last)
        label = self.settings.momentum * last + (1 - self.settings.momentum) * probability
        return torch.where(label < self.settings.epsilon, 0.0, label)


def active_complementary_loss(logits: Tensor, label: Tensor, factor: float) -> Tensor:
    """y (cross-entropies) + factor (complementary losses), both directions of every pair (CRCL, NeurIPS 2023).

    With y = 1 it is the cross-entropies and RCL's loss of kind ``tan``. **Shape** (B, B), label (B,) in [0, 1] -> (B,).

    >>> active_complementary_loss(torch.zeros(2, 2), torch.tensor([1.0, 0.0]), factor=5.0)  # 2 ln 2 + 10 tan 0.5; 5
    tensor([6.8493, 5.0000])
    """
    complementary = normalised_complementary(logits, label) + normalised_complementary(logits.T, label)
    return label * symmetric_cross_entropy(logits) + factor * complementary


def normalised_complementary(logits: Tensor, label: Tensor) -> Tensor:
    """Sum over j != i of tan(p_ij), divided by (sum over all j of tan(p_ij))^(1 - y_i); p the softmax of a row.

    The less a pair is believed, the less it matters how large its tangents are together.
    **Shape** (B, B), (B,) -> (B,), at least 0.

    >>> normalised_complementary(torch.zeros(2, 2), torch.tensor([1.0, 0.0]))  # tan 0.5; 1/2
    tensor([0.5463, 0.5000])
    """
    tangent = logits.softmax(dim=1).tan()
    return only_negatives(tangent, own=0.0).sum(dim=1) / tangent.sum(dim=1) ** (1 - label)
