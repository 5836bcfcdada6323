"""The drawn world: seeded aerial scenes with captions, of which the truth is known."""
