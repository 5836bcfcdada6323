"""How an epoch treats its pairs: what the configuration says for it, given the losses of the epoch before."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.config import RunConfig
from rrsitr_lib.objective.pair_loss import chance_loss
from rrsitr_lib.objective.partition import mixture_partition, quantile_partition
from rrsitr_lib.training.schedules import gamma, quantile_gammas


@dataclass(frozen=True)
class Pace:
    """How an epoch treats its pairs: plain or by the method, the two thresholds, and categories fixed beforehand.

    ``gammas`` in the unit of the loss; ``category`` (N,) int64, or None where the thresholds decide batch by batch;
    ``draws`` (N,) are weights in [0, 1] for the ablation with random ones.
    """

    plain: bool
    gammas: tuple[float, float]
    category: Tensor | None
    draws: Tensor | None = None


def pace_of_epoch(config: RunConfig, epoch: int, last_loss: np.ndarray | None) -> Pace:
    """The treatment of ``epoch``, from the configuration and the losses (N,) of the epoch before it, if any.

    Taught in: notebooks/04_self_paced_weights
    """
    chance = chance_loss(config.batch_size) * (1.0 if config.local_loss else 0.5)
    unit = chance if config.gamma_unit == "chance" else 1.0
    gammas = (config.gamma_1 * unit, config.gamma_2 * unit)
    if config.gamma_schedule == "quantile" and last_loss is not None:
        gammas = quantile_gammas(last_loss, config.clean_share, config.noisy_share)
    elif config.gamma_schedule != "quantile":
        progress = epoch / max(1, config.epochs - 1)
        factor = gamma(config.gamma_schedule, progress, config.gamma_start, 1.0)
        gammas = (gammas[0] * factor, gammas[1] * factor)
    category = None
    if last_loss is not None and config.partition == "quantile":
        category = quantile_partition(last_loss, config.clean_share, config.noisy_share)
    elif last_loss is not None and config.partition != "threshold":
        category = mixture_partition(last_loss, components=int(config.partition[-1]), seed=config.seed)
    plain = config.method != "rrsitr" or epoch < config.plain_epochs
    return Pace(plain, gammas, None if category is None else torch.from_numpy(category))
