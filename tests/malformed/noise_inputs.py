"""Bad noise: what cannot be injected, files of noise, index forms of others."""

import json
from pathlib import Path

import numpy as np
from malformed.making import Cases, Make, call, file, npy

from rrsitr_lib.data.noise import inject, load_noise, save_noise
from rrsitr_lib.exchange.noise_index import load_index, save_index

IDS = ["lake_1.jpg", "lake_1.jpg", "lake_2.jpg", "lake_2.jpg", "road_3.jpg", "road_3.jpg"]


def noise(*arguments: object, ids: object = IDS, **options: object) -> Make:
    """Inject noise into six rows of three images."""
    return call(inject, ids, *arguments, **options)


def noise_file(keep: int | None = None, **changes: object) -> Make:
    """Save noise, replace some parts of the file (``...`` takes one away) or cut it, and load it."""

    def make(folder: Path) -> object:
        path = save_noise(inject(IDS, 0.5), folder / "noise.npz")
        with np.load(path) as saved:
            parts = {**saved, **changes}
        np.savez(path, **{name: part for name, part in parts.items() if part is not ...})
        path.write_bytes(path.read_bytes()[:keep])
        return load_noise(path)

    return make


def facts(**changes: object) -> Make:
    """The same with some of its stated facts replaced."""
    stated = {"rate": 0.5, "protocol": "shuffle", "seed": 42, "fingerprint": inject(IDS, 0.5).fingerprint, **changes}
    return noise_file(facts=json.dumps({name: fact for name, fact in stated.items() if fact is not ...}))


def index_file(content: object, ids: object = IDS, **options: object) -> Make:
    """Load bytes, or an array as ``.npy``, as an index form."""
    return file(load_index, "index.npy", content if isinstance(content, bytes) else npy(content), ids, **options)


def huge_npy() -> bytes:
    """A header that promises a million billion numbers."""
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000000,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def save_as(form: str, protocol: str, ids: object = IDS) -> Make:
    """Save noise of a protocol in an index form."""
    return lambda folder: save_index(inject(IDS, 1.0, protocol), ids, folder / "index.npy", form)


ROWS, TEXTS = np.arange(6), np.array(["a"] * 6)
FOREIGN = r"noise\.npz: not a noise file of this project(, or damaged)? \("
NO_ARRAY, NO_NUMBERS = r"index\.npy: not a \.npy array", r"index\.npy: expected whole numbers of shape \(N,\), got "

