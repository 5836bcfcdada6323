"""The main job: run every notebook, write an index of the executed ones, print the comparison table last."""

import argparse
import html
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from rrsitr_lib.files import read_json, write_atomically
from rrsitr_lib.teach.notebooks import NOTEBOOKS, run

SMOKE = NOTEBOOKS / "params" / "smoke.yaml"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "td,th{padding:.35rem .8rem;border-bottom:1px solid #ccc;text-align:left}"
)


@dataclass(frozen=True)
class Lesson:
    """One executed notebook: ``error`` is empty where all went well, ``seconds`` its wall time."""

    name: str
    title: str
    seconds: float
    error: str


def run_lessons(out: Path, parameters: dict[str, dict[str, Any]]) -> list[Lesson]:
    """Run ``notebooks/*.ipynb`` in order into ``out``; a failure is reported, and the next one runs."""
    lessons = []
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        print(f"{notebook.stem} …", end=" ", flush=True)
        started, error = time.perf_counter(), ""
        try:
            run(notebook.resolve(), out / notebook.name, parameters.get(notebook.stem), cwd=out)
        except Exception as failure:  # whatever a cell raised: the others must still run
            error = str(failure).strip().splitlines()[-1]
        lessons.append(Lesson(notebook.stem, _title(notebook), time.perf_counter() - started, error))
        print(f"{'FAILED: ' + error if error else 'ok'} ({lessons[-1].seconds:.0f} s)", flush=True)
        if (out / notebook.name).exists():
            _to_html(out / notebook.name)
    return lessons


def comparison(folder: Path) -> pd.DataFrame:
    """Every finished run under ``folder`` as a row of recalls in percent, chance last."""
    rows, chance = [], {}
    for path in sorted(folder.rglob("result.json")):
        result = read_json(path)
        chance = result["chance"]
        rows.append(
            {
                "method": result["method"],
                "noise": result["noise_rate"],
                "wrong": round(result["realised_noise_rate"], 3),
                "seed": result["seed"],
                **result["test"],
                "AUROC": result["partition"]["auroc"],
            }
        )
    return pd.DataFrame([*sorted(rows, key=lambda row: (row["noise"], row["method"])), {"method": "chance", **chance}])


def write_index(out: Path, lessons: list[Lesson], table: pd.DataFrame) -> Path:
    """A page that links the executed notebooks, with what became of them, and shows the table."""
    rows = "".join(
        f"<tr><td><a href='{lesson.name}.html'>{html.escape(lesson.title)}</a></td><td>{lesson.seconds:.0f} s</td>"
        f"<td>{html.escape(lesson.error) or 'ok'}</td></tr>"
        for lesson in lessons
    )
    results = table.to_html(index=False, float_format="%.1f", na_rep="", border=0)
    page = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>RRSITR tutorial</title><style>{STYLE}</style>"
        f"<h1>Learning from mismatched pairs</h1><p>Executed lessons, in reading order.</p>"
        f"<table><tr><th>lesson</th><th>time</th><th>state</th></tr>{rows}</table>"
        f"<h2>Test recall in percent</h2>{results}</html>"
    )
    return write_atomically(out / "index.html", lambda temporary: temporary.write_text(page, encoding="utf-8"))


def _title(notebook: Path) -> str:
    import nbformat

    first = nbformat.read(notebook, as_version=4).cells[0].source
    return f"{notebook.stem[:2]} · {first.splitlines()[0].lstrip('# ')}"


def _to_html(notebook: Path) -> None:
    from nbconvert import HTMLExporter

    body, _ = HTMLExporter().from_filename(str(notebook))
    write_atomically(notebook.with_suffix(".html"), lambda temporary: temporary.write_text(body, encoding="utf-8"))


def main() -> int:
    """Run all; the exit code is 1 when a notebook failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/tutorial"), help="folder of the executed notebooks")
    parser.add_argument("--smoke", action="store_true", help=f"small parameters from {SMOKE}")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    parameters = yaml.safe_load(SMOKE.read_text(encoding="utf-8")) if arguments.smoke else {}
    lessons = run_lessons(arguments.out.resolve(), parameters)
    table = comparison(arguments.out)
    index = write_index(arguments.out, lessons, table)
    failed = [lesson.name for lesson in lessons if lesson.error]
    print(f"\nopen {index}" + (f"\nFAILED: {', '.join(failed)}" if failed else ""))
    print("\nTest recall in percent, AUROC of the loss against the injected noise:\n")
    print(table.to_string(index=False, float_format="%.2f", na_rep=""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
