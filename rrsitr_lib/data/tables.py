"""Where the room of the figures still looks for ``read_csv``."""

from rrsitr_lib.data.pairs import read_csv

__all__ = ["read_csv"]
