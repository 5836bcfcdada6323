"""The audit as one HTML page: what was found, and the most suspect pairs with their images. Needs no network."""

import base64
import io
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from PIL import Image

from rrsitr_lib.audit.read_pairs import AuditPairs
from rrsitr_lib.data.images import open_image
from rrsitr_lib.files import write_text

SIZE = 112
TEMPLATE = Path(__file__).with_name("report_template.html")


def write_report(path: str | Path, top: pd.DataFrame, summary: dict[str, Any], pairs: AuditPairs) -> Path:
    """Write the page: summary, notes, problems, a row for each pair of ``top``. Raises ``RunError`` on a full disk."""
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(TEMPLATE.read_text(encoding="utf-8"))
    files = dict(zip(dict.fromkeys(pairs.images), pairs.paths, strict=False))  # none where features were given
    names = [name for name in top["image"].unique() if name in files]  # an image of several pairs is there once
    shown = {name: (number, thumbnail(files[name])) for number, name in enumerate(names)}
    listed = {"problems": pairs.problems, "remarks_listed": pairs.remarks}
    return write_text(path, page.render(top=top.to_dict("records"), images=shown, size=SIZE, **listed, **summary))


def thumbnail(path: Path, size: int = SIZE) -> str:
    """A small version as an address that holds its own content; a blank one where that cannot be made.

    A report is decoration: what goes wrong here must not end an audit that is done.
    """
    try:
        image = open_image(path)
        scale = size / max(image.size)
        small = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    except Exception:  # gone since, or of a form that no decoder of ours foresaw
        small = Image.new("RGB", (1, 1), "white")
    small.save(buffer := io.BytesIO(), "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
