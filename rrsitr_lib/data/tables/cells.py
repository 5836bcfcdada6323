"""What a cell says: the name of an image, or the image itself, and captions; or why it says neither."""

import re
import unicodedata
from typing import Any

from rrsitr_lib.data.images import SUFFIXES
from rrsitr_lib.data.tables.columns import ADDRESS, CAPTION_NAMES, FETCH
from rrsitr_lib.data.tables.row import Stored
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint

EMPTY = "the caption is empty"
WORD = re.compile(r"[^\W_]")
NULLS = ("nan", "null", "none", "n/a", "<na>", "#n/a")  # what programs write for a missing cell
LONGEST_NAME = 200  # bytes of a file's name that every disk takes
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
NO_TEXT = re.compile("[\0\ud800-\udfff]")


def image_name(value: Any) -> str:
    """The name of the file that a cell names. Raises ``InputError`` for anything else."""
    if isinstance(value, dict):
        value = value.get("path")
    if isinstance(value, str) and ADDRESS.match(value):
        raise InputError(f"the image is {_shown(value)}, an address, no file: {FETCH}")
    if isinstance(value, float) and value.is_integer():  # numbers beside an empty cell
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else None
    if not isinstance(value, str) or not value.strip() or _CONTROL.search(value) or _too_long(value):
        raise InputError(f"the image is {_shown(value)}: allowed is the name of a file")
    return value.strip()


def captions(value: Any) -> list[str]:
    """The captions of a cell: a text, a list of texts, or of objects that hold one; a missing one is empty.

    Raises ``InputError`` for anything else.

    >>> captions(["a lake", {"raw": " a road "}, None])
    ['a lake', 'a road', '']
    """
    texts = []
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, dict):
            text = next((text[name] for name in CAPTION_NAMES if name in text), text)
        if text is None or (isinstance(text, float) and text != text):
            text = ""
        if not isinstance(text, str) or NO_TEXT.search(text):
            raise InputError(f"the caption is {_shown(text)}: allowed is text, or a list of it")
        texts.append(text.strip())
    return texts or [""]


def no_caption(text: str) -> str:
    """Why a text says nothing of an image: no word, or what programs write for a missing cell; empty where it does.

    >>> no_caption("."), no_caption("NULL"), no_caption("a lake")
    ('caption without a word', "caption 'NULL', a missing cell as text", '')
    """
    if not WORD.search(text):
        return "caption without a word"
    return f"caption {text!r}, a missing cell as text" if text.casefold() in NULLS else ""


def only_one(value: Any) -> Any:
    """The image of a cell that lists images. Raises ``InputError`` where it lists several, or none.

    >>> only_one(["a.jpg"]), only_one("b.jpg")
    ('a.jpg', 'b.jpg')
    """
    if isinstance(value, list) and len(value) != 1:
        raise InputError(f"the row has {len(value)} images: allowed is one")
    return value[0] if isinstance(value, list) else value


class HeldImages:
    """Images that tables hold as bytes, each under a name of its own: its path in the table, else its row.

    One name stands for one content: where another image of that name was met before, the row becomes part of the name.
    """

    def __init__(self) -> None:
        self.contents: dict[str, bytes | Stored] = {}
        self._met: dict[str, str] = {}

    def name(self, value: Any, source: str, row: int) -> str | None:
        """The name under which the image of a cell is kept, None where it holds none; ``source`` comes before it."""
        held: Any = value if isinstance(value, bytes) else value.get("bytes") if isinstance(value, dict) else None
        content = held.read() if isinstance(held, Stored) else held
        if not isinstance(content, bytes) or not content:
            return None
        given = value.get("path") if isinstance(value, dict) else None
        parts = [part for part in re.split(r"[/\\]", _CONTROL.sub("_", str(given or ""))) if part.strip(". ")]
        name = "/".join([*filter(None, [source]), *(parts or [f"row_{row}.jpg"])])
        if not name.lower().endswith(SUFFIXES) or _too_long(name):
            name = "/".join([*filter(None, [source]), f"row_{row}.jpg"])
        digest = fingerprint(content)
        while self._met.setdefault(_folded(name), digest) != digest:
            name = f"row_{row}/{name}"
        self.contents[name] = held
        return name


def _too_long(name: str) -> bool:
    return any(len(part.encode()) > LONGEST_NAME for part in re.split(r"[/\\]", name))


def _folded(name: str) -> str:
    """Equal for names that some disks take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _shown(value: Any) -> str:
    try:
        return repr(str(value) if not isinstance(value, str) else value)[:62]
    except ValueError:  # a number of more digits than Python writes
        return "a number without end"
