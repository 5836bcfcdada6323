"""``data_download.sh`` against a server of ours that cuts, lies, redirects and refuses."""

import contextlib
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from archives import PLACES, contents, tarred, zipped

SCRIPT = Path(__file__).parents[2] / "data_download.sh"
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")


class Server(http.server.ThreadingHTTPServer):
    """Files by path; ``cut``: end the connection after so many bytes, once; ``log``: (path, first byte asked for)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.log, self.ranges = {}, {}, [], True

    def address(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        server, path = self.server, self.path.lstrip("/")
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        server.log.append((path, start))
        if path.startswith("moved/"):
            self.send_response(302)
            self.send_header("Location", "/" + path.removeprefix("moved/"))
            return self.end_headers()
        if path not in server.files:
            return self.send_error(404)
        content = server.files[path]
        if asked and server.ranges:
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            content = content[start:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content[: server.cut.pop(path, len(content))])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    running = Server()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def download(tmp_path, server):
    """Run the script with a table of sources, lines (set, file, bytes, checksum, into, path); gives (code, output)."""
    command = tmp_path / "rrsitr"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from rrsitr_lib.cli import main; main()" "$@"\n')
    command.chmod(0o755)

    def run(*lines, options=(), before="", path=None):
        table = tmp_path / "sources.txt"
        rows = [f"{s}|{f}|{b}|{c}|{i}|{server.address(p)}" for s, f, b, c, i, p in lines]
        table.write_text("# ours\n" + "\n".join(rows) + "\n")
        shell = f'{before} exec sh "{SCRIPT}" "$@"'
        arguments = ["--dir", tmp_path / "data", "--sources", table, *options]
        environment = {**os.environ, "RRSITR": str(command), "no_proxy": "*", "PATH": path or os.environ["PATH"]}
        done = subprocess.run(
            ["sh", "-c", shell, "sh", *arguments], capture_output=True, text=True, env=environment, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def packed(tmp_path):
    return zipped(tmp_path / "made.zip", {f"set/{k}.bin": os.urandom(30_000) for k in range(4)}).read_bytes()


def sha256(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def line(size="-", checksum="-", path="a.zip"):
    """One source of the archive ``a.zip`` of the set ``mine``."""
    return "mine", "a.zip", size, checksum, "mine", path


def test_fetches_checks_unpacks_and_does_nothing_twice(tmp_path, server, download):
    server.files = {"a.zip": zipped(tmp_path / "a.zip").read_bytes(), "b.json": b'{"images": []}'}
    size = len(server.files["a.zip"])
    lines = [
        ("mine", "a.zip", size, sha256(server.files["a.zip"]), "mine/images", "a.zip"),
        ("mine", "b.json", "-", "-", "-", "b.json"),
    ]
    code, said = download(*lines)
    assert code == 0, said
    assert contents(tmp_path / "data" / "mine" / "images") == PLACES
    assert (tmp_path / "data" / "mine" / "b.json").read_bytes() == b'{"images": []}'
    assert "a.zip: sha256 as published" in said and "this copy has sha256 " in said
    assert hashlib.sha256(server.files["b.json"]).hexdigest() in said and "own research, never pass them on" in said
    server.log.clear()
    assert download(*lines)[0] == 0 and not server.log


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_goes_on_where_it_ended_or_anew_where_the_server_cannot(
    server, download, packed, tmp_path, ranges
):
    server.files, server.cut, server.ranges = {"a.zip": packed}, {"a.zip": 50_000}, ranges
    code, said = download(line(len(packed), sha256(packed)))
    assert code == 0, said
    assert server.log[0] == ("a.zip", 0) and ("a.zip", 50_000) in server.log
    assert len(contents(tmp_path / "data" / "mine")) == 4


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<!DOCTYPE html>\n<html>quota exceeded</html>", "a web page, not a.zip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "a pointer of git LFS, not a.zip"),
        (b"PK\x03\x04 but other bytes", "another sha256 than"),
        (b"", "empty"),
    ],
)
def test_a_mirror_that_lies_is_named_and_the_next_one_is_tried(server, download, packed, tmp_path, content, problem):
    server.files = {"bad.zip": content, "good.zip": packed}
    code, said = download(*(line("-", sha256(packed), path) for path in server.files))
    assert code == 0 and f"a.zip: {problem}" in said
    assert len(contents(tmp_path / "data" / "mine")) == 4


def test_wrong_size_everywhere_is_an_error_and_leaves_nothing(server, download, packed, tmp_path):
    server.files = {"a.zip": packed}
    code, said = download(line(len(packed) + 1))
    assert code == 1 and f"{len(packed)} bytes, expected {len(packed) + 1}" in said
    assert "none of 1 mirrors gave it" in said and "not complete: mine/a.zip" in said
    assert not (tmp_path / "data" / "mine").exists() and not list((tmp_path / "data").rglob("a.zip*"))


def test_redirects_are_followed_and_a_missing_mirror_is_passed_over(server, download, packed, tmp_path):
    server.files = {"a.zip": packed}
    code, said = download(*(line("-", sha256(packed), path) for path in ("gone.zip", "moved/a.zip")))
    assert code == 0 and "this mirror failed" in said
    assert len(contents(tmp_path / "data" / "mine")) == 4


@pytest.mark.parametrize("make", [zipped, tarred])
def test_an_archive_that_would_leave_the_folder(server, download, tmp_path, make):
    server.files = {"a.zip": make(tmp_path / "a.bin", {"../../evil.txt": b"x", "good.txt": b"y"}).read_bytes()}
    code, said = download(line())
    assert code == 1 and "would leave the folder" in said and "nothing was unpacked" in said
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_truncated_archive(server, download, packed):
    server.files = {"a.zip": packed[:-200]}
    code, said = download(line())
    assert code == 1 and "a.zip: damaged or cut short; fetch it again" in said


def test_too_little_room_is_said_before_anything_is_fetched(server, download, packed, tmp_path):
    stub = tmp_path / "bin" / "df"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\necho "Filesystem 1024-blocks Used Available"\necho "disk 100 90 10 90% /"\n')
    stub.chmod(0o755)
    server.files = {"a.zip": packed}
    code, said = download(line(len(packed), sha256(packed)), path=f"{stub.parent}:{os.environ['PATH']}")
    assert code == 1 and f"needs {len(packed)} bytes twice" in said and "10 KiB free" in said and not server.log


def test_a_disk_that_fills_up(server, download, packed, tmp_path):
    server.files = {"a.zip": packed}
    code, said = download(line(), before="ulimit -f 40;")
    assert code == 1 and "a.zip" in said and not (tmp_path / "data" / "mine").exists()
    assert download(line())[0] == 0


def test_list_and_dry_run_fetch_nothing(server, download):
    code, said = download(line(5, "md5:abc"), options=["--list"])
    assert code == 0 and "mine  a.zip  bytes 5  checksum md5:abc  http" in said
    code, said = download(line(5, "md5:abc"), options=["--dry-run"])
    assert code == 0 and "would fetch a.zip (5 bytes) from http" in said and not server.log


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "ucm"], "--only ucm: known are mine"),
        (["--only", "."], "--only .: known are mine"),
        (["--only", "min."], "--only min.: known are mine"),
        (["--only", "*"], "--only '*' is no name of a set"),
        (["--only", "mine mine"], "--only 'mine mine' is no name of a set"),
        (["--only", ""], "--only is empty"),
        (["--dir", ""], "--dir is empty"),
        (["--sources", ""], "--sources is empty"),
        (["--sources", "."], "--sources .: no such file"),
        (["--all"], "unknown option --all"),
        (["--only"], "needs a value"),
    ],
)
def test_wrong_usage(download, options, message):
    code, said = download(line(), options=options)
    assert code == 2 and message in said


BAD_LINES = [
    ("../up", "a.zip", "-", "-", "mine", "http://x/a"),
    ("/tmp", "a.zip", "-", "-", "mine", "http://x/a"),
    ("", "a.zip", "-", "-", "mine", "http://x/a"),
    ("-rf", "a.zip", "-", "-", "mine", "http://x/a"),
    ("archives", "a.zip", "-", "-", "mine", "http://x/a"),
    ("mine", "../a.zip", "-", "-", "mine", "http://x/a"),
    ("mine", "", "-", "-", "mine", "http://x/a"),
    ("mine", "-o", "-", "-", "mine", "http://x/a"),
    ("mine", "a b", "-", "-", "mine", "http://x/a"),
    ("mine", "a.zip", "many", "-", "mine", "http://x/a"),
    ("mine", "a.zip", "-", "sha1:12", "mine", "http://x/a"),
    ("mine", "a.zip", "-", "-", "mine/../..", "http://x/a"),
    ("mine", "a.zip", "-", "-", "/tmp/x", "http://x/a"),
    ("mine", "a.zip", "-", "-", "", "http://x/a"),
    ("mine", "a.zip", "-", "-", "mine/-x", "http://x/a"),
    ("mine", "a.zip", "-", "-", "archives/mine", "http://x/a"),
    ("mine", "a.zip", "-", "-", "mine", "file:///etc/passwd"),
    ("mine", "a.zip", "-", "-", "mine", "-o/tmp/x"),
    ("mine", "a.zip", "-", "-", "mine", "http://x/a\r"),
    ("mine", "a.zip", "-", "-", "mine", "http://x/a", "more"),
    ("mine", "a.zip"),
]


@pytest.mark.parametrize("fields", BAD_LINES, ids=lambda fields: "|".join(fields).strip())
def test_a_table_of_sources_stays_inside_and_on_the_web(tmp_path, fields):
    table, good = tmp_path / "table.txt", "good|b.json|-|-|-|http://127.0.0.1:9/b"
    table.write_bytes(f"{good}\n{'|'.join(fields)}\n".encode())
    command = ["sh", SCRIPT, "--dir", tmp_path / "data", "--sources", table]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == "" and "plain names inside DIR and an http or https" in done.stderr
    assert "|".join(fields).strip() in done.stderr and not (tmp_path / "data").exists()


def test_a_table_without_a_source_is_not_all_there(download):
    code, said = download()
    assert code == 2 and "no source in it" in said and "all there" not in said


def test_the_built_in_table_names_every_benchmark(tmp_path):
    done = subprocess.run(["sh", SCRIPT, "--list"], capture_output=True, text=True, check=True)
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    assert {line[0] for line in lines} == {"rsitmd", "rsicd", "nwpu", "clip", "remoteclip", "georsclip"}
    assert all(line[-1].startswith("https://") for line in lines)
    assert sum(line[1] == "NWPU_images.tar.gz" for line in lines) >= 3


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed here")
def test_shellcheck_is_content():
    done = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_a_killed_download_left_is_used_by_the_next(server, download, packed, tmp_path):
    server.files = {"a.zip": packed}
    archives = tmp_path / "data" / "archives" / "mine"
    (archives / "lock").mkdir(parents=True)
    (archives / "lock" / "pid").write_text("999999999")
    (archives / "a.zip.part").write_bytes(packed[:70_000])
    (archives / "a.zip.part.from").write_text(server.address("a.zip") + "\n")
    code, said = download(line(len(packed), sha256(packed)))
    assert code == 0 and server.log == [("a.zip", 70_000)], said


def test_two_at_once_do_not_mix(server, download, packed, tmp_path):
    server.files = {"a.zip": packed}
    lock = tmp_path / "data" / "archives" / "mine" / "lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(str(os.getpid()))
    code, said = download(line())
    assert code == 1 and "mine: another download of it is running" in said and not server.log


# --- done means done ---

PLAIN = ("mine", "b.json", "-", "-", "-", "b.json")


@pytest.fixture
def disk(tmp_path):
    """A disk of so many KiB; gives how to make it."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def make(kib):
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", folder]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("a small disk is for root to mount")
        return folder

    yield make
    subprocess.run(["umount", folder], capture_output=True, check=False)


