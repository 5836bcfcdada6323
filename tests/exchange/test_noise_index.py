"""Noise on disk: what is saved comes back, what could run code is refused; damaged files: tests/malformed."""

from pathlib import Path

import numpy as np
import pytest

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, noise_in_words
from rrsitr_lib.data.noise import PROTOCOLS, Noise, inject, load_noise, save_noise
from rrsitr_lib.data.pairs import PairTable
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


@pytest.fixture
def saved(tmp_path):
    return save_noise(inject(IDS, 0.4, captions=CAPTIONS), tmp_path / "noise.npz")


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
    assert (read.rate, read.protocol) == (0.5, "index form 'image'")
    assert (IDS[read.caption_index] == IDS[noise.caption_index]).all()
    assert_same(read, noise)


@pytest.mark.parametrize(("name", "save", "said"), [
    ("n.npz", save_noise, ".npz of this project, image, seed 42, nominal rate 50.00 %"),
    ("i.npy", lambda noise, path: save_index(noise, IDS, path, "image"), "index form 'image', which states no nominal"),
    ("c.npy", lambda noise, path: save_index(noise, IDS, path, "caption"), "index form 'caption', which states no nom"),
])  # fmt: skip
def test_a_noise_file_says_its_form_and_its_rates_and_suffers_no_other(tmp_path, name, save, said):
    path, table = str(tmp_path / name), PairTable(IDS, CAPTIONS, "train", "memory")
    save(inject(IDS, 0.5, "image"), path)
    config = RunConfig.build(encoder="tiny", noise_file=path)
    noise = inject_noise(config, table)
    words = noise_in_words(path, noise)
    assert (
        words.startswith(f"noise_file {name}: {said}") and f" {100 * noise.realised_rate:.2f} % of the pairs" in words
    )
    with pytest.raises(InputError, match=r"noise_rate is 0\.2 beside noise_file .*give one of the two"):
        inject_noise(config.model_copy(update={"noise_rate": 0.2}), table)


def test_captions_that_stayed_keep_their_row(tmp_path):
    np.save(tmp_path / "t.npy", [0, 0, 1, 1, 2, 0, 2, 2, 1])
    read = load_index(tmp_path / "t.npy", list("aaabbbccc"))
    assert read.caption_index.tolist() == [0, 1, 5, 3, 2, 8, 6, 7, 4]
    assert read.mismatched.tolist() == [False, False, True, False, True, True, False, False, True]


def test_sentences_of_the_own_image_are_no_mismatch(tmp_path):
    np.save(tmp_path / "t.npy", [1, 0])
    assert load_index(tmp_path / "t.npy", ["a", "b"]).mismatched.all()
    assert not load_index(tmp_path / "t.npy", ["a", "b"], ["lake", "lake"]).mismatched.any()


def test_a_form_that_cannot_hold_the_noise_writes_nothing(tmp_path):
    with pytest.raises(InputError, match="hard noise copies captions"):
        save_index(inject(IDS, 0.4, "hard"), IDS, tmp_path / "a.npy", "caption")
    assert not list(tmp_path.iterdir())


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
        load, path = load_noise, saved
        with np.load(saved) as file:
            np.savez(saved, **{**file, "caption_index": objects})
    with pytest.raises(InputError, match=r"[Oo]bject arrays cannot be loaded"):
        load(path)
    assert not marker.exists()
    loaded = np.load(path, allow_pickle=True)
    _ = loaded["caption_index"] if form == "npz" else loaded
    assert marker.exists(), "the file would have run code"


def test_noise_object_computes_its_own_fingerprint():
    assert Noise(np.arange(3), np.zeros(3, bool), 0.0, "shuffle", 0, "stated").fingerprint != "stated"
