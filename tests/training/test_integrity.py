"""What changed since it was written is noticed, by name; a run finds its data where they were moved to."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image
from test_cli import rrsitr

from rrsitr_lib.checksums import changed_files
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.pairs import SPLITS, PairTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import read_json, sealed, write_json
from rrsitr_lib.speed.cached_arrays import cached_arrays
from rrsitr_lib.training import run as run_module
from rrsitr_lib.training.run import train
from rrsitr_lib.training.run_folder import damages, open_run

FILES = (
    "best.safetensors", "checksums.json", "config.yaml", "embeddings/epoch_00001.npz", "last.safetensors",
    "ledger/header.json", "ledger/loss.bin", "ledger/mismatched.bin", "ledger/trained.bin", "metrics.csv", "noise.npz",
    "pairs.csv.gz", "problems.csv", "result.json", "retrieval.npz", "run.json",
)  # fmt: skip


def write_data(folder, pairs=12):
    (folder / "images").mkdir(parents=True)
    for number, split in enumerate(SPLITS):
        names = [f"{split}_{item}.png" for item in range(pairs)]
        for item, name in enumerate(names):
            Image.new("RGB", (8, 8), (20 * item, 80 * number, 90)).save(folder / "images" / name)
        PairTable(names, [f"picture {item} of {split}" for item in range(pairs)], split, "").write_csv(
            folder / f"{split}.csv"
        )


def config_of(data, **fields):
    return RunConfig.build(
        data=str(data), encoder="tiny", weights="none", batch_size=5, **{"noise_rate": 0.4, **fields}
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with ``data`` and a finished ``run`` on them."""
    folder = tmp_path_factory.mktemp("finished")
    write_data(folder / "data")
    train(config_of(folder / "data", epochs=1), folder / "run", progress=False)
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "copied")


def flip(path, part=0.6):
    content = bytearray(path.read_bytes())
    content[int(part * len(content))] ^= 0x01
    path.write_bytes(content)


def test_every_file_of_a_run_is_among_those_that_are_flipped(finished):
    there = {path.relative_to(finished / "run").as_posix() for path in (finished / "run").rglob("*") if path.is_file()}
    alike = {name for name in there if name.startswith(("ledger/", "embeddings/"))} | {".lock"}
    assert there - alike == {name for name in FILES if "/" not in name}
    assert damages(finished / "run") == []


@pytest.mark.parametrize("part", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_noticed_and_its_file_named(copied, name, part):
    flip(copied / "run" / name, part)
    assert any(str(copied / "run" / name) in line for line in damages(copied / "run"))
    with pytest.raises(InputError, match=name):
        train(config_of(copied / "data", epochs=1), copied / "run", progress=False)


@pytest.mark.parametrize("name", ["metrics.csv", "noise.npz", "best.safetensors"])
def test_a_missing_file_of_a_finished_run_is_named(copied, name):
    (copied / "run" / name).unlink()
    with pytest.raises(InputError, match=f"{name}|no best"):
        train(config_of(copied / "data", epochs=1), copied / "run", progress=False)


@pytest.mark.parametrize("name", ["best.safetensors", "config.yaml", "run.json", "noise.npz"])
def test_evaluation_compares_what_it_reads(copied, name):
    if name == "config.yaml":
        path = copied / "run" / name
        path.write_text(path.read_text().replace("seed: 3", "seed: 4"))
    else:
        flip(copied / "run" / name)
    with pytest.raises(InputError, match=name):
        open_run(copied / "run")


@pytest.mark.parametrize("name", ["last.safetensors", "ledger/loss.bin"])
def test_training_does_not_go_on_from_what_changed(finished, tmp_path, name):
    config = config_of(finished / "data", epochs=2)
    train(config, tmp_path / "run", progress=False)
    for path in (tmp_path / "run" / "result.json", tmp_path / "run" / "checksums.json"):
        path.unlink()
    flip(tmp_path / "run" / name, 0.8)
    with pytest.raises(InputError, match=name):
        train(config, tmp_path / "run", progress=False)


def test_a_changed_split_is_said_by_evaluate_and_by_train(copied, monkeypatch, capsys):
    test = copied / "data" / "test.csv"
    test.write_text("\n".join(test.read_text().splitlines()[:-1]) + "\n")
    assert rrsitr("evaluate", copied / "run", "--data", copied / "data") == 2
    assert "the data changed since the run began (test:" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"the data changed since the run began \(test:"):
        train(config_of(copied / "data", epochs=1), copied / "run", progress=False)


def test_a_changed_picture_is_said(copied):
    Image.new("RGB", (8, 8), (1, 2, 3)).save(copied / "data" / "images" / "test_3.png")
    with pytest.raises(InputError, match=r"the pictures changed since the run began \(test:"):
        open_run(copied / "run", copied / "data")


