"""Small archives, and what comes out of them."""

import io
import tarfile
import warnings
import zipfile
from functools import partial

FILES = {"set/images/lake 1.txt": b"one", "set/images/湖.txt": b"two", "set/list.json": b"{}"}
PLACES = {name.removeprefix("set/"): content for name, content in FILES.items()}


def pairs_of(files):
    """(name, content) of a mapping, or of a list, where a name may come twice."""
    return files.items() if isinstance(files, dict) else files


def zipped(path, files=FILES):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore", UserWarning)  # a name that comes twice
        for name, content in pairs_of(files):
            archive.writestr(name, content)
    return path


def tarred(path, files=FILES, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in pairs_of(files):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


FORMS = {
    ".zip": zipped,
    **{f".tar{packed}": partial(tarred, mode=f"w:{packed[1:]}") for packed in ("", ".gz", ".bz2", ".xz")},
}


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
