"""Files are whole or absent, whatever the disk does and whoever else may write in the folder; one line says why."""

import errno
import os
import stat
from pathlib import Path

import pytest
from safetensors import SafetensorError

from rrsitr_lib import files
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.files import gone_unless_finished, write_atomically, write_text
from rrsitr_lib.text_file import read_text


def refusing(error):
    """A write that fails after a few bytes, as a disk that fills up."""

    def write(temporary):
        temporary.write_bytes(b"half")
        raise error

    return write


@pytest.mark.parametrize(
    ("where", "cause"),
    [
        ("file/a.txt", r"File exists \(a file stands where a folder is needed\)"),
        ("file/deep/a.txt", r"Not a directory \(a file stands where a folder is needed\)"),
        ("folder", r"Is a directory \(a folder stands where the file should go\)"),
        ("x" * 300, r"File name too long \(a shorter name is needed\)"),
    ],
)
def test_what_is_in_the_way_is_named_with_its_mend(tmp_path, where, cause):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    path = tmp_path / where
    with pytest.raises(RunError, match=rf"^cannot write {path}: {cause}; what was there before is kept$"):
        write_text(path, "new")
    assert (tmp_path / "file").read_text() == "mine" and not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.ENOSPC, "No space left", "/x/.1234.tmp"), r"No space left on device \(make room there\)"),
        (OSError(errno.EROFS, "inner"), r"Read-only file system \(choose a folder that you may write to\)"),
        (PermissionError(errno.EACCES, "no", ".1.tmp"), r"Permission denied \(choose a folder that you may write to\)"),
        (OSError(errno.EFBIG, "large"), r"File too large \(.*ulimit -f\)"),
        (OSError(errno.EIO, "inner"), r"Input/output error"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), r"No space left on device \(make room"),
        (OSError("no number"), r"no number"),
    ],
)
def test_a_disk_that_refuses_leaves_the_old_file(tmp_path, error, cause):
    path = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RunError, match=rf"^cannot write {path}: {cause}.*; what was there before is kept$") as caught:
        write_atomically(path, refusing(error))
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]
    assert "error 28" not in str(caught.value) and ".tmp" not in str(caught.value)


def test_an_interruption_leaves_nothing_half_written(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a.txt", refusing(KeyboardInterrupt()))
    assert not os.listdir(tmp_path)


def test_a_temporary_name_cannot_be_foretold(tmp_path):
    seen = []
    for _ in range(2):
        write_atomically(tmp_path / "a.txt", lambda temporary: seen.append(temporary.name))
    assert len(set(seen)) == 2 and all(Path(name).match(".*.tmp") and str(os.getpid()) not in name for name in seen)


def test_no_link_is_followed(tmp_path, monkeypatch):
    victim = write_text(tmp_path / "victim", "precious")
    monkeypatch.setattr(files.secrets, "token_hex", lambda count: "guessed")
    (tmp_path / ".guessed.tmp").symlink_to(victim)
    with pytest.raises(RunError, match=r"cannot write .*a\.txt: File exists"):
        write_text(tmp_path / "a.txt", "new")
    assert victim.read_text() == "precious" and (tmp_path / ".guessed.tmp").is_symlink()
    monkeypatch.undo()
    (tmp_path / "a.txt").symlink_to(victim)
    write_text(tmp_path / "a.txt", "new")
    assert victim.read_text() == "precious" and not (tmp_path / "a.txt").is_symlink()


def test_the_mode_is_that_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        assert stat.S_IMODE(write_text(tmp_path / "a.txt", "x").stat().st_mode) == 0o640
    finally:
        os.umask(before)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    path = write_text(tmp_path / "a.txt", "x")
    monkeypatch.setattr(Path, "read_bytes", refusing_read)
    with pytest.raises(InputError, match=r"a\.txt: cannot be read \(Permission denied\)$"):
        read_text(path)


def refusing_read(path):
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


@pytest.mark.parametrize("before", [[], ["out"], ["out/pictures"], ["out/other"]])
def test_a_folder_that_is_not_finished_is_gone_unless_it_was_there(tmp_path, before):
    for name in before:
        (tmp_path / name).mkdir(parents=True)
    folder = tmp_path / "out" / "pictures"
    with pytest.raises(KeyboardInterrupt), gone_unless_finished(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.png").write_bytes(b"a")
        raise KeyboardInterrupt
    assert folder.exists() == ("out/pictures" in before) and folder.parent.exists() == bool(before)
    with gone_unless_finished(folder):
        folder.mkdir(parents=True, exist_ok=True)
    assert folder.exists()
