"""Archives stay inside their folder, whatever their names say; interrupted and repeated calls lose nothing."""

import contextlib
import gzip
import os
import resource
import shutil
import struct
import tarfile
import zipfile
from functools import partial

import pytest
from archives import FILES, FORMS, PLACES, contents, tarred, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rrsitr_lib.cli.data import unpack as command
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


LEADING_OUT = ["../evil.txt", "set/../../evil.txt", "/tmp/evil.txt", "..\\evil.txt", "//evil.txt", "set/../evil.txt"]


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    ("form", "name"), [*((form, name) for form in FORMS for name in LEADING_OUT), (".tar", "湖\0evil.txt")]
)
def test_a_name_that_leaves_the_folder_stops_everything(tmp_path, form, name, alone):
    archive = FORMS[form](tmp_path / "a.bin", {name: b"evil"} if alone else {"set/good.txt": b"x", name: b"evil"})
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


# --- what is damaged, locked or too large, in every form ---

FORM = pytest.mark.parametrize("form", FORMS)
DAMAGED = "damaged or cut short; fetch it again"


def packed(folder, form, files=FILES):
    return FORMS[form](folder / f"a{form}", files)


def refused(archive, message, error=InputError):
    """One line, that names the archive; nothing half-written stays. Gives what was written."""
    with pytest.raises(error, match=message) as caught:
        unpack(archive, archive.parent / "out")
    assert archive.name in str(caught.value) and "\n" not in str(caught.value)
    assert not list(archive.parent.rglob("*.tmp"))
    return contents(archive.parent / "out")


@FORM
def test_an_archive_cut_anywhere_is_named_and_leaves_no_half_file(tmp_path, form):
    archive = packed(tmp_path, form, {f"set/{k}.bin": os.urandom(700) for k in range(4)})
    whole = archive.read_bytes()
    end = whole.rindex(b"PK\5\6") if form == ".zip" else len(whole.rstrip(b"\0")) if form == ".tar" else len(whole)
    for length in {0, 1, 9, 512, end // 3, end // 2, end - 1, *range(512, end, 512)}:
        archive.write_bytes(whole[:length])
        assert not refused(archive, "(damaged or cut short; fetch it again|allowed are zip and tar)")


@FORM
def test_bytes_that_are_wrong_are_named_and_not_written(tmp_path, form):
    archive = packed(tmp_path, form, {"set/1.txt": os.urandom(2000), "set/2.txt": os.urandom(2000)})
    content = bytearray(archive.read_bytes())
    where = 2560 + 124 if form == ".tar" else len(content) // 2  # a tar has a checksum of a file's header only
    content[where] ^= 1
    archive.write_bytes(content)
    assert refused(archive, DAMAGED).keys() <= {"1.txt"}


@FORM
@pytest.mark.parametrize(
    "content", [b"<html>sorry</html>", b"", b"PK\3\4", b"\x1f\x8b", b"BZh9", gzip.compress(b"a lake", mtime=0)]
)
def test_files_of_something_else_are_named(tmp_path, form, content):
    (tmp_path / f"a{form}").write_bytes(content)
    said = "allowed are zip and tar archives" if content.startswith(b"<") else DAMAGED
    assert not refused(tmp_path / f"a{form}", said)


@FORM
def test_of_a_name_that_is_there_twice_the_last_one_counts(tmp_path, form):
    archive = packed(tmp_path, form, [("set/a.jpg", b"old"), ("set/b.jpg", b"b"), ("set/a.jpg", b"newer")])
    for written, there in ((2, 0), (0, 2)):
        assert unpack(archive, tmp_path / "out") == (written, there, [], ["set/a.jpg"])
        assert contents(tmp_path / "out") == {"a.jpg": b"newer", "b.jpg": b"b"}


@FORM
def test_a_name_that_is_a_file_and_a_folder(tmp_path, form):
    archive = packed(tmp_path, form, {"set/a/b.jpg": b"1", "set/a": b"2", "other": b"3"})
    assert not refused(archive, "'set/a' is a file and a folder in it: nothing was unpacked")


@FORM
def test_names_that_are_too_long_for_the_disk(tmp_path, form):
    archive = packed(tmp_path, form, {"first.jpg": b"1", "x" * 300 + ".jpg": b"2"})
    with pytest.raises(RunError, match=r"^cannot write .*/xxx.*: File name too long \(a shorter name is needed\); "):
        unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == {"first.jpg": b"1"} and not list(tmp_path.rglob("*.tmp"))


@FORM
@pytest.mark.parametrize(
    ("lay", "cause"),
    [
        (lambda out: (out / "list.json").mkdir(parents=True), r"list\.json: Is a directory \(a folder stands"),
        (lambda out: (out.mkdir(), (out / "images").touch()), r"Not a directory \(a file stands where a folder"),
        (lambda out: out.touch(), r"Not a directory \(a file stands where a folder"),
    ],
    ids=["a folder", "a file", "a file for the whole folder"],
)
def test_what_is_in_the_way_stays_and_is_named(tmp_path, form, lay, cause):
    archive = packed(tmp_path, form)
    lay(tmp_path / "out")
    with pytest.raises(RunError, match=rf"^cannot write {tmp_path}/out.*{cause}.*nothing was unpacked"):
        unpack(archive, tmp_path / "out")
    assert not any(path.stat().st_size for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")] if path.is_file())


@FORM
def test_an_archive_larger_than_the_free_room_is_refused_before_the_first_file(tmp_path, form, monkeypatch):
    archive = packed(tmp_path, form, {"set/1.txt": b"one", "set/bomb.bin": bytes(3_000_000)})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 2_900_000))
    said = r"needs 3\.0 MB, and the disk of .*out has 2\.9 MB free; make room there: nothing was unpacked"
    assert not refused(archive, said, RunError)


