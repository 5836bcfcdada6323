"""Archives stay inside their folder, whatever their names say; interrupted and repeated calls lose nothing."""

import os
import tarfile
import zipfile
from functools import partial

import pytest
from archives import PLACES, contents, tarred, zipped

from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.exchange import unpack as module
from rrsitr_lib.exchange.unpack import unpack


@pytest.mark.parametrize("make", [zipped, tarred, partial(tarred, mode="w"), partial(tarred, mode="w:xz")])
def test_form_is_told_by_content_and_the_folder_around_is_left_out(tmp_path, make):
    seen = []
    done = unpack(make(tmp_path / "images.bin"), tmp_path / "out", lambda *counts: seen.append(counts))
    assert contents(tmp_path / "out") == PLACES and done.written == 3 and done.there == 0 and not done.kept
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_without_a_folder_around_names_stay(tmp_path):
    unpack(zipped(tmp_path / "a.zip", {"a/1.txt": b"1", "b/1.txt": b"2"}), tmp_path / "out")
    assert contents(tmp_path / "out") == {"a/1.txt": b"1", "b/1.txt": b"2"}


LEADING_OUT = ["../evil.txt", "set/../../evil.txt", "/tmp/evil.txt", "..\\evil.txt"]


@pytest.mark.parametrize(
    ("make", "name"), [*((make, name) for make in (zipped, tarred) for name in LEADING_OUT), (tarred, "湖\0evil.txt")]
)
def test_a_name_that_leaves_the_folder_stops_everything(tmp_path, make, name):
    archive = make(tmp_path / "a.bin", {"set/good.txt": b"x", name: b"evil"})
    with pytest.raises(InputError, match=r"evil\.txt' would leave the folder, .*: nothing was unpacked"):
        unpack(archive, tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("*evil.txt")) and not list(tmp_path.rglob("good.txt"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, "link in a zip"])
def test_links_and_pipes_are_refused(tmp_path, kind):
    if kind == "link in a zip":
        info = zipfile.ZipInfo("set/link")
        info.external_attr = 0o120777 << 16
        with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
            archive.writestr(info, "/etc/passwd")
    else:
        info = tarfile.TarInfo("set/link")
        info.type, info.linkname = kind, "/etc/passwd"
        with tarfile.open(tmp_path / "archive", "w") as archive:
            archive.addfile(info)
    with pytest.raises(InputError, match="link or device: allowed are plain files"):
        unpack(tmp_path / "archive", tmp_path / "out")


def test_a_link_on_the_disk_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "images").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"'set/images/lake 1.txt' .* a link there leads out"):
        unpack(zipped(tmp_path / "a.zip"), tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(("make", "said"), [(zipped, "allowed are zip"), (tarred, "damaged or cut short")])
def test_a_truncated_archive_is_named_and_leaves_no_half_file(tmp_path, make, said):
    archive = make(tmp_path / "a.bin", {f"set/{k}.bin": os.urandom(40_000) for k in range(3)})
    archive.write_bytes(archive.read_bytes()[:70_000])
    with pytest.raises(InputError, match=rf"a\.bin: {said}"):
        unpack(archive, tmp_path / "out")
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_damaged_file_in_a_zip_is_named_and_not_written(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"1.txt": os.urandom(500)})
    content = bytearray(archive.read_bytes())
    content[100] ^= 1
    archive.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.zip: damaged or cut short \(Bad CRC-32 for file '1\.txt'\)"):
        unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == {}


def test_an_interrupted_call_goes_on(tmp_path):
    archive = zipped(tmp_path / "a.zip")

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "out", stop)
    done = unpack(archive, tmp_path / "out")
    assert (done.written, done.there) == (1, 2) and contents(tmp_path / "out") == PLACES


def test_newer_files_are_kept_and_older_ones_replaced(tmp_path):
    archive = zipped(tmp_path / "a.zip")
    (tmp_path / "out" / "images").mkdir(parents=True)
    newer, older = tmp_path / "out" / "list.json", tmp_path / "out" / "images" / "lake 1.txt"
    newer.write_text("my own work"), older.write_text("a file cut short")
    packed = archive.stat().st_mtime
    os.utime(newer, (packed + 60,) * 2), os.utime(older, (packed - 60,) * 2)
    done = unpack(archive, tmp_path / "out")
    assert done.kept == ["list.json"] and newer.read_text() == "my own work" and older.read_bytes() == b"one"


def test_other_files_and_missing_ones_are_named(tmp_path):
    (tmp_path / "a.zip").write_text("<html>sorry</html>")
    with pytest.raises(InputError, match=r"a\.zip: allowed are zip and tar archives"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(InputError, match="no such archive"):
        unpack(tmp_path / "b.zip", tmp_path / "out")
    with pytest.raises(InputError, match="no file in it"):
        unpack(zipped(tmp_path / "c.zip", {}), tmp_path / "out")


def test_a_full_disk_is_said_and_nothing_half_written_stays(tmp_path, monkeypatch):
    def full(source, file):
        file.write(b"o")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.shutil, "copyfileobj", full)
    with pytest.raises(RunError, match="No space left on device; the same command goes on"):
        unpack(zipped(tmp_path / "a.zip"), tmp_path / "out")
    assert contents(tmp_path / "out") == {}
