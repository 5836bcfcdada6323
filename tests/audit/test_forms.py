"""Sets of pairs as tools write them, each rebuilt in small: read, or left out pair by pair, or one line that helps."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from archives import tarred
from PIL import Image

from rrsitr_lib.audit.read_pairs import open_pairs
from rrsitr_lib.data.datasets import with_images
from rrsitr_lib.data.pairs import read_csv
from rrsitr_lib.errors import InputError

RNG = np.random.default_rng(3)


def jpeg():
    """A picture that no other file is."""
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def put(folder, files):
    """Files by name: text, bytes, or what JSON writes; pictures where None is given."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = jpeg() if content is None else content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def shard(members):
    def make(folder):
        contents = {name: jpeg() if content is None else content.encode() for name, content in members.items()}
        tarred(folder / "00000.tar", contents, mode="w")

    return make


def table(name, content, *pictures):
    return lambda folder: put(folder, {name: content, **dict.fromkeys(pictures)})


def parquet(**columns):
    return lambda folder: pd.DataFrame(columns).to_parquet(folder / "t.parquet")


def dialogue(name, roles, text):
    said = zip(roles * 2, ("<image> Describe.", text, "And?", "No."), strict=True)
    return {"image": name, "conversations": [{"from": role, "value": value} for role, value in said]}


def messages(name, text):
    parts = [{"type": "image"}, {"type": "text", "text": text}]
    turns = [{"role": "user", "content": "<image>Describe."}, {"role": "assistant", "content": parts}]
    return {"images": [name], "messages": turns}


def lines(*entries):
    return "\n".join(map(json.dumps, entries))


RSICD = {"dataset": "rsicd", "images": [
    {"filename": f"{n}.jpg", "imgid": n, "split": split, "sentences": [{"raw": f"{n} lakes"}, {"raw": other}]}
    for n, split, other in ((0, "train", "."), (1, "train", "a road"), (2, "test", "a farm"))
]}  # fmt: skip
COCO = {"images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(2)],
        "annotations": [{"image_id": 0, "caption": "a lake"}, {"image_id": 1, "caption": "a road"}]}  # fmt: skip
ONE, TWO = ("0.jpg", "a lake"), ("1.jpg", "a road")

