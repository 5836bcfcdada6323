"""Explorers, one a file: a view and its controls; ``explore`` opens all that a run can feed."""
