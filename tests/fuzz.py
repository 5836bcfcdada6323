"""Mutated files for every reader of outside files, guided by coverage: none may end in anything but a message.

python tests/fuzz.py noise --minutes 10     (pip install atheris; without a name all readers in turn)
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOUND = Path(__file__).parent / "malformed" / "found"  # inputs that once were a traceback; a test reads them all
Reader = tuple[str, Callable[[Path], Any], bytes]  # file name, what reads it, a valid file


def readers(folder: Path) -> dict[str, Reader]:
    """Readers by name, with a valid file to begin with; ``folder`` is empty."""
    import numpy as np
    import torch
    from PIL import Image

    from rrsitr_lib.config import RunConfig
    from rrsitr_lib.data.images import open_image
    from rrsitr_lib.data.noise import inject, load_noise, save_noise
    from rrsitr_lib.exchange.noise_index import load_index
    from rrsitr_lib.files import read_json, sealed, write_json
    from rrsitr_lib.training.checkpoint import load_checkpoint, save_checkpoint
    from rrsitr_lib.training.ledger import COLUMNS, Ledger

    ids = list("aabbcc")
    ledger = Ledger.create(folder / "ledger", np.array([True, False]), {"seed": 3})
    ledger.append({name: np.zeros(2) for name in COLUMNS})
    columns = {path.name: path.read_bytes() for path in ledger.folder.glob("*.bin")}
    np.save(folder / "index.npy", np.array([0, 1, 0, 2, 1, 2]))
    for form in ("png", "tiff", "jpeg"):
        Image.new("RGB", (9, 7), (10, 200, 30)).save(folder / f"image.{form}")

    def open_ledger(path: Path) -> None:
        for name, content in columns.items():
            if not (path.parent / name).exists():
                (path.parent / name).write_bytes(content)
        opened = Ledger.open(path.parent)
        for name in opened.columns:
            opened.column(name)

    def bytes_of(path: Path) -> bytes:
        return path.read_bytes()

    return {
        "checkpoint": (
            "a.safetensors",
            load_checkpoint,
            bytes_of(save_checkpoint(folder / "a.safetensors", {"w": torch.ones(3)}, {"epoch": 1})),
        ),
        "noise": ("noise.npz", load_noise, bytes_of(save_noise(inject(ids, 0.5), folder / "noise.npz"))),
        "ledger": ("header.json", open_ledger, bytes_of(ledger.folder / "header.json")),
        "json": ("a.json", read_json, bytes_of(write_json(folder / "a.json", sealed({"a": [1, "b", None]})))),
        "index": ("index.npy", lambda path: load_index(path, np.array(ids)), bytes_of(folder / "index.npy")),
        "png": ("image.png", open_image, bytes_of(folder / "image.png")),
        "tiff": ("image.tiff", open_image, bytes_of(folder / "image.tiff")),
        "jpeg": ("image.jpeg", open_image, bytes_of(folder / "image.jpeg")),
        "config": ("run.yaml", RunConfig.read, RunConfig.build(encoder="tiny").to_yaml().encode()),
        **_of_tables_and_archives(folder),
    }


def _of_tables_and_archives(folder: Path) -> dict[str, Reader]:
    import pandas as pd
    from archives import tarred, zipped

    from rrsitr_lib.audit.read_pairs import open_pairs
    from rrsitr_lib.data.pairs import read_csv
    from rrsitr_lib.exchange.unpack import unpack
    from rrsitr_lib.experiments.study_file import Study, plan

    (folder / "images").mkdir()
    frame = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "caption": ["a lake , seen", "two roads"]})
    frame.to_parquet(folder / "t.parquet")
    zipped(folder / "a.zip", {"a/b.txt": b"text " * 20})
    sample = {"s.jpg": b"abcd", "s.txt": b"abcd"}
    tarred(folder / "a.tar.gz", sample)
    tarred(folder / "s.tar", sample, mode="w")

    def pairs(path: Path) -> Any:
        return open_pairs(path, folder / "out", folder / "images", need_images=False)

    def unpacked(path: Path) -> Any:
        with tempfile.TemporaryDirectory(dir=folder) as into:
            return unpack(path, Path(into) / "u")

    def study(path: Path) -> Any:
        return plan(Study.read(str(path)))

    told = [{"image": "a.jpg", "conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": "a lake"}]}]
    text = frame.to_csv(index=False).encode()
    lines = frame.to_json(orient="records", lines=True).encode()
    named = b"name: s\nruns:\n- fix: {encoder: tiny, epochs: 1}\n  axes: {seed: [1, 2]}\n"
    return {
        "csv": ("pairs.csv", pairs, text),
        "own": ("train.csv", read_csv, text.replace(b"image,caption", b"filename,title")),
        "jsonl": ("pairs.jsonl", pairs, lines),
        "dialogues": ("pairs.json", pairs, json.dumps(told).encode()),
        "parquet": ("t.parquet", pairs, (folder / "t.parquet").read_bytes()),
        "shard": ("s.tar", pairs, (folder / "s.tar").read_bytes()),
        "zip": ("a.zip", unpacked, (folder / "a.zip").read_bytes()),
        "tar": ("a.tar.gz", unpacked, (folder / "a.tar.gz").read_bytes()),
        "study": ("study.yaml", study, named),
    }


def fuzz(name: str, minutes: float, folder: Path) -> None:
    """Feed one reader until the time is over, or something else than a message is raised: its input is kept."""
    import atheris

    made = folder / "made"
    made.mkdir()
    with atheris.instrument_imports(include=["rrsitr_lib", "yaml"]):  # only what is imported within
        from rrsitr_lib.errors import InputError, RunError

        file_name, read, valid = readers(made)[name]
    corpus, work = folder / "corpus", folder / "work"
    for place in (corpus, work, FOUND):
        place.mkdir(exist_ok=True)
    (corpus / "valid").write_bytes(valid)
    (work / file_name).write_bytes(valid)
    read(work / file_name)  # it is valid

    def one(content: bytes) -> None:
        (work / file_name).write_bytes(content)
        try:
            read(work / file_name)
        except (InputError, RunError):
            return

    kept = f"-artifact_prefix={FOUND}/{name}-"
    limits = [f"-max_total_time={60 * minutes:.0f}", "-max_len=20000", "-timeout=120", "-rss_limit_mb=6000"]
    atheris.Setup([sys.argv[0], str(corpus), kept, *limits, "-print_final_stats=1"], one)
    atheris.Fuzz()


def main() -> None:
    """One reader in this process, or all in turn, each in its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--minutes", type=float, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if len(arguments.names) == 1:
            fuzz(arguments.names[0], arguments.minutes, Path(folder))
            return
        for name in arguments.names or readers(Path(folder)):
            command = [sys.executable, __file__, name, "--minutes", str(arguments.minutes)]
            ended = subprocess.run(command, capture_output=True, text=True)
            lines = [line for line in ended.stderr.splitlines() if "number_of_executed_units" in line]
            print(json.dumps({"reader": name, "code": ended.returncode, "runs": lines[-1:]}), flush=True)
            if ended.returncode:
                print(ended.stderr[-1500:] + ended.stdout[-1500:], flush=True)


if __name__ == "__main__":
    main()
