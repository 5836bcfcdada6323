"""How many cores there are to work with."""

import os


def cores() -> int:
    """Cores that this process may use: those that a job was given, shared with the others that torchrun started."""
    given = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, given // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
