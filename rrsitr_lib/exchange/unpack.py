"""Archives unpacked inside their folder only: zip and tar, by Python.

``tarfile``'s own filter takes the slash from absolute names and lets links inside the folder pass; here both are
refused, and what is on the disk is looked at too, so nothing would be left for it to do.
"""

import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from rrsitr_lib.errors import InputError, RunError

DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


class Unpacked(NamedTuple):
    """How many files were written, were there already in the same size, or were newer than the archive and kept."""

    written: int
    there: int
    kept: list[str]


def unpack(archive: str | Path, folder: str | Path, progress: Callable[[int, int], object] | None = None) -> Unpacked:
    """Unpack into ``folder``; a single folder around everything (``RSICD_images/…``) is left out.

    Every name is checked before the first file is written. Files that are there in the same size are skipped, so an
    interrupted call goes on; files that are newer than the archive are kept. Links and devices are refused.
    ``progress(done, total)`` counts files. Raises ``InputError`` for a damaged archive, an unknown form or a name that
    leaves the folder, ``RunError`` when the disk is full.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with zipfile.ZipFile(folder / "a.zip", "w") as file:
    ...     file.writestr("set/images/1.txt", "one"), file.writestr("set/2.txt", "two")
    (None, None)
    >>> unpack(folder / "a.zip", folder / "out").written, (folder / "out" / "images" / "1.txt").read_text()
    (2, 'one')
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise InputError(f"{archive}: no such archive")
    is_zip = zipfile.is_zipfile(archive)
    if not is_zip and not tarfile.is_tarfile(archive):
        raise InputError(f"{archive}: allowed are zip and tar archives (.gz, .bz2 and .xz too)")
    try:
        with zipfile.ZipFile(archive) if is_zip else tarfile.open(archive) as opened:
            return _write(archive, _members(archive, opened), folder, progress)
    except DAMAGE as error:
        raise InputError(f"{archive}: damaged or cut short ({error}); fetch it again") from None
    except OSError as error:
        raise RunError(f"cannot unpack {archive}: {error.strerror or error}; the same command goes on") from error


class _Member(NamedTuple):
    """A file of an archive: its name there, its size in bytes, whether it is a link or device, how to read it."""

    name: str
    size: int
    special: bool
    open: Callable[[], Any]


def _members(archive: Path, opened: zipfile.ZipFile | tarfile.TarFile) -> list[_Member]:
    if isinstance(opened, zipfile.ZipFile):
        found = [
            _Member(info.filename, info.file_size, stat.S_ISLNK(info.external_attr >> 16), partial(opened.open, info))
            for info in opened.infolist() if not info.is_dir()
        ]  # fmt: skip
    else:
        found = [
            _Member(info.name, info.size, not info.isfile(), partial(opened.extractfile, info))
            for info in opened.getmembers() if not info.isdir()
        ]  # fmt: skip
    if name := next((member.name for member in found if member.special), None):
        raise InputError(f"{archive}: {name!r} is a link or device: allowed are plain files")
    if not (found := [member for member in found if not member.name.startswith("__MACOSX/")]):
        raise InputError(f"{archive}: no file in it")
    return found


def _targets(archive: Path, names: list[str], folder: Path) -> list[Path]:
    """Where every file goes, less the one folder around all; a name or a link on the disk may not lead elsewhere."""
    paths, root = [PurePosixPath(name.replace("\\", "/")) for name in names], folder.resolve()
    around = len({path.parts[:1] for path in paths}) == 1 and all(len(path.parts) > 1 for path in paths)
    targets = [root.joinpath(*path.parts[around:]) for path in paths]
    for name, target in zip(names, targets, strict=True):
        if "\0" in name or not target.resolve().is_relative_to(root):
            leaves = "would leave the folder, or a link there leads out"
            raise InputError(f"{archive}: {name!r} {leaves}: nothing was unpacked")
    return targets


def _write(
    archive: Path, members: list[_Member], folder: Path, progress: Callable[[int, int], object] | None
) -> Unpacked:
    targets = _targets(archive, [member.name for member in members], folder)
    packed_at, written, there, kept = archive.stat().st_mtime, 0, 0, []
    for done, (member, target) in enumerate(zip(members, targets, strict=True), 1):
        if target.is_file() and target.stat().st_size == member.size:
            there += 1
        elif target.exists() and target.stat().st_mtime > packed_at:
            kept.append(target.relative_to(folder.resolve()).as_posix())
        else:
            _write_one(member, target)
            written += 1
        if progress:
            progress(done, len(members))
    return Unpacked(written, there, kept)


def _write_one(member: _Member, target: Path) -> None:
    """Whole or not at all; not flushed to the disk one by one, which would take minutes for a benchmark's images."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with member.open() as source, open(temporary, "wb") as file:
            shutil.copyfileobj(source, file)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
