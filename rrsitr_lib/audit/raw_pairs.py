"""Pairs as people wrote them, before anything is checked."""

from dataclasses import dataclass

CAPTION_NAMES = (
    "title", "caption", "captions", "sentence", "sentences", "text", "description", "raw", "描述", "标题", "文本",
)  # fmt: skip


@dataclass(frozen=True)
class RawPairs:
    """Pairs as written. ``images`` (N,) names, ``captions`` (N,), ``rows`` (N,) numbers of the table's rows from 1.

    ``notes``: what was guessed or left out. ``pictures``: contents by name where the table itself holds them.
    """

    images: list[str]
    captions: list[str]
    rows: list[int]
    notes: list[str]
    pictures: dict[str, bytes]

    def add(self, image: str, caption: str, row: int) -> None:
        """One pair more."""
        self.images.append(image)
        self.captions.append(caption)
        self.rows.append(row)