@pytest.mark.parametrize(("kib", "whole"), [(64, True), (24, False)])
def test_a_full_disk_leaves_no_file_under_its_name(server, download, disk, kib, whole):
    folder, server.files = disk(kib), {"b.json": os.urandom(30_000)}
    code, said = download(PLAIN, options=["--dir", folder / "data"])
    assert (code == 0) == whole == ("all there" in said) == (folder / "data" / "mine" / "b.json").exists()
    assert whole or ("full or read-only" in said and "not complete: mine/b.json" in said)


def test_a_copy_that_fails_is_not_all_there(server, download, tmp_path):
    stub = tmp_path / "bin" / "cp"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\nfor last in "$@"; do :; done\nhead -c 9 "$1" >"$last"\nexit 1\n')
    stub.chmod(0o755)
    server.files = {"b.json": os.urandom(30_000)}
    code, said = download(PLAIN, path=f"{stub.parent}:{os.environ['PATH']}")
    there = tmp_path / "data" / "mine" / "b.json"
    assert (code == 0) == ("all there" in said) == (there.exists() and there.read_bytes() == server.files["b.json"])


@pytest.mark.parametrize(
    ("size", "checksum", "problem"), [(5, "-", "3 bytes, expected 5"), ("-", sha256(b"right"), "another sha256 than")]
)
def test_a_file_that_lies_there_and_is_wrong_is_named_and_kept(server, download, tmp_path, size, checksum, problem):
    server.files, there = {"b.json": b"right"}, tmp_path / "data" / "mine" / "b.json"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"own")
    code, said = download(("mine", "b.json", size, checksum, "-", "b.json"))
    assert code == 1 and f"mine/b.json: {problem}" in said and "move it away" in said and there.read_bytes() == b"own"
    there.rename(tmp_path / "away")
    assert download(("mine", "b.json", size, checksum, "-", "b.json"))[0] == 0 and there.read_bytes() == b"right"


