"""Images beside their captions: the tar shards of webdataset, and folders as img2dataset writes them."""

import io
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from rrsitr_lib.data.images import SUFFIXES, files_below
from rrsitr_lib.data.tables.columns import CAPTION_NAMES
from rrsitr_lib.data.tables.row import Row, Stored
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import parsed_json

TEXTS = (".txt", ".caption", ".json")
IMAGES = (*SUFFIXES, ".img_content")  # RS5M's shards name their images so
WANTED = (*IMAGES, *TEXTS)
STATISTICS = "_stats.json"  # of img2dataset, about a shard
SEVERAL_LINES = "a text of several lines is one caption, as open_clip reads it"


def shard(path: Path, notes: list[str]) -> list[Row]:
    """The samples of one tar file, in any order of its members; images by their place, as bytes where it is packed."""
    contents: dict[str, list[Any]] = defaultdict(list)
    with _opened(path, "r", notes) as opened:
        packed = not isinstance(opened.fileobj, io.BufferedReader)
        for member in filter(_is_wanted_file, opened):
            if packed or member.name.lower().endswith(TEXTS):
                content = opened.extractfile(member)
                contents[member.name].append(content.read() if content else b"")
            else:
                contents[member.name].append(Stored(path, member.offset_data, member.size))
    held = {name: _held(name, found[0]) for name, found in contents.items()}
    return _samples(path, contents, lambda name: contents[name][0], held.__getitem__, notes, _twice(contents))


def places_in_shard(path: Path, notes: list[str]) -> tuple[list[Row], dict[str, tuple[int, int]]]:
    """The samples of one tar file that is not packed, images by name; where every member's bytes begin, and how many.

    Raises ``InputError`` for a file that is cut short, even where it is cut behind a member.
    """
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    cut: list[str] = []
    with _opened(path, "r:", cut) as opened:
        for member in filter(_is_wanted_file, opened):
            places[member.name].append((member.offset_data, member.size))
    if cut:
        raise InputError(f"{path}: {cut[0]}")
    first = {name: found[0] for name, found in places.items()}
    with open(path, "rb") as file:

        def read(name: str) -> bytes:
            file.seek(first[name][0])
            return file.read(first[name][1])

        return _samples(path, first, read, str, notes, _twice(places)), first


def folder_of_samples(path: Path, notes: list[str]) -> list[Row]:
    """The samples of a folder and of those below it; images by their names."""
    files = {file.relative_to(path).as_posix(): file for file in files_below(path, WANTED) if _is_wanted(file.name)}
    return _samples(path, files, lambda name: files[name].read_bytes(), lambda name: name, notes)


def texts_beside(folder: Path) -> set[str]:
    """Names of the texts of a folder that have an image of the same name beside them."""
    names = {one.name for one in folder.iterdir()}
    stems = {_stem(name) for name in names if name.lower().endswith(SUFFIXES)}
    return {stem + text for stem in stems for text in TEXTS} & names


@contextmanager
def _opened(path: Path, mode: Literal["r", "r:"], notes: list[str]) -> Iterator[tarfile.TarFile]:
    """A tar file whose members are to be read to the end; without a mark there it may be cut short."""
    try:
        with tarfile.open(path, mode) as opened:
            yield opened
            if not _ends(opened):
                notes.append(f"{path.name} has no end mark: it may be cut short")
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
        raise InputError(f"{path}: not a whole tar file ({' '.join(str(error).split())[:100]})") from None


def _twice(found: Mapping[str, Sequence[Any]]) -> set[str]:
    return {name for name, members in found.items() if len(members) > 1}


def _is_wanted_file(member: tarfile.TarInfo) -> bool:
    return member.isfile() and _is_wanted(member.name)


def _is_wanted(name: str) -> bool:
    """Images and texts, without the shadows that macOS writes beside files."""
    last = name.rpartition("/")[2]
    return name.lower().endswith(WANTED) and not last.startswith("._") and not last.endswith(STATISTICS)


def _ends(opened: tarfile.TarFile) -> bool:
    """Whether the members are followed by an empty block, as in every whole tar file."""
    opened.fileobj.seek(opened.offset)
    return bool(opened.fileobj.read(tarfile.BLOCKSIZE))


def _held(name: str, content: bytes | Stored) -> dict[str, Any]:
    """An image that the table itself holds, as Parquet of the hub has it."""
    return {"path": name.replace(".img_content", ".jpg"), "bytes": content}


def _samples(
    path: Path,
    names: Iterable[str],
    read: Callable[[str], bytes],
    image: Callable[[str], Any],
    notes: list[str],
    twice: Collection[str] = (),
) -> list[Row]:
    """A row for every image, and for every text without one; names that are there ``twice`` make no pair."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for name in names:
        folder, slash, last = name.rpartition("/")
        by_key[folder + slash + last.partition(".")[0]].append(name)
    rows = []
    for picture, texts in (partners for found in by_key.values() for partners in _partners(found)):
        where = f"{path}, {picture or texts[0]}"
        cells, problem = {"image": image(picture) if picture else None, "caption": None}, ""
        if unclear := [name for name in (picture, *texts) if name in twice]:
            problem = f"{unclear[0]} is there twice in the shard: what belongs together is not clear"
        elif not picture:
            problem = f"no image beside {texts[0]}"
        elif texts:
            try:
                cells["caption"] = _captions(texts, read, notes)
            except InputError as error:
                problem = str(error)
        rows.append(Row(where, cells, problem))
    return rows


def _partners(names: Sequence[str]) -> list[tuple[str | None, list[str]]]:
    """Images of one key with their texts: all of them for a single image, else those of the same longer name."""
    pictures = [name for name in names if name.lower().endswith(IMAGES)]
    texts = sorted(name for name in names if name not in pictures)
    if len(pictures) == 1:
        return [(pictures[0], texts)]
    own = {name: [text for text in texts if _stem(text) == _stem(name)] for name in pictures}
    alone = [text for text in texts if not any(text in found for found in own.values())]
    return [*own.items(), *((None, [text]) for text in alone)]


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _captions(texts: Sequence[str], read: Callable[[str], bytes], notes: list[str]) -> list[Any]:
    """Every text as one caption; where there are none, the captions in the JSON."""
    plain = [name for name in texts if not name.lower().endswith(".json")]
    found: list[Any] = []
    for name in plain or texts:
        try:
            text = read(name).decode("utf-8-sig")
        except (UnicodeDecodeError, OSError) as error:
            raise InputError(f"{name}: not UTF-8 text ({error})") from None
        if plain and "\n" in text.strip():
            notes.append(SEVERAL_LINES)
        found += [" ".join(text.split())] if plain else _json_captions(name, text)
    return found


def _json_captions(name: str, text: str) -> list[Any]:
    entry = parsed_json(name, text)
    found: Any = next((entry[name] for name in CAPTION_NAMES if isinstance(entry, dict) and name in entry), [])
    return found if isinstance(found, list) else [found]
