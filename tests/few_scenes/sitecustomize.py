"""Loaded by every process that a test with the fixture ``few_scenes`` starts: it draws few scenes too."""

from rrsitr_lib.scenes import dataset

dataset.VAL = dataset.TEST = 30  # their captions are two batches