def test_a_changed_noise_file_is_said(finished, tmp_path):
    np.save(tmp_path / "noise.npy", np.roll(np.arange(12), 1))
    config = config_of(finished / "data", epochs=1, noise_rate=0.0, noise_file=str(tmp_path / "noise.npy"))
    train(config, tmp_path / "run", progress=False)
    np.save(tmp_path / "noise.npy", np.roll(np.arange(12), 2))
    with pytest.raises(InputError, match="the noise changed since the run began"):
        open_run(tmp_path / "run")


def test_a_run_is_found_again_from_any_folder(copied, monkeypatch, tmp_path, capsys):
    expected = read_json(copied / "run" / "result.json")["test"]
    monkeypatch.chdir(copied)
    train(config_of("data", epochs=1), "relative", progress=False)
    monkeypatch.chdir(tmp_path)
    assert rrsitr("evaluate", copied / "relative") == 0, "from another folder"
    again = train(config_of(copied / "data", epochs=1), copied / "relative", progress=False)
    assert again["test"] == expected, "the same data by other words"
    moved = shutil.move(copied / "data", tmp_path / "moved")
    assert rrsitr("evaluate", copied / "relative") == 2
    assert "its data lay in" in capsys.readouterr().err.splitlines()[-1]
    assert rrsitr("evaluate", copied / "relative", "--data", moved) == 0
    together = shutil.move(copied, tmp_path / "together")
    shutil.move(moved, tmp_path / "together" / "data")
    assert rrsitr("evaluate", tmp_path / together / "relative") == 0, "both moved together"


def test_a_run_goes_on_with_its_data_at_another_place(copied, tmp_path, monkeypatch):
    config, whole = config_of(copied / "data", epochs=2), tmp_path / "whole"
    train(config, whole, progress=False)
    shutil.copytree(copied / "data", tmp_path / "elsewhere")
    train_epoch = run_module.Trainer.train_epoch

    def stop(trainer, number, *arguments):
        if number == 1:
            raise KeyboardInterrupt
        return train_epoch(trainer, number, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_module.Trainer, "train_epoch", stop)
        train(config, tmp_path / "parts", progress=False)
    result = train(config_of(tmp_path / "elsewhere", epochs=2), tmp_path / "parts", progress=False)
    assert result["test"] == read_json(whole / "result.json")["test"]
    with pytest.raises(InputError, match="holds a run with data"):
        train(config.model_copy(update={"data": "scenes", "images": None}), tmp_path / "parts", progress=False)


@pytest.mark.parametrize("name", ["numbers.npy", "checksums.json"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.99])
def test_a_changed_cache_says_what_to_delete(tmp_path, name, part):
    def made():
        return cached_arrays(tmp_path, "set", 100, lambda items: {"numbers": np.array(items)}, 32, "numbers")

    made()
    flip(tmp_path / "set" / name, part)
    with pytest.raises(InputError, match=rf"{name}.*delete the folder .*set, it is made anew"):
        made()
    shutil.rmtree(tmp_path / "set")
    np.testing.assert_array_equal(made()["numbers"], np.arange(100))


@pytest.mark.parametrize("left", [0, 100, 300])
def test_a_cut_cache_says_what_to_delete(tmp_path, left):
    compute = {"computed": lambda items: {"numbers": np.array(items)}}["computed"]
    cached_arrays(tmp_path, "set", 100, compute, 32, "numbers")
    path = tmp_path / "set" / "numbers.npy"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=r"numbers.npy: changed.*delete the folder"):
        cached_arrays(tmp_path, "set", 100, compute, 32, "numbers")


def test_sealed_json_is_read_without_its_seal(tmp_path):
    content = {"b": [1.5, None, "é"], "a": {"1": True}}
    path = write_json(tmp_path / "a.json", sealed(content))
    assert read_json(path) == content
    path.write_text(path.read_text().replace("1.5", "1.6"))
    with pytest.raises(InputError, match=r"a.json: changed since it was written"):
        read_json(path)
    assert changed_files(tmp_path) == [], "nothing was noted of this folder"


def test_the_command_verify_names_what_changed(copied, tmp_path, capsys):
    assert rrsitr("verify", copied / "run") == 0 and "all files are what was written" in capsys.readouterr().out
    flip(copied / "run" / "ledger" / "loss.bin")
    assert rrsitr("verify", copied / "run") == 1
    assert re.search(r"ledger/loss.bin, epoch 1: changed since it was written", capsys.readouterr().out)
    assert rrsitr("verify", tmp_path) == 2 and "neither a run" in capsys.readouterr().err
