"""Images of any mode become RGB; names find their files; what cannot be decoded is named."""

import pickle
import struct
import zlib

import numpy as np
import pytest
import tifffile
from oracles import RSICD, needs_rsicd
from PIL import Image

from rrsitr_lib.data.images import find_images, match_images, open_image
from rrsitr_lib.data.stretch import range_notes, with_range
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
        (Image.fromarray(np.full((1, 2), 512, np.int32)), "a.tif", {}, (255, 255, 255)),
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


def test_geotiff_of_four_bands_and_16_bits_shows_its_first_three(tmp_path):
    bands = np.stack([np.linspace(low, low + 1000, 15).reshape(3, 5) for low in (0, 500, 1000, 9000)], axis=-1)
    image = np.asarray(open_image(tiff(tmp_path / "scene.TIF", bands, np.uint16))).astype(int)
    assert image.shape == (3, 5, 3) and image.min() == 0 and image.max() == 255
    assert (np.diff(image.mean(axis=(0, 1))) > 50).all()  # one range for all three: colours stay apart
    with open(tmp_path / "scene.TIF", "rb") as file:
        assert (np.asarray(open_image(file, "scene.TIF")) == image).all()


def tiff(path, values, kind, **how):
    how = {"photometric": "rgb" if values.shape[-1] in (3, 4) else "minisblack", "planarconfig": "contig", **how}
    tifffile.imwrite(path, values.astype(kind), **how)
    return path


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_reflectance_of_16_bits_is_stretched(planar, tmp_path):
    values = np.random.default_rng(3).integers(300, 3000, (16, 16, 3))
    order = np.moveaxis(values, -1, 0) if planar == "separate" else values
    path = tiff(tmp_path / "scene.tif", order, np.uint16, photometric="rgb", planarconfig=planar)
    shown = np.asarray(open_image(path)).astype(float)
    assert 110 < shown.mean() < 145 and shown.max() == 255
    assert np.corrcoef(shown.ravel(), values.ravel())[0, 1] > 0.99
    assert open_image(tiff(tmp_path / "nothing.tif", np.zeros((4, 4, 3)), np.uint16)).getpixel((0, 0)) == (0, 0, 0)
    assert open_image(tiff(tmp_path / "even.tif", np.full((4, 4, 3), 9), np.uint16)).getpixel((0, 0)) == (255,) * 3


@pytest.mark.parametrize(
    ("bands", "kind", "said"),
    [
        (5, np.float32, "5 bands of float32"), (8, np.uint16, "8 bands of uint16"), (8, np.uint8, "8 bands of uint8"),
    ],
)  # fmt: skip
def test_bands_that_are_no_colours_are_counted_and_the_command_is_given(bands, kind, said, tmp_path):
    path = tiff(tmp_path / "scene.tif", np.full((16, 16, bands), 3), kind)
    with pytest.raises(InputError, match=rf"scene\.tif: cannot be decoded \(a TIFF of {said}: .*gdal_translate .*-b 4"):
        open_image(path)


def test_three_bands_of_floats_need_no_choice_of_bands(tmp_path):
    path = tiff(tmp_path / "scene.tif", np.full((16, 16, 3), 3), np.float32)
    with pytest.raises(InputError, match=r"a TIFF of 3 bands of float32: .*; gdal_translate -ot Byte -scale IN OUT\)"):
        open_image(path)


def test_floats_beyond_0_to_1_are_named(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.full((4, 4), 0.5, np.float32)), "half.tif")
    assert open_image(path).getpixel((0, 0)) == (128,) * 3
    path = saved(tmp_path, Image.fromarray(np.full((4, 4), 3000, np.float32)), "f.tif")
    with pytest.raises(
        InputError, match=r"a TIFF of float32: allowed are 8 or 16 bits; gdal_translate -ot Byte -scale"
    ):
        open_image(path)


def test_a_fourth_band_is_no_transparency_unless_the_file_says_that_it_was_multiplied_in(tmp_path):
    values = np.random.default_rng(3).integers(60, 200, (16, 16, 4))
    values[..., 3] = 10  # near infra-red
    for extra in ("unassalpha", "unspecified"):
        path = tiff(tmp_path / f"{extra}.tif", values, np.uint8, extrasamples=[extra])
        assert (np.asarray(open_image(path)) == values[..., :3]).all()
        assert range_notes(with_range([path])) == [
            "1 TIFFs with a band beyond colours that is not said to be multiplied in: it is not shown"
        ]
    values[..., :3], values[..., 3] = 50, 128
    path = tiff(tmp_path / "assocalpha.tif", values, np.uint8, extrasamples=["assocalpha"])
    assert np.abs(np.asarray(open_image(path)).astype(int) - 50).max() <= 1 and with_range([path]) == [path]
    assert range_notes(with_range([path])) == []


def test_colours_of_16_bits_that_would_be_black_are_named(tmp_path):
    with pytest.raises(InputError, match=r"scene\.png: .*16-bit colours use so few bits that they are black: convert"):
        open_image(png_of_16_bits(tmp_path / "scene.png", 2047))
    assert open_image(png_of_16_bits(tmp_path / "nothing.png", 0)).getpixel((0, 0)) == (0, 0, 0)


def png_of_16_bits(path, value):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + struct.pack(">12H", *[value] * 12) for _ in range(4))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def grey(folder, name, values, kind=np.uint16):
    folder.mkdir(exist_ok=True)
    return saved(folder, Image.fromarray(np.array([values], kind)), name)


def test_images_of_one_sensor_share_their_range(tmp_path):
    grey(tmp_path, "bright.tif", [2100, 100])
    grey(tmp_path / "night", "dark.png", [100, 500])
    grey(tmp_path, "eight.png", [200, 100], np.uint8)
    bright, dark, eight = find_images(tmp_path, ["bright.tif", "night/dark.png", "eight.png"])
    low, high = np.percentile([2100, 100, 100, 500], (2, 98))
    expected = [255, 0], [0, round((500 - low) / (high - low) * 255)], [200, 100]
    for path, values in zip((bright, dark, eight), expected, strict=True):
        assert np.asarray(open_image(path))[0, :, 0].tolist() == values
    copy = pickle.loads(pickle.dumps(dark))  # as a process that decodes gets it
    assert open_image(copy).getpixel((1, 0)) == (expected[1][1],) * 3 and copy == dark
    assert range_notes([bright, dark, eight]) == [
        f"2 images of more than 8 bits: 100 to {high:.0f}, the 2nd to 98th percentile of their set, shown as 0 to 255"
    ]
    assert range_notes([eight]) == []


def test_the_name_of_a_cache_holds_the_range(tmp_path):
    grey(tmp_path / "set", "a.png", [100, 50])
    (before,) = find_images(tmp_path / "set", ["a.png"])
    grey(tmp_path / "set", "b.png", [4095, 0])
    (after,) = find_images(tmp_path / "set", ["a.png"])
    assert content_of(before) != content_of(after)
    stores = [image_store([path], tmp_path / "store")[0, 0, :, 0].tolist() for path in (before, after)]
    assert stores[0] == [255, 0] and max(stores[1]) < 10


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
    for name in (
        "a.jpg",
        "x/a.jpg",
        "./x/a.jpg",
        "images/x/a.jpg",
        str(place),
        "x\\a.jpg",
        "/x/a.jpg",
        "C:\\me\\x\\a.jpg",
    ):
        assert match_images(tmp_path / "images", [name]) == {name: [place]}
    for name in ("y/a.jpg", "images/a.jpg", "../images/x/a.jpg", "/x/b.jpg", "/", "."):
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
