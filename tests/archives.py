"""Small archives, and what comes out of them."""

import io
import tarfile
import zipfile

FILES = {"set/images/lake 1.txt": b"one", "set/images/湖.txt": b"two", "set/list.json": b"{}"}
PLACES = {name.removeprefix("set/"): content for name, content in FILES.items()}


def zipped(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, files=FILES, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
