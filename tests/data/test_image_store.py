"""The image store: the same pictures from every kind of source, resumed after a kill, safe for two builders."""

import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from rrsitr_lib.data import image_store
from rrsitr_lib.data.image_store import build_store, sources_of
from rrsitr_lib.errors import InputError, RunError

COUNT = 7


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "lake").mkdir(parents=True)
    for number in range(COUNT):
        content = np.random.default_rng(number).integers(0, 255, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(content).save(folder / "lake" / f"lake_{number}.png")
    return folder


def packed(folder, form):
    if form == "folder":
        return folder
    files = sorted(folder.rglob("*.png"))
    if form == "shards":
        parts = []
        for number, chosen in enumerate((files[:3], files[3:])):
            parts.append(folder.parent / f"{number}.tar")
            with tarfile.open(parts[-1], "w") as archive:
                for path in chosen:
                    archive.add(path, path.relative_to(folder).as_posix())
        return parts
    place = folder.parent / f"all.{form}"
    if form == "zip":
        with zipfile.ZipFile(place, "w") as archive:
            for path in files:
                archive.write(path, path.relative_to(folder).as_posix())
    else:
        with tarfile.open(place, "w") as archive:
            for path in files:
                archive.add(path, path.relative_to(folder).as_posix())
    return place


@pytest.mark.parametrize("form", ["folder", "zip", "tar", "shards"])
def test_every_source_gives_the_same_bytes(folder, tmp_path, form):
    store = build_store(sources_of(packed(folder, form)), folder=tmp_path / "stores")
    assert store.names == [f"lake/lake_{number}.png" for number in range(COUNT)] and store.pictures.shape[1:] == (
        12,
        16,
        3,
    )
    for number, picture in enumerate(store.pictures):
        assert (picture == np.asarray(Image.open(folder / "lake" / f"lake_{number}.png"))).all()


def test_names_choose_and_order(folder, tmp_path):
    names = ["lake_3.png", "lake_1.png"]
    for form in ("folder", "zip"):
        assert list(sources_of(packed(folder, form), names)) == names
        with pytest.raises(InputError, match=r"1 of 2 pictures not found, such as \['sea\.png'\]"):
            sources_of(packed(folder, form), ["lake_1.png", "sea.png"])
    with pytest.raises(InputError, match="no such file or folder"):
        sources_of(tmp_path / "nowhere")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(folder / "lake" / "lake_0.png")
    with pytest.raises(InputError, match="not a zip or an uncompressed tar"):
        sources_of(tmp_path / "a.tar.gz")


def test_unequal_sizes_need_a_size(folder, tmp_path):
    Image.new("RGB", (9, 30)).save(folder / "lake" / "lake_8.png")
    with pytest.raises(InputError, match=r"lake_8\.png: 9 x 30 pixels, the first has 16 x 12: name a size for all"):
        build_store(sources_of(folder), folder=tmp_path / "stores")
    assert build_store(sources_of(folder), size=10, folder=tmp_path / "stores").pictures.shape == (COUNT + 1, 10, 10, 3)


def test_a_broken_picture_is_named_and_fatal_or_skipped(folder, tmp_path):
    path = folder / "lake" / "lake_2.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"lake_2\.png: cannot be decoded"):
        build_store(sources_of(folder), folder=tmp_path / "stores")
    store = build_store(sources_of(folder), bad="skip", folder=tmp_path / "stores")
    assert list(store.bad) == [2] and "cannot be decoded" in store.bad[2]
    assert not store.pictures[2].any() and store.pictures[3].any()
    with pytest.raises(InputError, match="bad is 'maybe'"):
        build_store(sources_of(folder), bad="maybe", folder=tmp_path / "stores")


def test_a_second_call_decodes_nothing(folder, tmp_path, monkeypatch):
    build_store(sources_of(folder), folder=tmp_path / "stores")
    monkeypatch.setattr(image_store, "open_image", lambda *_: pytest.fail("decoded again"))
    assert len(build_store(sources_of(folder), folder=tmp_path / "stores")) == COUNT


def test_an_interrupted_build_goes_on(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(image_store, "CHUNK", 2)
    real, opened = image_store.open_image, []

    def counted(source, name):
        opened.append(name)
        if len(opened) == 6:  # the first call only looks at the size
            raise KeyboardInterrupt
        return real(source, name)

    monkeypatch.setattr(image_store, "open_image", counted)
    with pytest.raises(KeyboardInterrupt):
        build_store(sources_of(folder), folder=tmp_path / "stores")
    opened.clear()
    monkeypatch.setattr(image_store, "open_image", lambda source, name: opened.append(name) or real(source, name))
    store = build_store(sources_of(folder), folder=tmp_path / "stores")
    assert len(opened) < COUNT and "lake/lake_0.png" not in opened
    for number, picture in enumerate(store.pictures):
        assert (picture == np.asarray(Image.open(folder / "lake" / f"lake_{number}.png"))).all()


BUILD = """
import sys, time
from rrsitr_lib.data import image_store
real = image_store.open_image
def slow(source, name):
    time.sleep(float(sys.argv[3]))
    return real(source, name)
image_store.open_image, image_store.CHUNK = slow, 1
image_store.build_store(image_store.sources_of(sys.argv[1]), folder=__import__("pathlib").Path(sys.argv[2]))
"""


def start(folder, stores, delay):
    return subprocess.Popen([sys.executable, "-c", BUILD, folder, stores, str(delay)], stderr=subprocess.PIPE)


def test_killed_builders_and_two_at_once(folder, tmp_path):
    stores = tmp_path / "stores"
    killed = start(folder, stores, 0.5)
    end = time.monotonic() + 60
    while not list(stores.glob("*.partial/store.json")):
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    builders = [start(folder, stores, 0.02) for _ in range(2)]
    assert [builder.wait(timeout=120) for builder in builders] == [0, 0]
    store = build_store(sources_of(folder), folder=stores)
    for number, picture in enumerate(store.pictures):
        assert (picture == np.asarray(Image.open(folder / "lake" / f"lake_{number}.png"))).all()
    assert not list(stores.glob("*.partial"))


def test_a_full_disk_is_said(folder, tmp_path, monkeypatch):
    def full(path, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(image_store, "allocate", full)
    with pytest.raises(RunError, match=r"cannot write the image store in .*: No space left on device"):
        build_store(sources_of(folder), folder=tmp_path / "stores")