CASES: Cases = [
    ("noise rate above one", noise(1.4), r"noise rate is 1\.4: allowed is a share from 0 to 1"),
    ("noise rate below zero", noise(-0.1), r"noise rate is -0\.1: allowed is a share from 0 to 1"),
    ("noise rate not a number", noise(float("nan")), r"noise rate is nan"),
    ("noise rate a text", noise("0.4"), r"noise rate is '0\.4'"),
    ("noise rate a truth", noise(True), r"noise rate is True: allowed is a share"),
    ("noise rate missing", noise(None), r"noise rate is None: allowed is a share"),
    ("noise protocol", noise(0.4, "swap"), r"protocol is 'swap': allowed are shuffle, derangement, image, hard"),
    ("noise seed below zero", noise(0.4, seed=-1), r"noise seed is -1: allowed is a whole number from 0 to 4294967295"),
    ("noise seed a fraction", noise(0.4, seed=1.5), r"noise seed is 1\.5"),
    ("noise without rows", noise(0.4, ids=[]), r"image_ids is empty"),
    ("noise with one image", noise(0.4, ids=["a", "a"]), r"all 2 rows show one image: at least two are needed"),
    ("noise id missing", noise(0.4, ids=["a", None, "b"]), r"image_ids, row 1: the value is missing"),
    ("noise ids of two axes", noise(0.4, ids=[["a"], ["b"]]), r"image_ids has shape \(2, 1\): expected .*\(N,\)"),
    ("noise ids ragged", noise(0.4, ids=[["a"], ["b", "c"]]), r"image_ids: a value that cannot be compared"),
    ("noise captions too few", noise(0.4, captions=["x"]), r"captions has 1 rows, image_ids has 6"),
    ("noise caption missing", noise(0.4, captions=["x"] * 5 + [float("nan")]), r"captions, row 5: the value is miss"),
    ("noise no derangement", noise(1.0, "derangement", ids=["a", "a", "b"]), r"draws 3 of 3 rows, but no exchange"),
    ("noise one row deranged", noise(0.2, "derangement"), r"draws 1 of 6 rows, but no exchange"),
    ("noise one image exchanged", noise(0.3, "image"), r"of 3 images is 1 image: an exchange needs at least two"),
    ("noise hard without class", noise(0.4, "hard", ids=[1, 2, 3]), r"image id 1 carries no class .*needs captions"),
    ("noise hard, one sentence", noise(1.0, "hard", captions=["x"] * 6), r"row \d: no caption of another image diff"),
    ("noise file absent", file(load_noise, "no.npz"), r"no\.npz: no such file"),
    ("noise file a folder", load_noise, r"not a noise file of this project, or damaged"),
    ("noise file empty", noise_file(keep=0), FOREIGN + "File is not a zip file"),
    ("noise file cut", noise_file(keep=-30), FOREIGN + "File is not a zip file"),
    ("noise file without indices", noise_file(caption_index=...), FOREIGN + "KeyError: 'caption_index"),
    ("noise file without mask", noise_file(mismatched=...), FOREIGN + "KeyError: 'mismatched"),
    ("noise file without facts", noise_file(facts=...), FOREIGN + "KeyError: 'facts"),
    ("noise file, facts broken", noise_file(facts="["), FOREIGN + "JSONDecodeError"),
    ("noise file, facts no object", noise_file(facts="[]"), FOREIGN + "TypeError"),
    ("noise file, no fingerprint", facts(fingerprint=...), FOREIGN + "KeyError: 'fingerprint'"),
    ("noise file, fingerprint a number", facts(fingerprint=7), r"fingerprint .* does not match the 7… it states"),
    ("noise file, rate a text", facts(rate="much"), FOREIGN + "ValueError: could not convert string to float: 'much'"),
    ("noise file exchanged", noise_file(caption_index=ROWS), r"noise\.npz: fingerprint .* does not match the .* it st"),
    ("noise file beyond the table", noise_file(caption_index=ROWS + 1), r"npz: .* from 1 to 6, allowed are 0 to 5"),
    ("noise file below zero", noise_file(caption_index=ROWS - 1), r"npz: .* from -1 to 4, allowed are 0 to 5"),
    ("noise file too short", noise_file(caption_index=ROWS[:5]), FOREIGN + r".* the shapes \(\(5,\), \(6,\)\)"),
    ("noise file of two axes", noise_file(caption_index=ROWS[None]), FOREIGN + r".* the shapes \(\(1, 6\), \(6,\)\)"),
    ("noise file of one number", noise_file(caption_index=np.array(1)), FOREIGN + r".* the shapes \(\(\), \(6,\)\)"),
    ("noise file of fractions", noise_file(caption_index=ROWS + 0.5), FOREIGN + ".*caption_index is float64"),
    ("noise file of texts", noise_file(caption_index=TEXTS), FOREIGN + ".*caption_index is <U1"),
    ("noise file, mask one number", noise_file(mismatched=np.array(True)), FOREIGN + r".* \(\(6,\), \(\)\)"),
    ("noise file, mask of numbers", noise_file(mismatched=ROWS), FOREIGN + ".*mismatched is int64"),
    ("index absent", file(load_index, "no.npy", None, IDS), r"no\.npy: no such file"),
    ("index a folder", lambda folder: load_index(folder, IDS), r"not a \.npy array"),
    ("index empty", index_file(b""), NO_ARRAY),
    ("index a text", index_file(b"0 1 2"), NO_ARRAY),
    ("index a broken zip", index_file(b"PK\x03\x04" + bytes(50)), NO_ARRAY),
    ("index promising petabytes", index_file(huge_npy()), NO_ARRAY),
    ("index of fractions", index_file(np.zeros(6)), NO_NUMBERS + "float64"),
    ("index of texts", index_file(TEXTS), NO_NUMBERS + "<U1"),
    ("index of truths", index_file(ROWS > 2), NO_NUMBERS + "bool"),
    ("index of two axes", index_file(ROWS[:, None]), NO_NUMBERS),
    ("index of one number", index_file(np.array(3)), NO_NUMBERS),
    ("index of another table", index_file(ROWS[:5]), r"5 numbers for a table of 6 captions and 3 images"),
    ("index beyond the images", index_file(0 * ROWS + 3), r"image numbers from 3 to 3, allowed are 0 to 2"),
    ("index below zero", index_file(0 * ROWS - 1), r"image numbers from -1 to -1, allowed are 0 to 2"),
    ("index beyond int64", index_file(np.full(6, 2**64 - 1, np.uint64)), r"image numbers from 18446744073709551615"),
    ("index to one image", index_file(0 * ROWS), r"image number 0 gets 6 captions but has 2 rows"),
    ("index of images to one image", index_file(0 * ROWS[:3]), r"image number 0 gets 6 captions but has 2 rows"),
    ("index without a table", index_file(ROWS, ids=[]), r"image_ids is empty"),
    ("index, id missing", index_file(ROWS, ids=[*IDS[:5], None]), r"image_ids, row 5: the value is missing"),
    ("index, captions too few", index_file(ROWS // 2, captions=["x", "y"]), r"captions has 2 rows, image_ids has 6"),
    ("index form for copies", save_as("caption", "hard"), r"hard noise copies captions"),
    ("index form for single captions", save_as("image", "shuffle"), r"captions of one image went to several images"),
    ("index form unknown", save_as("rows", "shuffle"), r"form is 'rows': allowed are 'caption' and 'image'"),
    ("index form of another table", save_as("caption", "image", IDS[:4]), r"6 caption indices for a table of 4 rows"),
]  # fmt: skip
