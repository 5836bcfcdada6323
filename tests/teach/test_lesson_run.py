"""The run that a lesson looks at: trained once, found afterwards, also in a folder of somebody else's."""

import errno
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.teach import lesson_run as module
from rrsitr_lib.teach.lesson_run import lesson_run, run_folder
from rrsitr_lib.training import run as run_module

CONFIG = RunConfig.build(encoder="tiny", scenes=40, epochs=1, noise_rate=0.4, seed=3)


def finished(runs, config=CONFIG):
    folder = run_folder(CONFIG, runs)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    (folder / "result.json").write_text("{}", encoding="utf-8")
    return folder


def test_a_finished_run_is_only_read(tmp_path, monkeypatch, capsys):
    folder = finished(tmp_path)
    monkeypatch.setattr(module, "train", lambda *_, **__: pytest.fail("it took hold of a finished run"))
    before = sorted(path.name for path in folder.iterdir())
    assert lesson_run(CONFIG, tmp_path) == folder
    assert sorted(path.name for path in folder.iterdir()) == before
    assert "found, nothing is trained" in capsys.readouterr().out


def test_another_run_in_its_place_is_an_error(tmp_path):
    finished(tmp_path, CONFIG.model_copy(update={"seed": 4}))
    with pytest.raises(InputError):
        lesson_run(CONFIG, tmp_path)


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise RunError("runs: cannot be written") from PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(module, "train", refuse)
    with pytest.raises(RunError, match="set RUNS to a folder of your own"):
        lesson_run(CONFIG, tmp_path)


def test_a_lesson_waits_where_another_trains_its_run(tmp_path, monkeypatch):
    folder = run_folder(CONFIG, tmp_path)
    folder.mkdir(parents=True)
    module.train(CONFIG, tmp_path / "other", progress=False)
    monkeypatch.setattr(run_module, "Run", None)  # it must not train what the other has finished
    with ThreadPoolExecutor(1) as pool:
        with FileLock(folder / ".lock"):
            waiting = pool.submit(lesson_run, CONFIG, tmp_path)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            shutil.copytree(tmp_path / "other", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".lock"))
        assert waiting.result(timeout=60) == folder
