"""Benchmarks and their JSON: the authors' splits rebuilt, published counts, forms of the files."""

import json

import pytest
from oracles import REFERENCE, RSICD, needs_rsicd, needs_splits

from rrsitr_lib.data.pairs import read_csv, read_folder
from rrsitr_lib.exchange.benchmark_check import benchmark, check_tables
from rrsitr_lib.exchange.published_json import read_entries, split_train_val


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
    assert check_tables(benchmark("rsitmd"), tables) == []


@needs_splits
def test_check_finds_noise_and_odd_names(authors):
    noisy = {**authors, "train": read_csv(REFERENCE / "rsitmd" / "train_nc02.csv.gz")}
    assert noisy["train"].captions_sha256 == benchmark("rsitmd").captions_sha256["train_nc02"]
    (problem,) = check_tables(benchmark("rsitmd"), noisy)
    assert problem.startswith("train: captions SHA-256 fe6df0e0")
    assert len([line for line in check_tables(benchmark("rsicd"), authors) if "names unlike" in line]) == 3


@needs_rsicd
def test_part_of_rsicd_reads_and_check_says_what_is_missing():
    problems = check_tables(benchmark("rsicd"), read_folder(RSICD))
    assert problems[:2] == ["train: images 700, published 8845", "train: pairs 3500, published 44225"]
    assert len(problems) == 6
    assert check_tables(benchmark("rsicd"), {})[0] == "train is missing"


def test_tables_beside_a_json_below_come_before_it(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset_rsitmd.json").write_text("{}")
    for split in ("train", "val", "test"):
        (tmp_path / "set" / f"{split}.csv").write_text(f"filename,title\n{split}_1.tif,a lake\n")
    assert benchmark("rsitmd").read(tmp_path)["val"].images.tolist() == ["val_1.tif"]


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
    assert check_tables(known, tables) == []
    train_val = [image["filename"] for image in images if image["split"] != "test"]
    assert (tables["train"].images.tolist(), tables["val"].images.tolist()) == split_train_val(train_val)
    assert tables["test"].images.tolist() == [image["filename"] for image in images if image["split"] == "test"]


@pytest.mark.parametrize(("count", "train", "val"), [(4291, 3861, 430), (9828, 8845, 983), (28350, 25515, 2835)])
def test_ninety_percent_round_down(count, train, val):
    images = [str(image) for image in range(count)]
    parts = split_train_val(images)
    assert tuple(map(len, parts)) == (train, val)
    assert sorted([*parts[0], *parts[1]]) == sorted(images) and images == [str(image) for image in range(count)]


def test_descriptors_agree_with_the_table_of_the_paper():
    counts = {
        "rsitmd": (3861, 430, 452, 19305, 2150, 2260),
        "rsicd": (8845, 983, 1093, 44225, 4915, 5465),
        "nwpu": (25515, 2835, 3150, 127575, 14175, 15750),
    }
    known = {name: benchmark(name) for name in counts}
    assert {name: (*one.images.values(), *one.pairs.values()) for name, one in known.items()} == counts


def karpathy(path, splits):
    images = [
        {"filename": f"{number}.tif", "split": split, "imgid": number, "sentences": [{"raw": f" a{number} "}, "b"]}
        for number, split in enumerate(splits)
    ]
    path.write_text(json.dumps({"images": images, "dataset": "RSITMD"}), encoding="utf-8-sig")
    return path


def test_json_of_a_set_gives_all_pairs_and_the_split_of_every_image(tmp_path):
    everything, split_of = read_entries(karpathy(tmp_path / "dataset.json", ["test", "train", "train"]))
    assert everything.images.tolist() == ["0.tif", "1.tif", "2.tif"] and split_of["0.tif"] == "test"
    assert everything.captions.tolist() == ["a0", "b", "a1", "b", "a2", "b"]


def test_nwpu_form(tmp_path):
    raw = {"raw": "one", "raw_1": "two", "raw_2": ".", "raw_3": "four", "raw_4": "five"}
    content = {
        "airplane": [{"filename": "airplane_001.jpg", "split": "val", "imgid": 0, "sentid": 0, **raw}],
        "lake": [{"filename": "lake_001.jpg", "split": "train", **raw}],
    }
    path = tmp_path / "dataset_nwpu.json"
    path.write_text(json.dumps(content))
    table, split_of = read_entries(path)
    assert table.captions[:5].tolist() == ["one", "two", ".", "four", "five"] and len(table) == 10
    assert split_of == {"airplane_001.jpg": "val", "lake_001.jpg": "train"}
