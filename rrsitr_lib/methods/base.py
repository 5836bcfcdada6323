"""What a method gets, a batch, and what it gives, an objective per pair; its settings and its memory between epochs."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from rrsitr_lib.methods.pair_loss import FourFeatures, PairLoss, chance_loss, pair_loss
from rrsitr_lib.methods.partition import partition
from rrsitr_lib.methods.triplet import Triplet, recorded_triplet
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.strict_model import StrictModel

Positive = Annotated[float, Field(gt=0)]
PAPER_SCALE = math.exp(2.996)


class MethodSettings(StrictModel):
    """Settings that all methods share; a method adds its own in a subclass, and ``--set`` and ``--help`` know them.

    RRSITR trains by the thresholds and the margin; for other methods they only say what RRSITR would call a pair.
    """

    local_loss: bool = Field(True, description="off: no local cross-entropies, and chance level is 2 ln B")
    scale: Positive = Field(PAPER_SCALE, description="frozen temperature, exp(2.996)")
    gamma_1: float = Field(5.0, ge=0, description="clean below; in gamma_unit")
    gamma_2: Positive = Field(18.0, description="noisy from here on; in gamma_unit")
    gamma_unit: Literal["loss", "chance"] = Field("loss", description="loss: absolute; chance: shares of 4 ln B")
    sigma: float = Field(0.6, ge=0, description="base margin, in cosine units")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.gamma_1 > self.gamma_2:
            raise ValueError(f"gamma_1 is {self.gamma_1}, above gamma_2 {self.gamma_2}: allowed is gamma_1 <= gamma_2")
        return self

    def switched_off(self) -> list[str]:
        """What these settings switch off, in the words of a table."""
        return [] if self.local_loss else ["without local"]


class Batch(NamedTuple):
    """A batch as the network ``network`` (0 where there is one) sees it.

    **Shape** ``rows`` (B,) int64, rows of the training table, on the device; ``image``, ``text``: features of the whole
    batch, pooled (B, D), tokens (B, L, D), float32 or float64, not normalised. ``others``: what the other networks see,
    (image, text) each, without gradient. ``step``: steps before this one, since the training began.
    """

    rows: Tensor
    image: Features
    text: Features
    network: int = 0
    others: tuple[tuple[Features, Features], ...] = ()
    step: int = 0

    @property
    def features(self) -> FourFeatures:
        """Pooled images and texts, then their tokens."""
        return self.image.pooled, self.text.pooled, self.image.tokens, self.text.tokens

    def pair_loss(self, settings: MethodSettings) -> PairLoss:
        """The four cross-entropies of every pair (two without ``local_loss``)."""
        return pair_loss(*self.features, settings.scale, settings.local_loss)

    def of_peer(self) -> "Batch":
        """The batch as the other one of two networks sees it, without gradient."""
        ((image, text),) = self.others
        return Batch(self.rows, image, text, 1 - self.network, step=self.step)


@dataclass(frozen=True)
class RunFacts:
    """What a method may know of its run. **Shape** ``mismatched`` (N,) bool, only where it ``needs_truth``.

    ``warmup_epochs``: those that are trained plainly before the method's first.
    """

    pairs: int
    batch_size: int
    epochs: int
    seed: int
    device: torch.device
    local_fraction: float = 0.1
    mismatched: np.ndarray | None = None
    warmup_epochs: int = 0

    def own_share(self, epoch: int) -> float:
        """Share of the method's own epochs, those after the warm-up, that lie before ``epoch``, from 0 to 1."""
        return (epoch - self.warmup_epochs) / max(1, self.epochs - self.warmup_epochs)


@dataclass(frozen=True)
class Objective:
    """A batch under an objective: the scalar to minimise and, per pair, how it came about.

    **Shape** ``total`` scalar; all else (B,). ``weight`` in [0, 1] is the share with which the pair counts;
    ``contribution`` is what is averaged to ``total``; ``columns``: what the method records beside, by its ``columns``.
    """

    total: Tensor
    pair_loss: Tensor
    global_loss: Tensor
    local_loss: Tensor
    category: Tensor
    weight: Tensor
    contribution: Tensor
    triplet: Triplet
    columns: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        losses: PairLoss,
        contribution: Tensor,
        weight: Tensor,
        category: Tensor,
        triplet: Triplet | None = None,
        **columns: Tensor,
    ) -> Self:
        """The mean of ``contribution``; without ``triplet`` the record has hardest negatives and no margin (NaN)."""
        if triplet is None:
            none = torch.full_like(losses.global_loss, torch.nan)
            triplet = recorded_triplet(losses.similarity, none, none)
        parts = (losses.total, losses.global_loss, losses.local_loss)
        return cls(contribution.mean(), *parts, category, weight, contribution, triplet, columns)


def column_of(name: str, network: int) -> str:
    """The ledger's column of what network ``network`` recorded as ``name``; the first network has the plain name.

    >>> column_of("loss", 0), column_of("loss", 1)
    ('loss', 'loss_network_1')
    """
    return f"{name}_network_{network}" if network else name


class Method(ABC):
    """One way to learn from pairs that may be mismatched. A subclass is registered by name, and built once a run.

    ``needs_truth``: the injected truth is handed to it. ``networks``: 2 trains two, whose scores are averaged in
    evaluation; the ledger records the first, and of the others their loss and the method's own columns (``column_of``).
    ``columns``: name -> type ("<f4", "|u1", "|b1") of what its objective records beside the ledger's common columns.
    ``stopped``: set in ``begin_epoch``, it has the epoch scored only: no step of the optimizer, which would move the
    weights even without a gradient, by its momentum and its weight decay.
    """

    Settings: ClassVar[type[MethodSettings]] = MethodSettings
    needs_truth: ClassVar[bool] = False
    networks: ClassVar[int] = 1
    columns: ClassVar[Mapping[str, str]] = {}
    stopped: bool = False

    def __init__(self, settings: MethodSettings, run: RunFacts) -> None:
        self.settings, self.run = settings, run
        self.thresholds = self.unit_thresholds()

    def unit_thresholds(self) -> tuple[float, float]:
        """gamma_1 and gamma_2 of the settings in the unit of the loss."""
        settings = self.settings
        chance = chance_loss(self.run.batch_size) * (1.0 if settings.local_loss else 0.5)
        unit = chance if settings.gamma_unit == "chance" else 1.0
        return settings.gamma_1 * unit, settings.gamma_2 * unit

    def categories(self, losses: PairLoss) -> Tensor:
        """What RRSITR would call the pairs by their loss: clean 0, ambiguous 1, noisy 2. **Shape** (B,) int64."""
        return partition(losses.total.detach(), *self.thresholds)

    def ranking_similarity(self, losses: PairLoss) -> Tensor:
        """(1 - f) cosine + f local similarity, f = ``local_fraction``: what ranks in evaluation.

        The cosine alone without ``local_loss``. **Shape** (B, B), image by caption.
        """
        share = self.run.local_fraction if self.settings.local_loss else 0.0
        return (1 - share) * losses.similarity + share * losses.local_scores / self.settings.scale

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:  # noqa: B027 (may do nothing)
        """Look at the last epoch before the next. ``record``: its ledger rows, (N,) a column, None before the first.

        Columns of its own are not among them where another method trained the last epoch, as after a warm-up.
        Everything that later epochs need must follow from ``epoch`` and ``record``: a run that goes on has no more.
        ``thresholds`` are noted in metrics.csv.
        """

    @abstractmethod
    def objective(self, batch: Batch) -> Objective:
        """The objective of a batch, by pairs. It must not wait for the device: no ``item``, no ``bool`` of a tensor."""
