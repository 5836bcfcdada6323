"""Pairs in tar shards: written and read again, indexed once, noise by row, what is wrong with a shard named."""

import gzip
import io
import os
import tarfile

import numpy as np
import pytest
from PIL import Image
from test_cli import rrsitr

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split, inject_noise, open_data
from rrsitr_lib.data.images import as_image
from rrsitr_lib.data.noise import inject
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.data.shards import index, shard_files
from rrsitr_lib.data.shards.write import write_shards, write_split
from rrsitr_lib.errors import InputError

CAPTIONS = {"a.png": ["a lake .", "blue, deep"], "b.png": ["two roads ."], "c.png": ["a field"], "d.png": ["a lake ."]}
pytestmark = pytest.mark.usefixtures("cache")


def split(name, captions=CAPTIONS):
    """Pairs of drawn images, a grey level each."""
    rows = [(image, text) for image, texts in captions.items() for text in texts]
    table = PairTable(*map(list, zip(*rows, strict=True)), name, "memory")
    return Split(table, np.stack([np.full((6, 5, 3), 9 * n, np.uint8) for n in range(len(captions))]))


@pytest.fixture
def folder(tmp_path):
    """Shards of two images each, in the order of the table, with val and test."""
    out = tmp_path / "shards"
    write_shards(split("train").table, split("train").images, out, size=2, seed=None)
    for name in ("val", "test"):
        write_split(split(name).table, split(name).images, out)
    return out


def opened(folder, **given):
    return open_data(RunConfig.build(data=str(folder / "*.tar"), encoder="tiny", **given))["train"]


def tar(path, members):
    with tarfile.open(path, "w") as shard:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            shard.addfile(entry, io.BytesIO(content))
    return path


def png(level=0):
    Image.new("L", (4, 4), level).save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


def test_what_was_written_is_read(folder):
    train = opened(folder)
    assert [*train.table.captions] == [text for texts in CAPTIONS.values() for text in texts]
    assert train.table.images[:].tolist() == [f"000{n // 2}/{n:09}.png" for n in range(4)]
    assert train.table.image_of_row.tolist() == [0, 0, 1, 2, 3]
    assert train.table.captions[np.array([4, 1])].tolist() == ["a lake .", "blue, deep"]
    assert [np.asarray(as_image(image))[0, 0, 0] for image in train.images] == [0, 9, 18, 27]
    moved = train.table.with_captions(np.array([1, 0, 2, 4, 3]))
    assert [*moved.captions] == ["blue, deep", "a lake .", "two roads .", "a lake .", "a field"]
    copy = moved.write_csv(folder.parent / "pairs.csv.gz")
    assert gzip.decompress(copy.read_bytes()).decode().splitlines()[1] == '0000/000000000.png,"blue, deep"'


