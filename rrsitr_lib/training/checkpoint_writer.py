"""Checkpoints are written by a thread, from a copy: training goes on meanwhile."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import torch
from torch import Tensor


class CheckpointWriter:
    """One write at a time: the next waits for the one before, and raises what that raised.

    Within ``with`` it is open; at the end, that of an error too, what is under way is finished.

    >>> weight = torch.ones(2)
    >>> with CheckpointWriter() as writer:
    ...     writer.write({"w": weight}, lambda tensors: print(tensors))
    ...     _ = weight.zero_()
    {'w': tensor([1., 1.])}
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._copies: dict[str, Tensor] = {}
        self._under_way: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown()
        if kind is None:
            self.wait()

    def wait(self) -> None:
        """Until nothing is under way. Raises what the last write raised."""
        last, self._under_way = self._under_way, None
        if last is not None:
            last.result()

    def write(self, tensors: Mapping[str, Tensor], write: Callable[[dict[str, Tensor]], Any]) -> None:
        """Copy the tensors as they are after all steps so far, and have ``write`` called with the copies, on the host.

        Those of a GPU go into pinned memory that is kept for the next time, so that no step waits for them.
        """
        self.wait()
        gpu = next((tensor.device for tensor in tensors.values() if tensor.is_cuda), None)
        copies = {name: self._copied(name, tensor.detach()) for name, tensor in tensors.items()}
        copied = torch.cuda.current_stream(gpu).record_event() if gpu else None

        def act() -> None:
            if copied is not None:
                copied.synchronize()
            write(copies)

        self._under_way = self._thread.submit(act)

    def _copied(self, name: str, tensor: Tensor) -> Tensor:
        if name not in self._copies:
            self._copies[name] = torch.empty_like(tensor, device="cpu", pin_memory=tensor.is_cuda)
        return self._copies[name].copy_(tensor, non_blocking=True)
