"""RRSITR as a method: its settings, and what it decides once an epoch, thresholds, categories, draws."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, RunFacts
from rrsitr_lib.methods.partition import mixture_partition, quantile_partition
from rrsitr_lib.methods.rrsitr.gamma_schedules import quantile_gammas, scheduled_gamma
from rrsitr_lib.methods.rrsitr.objective import Components, TripletKind, WeightOrder, rrsitr_objective
from rrsitr_lib.methods.rrsitr.self_paced import Pace
from rrsitr_lib.registry import METHODS

Fraction = Annotated[float, Field(ge=0, le=1)]


class RrsitrSettings(MethodSettings):
    """Settings of RRSITR and of its ablation; the defaults are the paper's."""

    self_paced: bool = Field(True, description="off: clean and ambiguous pairs count fully")
    weight_order: WeightOrder = Field(
        "easy", description="self-paced: which pairs count most; hard and random are the paper's ablation"
    )
    pace: Pace = Field("cosine", description="self-paced function: how a weight falls as the loss grows")
    triplet: TripletKind = Field("dynamic", description="margin of noisy pairs, or no loss")
    gamma_schedule: Literal["constant", "linear", "cosine", "geometric", "quantile"] = "constant"
    gamma_start: float = Field(
        0.5, gt=0, description="schedules begin at this multiple of the gammas, after a warm-up, and end at 1"
    )
    partition: Literal["threshold", "quantile", "gmm2", "gmm3"] = "threshold"
    clean_fraction: Fraction = Field(0.5, description="quantile partition and schedule: pairs called clean")
    noisy_fraction: Fraction = Field(0.3, description="quantile partition and schedule: pairs called noisy")
    lambda_1: float = Field(0.8, ge=0, description="factor of ambiguous pairs")
    lambda_2: float = Field(0.9, ge=0, description="factor of noisy pairs")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        clean, noisy = self.clean_fraction, self.noisy_fraction
        if clean + noisy > 1:
            raise ValueError(f"clean_fraction {clean} and noisy_fraction {noisy} are over 1 together")
        return self

    def switched_off(self) -> list[str]:
        """The parts that are switched off, in the words of the paper's ablation."""
        off = super().switched_off() + ([] if self.self_paced else ["without self-paced weights"])
        off += {"off": ["without robust triplet"], "fixed": ["fixed margin"], "dynamic": []}[self.triplet]
        if len(off) == 3:
            off = ["without all three"]
        off += {"easy": [], "hard": ["hard-to-easy"], "random": ["random weights"]}[self.weight_order]
        return off + (["no ambiguous class"] if self.gamma_1 == self.gamma_2 else [])


@METHODS.register("rrsitr")
class Rrsitr(Method):
    """Robust remote-sensing image-text retrieval (CVPR 2026): clean, ambiguous and noisy pairs, each with its loss.

    ``jump``: clean pairs are weighted by a gamma of their own, so that the weight jumps where they end.
    """

    Settings = RrsitrSettings
    jump: ClassVar[bool] = True
    settings: RrsitrSettings

    def __init__(self, settings: RrsitrSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.category: Tensor | None = None  # (N,), where it is not the batch that decides
        self.draws: Tensor | None = None

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """Thresholds by the schedule, categories by the losses of the last epoch, draws by the seed."""
        loss = None if record is None else record["loss"]
        self.thresholds = self._thresholds(epoch, loss)
        category = None if loss is None else self._category(loss)
        self.category = None if category is None else torch.from_numpy(category).to(self.run.device)
        if self.settings.weight_order == "random":
            drawn = np.random.default_rng([self.run.seed, epoch]).random(self.run.pairs)
            self.draws = torch.from_numpy(drawn).to(self.run.device)

    def _thresholds(self, epoch: int, loss: np.ndarray | None) -> tuple[float, float]:
        settings, (gamma_1, gamma_2) = self.settings, self.unit_thresholds()
        if settings.gamma_schedule == "quantile":
            if loss is None:
                return gamma_1, gamma_2
            return quantile_gammas(loss, settings.clean_fraction, settings.noisy_fraction)
        first = self.run.warmup_epochs
        progress = (epoch - first) / max(1, self.run.epochs - 1 - first)
        factor = scheduled_gamma(settings.gamma_schedule, progress, settings.gamma_start, 1.0)
        return gamma_1 * factor, gamma_2 * factor

    def _category(self, loss: np.ndarray) -> np.ndarray | None:
        settings = self.settings
        if settings.partition == "threshold":
            return None
        if settings.partition == "quantile":
            return quantile_partition(loss, settings.clean_fraction, settings.noisy_fraction)
        return mixture_partition(loss, components=int(settings.partition[-1]), seed=self.run.seed)

    def objective(self, batch: Batch) -> Objective:
        """The paper's objective, by the thresholds and categories of this epoch."""
        settings, (gamma_1, gamma_2) = self.settings, self.thresholds
        category, draws = (None if known is None else known[batch.rows] for known in (self.category, self.draws))
        components = Components(
            settings.local_loss, settings.self_paced, settings.triplet, settings.weight_order, settings.pace, self.jump
        )
        return rrsitr_objective(
            *batch.features,
            gamma_1=gamma_1, gamma_2=gamma_2, lambda_1=settings.lambda_1, lambda_2=settings.lambda_2,
            sigma=settings.sigma, scale=settings.scale, category=category, draws=draws,
            components=components,
        )  # fmt: skip
