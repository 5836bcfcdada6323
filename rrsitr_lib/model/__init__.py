"""Encoders over open_clip, and the similarity of their features."""
