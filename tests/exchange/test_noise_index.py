"""Noise on disk: what is saved comes back, what was changed is noticed, what could run code is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from rrsitr_lib.data.noise import PROTOCOLS, Noise, inject, load_noise, save_noise
from rrsitr_lib.errors import InputError
from rrsitr_lib.exchange.noise_index import load_index, save_index

IDS = np.repeat([f"farm_{k}" for k in range(12)], 5)
CAPTIONS = np.array([f"sentence {row % 41}" for row in range(60)])


def assert_same(noise, other):
    assert (noise.caption_index == other.caption_index).all() and noise.caption_index.dtype == np.int64
    assert (noise.mismatched == other.mismatched).all() and noise.mismatched.dtype == bool
    assert noise.fingerprint == other.fingerprint


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("rate", [0, 0.4, 1.0])
def test_npz_round_trip(tmp_path, protocol, rate):
    noise = inject(IDS, rate, protocol, seed=7, captions=CAPTIONS)
    read = load_noise(save_noise(noise, tmp_path / "noise.npz"))
    assert_same(read, noise)
    assert (read.rate, read.protocol, read.seed) == (rate, protocol, 7)
    assert [path.name for path in tmp_path.iterdir()] == ["noise.npz"]


def rewritten(path, **changes):
    """The parts of a noise file with some replaced; ``...`` takes one away."""
    with np.load(path) as file:
        parts = {**file, **changes}
    np.savez(path, **{name: part for name, part in parts.items() if part is not ...})
    return path


@pytest.fixture
def saved(tmp_path):
    return save_noise(inject(IDS, 0.4, captions=CAPTIONS), tmp_path / "noise.npz")


def swapped(noise):
    changed = noise.caption_index.copy()
    moved = np.flatnonzero(noise.mismatched)[:2]
    changed[moved] = changed[moved[::-1]]
    return changed


def test_exchanged_indices_are_noticed(saved):
    rewritten(saved, caption_index=swapped(load_noise(saved)))
    with pytest.raises(InputError, match=r"noise\.npz: fingerprint .* does not match"):
        load_noise(saved)


def test_a_changed_mask_is_noticed(saved):
    rewritten(saved, mismatched=~load_noise(saved).mismatched)
    with pytest.raises(InputError, match=r"noise\.npz"):
        load_noise(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"caption_index": np.arange(60) + 0.5},
        {"caption_index": np.arange(60).reshape(6, 10)},
        {"caption_index": np.array(1)},
        {"caption_index": np.arange(59)},
        {"caption_index": np.arange(60) - 1},
        {"caption_index": np.arange(60) + 1},
        {"caption_index": np.array(["a"] * 60)},
        {"caption_index": ...},
        {"mismatched": np.array(True)},
        {"mismatched": np.zeros(59, bool)},
        {"mismatched": np.full(60, 7)},
        {"mismatched": ...},
        {"facts": ...},
        {"facts": "["},
        {"facts": "[1]"},
        {"facts": "{}"},
        {"facts": json.dumps({"rate": 0.4, "protocol": "shuffle", "seed": 42})},
        {"facts": json.dumps({"rate": 0.4, "protocol": "shuffle", "seed": 42, "fingerprint": 3})},
    ],
    ids=lambda changes: " ".join(f"{name} {str(value)[:70]}" for name, value in changes.items()),
)
def test_a_file_with_other_parts_is_refused(saved, changes):
    with pytest.raises(InputError, match=r"noise\.npz: "):
        load_noise(rewritten(saved, **changes))


@pytest.mark.parametrize("keep", [0, 10, 200, -30])
def test_a_cut_file_is_refused(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a noise file"):
        load_noise(saved)


@pytest.mark.parametrize("protocol", ["shuffle", "derangement", "image"])
def test_one_number_a_caption_round_trip(tmp_path, protocol):
    """NCR and L2RM: caption j belongs to image number t[j]. Which of an image's rows holds it is not recorded."""
    noise = inject(IDS, 0.4, protocol, captions=CAPTIONS)
    path = save_index(noise, IDS, tmp_path / "index.npy", "caption")
    numbers = np.load(path)
    assert numbers.dtype == np.int64 and numbers[noise.caption_index].tolist() == np.repeat(np.arange(12), 5).tolist()
    read = load_index(path, IDS, CAPTIONS)
    for image in set(IDS):
        rows = image == IDS
        assert sorted(read.caption_index[rows]) == sorted(noise.caption_index[rows])
    assert read.mismatched.sum() == noise.mismatched.sum() and read.rate == noise.realised_rate
    again = save_index(read, IDS, tmp_path / "again.npy", "caption")
    assert again.read_bytes() == path.read_bytes()
    assert_same(load_index(again, IDS, CAPTIONS), read)


