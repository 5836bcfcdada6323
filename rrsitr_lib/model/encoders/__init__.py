"""The registered encoders, one file each."""

from rrsitr_lib.registry import ENCODERS

register = ENCODERS.register
