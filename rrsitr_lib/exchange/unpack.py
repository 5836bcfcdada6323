"""Archives unpacked inside their folder only: zip and tar, by Python.

``tarfile``'s own filter takes the slash from absolute names and lets links inside the folder pass; here both are
refused, and what is on the disk is looked at too, so nothing would be left for it to do.
"""

import errno
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.files import cause, write_atomically

BEGINNINGS = (b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")  # of zip, gz, bz2 and xz
CHUNK, MB = 1 << 20, 1e6


class Unpacked(NamedTuple):
    """How many files were written or there already, and which are newer and kept, or in the archive twice."""

    written: int
    there: int
    kept: list[str]
    twice: list[str]


def unpack(archive: str | Path, folder: str | Path, progress: Callable[[int, int], object] | None = None) -> Unpacked:
    """Unpack into ``folder``; a single folder around everything (``RSICD_images/…``) is left out.

    Every name, and the room on the disk, is checked before the first file is written. Files that are there with the
    same bytes are skipped, so an interrupted call goes on; other files that are newer than the archive are kept. Of a
    name that is there twice the last one counts, as for tar and unzip. Links and devices are refused.
    ``progress(done, total)`` counts files. Raises ``InputError`` for a damaged, encrypted or cut archive, an unknown
    form or a name that leaves the folder, ``RunError`` when the disk has no room or something is in the way.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with zipfile.ZipFile(folder / "a.zip", "w") as file:
    ...     file.writestr("set/images/1.txt", "one"), file.writestr("set/2.txt", "two")
    (None, None)
    >>> unpack(folder / "a.zip", folder / "out").written, (folder / "out" / "images" / "1.txt").read_text()
    (2, 'one')
    """
    archive, root = Path(archive), Path(folder).resolve()
    if not archive.is_file():
        raise InputError(f"{archive}: no such archive")
    with _open(archive) as opened:
        places, twice = _places(archive, _members(archive, opened), root)
        lying = {target: _lying(target) for target in places}
        _check_room(archive, root, sum(one.size for target, one in places.items() if lying[target] != one.size))
        packed_at, written, there, kept = archive.stat().st_mtime, 0, 0, []
        for done, (target, member) in enumerate(places.items(), 1):
            if lying[target] == member.size and _same(archive, member, target):
                there += 1
            elif lying[target] is not None and target.lstat().st_mtime > packed_at:
                kept.append(target.relative_to(root).as_posix())
            else:
                # not flushed one by one, which would take minutes for a benchmark's images
                write_atomically(target, partial(_fill, archive, member), flush=False)
                written += 1
            if progress:
                progress(done, len(places))
    return Unpacked(written, there, kept, twice)


@contextmanager
def _damage(where: object) -> Iterator[None]:
    """Python's readers meet damage with a dozen kinds of errors: each becomes one line."""
    try:
        yield
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"{where}: cannot be read ({cause(error)})") from None
    except NotImplementedError:
        raise InputError(f"{where}: packed in a way that Python cannot read; unpack it by hand") from None
    except Exception:
        raise InputError(f"{where}: damaged or cut short; fetch it again") from None


