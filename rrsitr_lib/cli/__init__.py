"""The command ``rrsitr``, one file a group of commands."""

from rrsitr_lib.cli.main import main

__all__ = ["main"]
