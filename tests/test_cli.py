"""The command line: help that teaches, errors on one line, exit codes that scripts can trust."""

import contextlib
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rrsitr_lib import cli

REFERENCE = Path(__file__).parents[1] / "../shared/reference/rsitmd"
COMMAND = [sys.executable, "-c", "from rrsitr_lib.cli import main; main()"]
SMALL = ["--encoder", "tiny", "--weights", "none", "--epochs", "1", "--batch-size", "40", "--set", "scenes=41"]


def rrsitr(*arguments):
    """Run the entry point in this process; returns its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["rrsitr", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return ended.value.code


@pytest.fixture
def table(tmp_path):
    """Ten images with two captions each, in the authors' form."""
    rows = [f"field_{k // 2}.jpg,caption {k} ." for k in range(20)]
    path = tmp_path / "train.csv"
    path.write_text("filename,title\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small finished run."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert rrsitr("train", *SMALL, "--noise-rate", "0.4", "--seed", "3", "--out", folder) == 0
    return folder


@pytest.mark.parametrize("command", ["doctor", "noise", "train", "evaluate", "inspect"])
def test_help_teaches(command, capsys):
    assert rrsitr(command, "--help") == 0
    shown = capsys.readouterr().out
    assert "Usage" in shown and len(shown) > 200


# what a configuration refuses: test_config.py; what a file's reader refuses: malformed/
@pytest.mark.parametrize(("arguments", "message"), [
    (["train", "--out", "x", "--noise-rate", "1.4"], "noise_rate is 1.4: allowed is a value less than or equal to 1"),
    *((["train", "--out", "x", f"--{name}", "magic"], f"{name} is 'magic'")
      for name in ("data", "bad", "encoder", "train", "method", "protocol", "device")),
    (["train", "--out", "x", "--set", "gamma_3=1"], "unknown field 'gamma_3': known are preset, data"),
    (["train", "--out", "x", "--set", "gamma_2"], "--set gamma_2: expected FIELD=VALUE"),
    (["train", "--out", "x", "--config", "none.json"], "none.json: no such file"),
    (["train", "--out", "x", "--encoder", "tiny", "--weights", "w.pt"], "weights is w.pt: no such file or folder"),
    (["train", "--out", "x", "--epochs", "many"], "Invalid value for '--epochs'"),
    (["train", "--encoder", "tiny"], "Missing option '--out'"),
    (["evaluate", "nowhere"], "nowhere: not a run folder (no config.yaml)"),
    (["inspect", "nowhere"], "nowhere: no ledger here"),
    (["noise", "absent.csv", "--out", "a.npz"], "absent.csv"),
    (["fly"], "No such command 'fly'"),
])  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rrsitr(*arguments) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and message in shown


@pytest.mark.parametrize("protocol", ["shuffle", "derangement", "image", "hard"])
def test_noise_writes_every_form(protocol, table, tmp_path, capsys):
    assert rrsitr("noise", table, "--rate", "0.4", "--protocol", protocol, "--out", tmp_path / "n.npz") == 0
    assert "fingerprint" in capsys.readouterr().out
    assert rrsitr("noise", table, "--rate", "0.4", "--protocol", protocol, "--out", tmp_path / "n.csv") == 0
    assert (tmp_path / "n.csv").read_text().count("\n") == 21
    code = rrsitr("noise", table, "--protocol", protocol, "--out", tmp_path / "n.npy")
    assert code == (2 if protocol == "hard" else 0)
    assert rrsitr("noise", table, "--out", tmp_path / "n.txt") == 2


@pytest.mark.skipif(not REFERENCE.exists(), reason="the authors' RSITMD splits are not beside the project")
def test_noise_reproduces_the_published_split(tmp_path):
    out = tmp_path / "train_nc04.csv.gz"
    assert rrsitr("noise", REFERENCE / "train_nc00.csv.gz", "--rate", "0.4", "--out", out) == 0
    ours, theirs = (gzip.decompress(path.read_bytes()) for path in (out, REFERENCE / "train_nc04.csv.gz"))
    assert hashlib.sha256(ours).digest() == hashlib.sha256(theirs).digest()


def test_evaluate_repeats_the_recorded_result(run, capsys):
    assert rrsitr("evaluate", run, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    recorded = json.loads((run / "result.json").read_text())
    assert shown["test"] == recorded["test"] and shown["chance"] == recorded["chance"]
    assert shown["unit"] == "percent"
    assert rrsitr("evaluate", run) == 0
    assert capsys.readouterr().out.startswith("percent ")
    assert rrsitr("evaluate", run, "--split", "moon") == 2


def test_inspect_shows_and_writes_the_ledger(run, tmp_path, capsys):
    assert rrsitr("inspect", run, "--top", "5") == 0
    shown = capsys.readouterr().out.strip().splitlines()
    assert len(shown) == 6 and "caption" in shown[0]
    assert rrsitr("inspect", run, "--csv", tmp_path / "ledger.csv") == 0
    assert (tmp_path / "ledger.csv").read_text().count("\n") == 1 + 205
    assert rrsitr("inspect", run, "--epoch", "7") == 2
    assert "the ledger holds epochs 1 to 1" in capsys.readouterr().err


def test_the_same_command_again_shows_the_result_and_another_is_refused(run, capsys):
    assert rrsitr("train", *SMALL, "--noise-rate", "0.4", "--seed", "3", "--out", run) == 0
    assert "best epoch 1" in capsys.readouterr().out
    assert rrsitr("train", *SMALL, "--noise-rate", "0.2", "--seed", "3", "--out", run) == 2
    assert "noise_rate 0.4 there, 0.2 now" in capsys.readouterr().err


def test_drawn_scenes_without_an_encoder_take_the_tiny_one(tmp_path, capsys):
    few = ["--epochs", "1", "--batch-size", "40", "--set", "scenes=41"]
    assert rrsitr("train", "--data", "scenes", *few, "--out", tmp_path / "run") == 0
    assert capsys.readouterr().out.startswith("encoder tiny, as none was named\n")
    assert "encoder: tiny" in (tmp_path / "run" / "config.yaml").read_text()
    assert rrsitr("train", *few, "--weights", "none", "--set", "epochs=0", "--out", tmp_path / "other") == 2
    assert "encoder tiny" not in capsys.readouterr().out


def test_ctrl_c_is_exit_code_130(tmp_path):
    command = [*COMMAND, "train", *SMALL, "--epochs", "500", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run" / "metrics.csv").exists() and process.poll() is None:
        time.sleep(0.1)
    for _ in range(5):  # Python drops an interrupt that comes while an object is being deleted
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, shown = process.communicate(timeout=20)
            break
    assert process.returncode == 130
    assert shown.strip().splitlines()[-1] == "interrupted: the same command goes on after the last finished epoch"


def test_a_folder_of_ones_own_pairs_trains(tmp_path, monkeypatch):
    """CSV tables and pictures of several sizes and modes, an irregular number of captions, one of them empty."""
    random = np.random.default_rng(0)
    folder, modes = tmp_path / "mine", ["RGB", "L", "RGBA", "P", "CMYK"]
    (folder / "images").mkdir(parents=True)
    for split, count in (("train", 12), ("val", 5), ("test", 5)):
        lines = ["filename,title"]
        for k in range(count):
            pixels = Image.fromarray(random.integers(0, 255, (40 + k, 64, 3), dtype=np.uint8))
            pixels.convert(modes[k % 5]).save(folder / "images" / f"{split} {k}.tif")
            lines += [f"{split} {k}.tif,picture {k} of {split}" for _ in range(1 + k % 3)]
        (folder / f"{split}.csv").write_text("\n".join([*lines, f"{split} 0.tif,"]) + "\n")
    monkeypatch.chdir(tmp_path)
    arguments = ["--encoder", "tiny", "--epochs", "1", "--batch-size", "8", "--noise-rate", "0.4", "--out", "run"]
    assert rrsitr("train", "--data", "mine", *arguments) == 0
    assert 0 <= json.loads(Path("run/result.json").read_text())["test"]["mR"] <= 100
    os.remove(folder / "images" / "test 3.tif")
    assert rrsitr("train", "--data", "mine", *arguments[:-1], "other") == 2
    assert rrsitr("train", "--data", "mine", "--bad", "skip", *arguments[:-1], "other") == 0
