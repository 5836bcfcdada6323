"""Texts without the places of one machine: what leaves it holds no home folder, no user's name, no absolute path.

Folders of data become their paths below the working folder, or else their last part; where a configuration changes by
that, the name of its trial, a fingerprint, changes with it everywhere, so that the copy is a study like any other.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from rrsitr_lib.config import PATHS, RunConfig
from rrsitr_lib.experiments.notebook_run import PACKAGE
from rrsitr_lib.experiments.study_folder import DIGITS
from rrsitr_lib.files import read_json, sealed
from rrsitr_lib.yaml_text import read_yaml

PLAIN = (".csv", ".html", ".md", ".tex")
PRINT = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b")


class WithoutPlaces:
    """The texts of a study in ``folder`` and of its trials, as they may leave this machine."""

    def __init__(self, configs: Iterable[RunConfig], folder: Path) -> None:
        configs = list(configs)
        self._shown = _shown(configs, folder)
        ends = {path: "" if path.endswith("/") else r"(?![\w-])" for path in self._shown}
        self._places = re.compile(rf"(?<![\w<])(?:{'|'.join(re.escape(path) + end for path, end in ends.items())})")
        self._prints: dict[str, str] = {}
        for config in configs:
            old, new = config.fingerprint, self.config(config).fingerprint
            self._prints |= {old: new, old[:DIGITS]: new[:DIGITS]}

    def config(self, config: RunConfig) -> RunConfig:
        """The same run, its data at relative paths."""
        return config.model_copy(update={name: self.value(getattr(config, name)) for name in PATHS})

    def text(self, text: str) -> str:
        """Words without places, and with the names that the trials have there."""
        text = self._places.sub(lambda found: self._shown[found[0]], text)
        return PRINT.sub(lambda found: self._prints.get(found[0], found[0]), text)

    def value(self, value: Any) -> Any:
        """A value of JSON or YAML, every text in it replaced; pictures of a notebook stay."""
        if isinstance(value, Mapping):
            kept = {key for key in value if str(key).startswith("image/")}
            return {self.value(key): one if key in kept else self.value(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(one) for one in value]
        return self.text(value) if isinstance(value, str) else value

    def copy(self, path: Path, folder: Path) -> Path:
        """A copy below ``folder`` for a file of text; any other is itself."""
        if path.suffix in (".json", ".ipynb"):
            content = self.value(read_json(path))
            if isinstance(content, dict):
                content.pop("notebook", None)  # of outcome.json: the copy of the notebook holds other words
                content = sealed(content) if content.pop("places", None) is not None else content  # of run.json
            text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        elif path.suffix == ".yaml":
            text = yaml.safe_dump(self.value(read_yaml(path)), sort_keys=False, allow_unicode=True)
        elif path.suffix in PLAIN:
            text = self.text(path.read_text(encoding="utf-8", errors="replace"))
        else:
            return path
        target = Path(tempfile.mkdtemp(dir=folder)) / path.name
        target.write_text(text, encoding="utf-8")
        return target


def _shown(configs: Iterable[RunConfig], folder: Path) -> dict[str, str]:
    """What stands for every place, in the order in which they are looked for."""
    working, user = str(Path.cwd()), Path.home()
    given = {str(getattr(config, name) or "").rstrip("/") for config in configs for name in PATHS}
    shown: dict[str, str] = {}
    for path in sorted(filter(lambda one: Path(one).is_absolute(), given), key=len):  # a folder before what is in it
        if not Path(path).is_relative_to(working):
            number = sum(Path(path).name == Path(other).name for other in shown)
            shown[path] = f"{Path(path).name}-{1 + number}" if number else Path(path).name
    here = {str(folder.resolve().parent): "runs", str(folder.absolute().parent): "runs"} | {working: "."}
    here |= {str(PACKAGE): "rrsitr_lib", sys.prefix: "<python>", tempfile.gettempdir(): "<tmp>", str(user): "<home>"}
    for path in sorted((path for path in here if len(path) > 1), key=len, reverse=True):
        shown |= {f"{path}/": ""} if here[path] == "." else {}
        shown.setdefault(path, here[path])
    return shown | ({f"/{user.name}": "/<user>"} if len(user.name) > 2 else {})
