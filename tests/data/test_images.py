"""Images of any mode become RGB; names find their files; what cannot be decoded is named."""

import struct
from pathlib import Path

import numpy as np
import pytest
from oracles import RSICD, needs_rsicd
from PIL import Image

from rrsitr_lib.data.images import check_images, find_images, load_thumbnails, open_image
from rrsitr_lib.errors import InputError


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
        (Image.fromarray(np.full((1, 2), 0x7FFF, np.uint16)), "a.png", {}, (127, 127, 127)),
        (Image.fromarray(np.full((1, 2), 65535, np.uint16)), "a.tif", {}, (255, 255, 255)),
        (Image.fromarray(np.full((1, 2), 512, np.int32)), "a.tif", {}, (2, 2, 2)),
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


def test_flat_name_wins_over_the_same_name_in_a_class_folder(tmp_path):
    (tmp_path / "x").mkdir()
    for name in ("a.jpg", "x/a.jpg"):
        (tmp_path / name).write_bytes(b"x")
    assert find_images(tmp_path, ["a.jpg", "x/a.jpg"]) == [tmp_path / "a.jpg", tmp_path / "x" / "a.jpg"]


def test_check_lists_only_the_bad(tmp_path):
    good = saved(tmp_path, Image.new("L", (2, 2)), "good.png")
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    problems = check_images([good, tmp_path / "bad.jpg", tmp_path / "gone.jpg"])
    assert [Path(line.split(":")[0]).name for line in problems] == ["bad.jpg", "gone.jpg"]


def test_thumbnails_keep_order_and_take_the_centre(tmp_path):
    paths = [saved(tmp_path, Image.new("L", (side, 8), side), f"{side}.png") for side in range(8, 40)]
    seen = []
    pictures = load_thumbnails(paths, 4, progress=lambda done, total: seen.append((done, total)))
    assert pictures.shape == (32, 4, 4, 3) and pictures.dtype == np.uint8
    assert (pictures == np.arange(8, 40)[:, None, None, None]).all() and seen[-1] == (32, 32)
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    path = saved(tmp_path, Image.fromarray(wide), "wide.png")
    assert (load_thumbnails([path], 5)[0, :, 1:4] == 255).all()
    assert load_thumbnails([], 5).shape == (0, 5, 5, 3)


@needs_rsicd
def test_real_pictures():
    paths = sorted((RSICD / "images").iterdir())[:40]
    assert find_images(RSICD / "images", [path.name for path in paths]) == paths
    pictures = load_thumbnails(paths, 224)
    assert (pictures[0] == np.asarray(open_image(paths[0]))).all() and 40 < pictures.mean() < 200
