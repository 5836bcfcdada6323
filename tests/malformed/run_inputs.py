"""Bad configurations, ledgers, checkpoints and weight files."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from malformed.making import Cases, Make, call, file
from safetensors.torch import save

from rrsitr_lib.config import RunConfig
from rrsitr_lib.experiments.ledger_table import ledger_table
from rrsitr_lib.files import read_json
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.training.checkpoint import load_checkpoint, save_checkpoint
from rrsitr_lib.training.ledger import COLUMNS, Ledger


def config(**fields: object) -> Make:
    """Build a configuration of these fields."""
    return call(RunConfig.build, **fields)


def config_file(content: str | bytes, name: str = "run.yaml") -> Make:
    """Read a file as a configuration."""
    return file(RunConfig.read, name, content)


def ledger(name: str = "header.json", keep: int | None = None, **header: object) -> Make:
    """Write an epoch of two pairs, cut a file or (``keep`` 0) remove it, change the header, open, read every column."""

    def make(folder: Path) -> object:
        append()(folder)
        stated = {**read_json(folder / "header.json"), **header}
        (folder / "header.json").write_text(json.dumps({k: v for k, v in stated.items() if v is not ...}))
        (folder / name).write_bytes((folder / name).read_bytes()[:keep]) if keep != 0 else (folder / name).unlink()
        opened = Ledger.open(folder)
        return opened.config, [opened.column(column) for column in opened.columns]

    return make


def append(**changes: object) -> Make:
    """Append an epoch of two pairs with some columns replaced, or (``...``) left out; gives the ledger."""

    def make(folder: Path) -> Ledger:
        rows = {**{name: np.zeros(2) for name in COLUMNS}, **changes}
        written = Ledger.create(folder, np.array([True, False]), {"seed": 3})
        written.append({name: values for name, values in rows.items() if values is not ...})
        return written

    return make


def table(**options: object) -> Make:
    """A table of a ledger of one epoch."""
    return lambda folder: ledger_table(append()(folder).folder, **options)


def checkpoint(keep: int) -> Make:
    """Save a checkpoint, cut it, load it."""

    def make(folder: Path) -> object:
        path = save_checkpoint(folder / "last.safetensors", {"model.w": torch.ones(64)}, {"epoch": 1})
        path.write_bytes(path.read_bytes()[:keep])
        return load_checkpoint(path)

    return make


def safetensors(**metadata: str) -> Make:
    """A safetensors file of somebody else as a checkpoint."""
    return file(load_checkpoint, "other.safetensors", save({"w": torch.ones(2)}, metadata or None))


class Intruder:
    """Code that a pickle runs."""

    def __reduce__(self) -> tuple:
        return pytest.fail, ("the pickle was run",)


def saved(content: object) -> bytes:
    """What ``torch.save`` writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def pickled() -> bytes:
    """A torch pickle, which runs code when it is read as one."""
    return saved({"visual.conv1.weight": Intruder()})


def encoder(name: str, content: bytes | None = None, form: str = "safetensors", **options: str) -> Make:
    """Build an encoder from a file of these bytes, or from one that is not there."""
    return file(lambda path: build_encoder(name, **{"weights": str(path), **options}), f"weights.{form}", content)


ABSENT, DAMAGED = r": no such file or folder", r"last\.safetensors: not a safetensors file, or damaged"
PICKLE = r" \(damaged, or a pickle that .* could run code: allowed are \.safetensors, and .* plain state dict\)$"
DAMAGED_WEIGHTS = r" \(damaged, cut short, or of another kind\)$"
HEADER, NO_WEIGHTS = r"header\.json: not a ledger header ", r": not weights of this model"

