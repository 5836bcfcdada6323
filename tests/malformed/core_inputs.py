"""Bad inputs to everything after the data: (name, what makes and uses them in an empty folder, what must be said)."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.noise import inject, load_noise, save_noise
from rrsitr_lib.evaluation import partition_quality, recall
from rrsitr_lib.exchange.noise_index import load_index, save_index
from rrsitr_lib.methods.contrastive import contrastive_objective
from rrsitr_lib.methods.rrsitr import regulariser, rrsitr_objective, weight
from rrsitr_lib.methods.rrsitr.gamma_schedules import scheduled_gamma
from rrsitr_lib.methods.rrsitr.partition import mixture_partition, partition, quantile_partition
from rrsitr_lib.methods.triplet import hardest_negatives
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.model.similarity import local_similarity
from rrsitr_lib.training.checkpoint import load_checkpoint, restore_model, save_checkpoint
from rrsitr_lib.training.ledger import COLUMNS, Ledger, ledger_table

IDS = ["lake_1.jpg", "lake_1.jpg", "lake_2.jpg", "lake_2.jpg", "road_3.jpg", "road_3.jpg"]


def noise(*args: object, ids: object = IDS, **options: object) -> Callable[[Path], object]:
    """Inject noise into six rows of three images."""
    return lambda folder: inject(ids, *args, **options)


def noise_file(**changes: object) -> Callable[[Path], object]:
    """Save noise, replace some parts of the file (``...`` takes one away), and load it."""

    def make(folder: Path) -> object:
        path = save_noise(inject(IDS, 0.5), folder / "noise.npz")
        with np.load(path) as file:
            parts = {**file, **changes}
        np.savez(path, **{name: part for name, part in parts.items() if part is not ...})
        return load_noise(path)

    return make


def facts(**changes: object) -> Callable[[Path], object]:
    """The same with some of its stated facts replaced."""

    def make(folder: Path) -> object:
        saved = inject(IDS, 0.5)
        stated = {"rate": 0.5, "protocol": "shuffle", "seed": 42, "fingerprint": saved.fingerprint, **changes}
        return noise_file(facts=json.dumps({name: fact for name, fact in stated.items() if fact is not ...}))(folder)

    return make


def index_file(content: object, ids: object = IDS, **options: object) -> Callable[[Path], object]:
    """Write bytes or an array as ``.npy`` and load it as an index form."""

    def make(folder: Path) -> object:
        path = folder / "index.npy"
        path.write_bytes(content) if isinstance(content, bytes) else np.save(path, content, allow_pickle=True)
        return load_index(path, ids, **options)

    return make


def huge_npy() -> bytes:
    """A header that promises a million billion numbers."""
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000000,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def save_as(form: str, protocol: str) -> Callable[[Path], object]:
    """Save noise of a protocol in an index form."""
    return lambda folder: save_index(inject(IDS, 1.0, protocol), IDS, folder / "index.npy", form)


def rank(score: object, images: object = (0, 1), **options: object) -> Callable[[Path], object]:
    """Recall of a score for two captions."""
    return lambda folder: recall(np.array(score, dtype=float), np.array(images), **options)


def quality(loss: list, category: list, mismatched: list) -> Callable[[Path], object]:
    """How well these losses and categories agree with the truth."""
    return lambda folder: partition_quality(np.array(loss), np.array(category), np.array(mismatched))


def config(**fields: object) -> Callable[[Path], object]:
    """Build a configuration of these fields."""
    return lambda folder: RunConfig.build(**fields)


def config_file(content: str | bytes, name: str = "run.yaml") -> Callable[[Path], object]:
    """Write a file and read it as a configuration."""

    def make(folder: Path) -> object:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return RunConfig.read(folder / name)

    return make


def ledger(change: Callable[[Path], object] = lambda folder: None, **header: object) -> Callable[[Path], object]:
    """Write one epoch of two pairs, change the folder or its header, open it and read every column."""

    def make(folder: Path) -> object:
        written = Ledger.create(folder, np.array([True, False]), {"seed": 3})
        written.append({name: np.zeros(2) for name in COLUMNS})
        stated = {**json.loads((folder / "header.json").read_text()), **header}
        (folder / "header.json").write_text(json.dumps({k: v for k, v in stated.items() if v is not ...}))
        change(folder)
        opened = Ledger.open(folder)
        return opened.config, [opened.column(name) for name in opened.columns]

    return make


def append(**changes: object) -> Callable[[Path], object]:
    """Append an epoch with some columns replaced."""

    def make(folder: Path) -> object:
        rows = {**{name: np.zeros(2) for name in COLUMNS}, **changes}
        return Ledger.create(folder, np.array([True, False]), {}).append(rows)

    return make


def show(**options: object) -> Callable[[Path], object]:
    """A table of a ledger of one epoch."""

    def make(folder: Path) -> object:
        Ledger.create(folder, np.array([True]), {}).append({name: np.zeros(1) for name in COLUMNS})
        return ledger_table(folder, **options)

    return make


def checkpoint(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """Save a checkpoint, change its bytes, load it."""

    def make(folder: Path) -> object:
        path = save_checkpoint(folder / "last.safetensors", {"model.w": torch.ones(64)}, {"epoch": 1})
        path.write_bytes(change(path.read_bytes()))
        return load_checkpoint(path)

    return make


def safetensors(**metadata: str) -> Callable[[Path], object]:
    """A safetensors file of somebody else as a checkpoint."""

    def make(folder: Path) -> object:
        save_file({"w": torch.ones(2)}, folder / "other.safetensors", metadata=metadata or None)
        return load_checkpoint(folder / "other.safetensors")

    return make


def pickled(folder: Path) -> object:
    """A torch pickle as a checkpoint."""
    torch.save({"w": torch.ones(2)}, folder / "last.safetensors")
    return load_checkpoint(folder / "last.safetensors")


def similar(text: tuple, image: tuple) -> Callable[[Path], object]:
    """Local similarity of tokens of these shapes."""
    return lambda folder: local_similarity(torch.ones(text), torch.ones(image))


def objective(method: Callable, sizes: tuple = (4, 4, 4, 4), **settings: object) -> Callable[[Path], object]:
    """An objective of batches of these sizes."""
    shapes = [(size, 3) for size in sizes[:2]] + [(size, 2, 3) for size in sizes[2:]]
    return lambda folder: method(*map(torch.ones, shapes), **settings)


def encoder(name: str, content: bytes | None = None, **options: str) -> Callable[[Path], object]:
    """Build an encoder from a file of these bytes, or from one that is not there."""

    def make(folder: Path) -> object:
        path = folder / "weights.safetensors"
        if content is not None:
            path.write_bytes(content)
        return build_encoder(name, **{"weights": str(path), **options})

    return make


ZEROS, OBJECTS = np.zeros(6, dtype=int), np.array([{}] * 6, dtype=object)
SHORT = torch.zeros(3, dtype=torch.long)

CASES: list[tuple[str, Callable[[Path], object], str]] = [
    ("noise rate above one", noise(1.4), r"noise rate is 1\.4: allowed is a share from 0 to 1"),
    ("noise rate not a number", noise(float("nan")), r"noise rate is nan"),
    ("noise rate a text", noise("0.4"), r"noise rate is '0\.4'"),
    ("noise protocol", noise(0.4, "swap"), r"protocol is 'swap': allowed are shuffle, derangement, image, hard"),
    ("noise seed below zero", noise(0.4, seed=-1), r"noise seed is -1: allowed is a whole number from 0 to 4294967295"),
    ("noise seed a fraction", noise(0.4, seed=1.5), r"noise seed is 1\.5"),
    ("noise without rows", noise(0.4, ids=[]), r"image_ids is empty"),
    ("noise with one image", noise(0.4, ids=["a", "a"]), r"all 2 rows show one image: at least two are needed"),
    ("noise id missing", noise(0.4, ids=["a", None, "b"]), r"image_ids, row 1: the value is missing"),
    ("noise ids of two axes", noise(0.4, ids=[["a"], ["b"]]), r"image_ids has shape \(2, 1\): expected .*\(N,\)"),
    ("noise ids ragged", noise(0.4, ids=[["a"], ["b", "c"]]), r"image_ids"),
    ("noise captions too few", noise(0.4, captions=["x"]), r"captions has 1 rows, image_ids has 6"),
    ("noise caption missing", noise(0.4, captions=["x"] * 5 + [float("nan")]), r"captions, row 5: the value is miss"),
    ("noise no derangement", noise(1.0, "derangement", ids=["a", "a", "b"]), r"draws 3 of 3 rows, but no exchange"),
    ("noise one row deranged", noise(0.2, "derangement"), r"draws 1 of 6 rows, but no exchange"),
    ("noise one image exchanged", noise(0.3, "image"), r"of 3 images is 1 image: an exchange needs at least two"),
    ("noise hard without class", noise(0.4, "hard", ids=[1, 2, 3]), r"image id 1 carries no class .*needs captions"),
    ("noise hard, one sentence", noise(1.0, "hard", captions=["x"] * 6), r"row \d: no caption of another image diff"),
    ("noise file absent", lambda folder: load_noise(folder / "no.npz"), r"no\.npz: no such file"),
    ("noise file a folder", load_noise, r"not a noise file of this project"),
    ("noise file without indices", noise_file(caption_index=...), r"noise\.npz: not a noise file"),
    ("noise file without facts", noise_file(facts=...), r"noise\.npz: not a noise file"),
    ("noise file, facts no object", noise_file(facts="[]"), r"noise\.npz: not a noise file"),
    ("noise file exchanged", noise_file(caption_index=np.arange(6)), r"fingerprint .* does not match the .* it states"),
    ("noise file beyond the table", noise_file(caption_index=np.arange(6) + 1), r"from 1 to 6, allowed are 0 to 5"),
    ("noise file too short", noise_file(caption_index=np.arange(5)), r"5 caption indices for a table of 6 rows"),
    ("noise file of one number", noise_file(caption_index=np.array(1)), r"noise\.npz: "),
    ("noise file of fractions", noise_file(caption_index=inject(IDS, 0.5).caption_index + 0.5), r"noise\.npz: "),
    ("noise file of objects", noise_file(caption_index=OBJECTS), r"Object arrays cannot be loaded"),
    ("noise file, mask one number", noise_file(mismatched=np.array(True)), r"noise\.npz: "),
    ("noise file, mask turned round", noise_file(mismatched=np.ones(6, dtype=bool)), r"noise\.npz: "),
    ("noise file, no fingerprint", facts(fingerprint=...), r"noise\.npz: "),
    ("noise file, fingerprint a number", facts(fingerprint=7), r"noise\.npz: "),
    ("noise file, rate a text", facts(rate="much"), r"noise\.npz: "),
    ("index absent", lambda folder: load_index(folder / "no.npy", IDS), r"no\.npy: no such file"),
    ("index a folder", lambda folder: load_index(folder, IDS), r"not a \.npy array"),
    ("index empty", index_file(b""), r"index\.npy: not a \.npy array"),
    ("index a text", index_file(b"0 1 2"), r"index\.npy: not a \.npy array"),
    ("index a broken zip", index_file(b"PK\x03\x04" + bytes(50)), r"index\.npy: not a \.npy array"),
    ("index of objects", index_file(OBJECTS), r"Object arrays cannot be loaded"),
    ("index promising petabytes", index_file(huge_npy()), r"index\.npy: not a \.npy array"),
    ("index of fractions", index_file(np.zeros(6)), r"expected whole numbers of shape \(N,\), got float64"),
    ("index of another table", index_file(np.zeros(5, dtype=int)), r"5 numbers for a table of 6 captions and 3 images"),
    ("index beyond the images", index_file(ZEROS + 3), r"image numbers from 3 to 3, allowed are 0 to 2"),
    ("index to one image", index_file(ZEROS), r"image number 0 gets 6 captions but has 2 rows"),
    ("index without a table", index_file(ZEROS, ids=[]), r"image_ids"),
    ("index, id missing", index_file(ZEROS, ids=[*IDS[:5], None]), r"image_ids"),
    ("index, captions too few", index_file(np.array([1, 1, 0, 0, 2, 2]), captions=["x", "y"]), r"captions"),
    ("index form for copies", save_as("caption", "hard"), r"hard noise copies captions"),
    ("index form for single captions", save_as("image", "shuffle"), r"captions of one image went to several"),
    ("index form unknown", save_as("rows", "shuffle"), r"'rows'"),
    ("score of one axis", rank([1, 2]), r"score has shape \(2,\) .*expected \(captions, images\) and \(captions,\)"),
    ("score empty", rank(np.zeros((0, 2)), []), r"neither empty"),
    ("score not a number", rank([[0, 1], [float("nan"), 0]]), r"score\[1, 0\] is not a number"),
    ("answers too few", rank(np.eye(2), [0]), r"image_of_caption \(1,\)"),
    ("answers beyond the images", rank(np.eye(2), [0, 2]), r"whole numbers from 0 to 1"),
    ("answers below zero", rank(np.eye(2), [0, -1]), r"whole numbers from 0 to 1"),
    ("answers fractions", rank(np.eye(2), [0.0, 1.0]), r"whole numbers from 0 to 1"),
    ("recall at zero", rank(np.eye(2), ks=(0, 5)), r"ks is \(0, 5\): allowed are whole numbers of at least 1"),
    ("recall at a fraction", rank(np.eye(2), ks=(1.5,)), r"ks is \(1\.5,\)"),
    ("recall at nothing", rank(np.eye(2), ks=()), r"ks is \(\)"),
    ("recall at no number", rank(np.eye(2), ks=(float("nan"),)), r"ks is \(nan,\)"),
    ("quality of unequal lengths", quality([1.0, 2.0], [0], [True, False]), r"all three must be \(N,\)"),
    ("quality of an infinite loss", quality([1.0, np.inf], [0, 1], [1, 0]), r"loss of row 1 is not finite"),
    ("quality of a fourth category", quality([1.0, 2.0], [0, 3], [1, 0]), r"category"),
    ("quality of a category below zero", quality([1.0, 2.0], [0, -1], [1, 0]), r"category"),
    ("config field unknown", config(gama=3), r"unknown field 'gama': known are preset, data"),
    ("config epochs", config(epochs=0), r"epochs is 0: allowed is a value greater than or equal to 1"),
    ("config gammas", config(gamma_1=19), r"gamma_1 is 19\.0, above gamma_2 18\.0"),
    ("config shares", config(clean_fraction=0.9), r"clean_fraction 0\.9 and noisy_fraction 0\.3 are over 1 together"),
    ("config preset unknown", config(preset="laptop"), r"preset is 'laptop'"),
    ("config preset a list", config(preset=["paper"]), r"preset is \['paper'\]"),
    ("config data of a long name", config(data="x" * 300), r"data is 'x+"),
    ("config absent", lambda folder: RunConfig.read(folder / "no.json"), r"no\.json: no such file"),
    ("config yaml absent", lambda folder: RunConfig.read(folder / "no.yaml"), r"no\.yaml: not readable YAML"),
    ("config a folder", RunConfig.read, r"[Ii]s a directory|a folder"),
    ("config yaml broken", config_file("epochs: ["), r"run\.yaml: not readable YAML"),
    ("config yaml of objects", config_file("!!python/object/apply:os.getcwd []"), r"run\.yaml: not readable YAML"),
    ("config yaml a list", config_file("- 1"), r"expected a mapping of fields, got list"),
    ("config yaml key a number", config_file("1: 2"), r"run\.yaml: unknown field"),
    ("config yaml not UTF-8", config_file(b"data: caf\xe9"), r"run\.yaml: not readable YAML"),
    ("config yaml nested too deep", config_file("[" * 20_000), r"run\.yaml: not readable YAML"),
    ("config json broken", config_file("{", "run.json"), r"run\.json, line 1: not JSON"),
    ("config json not UTF-8", config_file(b"\xff", "run.json"), r"run\.json: not JSON that can be read \('utf-8'"),
    ("config json nested too deep", config_file("[" * 200_000, "run.json"), r"run\.json.*: not JSON"),
    ("config json endless number", config_file('{"seed": ' + "9" * 5000 + "}", "run.json"), r"run\.json.*: not JSON"),
    ("config json not finite", config_file('{"sigma": NaN}', "run.json"), r"sigma is nan: .*finite"),
    ("ledger absent", Ledger.open, r"no ledger here"),
    ("ledger header broken", ledger(lambda folder: (folder / "header.json").write_text("{")), r"line 1: not JSON"),
    ("ledger of another format", ledger(format=2), r"not a ledger header of format 1"),
    ("ledger without pairs", ledger(pairs=...), r"not a ledger header"),
    ("ledger pairs a text", ledger(pairs="two"), r"header\.json: not a ledger header"),
    ("ledger epochs below zero", ledger(epochs=-1), r"header\.json: not a ledger header"),
    ("ledger columns a list", ledger(columns=["loss"]), r"header\.json: not a ledger header"),
    ("ledger column of no type", ledger(columns={"loss": "<zz"}), r"header\.json: not a ledger header"),
    ("ledger column unknown", ledger(lambda folder: (folder / "x.bin").write_bytes(bytes(8)), columns={"x": "<f8"}),
     r"header\.json: not a ledger header"),
    ("ledger without config", ledger(config=...), r"header\.json: not a ledger header"),
    ("ledger shorter than it says", ledger(epochs=2), r"shorter than the 2 epochs of 2 pairs"),
    ("ledger file gone", ledger(lambda folder: (folder / "weight.bin").unlink()), r"weight\.bin: shorter than"),
    ("ledger truth gone", ledger(lambda folder: (folder / "mismatched.bin").unlink()), r"mismatched\.bin"),
    ("ledger truth cut", ledger(lambda folder: (folder / "mismatched.bin").write_bytes(b"\1")), r"mismatched\.bin"),
    ("ledger row of another length", append(loss=np.zeros(3)), r"column loss has shape \(3,\): allowed is \(2,\)"),
    ("ledger row of one column more", append(more=np.zeros(2)), r"needs exactly the columns loss, "),
    ("ledger row of texts", append(loss=np.array(["a", "b"])), r"column loss"),
    ("ledger table of no epoch", show(epoch=2), r"epoch is 2: the ledger holds epochs 1 to 1"),
    ("ledger table by no column", show(sort="lost"), r"sort is 'lost': allowed are loss, "),
    ("checkpoint absent", lambda folder: load_checkpoint(folder / "no"), r"no: no such checkpoint"),
    ("checkpoint a folder", load_checkpoint, r"no such checkpoint"),
    ("checkpoint a pickle", pickled, r"not a safetensors file"),
    ("checkpoint empty", checkpoint(lambda content: b""), r"not a safetensors file, or damaged"),
    ("checkpoint cut", checkpoint(lambda content: content[:-9]), r"not a safetensors file, or damaged"),
    ("checkpoint header cut", checkpoint(lambda content: content[:30]), r"not a safetensors file, or damaged"),
    ("checkpoint without state", safetensors(), r"not a checkpoint of this project"),
    ("checkpoint state broken", safetensors(state="{"), r"not a safetensors file, or damaged"),
    ("checkpoint state too deep", safetensors(state="[" * 200_000), r"other\.safetensors: "),
    ("checkpoint of another model", lambda folder: restore_model(torch.nn.Linear(2, 2), {}), r"is another model's"),
    ("tokens of two axes", similar((4, 3), (4, 2, 3)), r"text_tokens \(4, 3\).*expected \(captions, Lt, D\)"),
    ("tokens of unequal width", similar((4, 2, 3), (4, 2, 5)), r"image_tokens \(4, 2, 5\): expected"),
    ("objective, one text less", objective(rrsitr_objective, (4, 3, 4, 4)), r"hold \[4, 3, 4, 4\] pairs"),
    ("objective of one pair", objective(rrsitr_objective, (1, 1, 1, 1)), r"a batch of 1 pair has no negatives"),
    ("objective, gammas in the wrong order", objective(rrsitr_objective, gamma_1=18, gamma_2=5), r"gamma_1 is 18 and"),
    ("objective, gammas in the wrong order beside categories",
     objective(rrsitr_objective, gamma_1=18, gamma_2=5, category=torch.zeros(4).long()), r"gamma_1 is 18 and"),
    ("objective, categories too few", objective(rrsitr_objective, category=SHORT), r"category"),
    ("control, one token set less", objective(contrastive_objective, (4, 4, 4, 3)), r"hold \[4, 4, 4, 3\] pairs"),
    ("control, gammas not numbers", objective(contrastive_objective, gamma_1=float("nan")), r"gamma_1 is nan"),
    ("threshold below zero", lambda folder: partition(torch.ones(2), -1, 5), r"gamma_1 is -1 and gamma_2 is 5"),
    ("quantiles over one", lambda folder: quantile_partition(np.ones(3), 0.9, 0.2), r"two fractions of at most 1"),
    ("quantiles of nothing", lambda folder: quantile_partition(np.ones(0), 0.5, 0.2), r"0 of 0 losses"),
    ("mixture of four", lambda folder: mixture_partition(np.ones(9), 4), r"4 components for 9 losses"),
    ("mixture of an infinite loss", lambda folder: mixture_partition(np.array([1, np.inf, 2]), 2), r"1 of 3 losses"),
    ("weight, gamma zero", lambda folder: weight(torch.ones(2), 0), r"gamma is 0: allowed is a positive number"),
    ("regulariser, gamma not a number", lambda folder: regulariser(torch.ones(2), float("nan")), r"gamma is nan"),
    ("negatives of nothing", lambda folder: hardest_negatives(torch.ones(0, 0)), r"a batch of 0 pair"),
    ("schedule unknown", lambda folder: scheduled_gamma("step", 0.5, 1, 2), r"schedule is 'step': allowed are const"),
    ("schedule beyond its end", lambda folder: scheduled_gamma("linear", 1.1, 1, 2), r"progress is 1\.1"),
    ("encoder unknown", encoder("resnet"), r"encoder is 'resnet': allowed are tiny, lite, vit-b-32"),
    ("encoder weights absent", encoder("tiny"), r"weights\.safetensors: no such file or folder"),
    ("encoder weights empty", encoder("tiny", b""), r"weights\.safetensors: not weights of this model"),
    ("encoder weights of something else", encoder("tiny", b"x" * 99), r"weights\.safetensors: not weights"),
    ("encoder folder without towers", lambda folder: build_encoder("lite", str(folder)), r"expected a folder"),
    ("encoder padding unknown", encoder("tiny", weights="none", pad_tokens="zero"), r"pad_tokens is 'zero'"),
]  # fmt: skip