def test_by_seed_images_are_shuffled_and_none_is_lost(tmp_path):
    train = split("train")
    write_shards(train.table, train.images, tmp_path / "s", size=2, seed=2)
    for name in ("val", "test"):
        write_split(split(name).table, split(name).images, tmp_path / "s")
    again = opened(tmp_path / "s")
    said = {np.asarray(image)[0, 0, 0] // 9: n for n, image in enumerate(again.images)}
    assert sorted(said) == [0, 1, 2, 3] and [*said] != [0, 1, 2, 3]
    for number, texts in enumerate(CAPTIONS.values()):
        assert again.table.captions[again.table.image_of_row == said[number]].tolist() == texts


def test_files_keep_their_bytes(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"any bytes")
    table = PairTable(["a.jpg"], ["a lake ."], "train", "memory")
    (shard,) = write_shards(table, [tmp_path / "a.jpg"], tmp_path / "s")
    with tarfile.open(shard) as members:
        contents = {one.name: members.extractfile(one).read() for one in members}
    assert contents == {"000000000.jpg": b"any bytes", "000000000.txt": b"a lake ."}
    with pytest.raises(InputError, match=r"holds shards already, such as 0000\.tar"):
        write_shards(table, [tmp_path / "a.jpg"], tmp_path / "s")


@pytest.mark.parametrize("protocol", ["shuffle", "derangement", "image"])
def test_noise_is_that_of_the_same_rows_in_a_table(folder, protocol):
    config = RunConfig.build(data=str(folder / "*.tar"), encoder="tiny", noise_rate=1.0, protocol=protocol)
    table = split("train").table
    expected = inject(table.image_ids, 1.0, protocol, captions=table.captions)
    noise = inject_noise(config, open_data(config)["train"].table)
    np.testing.assert_array_equal(noise.caption_index, expected.caption_index)
    np.testing.assert_array_equal(noise.mismatched, expected.mismatched)


def test_noise_by_words_is_refused(folder):
    config = RunConfig.build(data=str(folder / "*.tar"), encoder="tiny", noise_rate=0.4, protocol="hard")
    with pytest.raises(InputError, match="'hard' compares the words of all captions"):
        inject_noise(config, open_data(config)["train"].table)


def test_a_shard_is_read_through_once(folder, monkeypatch):
    opened(folder)
    monkeypatch.setattr(index, "places_in_shard", None)
    assert len(opened(folder).table) == 5
    os.utime(folder / "0001.tar", (1, 1))
    with pytest.raises(TypeError):
        opened(folder)


def test_names_that_restart_in_every_shard_are_told_apart(tmp_path, folder):
    for name, level in (("00.tar", 3), ("01.tar", 4)):
        tar(tmp_path / name, [("0.png", png(level)), ("0.txt", b"a lake")])
    table = open_data(RunConfig.build(data=str(tmp_path / "{00..01}.tar"), encoder="tiny", validation=str(folder)))[
        "train"
    ].table
    assert [*table.images] == ["00/0.png", "01/0.png"] and table.image_of_row.tolist() == [0, 1]


@pytest.mark.parametrize(("name", "said"), [
    ("{0000..0003}.tar", r"2 of 4 shards are not there: 0002.tar, 0003.tar"),
    ("{0003..0001}.tar", "from 0003 to 0001"), ("{0..99999999}.tar", "allowed are up to 1,000,000 shards"),
    ("x*.tar", "no file fits"), ("x.tar", "1 of 1 shards are not there: x.tar"),
])  # fmt: skip
def test_a_pattern_that_fits_no_files_is_named(folder, name, said):
    with pytest.raises(InputError, match=said):
        shard_files(folder / name)


@pytest.mark.parametrize("left", [700, 1536, -1024], ids=["within a member", "between two", "before the end mark"])
def test_a_shard_that_is_cut_is_named(folder, left):
    content = (folder / "0001.tar").read_bytes()
    with tarfile.open(folder / "0001.tar") as shard:
        end = max(one.offset_data + -(-one.size // 512) * 512 for one in shard)
    (folder / "0001.tar").write_bytes(content[:end] if left < 0 else content[:left])
    with pytest.raises(InputError, match=r"0001\.tar"):
        opened(folder)


def test_a_packed_shard_is_refused(folder):
    (folder / "0001.tar").write_bytes(gzip.compress((folder / "0001.tar").read_bytes()))
    with pytest.raises(InputError, match=r"0001\.tar: not a whole tar file"):
        opened(folder)


def test_a_shard_that_is_shorter_or_gone_after_it_was_indexed_is_named(folder):
    train = opened(folder)
    whole = (folder / "0001.tar").read_bytes()
    (folder / "0001.tar").write_bytes(whole[:600])
    with pytest.raises(InputError, match=r"0001\.tar: shorter than when the run began: put the shard back"):
        train.images[3]
    (folder / "0001.tar").unlink()
    with pytest.raises(InputError, match=r"0001\.tar: No such file"):
        train.images[3]
    (folder / "0001.tar").write_bytes(whole)
    assert train.images[3].size == (5, 6)


def test_samples_that_are_no_pairs_are_counted_and_left_out_if_asked(folder):
    samples = [("5.png", png()), ("6.png", png()), ("6.json", b'{"caption": null}'), ("7.txt", b"a road")]
    tar(folder / "0002.tar", [*samples, ("8.png", b"no picture"), ("8.txt", b".")])
    with pytest.raises(InputError, match=r"3 samples are no pairs \(0002/5.png: the caption is empty; .*--bad skip"):
        opened(folder)
    train = opened(folder, bad="skip")
    assert [problem.problem for problem in train.left_out] == [
        "pair left out: the caption is empty", "pair left out: the caption is empty",
        "pair left out: no image beside 7.txt",
    ]  # fmt: skip
    assert len(train.table) == 6 and train.rows.tolist() == [1, 2, 3, 4, 5, 6]
    with pytest.raises(InputError, match=r"0002\.tar, 8\.png: cannot be decoded"):
        train.images[4]


def test_a_table_is_missing_beside_the_shards(folder):
    (folder / "val.csv").unlink()
    with pytest.raises(InputError, match="val"):
        opened(folder)


@pytest.mark.parametrize("given", [{"train": "heads"}, {"store": True}])
def test_what_keeps_all_images_at_hand_is_refused(folder, given):
    with pytest.raises(InputError, match="does not go with shards"):
        RunConfig.build(data=str(folder / "*.tar"), encoder="tiny", **given)


def test_the_command_writes_what_train_is_then_told(tmp_path, capsys, few_scenes):
    assert rrsitr("data", "shards", "scenes", "--out", tmp_path / "s", "--size", "20", "--set", "scenes=41") == 0
    assert f"205 pairs in 3 shards: rrsitr train --data '{tmp_path}/s/{{0000..0002}}.tar'" in capsys.readouterr().out
    assert len(opened(tmp_path / "s").table) == 205
    assert rrsitr("data", "shards", "nowhere", "--out", tmp_path / "t") == 2
