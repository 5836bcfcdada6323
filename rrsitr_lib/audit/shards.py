"""Webdataset shards: tar files whose members of one name are a picture and its caption."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

from rrsitr_lib.audit.raw_pairs import CAPTION_NAMES, RawPairs
from rrsitr_lib.data.images import SUFFIXES
from rrsitr_lib.errors import InputError

CAPTION_MEMBERS = (".txt", ".json")


def read_shard(path: Path) -> RawPairs:
    """A webdataset shard: members that share a name up to the first dot, one a picture, one a caption or JSON.

    Raises ``InputError`` for a file that is cut off, a caption that cannot be read, and a shard without a pair.
    """
    raw = RawPairs([], [], [], ["pictures and captions by equal names of the shard's members"], {})
    try:
        with tarfile.open(path) as shard:
            for row, (key, parts) in enumerate(_samples(shard), 1):
                suffix = next((suffix for suffix in parts if suffix in SUFFIXES), None)
                texts = _shard_texts(path, key, parts)
                if suffix is None or not texts:
                    raw.notes.append(f"{key}: left out, it lacks a {'caption' if suffix else 'picture'}")
                    continue
                name = key.replace("/", "_") + suffix
                raw.pictures[name] = parts[suffix]
                for text in texts:
                    raw.add(name, text, row)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{path}: not a whole tar file ({' '.join(str(error).split())[:100]})") from None
    if not raw.captions:
        raise InputError(f"{path}: no picture with a caption ({', '.join(CAPTION_MEMBERS)}) in it")
    return raw


def _samples(shard: tarfile.TarFile) -> Iterator[tuple[str, dict[str, bytes]]]:
    key, parts = "", {}
    for member in shard:
        if not member.isfile():
            continue
        folder, _, last = member.name.rpartition("/")
        stem, _, suffix = last.partition(".")
        this = f"{folder}/{stem}".removeprefix("/")
        if this != key and parts:
            yield key, parts
            parts = {}
        key = this
        parts[f".{suffix.lower()}"] = shard.extractfile(member).read()
    if parts:
        yield key, parts


def _shard_texts(path: Path, key: str, parts: dict[str, bytes]) -> list[str]:
    try:
        if ".txt" in parts:
            return [line.strip() for line in parts[".txt"].decode("utf-8-sig").splitlines() if line.strip()]
        entry = json.loads(parts[".json"]) if ".json" in parts else {}
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}, {key}: the caption is not readable ({error})") from None
    found = next((entry[name] for name in CAPTION_NAMES if isinstance(entry, dict) and name in entry), [])
    return [text.strip() for text in ([found] if isinstance(found, str) else found) if text.strip()]
