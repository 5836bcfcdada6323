"""Benchmarks: the authors' splits rebuilt, published counts, and what a copy lacks."""

import json

import pytest
from oracles import REFERENCE, RSICD, needs_rsicd, needs_splits
from PIL import Image

from rrsitr_lib.data.benchmark import benchmark, benchmarks, split_train_val
from rrsitr_lib.data.tables import read_csv


@pytest.fixture(scope="module")
def authors():
    files = {"train": "train_nc00", "val": "val", "test": "test"}
    return {split: read_csv(REFERENCE / "rsitmd" / f"{name}.csv.gz") for split, name in files.items()}


def number(name):
    return int(name.split("_")[1].split(".")[0])


@needs_splits
def test_shuffle_rebuilds_the_authors_rsitmd_split(authors):
    # RSITMD numbers its pictures in the order of its JSON, so sorting by number gives the published order back.
    published = sorted([*authors["train"].images, *authors["val"].images], key=number)
    train, val = split_train_val(published)
    assert train == authors["train"].images.tolist() and val == authors["val"].images.tolist()


@needs_splits
def test_json_by_the_published_rule_gives_the_authors_captions(tmp_path, authors):
    entries = {}
    for split, table in authors.items():
        for name, caption in zip(table.image_ids, table.captions, strict=True):
            entry = {"filename": name, "split": "test" if split == "test" else "train", "sentences": []}
            entries.setdefault(name, entry)["sentences"].append({"raw": f" {caption} "})
    tests = [entry for entry in entries.values() if entry["split"] == "test"]
    trains = sorted(
        (entry for entry in entries.values() if entry["split"] == "train"), key=lambda e: number(e["filename"])
    )
    (tmp_path / "dataset_RSITMD.json").write_text(json.dumps({"images": [*trains[:50], *tests, *trains[50:]]}))
    tables = benchmark("rsitmd").read(tmp_path)
    assert {split: table.fingerprint for split, table in tables.items()} == {
        split: table.fingerprint for split, table in authors.items()
    }
    assert benchmark("rsitmd").check(tables) == []


@needs_splits
def test_check_finds_noise_and_odd_names(authors):
    noisy = {**authors, "train": read_csv(REFERENCE / "rsitmd" / "train_nc02.csv.gz")}
    assert noisy["train"].captions_sha256 == benchmark("rsitmd").captions_sha256["train_nc02"]
    (problem,) = benchmark("rsitmd").check(noisy)
    assert problem.startswith("train: captions SHA-256 fe6df0e0")
    assert len([line for line in benchmark("rsicd").check(authors) if "names unlike" in line]) == 3


@needs_rsicd
def test_part_of_rsicd_reads_and_check_says_what_is_missing():
    tables = benchmark("rsicd").read(RSICD)
    problems = benchmark("rsicd").check(tables, RSICD / "images")
    assert problems[:2] == ["train: images 700, published 8845", "train: pairs 3500, published 44225"]
    assert len(problems) == 6
    assert benchmark("rsicd").check({"train": tables["train"]}, RSICD)[-1].startswith("train: ")


@pytest.mark.parametrize("name", ["rsicd", "nwpu"])
def test_whole_json_gives_the_published_counts(tmp_path, name):
    known = benchmark(name)
    names = [f"lake_{place:05d}.jpg" for place in range(sum(known.images.values()))]
    splits = ["val", "test", "train"]
    left = {**known.images}
    images = []
    for place, file_name in enumerate(names):
        split = next(split for split in [splits[place % 3], *splits] if left[split])
        left[split] -= 1
        images.append({"filename": file_name, "split": split, **{f"raw_{k}": f"{k}" for k in range(5)}})
    path = tmp_path / known.json_name
    path.write_text(json.dumps({"lake": images}))
    tables = benchmark(name).read(tmp_path)
    assert known.check(tables) == []
    train_val = [image["filename"] for image in images if image["split"] != "test"]
    assert (tables["train"].images.tolist(), tables["val"].images.tolist()) == split_train_val(train_val)
    assert tables["test"].images.tolist() == [image["filename"] for image in images if image["split"] == "test"]


@pytest.mark.parametrize(("count", "train", "val"), [(4291, 3861, 430), (9828, 8845, 983), (28350, 25515, 2835)])
def test_ninety_percent_round_down(count, train, val):
    images = [str(image) for image in range(count)]
    parts = split_train_val(images)
    assert tuple(map(len, parts)) == (train, val)
    assert sorted([*parts[0], *parts[1]]) == sorted(images) and images == [str(image) for image in range(count)]
    assert split_train_val(images, seed=43) != parts


def test_descriptors_agree_with_the_table_of_the_paper():
    assert {name: (*known.images.values(), *known.pairs.values()) for name, known in benchmarks().items()} == {
        "rsitmd": (3861, 430, 452, 19305, 2150, 2260),
        "rsicd": (8845, 983, 1093, 44225, 4915, 5465),
        "nwpu": (25515, 2835, 3150, 127575, 14175, 15750),
    }


def test_missing_images_are_a_problem_line(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "lake_1.tif")
    (tmp_path / "train.csv").write_text("filename,title\nlake_1.tif,a\nlake_2.tif,b\n")
    problems = benchmark("rsitmd").check({"train": read_csv(tmp_path / "train.csv")}, tmp_path)
    assert problems[:2] == ["val is missing", "test is missing"]
    assert "1 of 2 images not found, such as ['lake_2.tif']" in problems[-1]