def test_a_file_that_lies_there_is_compared_where_nothing_is_published(server, download, tmp_path):
    server.files, there = {"b.json": b"right"}, tmp_path / "data" / "mine" / "b.json"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"own")
    code, said = download(PLAIN)
    assert (
        code == 1 and "mine/b.json: not what this mirror gives; move it away" in said and there.read_bytes() == b"own"
    )
    there.write_bytes(b"right")
    assert download(PLAIN)[0] == 0


def test_an_archive_that_lies_there_and_is_wrong_is_fetched_again(server, download, packed, tmp_path):
    server.files, there = {"a.zip": packed}, tmp_path / "data" / "archives" / "mine" / "a.zip"
    there.parent.mkdir(parents=True)
    there.write_bytes(packed[:70_000])
    code, said = download(line(len(packed), sha256(packed)))
    assert code == 0 and f"70000 bytes, expected {len(packed)}; fetching it again" in said
    assert len(contents(tmp_path / "data" / "mine")) == 4


def test_what_is_gone_or_changed_afterwards_is_noticed(server, download, packed, tmp_path):
    server.files, mine = {"a.zip": packed, "b.json": b"{}"}, tmp_path / "data" / "mine"
    lines = ("mine", "a.zip", "-", "-", "mine/images", "a.zip"), PLAIN
    assert download(*lines)[0] == 0
    (mine / "images" / "2.bin").unlink()
    (mine / "b.json").unlink()
    code, said = download(*lines)
    assert code == 0 and "mine/images/2.bin is gone or has changed" in said and "mine/b.json is gone or has" in said
    assert len(contents(mine)) == 5
    (mine / "b.json").write_bytes(b"[]")
    code, said = download(*lines)
    assert code == 1 and "b.json: not what this mirror gives" in said and "not complete: mine/b.json" in said


