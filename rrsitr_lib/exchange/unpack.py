"""Archives unpacked inside their folder only: zip and tar by Python, rar by a tool of the system."""

import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from rrsitr_lib.errors import InputError, RunError

RAR_TOOLS = {
    "bsdtar": ["-xf", "{archive}", "-C", "{folder}"],
    "unar": ["-quiet", "-no-directory", "-output-directory", "{folder}", "{archive}"],
    "unrar": ["x", "-idq", "-o+", "{archive}", "{folder}/"],
    "7z": ["x", "-y", "-bso0", "-o{folder}", "{archive}"],
}
CHUNK = 2**20


class Member(NamedTuple):
    """A file of an archive: its name there, its size in bytes, and how to read it."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


class Unpacked(NamedTuple):
    """How many files were written, were there already in the same size, or were newer than the archive and kept."""

    written: int
    there: int
    kept: list[str]


def unpack(archive: str | Path, folder: str | Path, progress: Callable[[int, int], object] | None = None) -> Unpacked:
    """Unpack into ``folder``; a single folder around everything (``RSICD_images/…``) is left out.

    Every name is checked before the first file is written. Files that are there in the same size are skipped, so an
    interrupted call goes on; files that are newer than the archive are kept. Links and devices are refused.
    ``progress(done, total)`` counts files. Raises ``InputError`` for a damaged archive, an unknown form, a name that
    leaves the folder or a missing tool, ``RunError`` when the disk is full.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with zipfile.ZipFile(folder / "a.zip", "w") as file:
    ...     file.writestr("set/images/1.txt", "one"), file.writestr("set/2.txt", "two")
    (None, None)
    >>> unpack(folder / "a.zip", folder / "out").written, (folder / "out" / "images" / "1.txt").read_text()
    (2, 'one')

    Taught in: notebooks/07_real_pairs
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise InputError(f"{archive}: no such archive")
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                return _write(archive, list(_of_zip(archive, opened)), folder, progress)
        if tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                return _write(archive, list(_of_tar(archive, opened)), folder, progress)
        with open(archive, "rb") as file:
            is_rar = file.read(4) == b"Rar!"
        if is_rar:
            return _by_tool(archive, folder, progress)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(f"{archive}: damaged or cut short ({error}); fetch it again") from None
    except OSError as error:
        raise RunError(f"cannot unpack {archive}: {error.strerror or error}; the same command goes on") from error
    raise InputError(f"{archive}: allowed are zip, tar (also .gz, .bz2, .xz) and rar archives")


def _of_zip(archive: Path, opened: zipfile.ZipFile) -> Iterator[Member]:
    for info in opened.infolist():
        if info.is_dir():
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InputError(f"{archive}: {info.filename!r} is a link: allowed are plain files")
        yield Member(info.filename, info.file_size, lambda info=info: opened.open(info))


def _of_tar(archive: Path, opened: tarfile.TarFile) -> Iterator[Member]:
    for info in opened.getmembers():
        if info.isdir():
            continue
        if not info.isfile():
            raise InputError(f"{archive}: {info.name!r} is a link or device: allowed are plain files")
        yield Member(info.name, info.size, lambda info=info: opened.extractfile(info))


def _by_tool(archive: Path, folder: Path, progress: Callable[[int, int], object] | None) -> Unpacked:
    tool = next((tool for tool in RAR_TOOLS if shutil.which(tool)), None)
    if tool is None:
        raise InputError(f"{archive}: a rar archive needs one of {', '.join(RAR_TOOLS)}; none is installed")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking.") as inside:
        command = [tool, *(part.format(archive=archive, folder=inside) for part in RAR_TOOLS[tool])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"{archive}: {tool} gave up: {' '.join((done.stderr or done.stdout).split())[:200]}")
        root = Path(inside)
        files = [path for path in sorted(root.rglob("*")) if not path.is_dir() or path.is_symlink()]
        if link := next((path for path in files if path.is_symlink()), None):
            raise InputError(f"{archive}: {link.name!r} is a link: allowed are plain files")
        members = [
            Member(path.relative_to(root).as_posix(), path.stat().st_size, lambda path=path: open(path, "rb"))
            for path in files
        ]
        return _write(archive, members, folder, progress)


def _write(
    archive: Path, members: list[Member], folder: Path, progress: Callable[[int, int], object] | None
) -> Unpacked:
    members = [member for member in members if not member.name.startswith("__MACOSX/")]
    if not members:
        raise InputError(f"{archive}: no file in it")
    places = _places(archive, [member.name for member in members])
    packed_at, written, there, kept = archive.stat().st_mtime, 0, 0, []
    for done, (member, place) in enumerate(zip(members, places, strict=True), 1):
        target = folder / place
        _refuse_links(archive, folder, place)
        if target.is_file() and target.stat().st_size == member.size:
            there += 1
        elif target.exists() and target.stat().st_mtime > packed_at:
            kept.append(place.as_posix())
        else:
            _write_one(member, target)
            written += 1
        if progress:
            progress(done, len(members))
    return Unpacked(written, there, kept)


def _places(archive: Path, names: list[str]) -> list[PurePosixPath]:
    """Where every file goes below the folder, less the one folder around all of them."""
    paths = [PurePosixPath(name.replace("\\", "/")) for name in names]
    for name, path in zip(names, paths, strict=True):
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in name:
            raise InputError(f"{archive}: {name!r} would leave the folder: nothing was unpacked")
    around = {path.parts[0] for path in paths}
    if len(around) == 1 and all(len(path.parts) > 1 for path in paths):
        return [PurePosixPath(*path.parts[1:]) for path in paths]
    return paths


def _refuse_links(archive: Path, folder: Path, place: PurePosixPath) -> None:
    """A link below the folder may lead out of it."""
    for part in [place, *place.parents][:-1]:
        if (folder / part).is_symlink():
            raise InputError(f"{folder / part}: a link stands where {archive.name} wants to write: remove it first")


def _write_one(member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with member.open() as source, open(temporary, "wb") as file:
            shutil.copyfileobj(source, file, CHUNK)
        if temporary.stat().st_size != member.size:
            raise EOFError(f"{member.name} ends early")
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
