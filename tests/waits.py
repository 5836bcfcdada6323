"""What the host would wait for on a GPU, seen on a CPU."""

from torch.utils._python_dispatch import TorchDispatchMode

WAITS = {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select", "unique", "_unique2", "unique_dim"}


class Waits(TorchDispatchMode):
    """Notes every operation whose answer the host would wait for on a GPU."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        if function.overloadpacket.__name__ in WAITS:
            self.seen.append(function.overloadpacket.__name__)
        return function(*arguments, **(options or {}))