READ = {
    "img2dataset's shard, a failed caption": (shard({
        "000000000.jpg": None, "000000000.json": '{"caption": "a lake", "status": "success"}',
        "000000001.jpg": None, "000000001.json": '{"caption": null, "status": "success"}',
    }), [("000000000.jpg", "a lake")], "the caption is empty"),
    "img2dataset's shard, a failed download": (shard({
        "0.jpg": None, "0.txt": "a lake", "0.json": '{"caption": "a lake"}',
        "1.json": '{"caption": "a road", "status": "failed_to_download"}',
    }), [ONE], "no image beside 1.json"),
    "img2dataset's files": (lambda folder: put(folder, {
        "0.jpg": None, "0.txt": "a lake", "0.json": {"caption": "x"}, "00000_stats.json": {"count": 1},
    }), [ONE], ""),
    "img2dataset's files, its table beside them": (lambda folder: [put(folder, {
        "00000/0.jpg": None, "00000/0.txt": "a lake", "00000_stats.json": {}}),
        pd.DataFrame({"key": ["0"], "caption": ["x"]}).to_parquet(folder / "00000.parquet")],
        [("00000/0.jpg", "a lake")], ""),
    "keys of open_clip": (shard({"0.input.jpg": None, "0.outputs.txt": "a lake"}), [("0.input.jpg", "a lake")], ""),
    "keys with dots": (shard({"22.05.png": None, "22.05.txt": "x y", "22.06.png": None, "22.06.txt": "z w"}),
                       [("22.05.png", "x y"), ("22.06.png", "z w")], ""),
    "all images, then all texts": (shard({"0.jpg": None, "1.jpg": None, "0.txt": "a lake", "1.txt": "a road"}),
                                   [ONE, TWO], ""),
    "a text of two lines": (shard({"0.jpg": None, "0.txt": "a\nlake\n"}), [ONE], ""),
    "RS5M's shard": (shard({"0.img_content": None, "0.img_name": "0", "0.caption": "a lake"}), [ONE], ""),
    "raw bytes": (parquet(image=[jpeg(), jpeg()], caption=["a lake", "a road"]),
                  [("row_1.jpg", "a lake"), ("row_2.jpg", "a road")], ""),
    "equal paths": (parquet(image=[{"bytes": jpeg(), "path": "i.jpg"} for _ in range(2)], text=["a lake", "a road"]),
                    [("i.jpg", "a lake"), ("row_2/i.jpg", "a road")], ""),
    "lists of images": (parquet(images=[[jpeg()], [jpeg(), jpeg()]], text=["a lake", "a road"]),
                        [("row_1.jpg", "a lake")], "the row has 2 images: allowed is one"),
    "Karpathy's JSON": (table("dataset_rsicd.json", RSICD, "0.jpg", "1.jpg", "2.jpg"),
                        [("0.jpg", "0 lakes"), ("1.jpg", "1 lakes"), ("1.jpg", "a road"), ("2.jpg", "2 lakes"),
                         ("2.jpg", "a farm")], "caption without a word"),
    "COCO's captions": (table("captions_val2017.json", COCO, "val2017/0.jpg", "val2017/1.jpg"), [ONE, TWO], ""),
    "captions by image": (table("c.json", {"0.jpg": ["a lake"], "1.jpg": "a road"}, "0.jpg", "1.jpg"), [ONE, TWO], ""),
    "objects by image": (table("c.json", {"0.jpg": {"caption": "a lake"}, "1.jpg": {"caption": ["a road"]}}, "0.jpg",
                               "1.jpg"), [ONE, TWO], ""),
    "Flickr8k's tokens": (table("Flickr8k.token.txt", '0.jpg#0\ta lake\n1.jpg#3\ta "road\n', "0.jpg", "1.jpg"),
                          [ONE, ("1.jpg", 'a "road')], ""),
    "Flickr30k's broken row": (table("results.csv", "image_name| comment_number| comment\n0.jpg| 0| a lake\n"
                                     "1.jpg| 1| a road\n1.jpg| 4   a dog .\n", "0.jpg", "1.jpg"), [ONE, TWO],
                               "the row is ['1.jpg', ' 4 a dog .']: allowed is 3 fields (captions that hold '|' need"),
    "LLaVA's lines": (table("l.jsonl", lines(dialogue("0.jpg", ("human", "gpt"), "a lake")), "0.jpg"), [ONE], ""),
    "LLaVA's list": (table("l.json", [dialogue("0.jpg", ("human", "gpt"), "a lake"),
                                      dialogue("1.jpg", ("human", "nobody"), "a road")], "0.jpg", "1.jpg"),
                     [ONE], "the caption is empty"),
    "messages": (table("l.jsonl", lines(messages("0.jpg", "a lake")), "0.jpg"), [ONE], ""),
    "no header": (table("Train_GCC-training.tsv", "a lake\t0.jpg\na road\t1.jpg\n", "0.jpg", "1.jpg"), [ONE, TWO], ""),
    "UTF-16": (table("t.csv", "image,caption\n0.jpg,une forêt\n".encode("utf-16"), "0.jpg"),
               [("0.jpg", "une forêt")], ""),
    "cells of programs": (table("t.csv", "image,caption\n0.jpg,a lake\n1.jpg,nan\n1.jpg,NULL\n1.jpg,None\n", "0.jpg",
                                "1.jpg"), [ONE], "caption 'nan', a missing cell as text"),
    "paths of another machine": (table("t.csv", "image,caption\nC:\\me\\x\\0.jpg,a lake\n/data/RS/1.jpg,a road\n",
                                       "0.jpg", "1.jpg"),
                                 [("C:\\me\\x\\0.jpg", "a lake"), ("/data/RS/1.jpg", "a road")], ""),
    "numbers without their zeros": (table("t.csv", "image_id,caption\n0,a lake\n7,a road\n", "0000.jpg", "0007.jpg"),
                                    [("0", "a lake"), ("7", "a road")], ""),
}  # fmt: skip
REFUSED = {
    "addresses": (table("t.csv", "url,caption\nhttps://x.org/0.jpg,a lake\n"), "an address, no file: fetch the images"),
    "addresses, no header": (table("t.tsv", "a lake\thttp://x.org/0\nb\thttp://x.org/1\n"), "are addresses: fetch"),
    "a spreadsheet": (table("t.xlsx", "PK"), r"t\.xlsx: a spreadsheet: save it as CSV UTF-8"),
    "GBK": (table("t.csv", "图像,描述\n0.jpg,湖\n".encode("gbk")), r"t\.csv, line 1: .*UTF-8 text; iconv -f LATIN1"),
    "UTF-16 without its mark": (table("t.csv", "image,caption\n0.jpg,une forêt\n".encode("utf-16-le")),
                                r"t\.csv, line 2: .*UTF-8 text; iconv -f UTF-16LE"),
    "another separator throughout": (table("t.csv", "image,caption\n0.jpg,a,b\n1.jpg,c,d\n"), "allowed is 2 fields"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_is_read_and_what_is_left_out_is_said(name, tmp_path):
    make, expected, problem = READ[name]
    make(tmp_path)
    pairs = open_pairs(tmp_path, tmp_path / "out" / "pictures")
    assert list(zip(pairs.images, pairs.captions, strict=True)) == expected
    assert bool(pairs.problems) == bool(problem) and problem in " ".join(one.problem for one in pairs.problems)
    contents = {path.read_bytes() for path in pairs.paths}
    assert len(pairs.paths) == len(contents) == len({image for image, _ in expected})


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_a_line_that_helps(name, tmp_path):
    make, message = REFUSED[name]
    make(tmp_path)
    with pytest.raises(InputError, match=message):
        open_pairs(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a text of two lines", "a text of several lines is one caption, as open_clip reads it"),
        ("LLaVA's lines", "captions from the first answer of each dialogue"),
        ("paths of another machine", r"2 images by the end of their path: 'C:\\me\\x\\0.jpg' is 0.jpg"),
        ("numbers without their zeros", "2 images by their number: '0' is 0000.jpg"),
        ("Karpathy's JSON", "all splits: train, test"),
    ],
)
def test_what_was_guessed_is_said_once(name, said, tmp_path):
    READ[name][0](tmp_path)
    notes = open_pairs(tmp_path, tmp_path / "out").notes
    assert notes.count(said) == 1


def test_images_that_are_not_beside_the_table_are_asked_for(tmp_path):
    put(tmp_path, {"annotations/captions_val2017.json": COCO, "val2017/0.jpg": None, "val2017/1.jpg": None})
    path = tmp_path / "annotations" / "captions_val2017.json"
    with pytest.raises(InputError, match=r"2 of 2 images cannot be used; row 1, '0.jpg': .* \(--images names their"):
        open_pairs(path, tmp_path / "out")
    assert len(open_pairs(path, tmp_path / "out", images=tmp_path / "val2017")) == 2


def test_one_split_is_read_alone(tmp_path):
    READ["Karpathy's JSON"][0](tmp_path)
    assert open_pairs(tmp_path, tmp_path / "out", split="test").captions == ["2 lakes", "a farm"]
    with pytest.raises(InputError, match=r"no split 'val'; there are train, test"):
        open_pairs(tmp_path, tmp_path / "out", split="val")


def test_two_paths_that_end_alike_are_not_taken_for_one_picture(tmp_path):
    put(tmp_path, {"t.csv": "image,caption\n/a/0.jpg,a lake\n/b/0.jpg,a road\n", "0.jpg": None})
    pairs = open_pairs(tmp_path / "t.csv", tmp_path / "out")
    assert pairs.images == ["/a/0.jpg"] and "one image needs one name" in pairs.problems[0].problem


@pytest.mark.parametrize("name", ["paths of another machine", "numbers without their zeros", "UTF-16", "LLaVA's lines",
                                  "COCO's captions", "captions by image"])  # fmt: skip
def test_training_reads_the_same(name, tmp_path):
    make, expected, _ = READ[name]
    make(tmp_path)
    (path,) = (path for path in tmp_path.iterdir() if path.suffix in (".csv", ".json", ".jsonl"))
    split = with_images({"train": read_csv(path, "train")}, tmp_path, "fatal")["train"]
    assert list(zip(split.table.image_ids, split.table.captions, strict=True)) == expected
    assert [path.parent.name in (tmp_path.name, "val2017") for path in split.images]


# --- what is odd and is no mismatch ---


def test_oddities_are_remarked_on_and_kept(tmp_path):
    pictures = {f"{n}.jpg": None for n in range(20)} | dict.fromkeys(("x.jpg", "y.jpg", "z.jpg"), jpeg())
    put(tmp_path, pictures)
    rows = [f"{n}.jpg,a photo of a place,train" for n in range(15)]
    rows += ["15.jpg,a &amp; b,train", "16.jpg,a lake in in the sun,train", "17.jpg,many many trees,train"]
    rows += ["x.jpg,a road,train", "y.jpg,a farm,train", "z.jpg,a port,test"]
    rows += ["18.jpg,\"['a lake', 'a road']\",train", "19.jpg,a lake\\nand a road,train", "17.jpg,[a lake],train"]
    (tmp_path / "t.csv").write_text("\n".join(["image,caption,split", *rows]))
    pairs = open_pairs(tmp_path / "t.csv", tmp_path / "out")
    assert len(pairs) == len(rows) and not pairs.problems
    said = {}
    for row, _, problem in pairs.remarks:
        said.setdefault(row, []).append(problem.removeprefix("kept, "))
    assert said == {
        **{row: ["one caption at many images: 15"] for row in range(1, 16)},
        16: ["left over from another form of text: '&amp;'"],
        17: ["a word twice: 'in in'"],
        **{row: ["its picture in another split too: test", "one picture under several names: 3, a placeholder?"]
           for row in (19, 20)},
        21: ["its picture in another split too: train", "one picture under several names: 3, a placeholder?"],
        22: ["left over from another form of text: '['"],
        23: [r"left over from another form of text: '\\n'"],
    }  # fmt: skip
