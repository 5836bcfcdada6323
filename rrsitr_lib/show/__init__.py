"""Figures (arrays in, figure out) and explorers (figure and controls)."""
