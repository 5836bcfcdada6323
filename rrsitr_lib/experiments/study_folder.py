"""What lies in a study's folder: its file, and a folder a trial, named by the rule of the version that trained it.

A folder of runs holds studies, a study holds trials: ``runs/<study>/<trial>/run.ipynb``, the run's folder ``run``
beside it, and ``outcome.json`` once it has ended.
"""

import contextlib
from pathlib import Path

from rrsitr_lib.config import IDENTITY, RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import read_json

STUDY_FILE, TRIALS_FILE = "study.yaml", "trials.csv"
OUTCOME, NOTEBOOK, RUN = "outcome.json", "run.ipynb", "run"
DIGITS = 16  # of a configuration's fingerprint: the name of its trial


def with_name(folder: str | Path) -> Path:
    """The path of a study's folder with its name and its parent, the folder of studies, in it; ``.`` has neither."""
    folder = Path(folder)
    return folder if folder.name not in ("", "..") else folder.resolve()


def is_trial(path: Path) -> bool:
    """Only what a study makes: a folder with a fingerprint for a name, holding a run or an outcome."""
    is_name = len(path.name) == DIGITS and set(path.name) <= set("0123456789abcdef")
    return is_name and path.is_dir() and ((path / RUN).is_dir() or (path / OUTCOME).is_file())


def refuse_earlier(folder: Path) -> None:
    """Raises ``InputError`` where a study was begun by a version that named runs by another rule (``config.IDENTITY``).

    Its trials would neither be found nor counted, and so be trained again without a word.
    """
    if not (folder / STUDY_FILE).is_file() or RunConfig.fields_of(folder / STUDY_FILE).get("identity") == IDENTITY:
        return
    earlier = [path for path in sorted(folder.iterdir()) if is_trial(path) and not _is_of_this_version(path)]
    if not earlier:
        return
    finished = [path for path in earlier if (path / RUN / "result.json").is_file()]
    raise InputError(
        f"{folder}: holds {len(finished)} finished and {len(earlier) - len(finished)} unfinished runs of an earlier "
        f"version{_version((finished or earlier)[0])}: it named runs and settings otherwise, so they count for nothing "
        "here and none is trained again; read them with that version, or name a new folder (--runs FOLDER)"
    )


def _is_of_this_version(trial: Path) -> bool:
    path = trial / RUN / "config.yaml"
    try:
        return not path.is_file() or RunConfig.read(path, elsewhere=True).fingerprint[:DIGITS] == trial.name
    except InputError:  # fields that no run has any more
        return False


def _version(trial: Path) -> str:
    """Which version trained it, as far as its provenance says."""
    with contextlib.suppress(InputError, KeyError, TypeError):
        code = read_json(trial / RUN / "provenance.json")["code"]
        return f" ({code['version']}{', commit ' + code['commit'][:12] if code['commit'] else ''})"
    return ""