CASES: Cases = [
    ("config field unknown", config(gama=3), r"unknown field 'gama': known are preset, data"),
    ("config preset a list", config(preset=["paper"]), r"preset is \['paper'\]"),
    ("config data of a long name", config(data="x" * 300), r"data is 'x+"),
    ("config absent", file(RunConfig.read, "no.json"), r"no\.json: no such file"),
    ("config yaml absent", file(RunConfig.read, "no.yaml"), r"no\.yaml: not readable YAML"),
    ("config a folder", RunConfig.read, r"a folder, a file is needed"),
    ("config yaml broken", config_file("epochs: ["), r"run\.yaml: not readable YAML \("),
    ("config yaml of objects", config_file("!!python/object/apply:os.getcwd []"), r"run\.yaml: not readable YAML \("),
    ("config yaml a list", config_file("- 1"), r"run\.yaml: expected a mapping of fields, got list"),
    ("config yaml empty", config_file(""), r"run\.yaml: expected a mapping of fields, got NoneType"),
    ("config yaml out of range", config_file("epochs: 0"), r"run\.yaml: epochs is 0: allowed is a value greater"),
    ("config yaml key a number", config_file("1: 2"), r"run\.yaml: unknown field"),
    ("config yaml not UTF-8", config_file(b"data: caf\xe9"), r"run\.yaml: not readable YAML"),
    ("config yaml nested too deep", config_file("[" * 20_000), r"run\.yaml: not readable YAML"),
    ("config json broken", config_file('{"epochs": 3,}', "run.json"), r"run\.json: not JSON"),
    ("config json a list", config_file("[]", "run.json"), r"run\.json: expected a mapping of fields, got list"),
    ("config json field unknown", config_file('{"epoch": 3}', "run.json"), r"run\.json: unknown field 'epoch'"),
    ("config json not UTF-8", config_file(b"\xff", "run.json"), r"run\.json, line 1: byte 0 is .*: allowed is UTF-8"),
    ("config json nested too deep", config_file("[" * 200_000, "run.json"), r"run\.json.*: not JSON"),
    ("config json endless number", config_file('{"seed": ' + "9" * 5000 + "}", "run.json"), r"run\.json.*: not JSON"),
    ("config json not finite", config_file('{"sigma": NaN}', "run.json"), r"sigma is nan: .*finite"),
    ("ledger absent", Ledger.open, r"no ledger here \(expected header\.json, or ledger/header\.json in a run folder"),
    ("ledger header broken", ledger(keep=9), r"header\.json: not JSON"),
    ("ledger of another format", ledger(format=2), HEADER + r"\(format is 2: allowed is a value 1\)"),
    ("ledger without format", ledger(format=...), HEADER + r"\(format is .*: field required"),
    ("ledger without pairs", ledger(pairs=...), HEADER + r"\(pairs is .*: field required"),
    ("ledger pairs a text", ledger(pairs="two"), HEADER + r"\(pairs is 'two': allowed is a valid integer"),
    ("ledger pairs a fraction", ledger(pairs=5.5), HEADER + r"\(pairs is 5\.5: allowed is a valid integer"),
    ("ledger pairs below zero", ledger(pairs=-6), HEADER + r"\(pairs is -6: allowed is a value greater than or equal"),
    ("ledger epochs missing", ledger(epochs=None), HEADER + r"\(epochs is None: allowed is a valid integer"),
    ("ledger epochs below zero", ledger(epochs=-1), HEADER + r"\(epochs is -1: allowed is a value greater than or eq"),
    ("ledger columns a list", ledger(columns=["loss"]), HEADER + r"\(columns is \['loss'\]: allowed is a valid dict"),
    ("ledger without columns", ledger(columns=...), HEADER + r"\(columns is .*: field required"),
    ("ledger column of no type", ledger(columns={"x": "<f8"}), HEADER + r"\(columns\.x is '<f8': allowed is a value '"),
    ("ledger column elsewhere", ledger(columns={"../x": "<f4"}), HEADER + r".* is '\.\./x': string should match"),
    ("ledger without config", ledger(config=...), HEADER + r"\(config is .*: field required"),
    ("ledger shorter than it says", ledger(epochs=2), r"loss\.bin: absent, or shorter than the 2 epochs of 2 pairs"),
    ("ledger file gone", ledger("weight.bin", 0), r"weight\.bin: absent, or shorter than the 1 epochs of 2 pairs"),
    ("ledger file cut", ledger("trained.bin", -1), r"trained\.bin: absent, or shorter than the 1 epochs of 2 pairs"),
    ("ledger truth gone", ledger("mismatched.bin", 0), r"mismatched\.bin: absent, or shorter"),
    ("ledger truth cut", ledger("mismatched.bin", 1), r"mismatched\.bin: absent, or shorter"),
    ("ledger row too long", append(loss=np.zeros(3)), r"column loss has shape \(3,\): allowed is \(2,\)"),
    ("ledger row of two axes", append(weight=np.zeros((2, 1))), r"column weight has shape \(2, 1\): allowed is \(2,\)"),
    ("ledger row of one number", append(weight=3.0), r"column weight has shape \(1,\): allowed is \(2,\)"),
    ("ledger row of one column more", append(more=np.zeros(2)), r"needs exactly the columns loss, loss_global"),
    ("ledger row of one column less", append(weight=...), r"needs exactly the columns loss, loss_global"),
    ("ledger row of texts", append(loss=np.array(["a", "b"])), r"column loss: not numbers"),
    ("ledger column unknown", lambda folder: append()(folder).column("lost"),
     r"no column 'lost'; there are loss, .*trained, mismatched"),
    ("ledger table of no epoch", table(epoch=2), r"epoch is 2: the ledger holds epochs 1 to 1"),
    ("ledger table of epoch zero", table(epoch=0), r"epoch is 0: the ledger holds epochs 1 to 1"),
    ("ledger table before the first", table(epoch=-2), r"epoch is -2: the ledger holds epochs 1 to 1"),
    ("ledger table by no column", table(sort="lost"), r"sort is 'lost': allowed are loss, "),
    ("checkpoint absent", file(load_checkpoint, "no"), r"no: no such checkpoint"),
    ("checkpoint a folder", load_checkpoint, r"no such checkpoint"),
    ("checkpoint a pickle", file(load_checkpoint, "last.safetensors", pickled()), DAMAGED),
    ("checkpoint empty", checkpoint(0), DAMAGED),
    ("checkpoint length cut", checkpoint(7), DAMAGED),
    ("checkpoint header cut", checkpoint(30), DAMAGED),
    ("checkpoint cut", checkpoint(-1), DAMAGED),
    ("checkpoint without state", safetensors(), r"other\.safetensors: .*not a checkpoint of this project"),
    ("checkpoint of other metadata", safetensors(format="pt"), r"not a checkpoint of this project"),
    ("checkpoint state a list", safetensors(state="[1]"), r"not a checkpoint of this project"),
    ("checkpoint state null", safetensors(state="null"), r"not a checkpoint of this project"),
    ("checkpoint state broken", safetensors(state="{"), r"not a safetensors file, or damaged"),
    ("checkpoint state too deep", safetensors(state="[" * 200_000), r"other\.safetensors: "),
    ("encoder unknown", encoder("resnet"), r"encoder is 'resnet': allowed are tiny, tiny-strong, lite, vit-b-32"),
    ("encoder padding unknown", encoder("tiny", weights="none", pad_tokens="zero"), r"pad_tokens is 'zero': allowed"),
    ("tiny's weights absent", encoder("tiny"), r"weights is .*weights\.safetensors" + ABSENT),
    ("lite's weights absent", encoder("lite"), r"weights is .*weights\.safetensors" + ABSENT),
    ("vit's weights absent", encoder("vit-b-32"), r"weights is .*weights\.safetensors" + ABSENT),
    ("weights empty", encoder("tiny", b""), r"weights\.safetensors" + NO_WEIGHTS),
    ("weights of something else", encoder("tiny", b"x" * 99), r"weights\.safetensors" + NO_WEIGHTS),
    ("weights empty, by torch", encoder("tiny", b"", "pt"), r"weights\.pt" + NO_WEIGHTS),
    ("weights a broken pickle", encoder("tiny", b"\x80\x04N.", "pt"), r"weights\.pt" + NO_WEIGHTS),
    ("weights that would run code", encoder("tiny", pickled(), "pt"), r"weights\.pt" + NO_WEIGHTS + PICKLE),
    ("weights that would run code, .bin", encoder("tiny", pickled(), "bin"), r"weights\.bin" + NO_WEIGHTS + PICKLE),
    ("weights a pickled number", encoder("tiny", saved(3), "pt"), NO_WEIGHTS + DAMAGED_WEIGHTS),
    ("weights an empty state dict", encoder("tiny", saved({}), "pt"), NO_WEIGHTS + DAMAGED_WEIGHTS),
    ("weights a state dict of numbers", encoder("tiny", saved({"a": 1}), "pt"), NO_WEIGHTS + DAMAGED_WEIGHTS),
    ("weights cut, by torch", encoder("tiny", saved({"a": torch.ones(9)})[:-50], "pt"), NO_WEIGHTS + DAMAGED_WEIGHTS),
    ("weights cut", encoder("tiny", save({"a": torch.ones(9)})[:-5]), NO_WEIGHTS + DAMAGED_WEIGHTS),
    ("weights of another model, by torch", encoder("tiny", saved({"a": torch.ones(9)}), "pt"), NO_WEIGHTS + " .*key"),
    ("weights a folder", lambda folder: build_encoder("tiny", str(folder)), NO_WEIGHTS + r" \(Is a directory\)"),
    ("weights of another model", encoder("tiny", save({"visual.other": torch.ones(2)})), NO_WEIGHTS),
]  # fmt: skip
