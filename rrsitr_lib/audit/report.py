"""The audit as one HTML page: what was found, and the most suspect pairs with their pictures. Needs no network."""

import base64
import html
import io
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import ImageOps

from rrsitr_lib.audit.inputs import AuditPairs
from rrsitr_lib.data.images import open_image
from rrsitr_lib.files import write_text

SIZE = 112
STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { padding: .4rem .6rem; text-align: left; vertical-align: top }
tr { border-top: 1px solid #ccc } img { display: block; border-radius: 3px } .n { color: #555; white-space: nowrap }
.why { color: #555; font-size: .9rem } .better { font-style: italic }
"""


def write_report(path: str | Path, top: pd.DataFrame, summary: dict[str, Any], pairs: AuditPairs) -> Path:
    """Write the page: summary, notes, problems, a row for each pair of ``top``. Raises ``RunError`` on a full disk."""
    place = dict(zip(dict.fromkeys(pairs.images), pairs.paths, strict=False))
    body = "\n".join([_head(summary, pairs), _rows(top, place)])
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Suspect pairs</title>'
        f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )
    return write_text(path, page)


def _head(summary: dict[str, Any], pairs: AuditPairs) -> str:
    wrong = 100 * summary["expected_wrong"]
    lines = [
        "<h1>Which pairs look wrong?</h1>",
        f"<p>{summary['pairs']} pairs of {summary['pictures']} pictures, each judged by models that never saw its"
        f" picture. {wrong:.0f} % have a high loss, hard true pairs among them; <code>cleaned.csv</code> keeps"
        f" {summary['kept']}. A high score is a reason to look, not a verdict.</p>",
        f"<p class='why'>{html.escape('; '.join(summary['notes']))}.</p>",
    ]
    if pairs.problems:
        shown = "".join(
            f"<li>row {row}, {html.escape(name)}: {html.escape(said)}</li>" for row, name, said in pairs.problems[:20]
        )
        count = len(pairs.problems)
        lines.append(f"<details><summary>{count} rows could not be used</summary><ul>{shown}</ul></details>")
    return "\n".join(lines)


def _rows(top: pd.DataFrame, place: dict[str, Path]) -> str:
    head = "<tr><th>rank</th><th>picture</th><th>its caption, and why it is here</th><th>score</th></tr>"
    rows = []
    for pair in top.itertuples(index=False):
        picture = _thumbnail(place[pair.image]) if pair.image in place else ""
        better = ""
        if pair.better_caption:
            better = f"<div class='better'>fits better: {html.escape(pair.better_caption)}</div>"
        why = f"<div class='why'>row {pair.row}: {html.escape(pair.reasons)}</div>"
        rows.append(
            f"<tr><td class='n'>{pair.rank}</td><td>{picture}<span class='n'>{html.escape(pair.image)}</span></td>"
            f"<td>{html.escape(pair.caption)}{better}{why}</td>"
            f"<td class='n'>{pair.score:.3f}<br>wrong {pair.wrong:.2f}</td></tr>"
        )
    return f"<table>{head}{''.join(rows)}</table>"


def _thumbnail(path: Path) -> str:
    buffer = io.BytesIO()
    ImageOps.contain(open_image(path), (SIZE, SIZE)).save(buffer, "JPEG", quality=80)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
