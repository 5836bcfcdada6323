"""The ledger rows of one epoch, while it trains."""

import numpy as np
import torch

from rrsitr_lib.objective.rrsitr import Objective
from rrsitr_lib.training.ledger import COLUMNS

TENSOR_TYPES = {"<f4": torch.float32, "|u1": torch.uint8, "|b1": torch.bool}


class EpochRecord:
    """The ledger rows of an epoch, gathered where the losses are: no step waits for a copy to the host.

    **Shape** every column (N,), by the names of the ledger.
    """

    def __init__(self, pairs: int, device: torch.device) -> None:
        self.tensors = {
            name: torch.zeros(pairs, dtype=TENSOR_TYPES[kind], device=device) for name, kind in COLUMNS.items()
        }

    def write(self, rows: np.ndarray, result: Objective, trained: bool) -> None:
        """Note the pairs at ``rows`` (K,), the first K of the batch."""
        triplet = result.triplet
        values = {
            "loss": result.pair_loss, "loss_global": result.global_loss, "loss_local": result.local_loss,
            "category": result.category, "weight": result.weight, "margin_text": triplet.margin_text,
            "margin_image": triplet.margin_image, "similarity": triplet.similarity,
            "hardest_text": triplet.hardest_text, "hardest_image": triplet.hardest_image,
        }  # fmt: skip
        index = torch.from_numpy(rows).to(self.tensors["loss"].device, non_blocking=True)
        for name, value in values.items():
            column = self.tensors[name]
            column[index] = value.detach()[: len(rows)].to(column.dtype)
        self.tensors["trained"][index] = trained

    def columns(self) -> dict[str, np.ndarray]:
        """Everything on the host."""
        return {name: tensor.cpu().numpy() for name, tensor in self.tensors.items()}
