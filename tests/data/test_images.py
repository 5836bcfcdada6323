"""Images of any mode become RGB; names find their files; what cannot be decoded is named."""

import pickle
import struct

import numpy as np
import pytest
from oracles import RSICD, needs_rsicd
from PIL import Image

from rrsitr_lib.data.bit_depth import depth_note
from rrsitr_lib.data.images import find_images, match_images, open_image
from rrsitr_lib.errors import InputError
from rrsitr_lib.frozen_towers.token_cache import content_of
from rrsitr_lib.speed.image_store import image_store


def saved(folder, picture, name, **options):
    picture.save(folder / name, **options)
    return folder / name


def clear_palette():
    picture = Image.new("P", (2, 1))
    picture.putpalette([200, 100, 50, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    return picture


@pytest.mark.parametrize(
    ("picture", "name", "options", "pixel"),
    [
        (Image.new("1", (2, 1), 1), "a.png", {}, (255, 255, 255)),
        (Image.new("L", (2, 1), 9), "a.png", {}, (9, 9, 9)),
        (Image.new("LA", (2, 1), (200, 0)), "a.png", {}, (0, 0, 0)),
        (Image.new("LA", (2, 1), (200, 255)), "a.png", {}, (200, 200, 200)),
        (Image.new("RGB", (2, 1), (1, 2, 3)), "a.TIF", {}, (1, 2, 3)),
        (Image.new("RGBA", (2, 1), (250, 90, 30, 0)), "a.png", {}, (0, 0, 0)),
        (Image.new("RGBA", (2, 1), (250, 90, 30, 255)), "a.tif", {}, (250, 90, 30)),
        (Image.new("RGB", (2, 1), (5, 6, 7)), "a.png", {"transparency": (5, 6, 7)}, (0, 0, 0)),
        (clear_palette(), "a.png", {}, (200, 100, 50)),
        (clear_palette(), "a.gif", {"transparency": 0}, (0, 0, 0)),
        (Image.new("CMYK", (2, 1), (0, 0, 0, 255)), "a.tif", {}, (0, 0, 0)),
        (Image.new("CMYK", (2, 1), (0, 255, 255, 0)), "a.tif", {}, (255, 0, 0)),
        (Image.fromarray(np.full((1, 2), 0x7FFF, np.uint16)), "a.png", {}, (255, 255, 255)),
        (Image.fromarray(np.full((1, 2), 65535, np.uint16)), "a.tif", {}, (255, 255, 255)),
        (Image.fromarray(np.full((1, 2), 512, np.int32)), "a.tif", {}, (128, 128, 128)),
        (Image.fromarray(np.full((1, 2), 0.5, np.float32)), "a.tif", {}, (128, 128, 128)),
        (Image.fromarray(np.full((1, 2), 1.0, np.float32)), "a.tif", {}, (255, 255, 255)),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, picture, name, options, pixel):
    read = open_image(saved(tmp_path, picture, name, **options))
    assert (read.mode, read.size, read.getpixel((0, 0))) == ("RGB", (2, 1), pixel)


@pytest.mark.parametrize("mode", ["YCbCr", "CMYK"])
def test_colour_spaces_of_jpeg(tmp_path, mode):
    colour = Image.new("RGB", (8, 8), (200, 40, 40)).convert(mode)
    found = np.array(open_image(saved(tmp_path, colour, "a.jpg", quality=95)).getpixel((4, 4)))
    assert np.abs(found - (200, 40, 40)).max() < 12


def test_half_transparent_darkens(tmp_path):
    path = saved(tmp_path, Image.new("RGBA", (1, 1), (200, 100, 0, 128)), "a.png")
    assert open_image(path).getpixel((0, 0)) == (100, 50, 0)


def geotiff(path, bands=4, photometric=2, bits=16, value=0x8000):
    """A 5 x 3 GeoTIFF, pixel-interleaved, with a pixel scale and a tie point."""
    width, height = 5, 3
    data = np.full((height, width, bands), value, "<u2" if bits == 16 else "u1").tobytes()
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, bands, None), (259, 3, 1, 1), (262, 3, 1, photometric),
        (273, 4, 1, None), (277, 3, 1, bands), (278, 3, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1),
        (338, 3, 1, 0), (33550, 12, 3, None), (33922, 12, 6, None),
    ]  # fmt: skip
    start = 8 + 2 + 12 * len(entries) + 4
    bits_per_sample, scale, tie = struct.pack(f"<{bands}H", *[bits] * bands), struct.pack("<3d", 10, 10, 0), bytes(48)
    places = {258: start, 33550: start + len(bits_per_sample)}
    places[33922] = places[33550] + len(scale)
    places[273] = places[33922] + len(tie)
    directory = b"".join(
        struct.pack("<HHI", tag, kind, count) + struct.pack("<I", places.get(tag, value))
        for tag, kind, count, value in entries
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    path.write_bytes(head + directory + bytes(4) + bits_per_sample + scale + tie + data)
    return path


def test_geotiff_of_four_bands_and_16_bits_shows_its_first_three(tmp_path):
    image = open_image(geotiff(tmp_path / "scene.TIF"))
    assert image.mode == "RGB" and image.size == (5, 3)
    assert abs(image.getpixel((2, 1))[0] - 128) <= 1


def test_geotiff_of_bands_that_are_no_colours_is_named(tmp_path):
    with pytest.raises(InputError, match=r"scene\.tif: cannot be decoded"):
        open_image(geotiff(tmp_path / "scene.tif", bands=7, photometric=1))


def test_colours_of_16_bits_that_would_be_black_are_named(tmp_path):
    with pytest.raises(InputError, match=r"scene\.tif: .*16-bit colours use so few bits that they are black: convert"):
        open_image(geotiff(tmp_path / "scene.tif", value=2047))
    assert open_image(geotiff(tmp_path / "nothing.tif", value=0)).getpixel((0, 0)) == (0, 0, 0)


def grey(folder, name, values, kind=np.uint16):
    folder.mkdir(exist_ok=True)
    return saved(folder, Image.fromarray(np.array([values], kind)), name)


def test_images_of_one_sensor_share_their_bits(tmp_path):
    grey(tmp_path, "bright.tif", [2047, 1024])
    grey(tmp_path / "night", "dark.png", [100, 512])
    grey(tmp_path, "eight.png", [200, 100], np.uint8)
    bright, dark, eight = find_images(tmp_path, ["bright.tif", "night/dark.png", "eight.png"])
    assert [np.asarray(open_image(path))[0, :, 0].tolist() for path in (bright, dark, eight)] == [
        [255, 128], [12, 64], [200, 100],
    ]  # fmt: skip
    copy = pickle.loads(pickle.dumps(dark))  # as a process that decodes gets it
    assert open_image(copy).getpixel((1, 0)) == (64, 64, 64) and copy == dark
    assert depth_note([bright, dark, eight]) == (
        "2 images of 16 bits use 11 of them in their set: all were divided by 8, none by its own range"
    )
    grey(tmp_path, "cloud.tif", [65535])
    again = find_images(tmp_path, ["night/dark.png"])
    assert open_image(again[0]).getpixel((1, 0)) == (2, 2, 2) and not depth_note(again)


def test_the_name_of_a_cache_holds_the_depth(tmp_path):
    grey(tmp_path / "set", "a.png", [100, 50])
    (before,) = find_images(tmp_path / "set", ["a.png"])
    grey(tmp_path / "set", "b.png", [4095, 0])
    (after,) = find_images(tmp_path / "set", ["a.png"])
    assert content_of(before) != content_of(after)
    stores = [image_store([path], tmp_path / "store")[0, 0, :, 0].tolist() for path in (before, after)]
    assert stores == [[100, 50], [6, 3]]


def test_orientation_is_applied(tmp_path):
    picture = Image.new("RGB", (3, 2))
    picture.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    read = open_image(saved(tmp_path, picture, "a.png", exif=exif))
    assert read.size == (2, 3) and read.getpixel((1, 0)) == (255, 0, 0)


def test_first_frame_of_several(tmp_path):
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    path = saved(tmp_path, frames[0], "a.tif", save_all=True, append_images=frames[1:])
    assert open_image(path).getpixel((0, 0)) == (255, 0, 0)


def test_names_are_found_exactly_then_loosely(tmp_path):
    names = ["a.jpg", "A.jpg", "lake/lake_1.jpg", "my pond.PNG", "湖_1.tif", "Port_2.TIF", "port_2.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    wanted = ["lake_1.jpg", "A.jpg", "a.jpg", "lake\\lake_1.jpg", "my pond.png", "湖_1.jpg", "port_2.tif", "A.jpg"]
    found = find_images(tmp_path, wanted[:3] + wanted[4:])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "lake/lake_1.jpg", "A.jpg", "a.jpg", "my pond.PNG", "湖_1.tif", "Port_2.TIF", "A.jpg",
    ]  # fmt: skip
    assert find_images(tmp_path, [wanted[3]]) == [tmp_path / "lake" / "lake_1.jpg"]
    assert find_images(tmp_path, []) == []


def test_a_path_is_right_from_the_folder_from_above_it_and_from_the_root(tmp_path):
    place = tmp_path / "images" / "x" / "a.jpg"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x")
    for name in ("a.jpg", "x/a.jpg", "./x/a.jpg", "images/x/a.jpg", str(place), "x\\a.jpg"):
        assert match_images(tmp_path / "images", [name]) == {name: [place]}
    for name in ("y/a.jpg", "images/a.jpg", "../images/x/a.jpg", "/x/a.jpg", "."):
        assert match_images(tmp_path / "images", [name]) == {name: []}


def test_links_are_followed_once(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(b"x")
    (tmp_path / "images").mkdir()
    for name, target in (("sub", "real"), ("again", "real"), ("back", "images")):
        (tmp_path / "images" / name).symlink_to(tmp_path / target)
    assert match_images(tmp_path / "images", ["a.jpg"]) == {"a.jpg": [tmp_path / "images" / "again" / "a.jpg"]}


def test_flat_name_wins_over_the_same_name_in_a_class_folder(tmp_path):
    (tmp_path / "x").mkdir()
    for name in ("a.jpg", "x/a.jpg"):
        (tmp_path / name).write_bytes(b"x")
    assert find_images(tmp_path, ["a.jpg", "x/a.jpg"]) == [tmp_path / "a.jpg", tmp_path / "x" / "a.jpg"]


@needs_rsicd
def test_real_pictures():
    paths = sorted((RSICD / "images").iterdir())[:40]
    assert find_images(RSICD / "images", [path.name for path in paths]) == paths
    pictures = np.array([np.asarray(open_image(path)) for path in paths])
    assert pictures.shape == (40, 224, 224, 3) and 40 < pictures.mean() < 200