def test_an_archive_that_cannot_be_unpacked_is_asked_of_the_next_mirror_and_next_time(server, download, packed):
    server.files = {"bad.zip": packed[:-200], "a.zip": packed}
    code, said = download(line(path="bad.zip"), line())
    assert code == 0 and "damaged or cut short; fetch it again" in said
    server.files = {"a.zip": packed[:-200]}
    other = ("other", *line()[1:4], "other", "a.zip")
    assert download(other)[0] == 1
    server.files = {"a.zip": packed}
    assert download(other)[0] == 0


def test_no_link_is_followed_and_no_name_is_read_as_code(server, download, tmp_path):
    server.files, folder = {"b.json": b"{}"}, tmp_path / "it's; $(touch ran) *"
    victim, part = tmp_path / "victim", folder / "mine" / "b.json.part"
    victim.write_text("precious")
    part.parent.mkdir(parents=True)
    part.symlink_to(victim)
    code, said = download(PLAIN, options=["--dir", folder])
    assert code == 0 and (folder / "mine" / "b.json").read_bytes() == b"{}", said
    assert victim.read_text() == "precious" and not list(tmp_path.rglob("ran"))


def test_a_lock_without_an_owner_holds_nobody_back(server, download, tmp_path):
    server.files = {"b.json": b"{}"}
    (tmp_path / "data" / "archives" / "mine" / "lock").mkdir(parents=True)
    assert download(PLAIN)[0] == 0