def test_a_bomb_that_states_a_small_size_writes_no_more_than_it_states(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"bomb.bin": bytes(5_000_000)})
    archive.write_bytes(archive.read_bytes().replace(struct.pack("<I", 5_000_000), struct.pack("<I", 10)))
    assert not refused(archive, f"'bomb.bin': {DAMAGED}")


def test_a_zip_shorter_than_it_states(tmp_path):
    """Its checksum is right, its size is not."""
    archive = zipped(tmp_path / "a.zip", {"a.txt": b"one"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\1\2") + 24] = 9
    archive.write_bytes(content)
    assert not refused(archive, f"'a.txt': {DAMAGED}")


@pytest.mark.parametrize(
    ("place", "value", "message"), [(8, 1, "encrypted; unpack it by hand"), (10, 77, "packed in a w")]
)
def test_a_zip_that_python_cannot_read(tmp_path, place, value, message):
    archive = zipped(tmp_path / "a.zip", {"a.txt": b"one"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\1\2") + place] = value
    archive.write_bytes(content)
    assert not refused(archive, message)


@FORM
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4), cut=st.booleans()
)
def test_no_damage_does_more_than_one_line(tmp_path_factory, form, changes, cut):
    folder = tmp_path_factory.mktemp("damaged")
    archive = packed(folder, form, {"set/a/1.txt": b"one" * 200, "set/2.txt": b"two"})
    content = bytearray(archive.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    archive.write_bytes(content[: changes[0][0] % len(content)] if cut else content)
    with contextlib.suppress(InputError, RunError):
        unpack(archive, folder / "out")
    assert {path.name for path in folder.iterdir()} <= {archive.name, "out"} and not list(folder.rglob("*.tmp"))


# --- what is there already ---


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


def test_a_file_of_the_right_size_with_other_bytes_is_noticed(tmp_path):
    archive = zipped(tmp_path / "a.zip")
    unpack(archive, tmp_path / "out")
    damaged, packed_at = tmp_path / "out" / "images" / "lake 1.txt", archive.stat().st_mtime
    damaged.write_bytes(b"0ne")
    os.utime(damaged, (packed_at - 60,) * 2)
    assert unpack(archive, tmp_path / "out")[:3] == (1, 2, []) and contents(tmp_path / "out") == PLACES
    damaged.write_bytes(b"0ne")
    os.utime(damaged, (packed_at + 60,) * 2)
    assert unpack(archive, tmp_path / "out")[:3] == (0, 2, ["images/lake 1.txt"])


def test_missing_and_empty_ones_are_named(tmp_path):
    with pytest.raises(InputError, match="no such archive"):
        unpack(tmp_path / "b.zip", tmp_path / "out")
    with pytest.raises(InputError, match="no file in it"):
        unpack(zipped(tmp_path / "c.zip", {}), tmp_path / "out")


def test_a_disk_that_refuses_is_said_and_nothing_half_written_stays(tmp_path):
    archive, limits = zipped(tmp_path / "a.zip", {"1.txt": b"one", "2.bin": bytes(9000)}), resource.RLIMIT_FSIZE
    before = resource.getrlimit(limits)
    resource.setrlimit(limits, (4000, before[1]))
    try:
        with pytest.raises(RunError, match=r"^cannot write .*2\.bin: File too large"):
            unpack(archive, tmp_path / "out")
    finally:
        resource.setrlimit(limits, before)
    assert contents(tmp_path / "out") == {"1.txt": b"one"}
    assert unpack(archive, tmp_path / "out")[:2] == (1, 1)


def test_the_command_says_what_was_kept_and_what_is_there_twice(tmp_path, capsys):
    archive = zipped(tmp_path / "a.zip", [("a.jpg", b"old"), ("b.jpg", b"b"), ("a.jpg", b"new")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.jpg").write_text("my own")
    os.utime(tmp_path / "out" / "b.jpg", (archive.stat().st_mtime + 60,) * 2)
    command(archive, tmp_path / "out")
    said = capsys.readouterr().out
    assert "1 files written, 0 were there already" in said
    assert "names in it twice: 1, such as 'a.jpg'; the last one counts" in said
    assert "kept 1 files that differ and are newer than the archive, such as b.jpg" in said
