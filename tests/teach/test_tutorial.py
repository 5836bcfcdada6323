"""The main job: every notebook, whatever becomes of it, an index, and the table last."""

import re

import nbformat
import pytest
from experiments.run_folders import change, write_run

from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.teach import tutorial
from rrsitr_lib.teach.explorer_pages import ExplorerPage
from rrsitr_lib.teach.tutorial import _largest_run, comparison, main


@pytest.fixture
def no_kernel(monkeypatch):
    """Notebooks are read and written, not executed, and in this process."""

    def copy(notebook, output, *_, **__):
        nbformat.write(nbformat.read(notebook, as_version=4), output)

    monkeypatch.setattr(tutorial, "run", copy)
    monkeypatch.setattr(tutorial, "side_by_side", lambda step, jobs: enumerate(step(*job) for job in jobs))


def lesson(path, *cells):
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    title = nbformat.v4.new_markdown_cell("# Is <this> a title?\n\ntext")
    notebook = nbformat.v4.new_notebook(cells=[title, *code])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, path)


def test_goes_on_after_a_failure_and_names_it(folder, tmp_path, capsys):
    write_run(tmp_path / "ready", method="rrsitr")
    copy = f"import shutil; shutil.copytree({str(tmp_path / 'ready')!r}, 'runs/x')"
    lesson(folder / "00_good.ipynb", "print('fine')")
    lesson(folder / "01_bad.ipynb", "assert 1 == 2, 'this <script> fails'")
    lesson(folder / "02_after.ipynb", copy)
    (folder / "03_broken.ipynb").write_text("{ not a notebook")
    out = tmp_path / "out"
    assert main(["--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert re.search(r"\[\d/4\] 00_good ok \(\d+ s\)", said) and re.search(r"\[\d/4\] 02_after ok", said)
    assert re.search(r"\[\d/4\] 01_bad FAILED: AssertionError: this <script> fails", said)
    assert "FAILED: 01_bad, 03_broken" in said
    assert said.rstrip().splitlines()[-1].split()[0] == "chance", "the table comes last"
    assert said.rstrip().splitlines()[-3].split()[:5] == ["rrsitr", "4000", "8", "0.40", "0.39"]
    assert (out / "runs" / "x" / "result.json").exists(), "runs land in the output folder"
    page = (out / "index.html").read_text(encoding="utf-8")
    beside = re.findall(r'toctree-l1"><a class="[^"]*" href="([^"]+)"', page)
    assert beside == ["00_good.html", "01_bad.html", "02_after.html"] and all((out / link).exists() for link in beside)
    assert "this <script>" not in page and "this &lt;script&gt; fails" in page and "Is &lt;this&gt; a title?" in page
    assert "03 · 03_broken" in page and page.count("<strong>failed</strong>") == 2 and "before training, tiny" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", page), "the page needs no network"


def test_a_lesson_s_page_shows_the_explorer_that_is_exported_after_the_last_lesson(folder, tmp_path, monkeypatch):
    code = "from rrsitr_lib.show.explorers.pacing import PacingExplorer\nPacingExplorer().view()"
    lesson(folder / "00_explorer.ipynb", code)
    lesson(folder / "01_after.ipynb", "open('trained', 'w').close()")

    def exported(out, _lessons, _results):
        assert (out / "trained").exists(), "the last lesson may train the run"
        return [ExplorerPage("pacing", "Self-paced functions")]

    monkeypatch.setattr(tutorial, "write_explorers", exported)
    assert main(["--out", str(tmp_path / "out")]) == 0
    assert 'src="explore_pacing.html"' in (tmp_path / "out" / "00_explorer.html").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "00_explorer.ipynb").stat().st_size < 20_000


def test_pages_that_cannot_be_written_are_a_failure_and_the_table_is_printed(
    folder, no_kernel, tmp_path, monkeypatch, capsys
):
    def full(*_):
        raise OSError("no space left")

    lesson(folder / "00_good.ipynb")
    monkeypatch.setattr(tutorial, "write_site", full)
    assert main(["--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "FAILED: the pages (no space left)" in said and "no finished run" in said


def test_no_notebook_at_all_is_an_error(folder, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--out", str(tmp_path / "out")])
    assert ended.value.code == 2 and "no notebooks here" in capsys.readouterr().err


def test_all_well_is_exit_code_0_and_a_page_of_an_earlier_run_does_not_stay(folder, no_kernel, tmp_path):
    lesson(folder / "00_good.ipynb")
    assert main(["--out", str(tmp_path / "out")]) == 0 and (tmp_path / "out" / "00_good.html").exists()
    (folder / "00_good.ipynb").write_text("{")
    assert main(["--out", str(tmp_path / "out")]) == 1 and not list((tmp_path / "out").glob("00_good*"))


def test_an_exception_without_words_has_a_name(folder, no_kernel, tmp_path, monkeypatch, capsys):
    def silent(*_, **__):
        raise TimeoutError

    lesson(folder / "00_slow.ipynb")
    monkeypatch.setattr(tutorial, "run", silent)
    assert main(["--out", str(tmp_path / "out")]) == 1
    assert "FAILED: TimeoutError" in capsys.readouterr().out


def test_comparison_sorts_runs_and_ends_with_chance(tmp_path):
    runs = [("rrsitr", 0.6), ("rrsitr", 0.4), ("contrastive", 0.4), ("contrastive", 0.0)]
    for number, (method, rate) in enumerate(runs):
        write_run(tmp_path / f"run{number}", mr=20.5, auroc=0.9 if rate else None, method=method, noise_rate=rate)
    table = comparison(read_results(tmp_path))
    assert table["method"].tolist() == [
        "contrastive",
        "contrastive",
        "rrsitr",
        "rrsitr",
        "before training, tiny",
        "chance",
    ]
    assert table["noise"].tolist()[:4] == [0.0, 0.4, 0.4, 0.6]
    assert table["mR"].tolist()[:5] == [20.5] * 4 + [30.0] and 2 < table["mR"].tolist()[5] < 3
    assert table.columns.tolist() == ["method", "pairs", "epochs", "noise", "realised", "seed", *RECALLS, "AUROC"]
    assert table["AUROC"].isna().tolist() == [True, False, False, False, True, True]


def test_comparison_tells_a_part_that_is_off_from_the_whole_method(tmp_path):
    write_run(tmp_path / "whole", method="rrsitr")
    write_run(tmp_path / "part", method="rrsitr", triplet="off")
    assert comparison(read_results(tmp_path))["method"].tolist()[:2] == ["rrsitr", "rrsitr, without robust triplet"]


def test_comparison_names_a_damaged_run(tmp_path, capsys):
    write_run(tmp_path / "good")
    (write_run(tmp_path / "bad") / "result.json").write_text("{")
    assert len(comparison(read_results(tmp_path))) == 3
    assert "not in the table: bad: " in capsys.readouterr().out


def test_comparison_of_nothing_is_empty(tmp_path):
    assert comparison(read_results(tmp_path)).empty


def test_explorers_are_those_of_the_largest_run_of_the_whole_method(tmp_path):
    assert _largest_run(read_results(tmp_path)) is None
    write_run(tmp_path / "part", method="rrsitr", self_paced=False)
    assert _largest_run(read_results(tmp_path)) is None
    for name, pairs in (("a", 2000), ("b", 4000), ("c", 3000)):
        facts = write_run(tmp_path / name, method="rrsitr") / "run.json"
        change(facts, pairs={"train": pairs, "val": 500, "test": 1000})
    assert _largest_run(read_results(tmp_path)) == tmp_path / "b"