def _open(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    with _damage(archive):
        with archive.open("rb") as file:
            beginning = file.read(8)
        if tarfile.is_tarfile(archive):  # before zip: a tar may end with a zip
            return tarfile.open(archive)
        if zipfile.is_zipfile(archive):
            return zipfile.ZipFile(archive)
        if not beginning or beginning.startswith(BEGINNINGS):
            raise EOFError
    raise InputError(f"{archive}: allowed are zip and tar archives (.gz, .bz2 and .xz too)")


class _Member(NamedTuple):
    """A file of an archive: its name there, its size in bytes, whether it is a link or device, how to read it."""

    name: str
    size: int
    special: bool
    open: Callable[[], Any]


def _members(archive: Path, opened: zipfile.ZipFile | tarfile.TarFile) -> list[_Member]:
    with _damage(archive):
        found = _in_zip(archive, opened) if isinstance(opened, zipfile.ZipFile) else _in_tar(opened)
    if name := next((member.name for member in found if member.special), None):
        raise InputError(f"{archive}: {name!r} is a link or device: allowed are plain files")
    if not (found := [member for member in found if not member.name.startswith("__MACOSX/")]):
        raise InputError(f"{archive}: no file in it")
    return found


def _in_zip(archive: Path, opened: zipfile.ZipFile) -> list[_Member]:
    infos = [info for info in opened.infolist() if not info.is_dir()]
    if any(info.flag_bits & 1 for info in infos):
        raise InputError(f"{archive}: encrypted; unpack it by hand, with its password")
    return [
        _Member(info.filename, info.file_size, stat.S_ISLNK(info.external_attr >> 16), partial(opened.open, info))
        for info in infos
    ]


def _in_tar(opened: tarfile.TarFile) -> list[_Member]:
    """The files, once the end was seen: ``tarfile`` takes a header that is damaged or cut off for the end."""
    infos, file = opened.getmembers(), cast(Any, opened.fileobj)
    file.seek(opened.offset)
    if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise EOFError
    while file.read(CHUNK):  # to the end, where the checksum of what is packed stands
        pass
    return [
        _Member(info.name, info.size, not info.isfile(), partial(opened.extractfile, info))
        for info in infos if not info.isdir()
    ]  # fmt: skip


def _places(archive: Path, members: list[_Member], root: Path) -> tuple[dict[Path, _Member], list[str]]:
    """Where every file goes, less the one folder around all, and the names that are there twice.

    A name or a link on the disk may not lead elsewhere.
    """
    paths = [PurePosixPath(member.name.replace("\\", "/")) for member in members]
    around = len({path.parts[:1] for path in paths}) == 1 and all(len(path.parts) > 1 for path in paths)
    places: dict[Path, _Member] = {}
    twice = []
    for member, path in zip(members, paths, strict=True):
        target = root.joinpath(*path.parts[around:])
        outside = path.is_absolute() or ".." in path.parts or "\0" in member.name or target == root
        if outside or not target.resolve().is_relative_to(root):
            leaves = "would leave the folder, or a link there leads out"
            raise InputError(f"{archive}: {member.name!r} {leaves}: nothing was unpacked")
        if target in places:
            twice.append(member.name)
        places[target] = member
    if both := sorted({parent for target in places for parent in target.parents} & places.keys()):
        raise InputError(f"{archive}: {places[both[0]].name!r} is a file and a folder in it: nothing was unpacked")
    return places, twice


def _lying(target: Path) -> int | None:
    """Bytes of the file that lies at a place, None where nothing does."""
    try:
        found = target.lstat()
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "")
        return found.st_size
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(f"cannot write {target}: {cause(error)}; nothing was unpacked") from None


def _check_room(archive: Path, root: Path, needed: int) -> None:
    free = shutil.disk_usage(next(path for path in (root, *root.parents) if path.exists())).free
    if needed > free:
        room = f"needs {needed / MB:.1f} MB, and the disk of {root} has {free / MB:.1f} MB free"
        raise RunError(f"{archive}: {room}; make room there: nothing was unpacked")


def _chunks(archive: Path, member: _Member) -> Iterator[bytes]:
    """A file's bytes, never more than its name's entry says. Raises ``InputError`` where they are damaged."""
    size = 0
    with _damage(f"{archive}: {member.name!r}"):
        with member.open() as source:
            while size <= member.size and (chunk := source.read(CHUNK)):
                size += len(chunk)
                yield chunk
        if size != member.size:
            raise EOFError


def _same(archive: Path, member: _Member, target: Path) -> bool:
    with target.open("rb") as file:
        return all(file.read(len(chunk)) == chunk for chunk in _chunks(archive, member))


def _fill(archive: Path, member: _Member, temporary: Path) -> None:
    with temporary.open("wb") as file:
        file.writelines(_chunks(archive, member))
