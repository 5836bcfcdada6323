"""The ledger rows of one epoch, while it trains."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.methods import Objective
from rrsitr_lib.methods.base import column_of

TENSOR_TYPES = {"<f4": torch.float32, "|u1": torch.uint8, "|b1": torch.bool}


class EpochBuffer:
    """The ledger rows of an epoch, gathered where the losses are: no step waits for a copy to the host.

    Columns of one width lie in one table, so that a step writes its rows by two operations.
    **Shape** every column (N,), by the names and types of the ledger.
    """

    def __init__(self, pairs: int, columns: Mapping[str, str], device: torch.device) -> None:
        types = {name: TENSOR_TYPES[kind] for name, kind in columns.items()}
        self._tables: list[tuple[Tensor, list[str]]] = []
        self.tensors: dict[str, Tensor] = {}
        for width in (torch.float32, torch.uint8):
            names = [name for name, kind in types.items() if kind.itemsize == width.itemsize]
            table = torch.zeros(len(names), pairs, dtype=width, device=device)
            self._tables.append((table, names))
            self.tensors |= {name: row.view(types[name]) for name, row in zip(names, table, strict=True)}

    def write(self, rows: Tensor, results: Sequence[Objective], trained: bool) -> None:
        """Note the pairs at ``rows`` (K,), the first K of the batch; of further networks their loss and own columns."""
        result, triplet = results[0], results[0].triplet
        values = {
            "loss": result.pair_loss, "loss_global": result.global_loss, "loss_local": result.local_loss,
            "category": result.category, "weight": result.weight, "margin_text": triplet.margin_text,
            "margin_image": triplet.margin_image, "similarity": triplet.similarity,
            "hardest_text": triplet.hardest_text, "hardest_image": triplet.hardest_image, **result.columns,
        }  # fmt: skip
        for number, other in enumerate(results[1:], 1):
            own = {"loss": other.pair_loss, **other.columns}
            values |= {column_of(name, number): value for name, value in own.items()}
        values["trained"] = torch.full_like(rows, trained)
        found = {name: value.detach()[: len(rows)].to(self.tensors[name].dtype) for name, value in values.items()}
        for table, names in self._tables:
            empty = torch.zeros_like(rows, dtype=table.dtype)  # what only another method records
            table[:, rows] = torch.stack([found.get(name, empty).view(table.dtype) for name in names])

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put the rows of an epoch that was cut off back, by column."""
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])

    def columns(self) -> dict[str, np.ndarray]:
        """Everything on the host."""
        return {name: tensor.cpu().numpy() for name, tensor in self.tensors.items()}
