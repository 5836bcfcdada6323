"""RRSITR: learning from remote-sensing image-text pairs that do not always belong together.

The package mirrors the order of the lessons: ``data`` (pairs, noise, drawn scenes), ``model`` (encoders,
similarity), ``objective`` (per-pair losses, partition, weights, triplet), ``training`` (loop, ledger),
``evaluation``, ``show`` (figures, explorers). Importing the package itself loads none of the heavy libraries.
"""

__version__ = "0.1.0"
