"""Figures of a notebook with a palette of 256 colours: a third of the bytes, no difference that one sees."""

import base64
import io

import nbformat
from PIL import Image

COLOURS = 256
PNG = "image/png"


def with_small_figures(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same notebook, each figure of its outputs written anew where that is smaller."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if PNG in (data := output.get("data", {})):
                small = in_palette(base64.b64decode(data[PNG]))
                data[PNG] = base64.b64encode(small).decode()
    return notebook


def in_palette(png: bytes) -> bytes:
    """A PNG with a palette, on white; as it was where it has one, or where that is not smaller.

    >>> made, shades = io.BytesIO(), Image.radial_gradient("L")
    >>> Image.merge("RGB", [shades, Image.linear_gradient("L"), shades.rotate(90)]).save(made, "PNG")
    >>> small = in_palette(made.getvalue())
    >>> len(small) < len(made.getvalue()), Image.open(io.BytesIO(small)).mode
    (True, 'P')
    """
    with Image.open(io.BytesIO(png)) as image:
        if image.mode == "P":
            return png
        layers = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")
    small = flat.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    small.save(made := io.BytesIO(), "PNG", optimize=True)
    return min(png, made.getvalue(), key=len)