def test_one_number_an_image_round_trip(tmp_path):
    """DECL and RCL: all captions of image k belong to image number t[k]."""
    noise = inject(IDS, 0.5, "image")
    path = save_index(noise, IDS, tmp_path / "index.npy", "image")
    assert len(np.load(path)) == 12
    read = load_index(path, IDS, rate=0.5)
    assert (read.rate, read.protocol) == (0.5, "file:index.npy")
    assert (IDS[read.caption_index] == IDS[noise.caption_index]).all()
    assert_same(read, noise)


def test_captions_that_stayed_keep_their_row(tmp_path):
    np.save(tmp_path / "t.npy", [0, 0, 1, 1, 2, 0, 2, 2, 1])
    read = load_index(tmp_path / "t.npy", list("aaabbbccc"))
    assert read.caption_index.tolist() == [0, 1, 5, 3, 2, 8, 6, 7, 4]
    assert read.mismatched.tolist() == [False, False, True, False, True, True, False, False, True]


def test_sentences_of_the_own_image_are_no_mismatch(tmp_path):
    np.save(tmp_path / "t.npy", [1, 0])
    assert load_index(tmp_path / "t.npy", ["a", "b"]).mismatched.all()
    assert not load_index(tmp_path / "t.npy", ["a", "b"], ["lake", "lake"]).mismatched.any()


def test_forms_that_cannot_hold_the_noise(tmp_path):
    with pytest.raises(InputError, match="hard noise copies captions"):
        save_index(inject(IDS, 0.4, "hard"), IDS, tmp_path / "a.npy", "caption")
    with pytest.raises(InputError, match="captions of one image went to several images"):
        save_index(inject(IDS, 0.4), IDS, tmp_path / "a.npy", "image")
    with pytest.raises(InputError, match="60 caption indices for a table of 50 rows"):
        save_index(inject(IDS, 0.4), IDS[:50], tmp_path / "a.npy", "caption")
    with pytest.raises(InputError, match="neither"):
        save_index(inject(IDS, 0.4), IDS, tmp_path / "a.npy", "neither")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (np.zeros(59, int), "59 numbers for a table of 60 captions and 12 images"),
        (np.full(60, 12), "image numbers from 12 to 12, allowed are 0 to 11"),
        (np.full(60, -1), "image numbers from -1 to -1"),
        (np.zeros(60, int), "image number 0 gets 60 captions but has 5 rows"),
        (np.zeros(12, int), "image number 0 gets 60 captions but has 5 rows"),
        (np.zeros(60), "expected whole numbers"),
        (np.zeros((60, 1), int), "expected whole numbers"),
        (np.array(3), "expected whole numbers"),
        (np.array(["a"] * 60), "expected whole numbers"),
        (np.zeros(60, bool), "expected whole numbers"),
        (np.full(60, 2**64 - 1, np.uint64), "image numbers from 18446744073709551615"),
    ],
    ids=lambda value: value[:25] if isinstance(value, str) else "",
)
def test_numbers_that_do_not_fit(tmp_path, numbers, message):
    np.save(tmp_path / "t.npy", numbers)
    with pytest.raises(InputError, match=message):
        load_index(tmp_path / "t.npy", IDS)


class Intruder:
    """Touches a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("form", ["npy", "npz"])
def test_pickled_objects_are_refused_and_run_nothing(tmp_path, form, saved):
    marker = tmp_path / "ran"
    objects = np.array([Intruder(marker)] * 60, dtype=object)
    if form == "npy":
        np.save(tmp_path / "t.npy", objects, allow_pickle=True)
        load, path = lambda path: load_index(path, IDS), tmp_path / "t.npy"
    else:
        load, path = load_noise, rewritten(saved, caption_index=objects)
    with pytest.raises(InputError, match=r"[Oo]bject arrays cannot be loaded"):
        load(path)
    assert not marker.exists()
    loaded = np.load(path, allow_pickle=True)
    _ = loaded["caption_index"] if form == "npz" else loaded
    assert marker.exists(), "the file would have run code"


def test_noise_object_computes_its_own_fingerprint():
    assert Noise(np.arange(3), np.zeros(3, bool), 0.0, "shuffle", 0, "stated").fingerprint != "stated"
