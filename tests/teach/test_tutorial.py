"""The main job: every notebook, whatever becomes of it, an index, and the table last."""

import re

import nbformat
import pytest

from rrsitr_lib.files import write_json
from rrsitr_lib.teach import tutorial
from rrsitr_lib.teach.tutorial import comparison, main

RECALLS = {"i2t_R@1": 10.0, "i2t_R@5": 20.0, "i2t_R@10": 30.0, "t2i_R@1": 11.0, "t2i_R@5": 21.0, "t2i_R@10": 31.0,
           "mR": 20.5}  # fmt: skip


def result(method, noise_rate, seed=3, auroc=0.95):
    chance = dict.fromkeys(RECALLS, 1.0)
    return {"method": method, "noise_rate": noise_rate, "realised_noise_rate": 0.987 * noise_rate, "seed": seed,
            "test": RECALLS, "chance": chance, "partition": {"auroc": auroc}}  # fmt: skip


def lesson(path, *cells):
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    title = nbformat.v4.new_markdown_cell("# Is <this> a title?\n\ntext")
    notebook = nbformat.v4.new_notebook(cells=[title, *code])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of notebooks, empty, that the tutorial takes for its own."""
    found = tmp_path / "notebooks"
    found.mkdir()
    monkeypatch.setattr(tutorial, "NOTEBOOKS", found)
    return found


def test_goes_on_after_a_failure_and_names_it(folder, tmp_path, capsys):
    write = "import json, pathlib; p = pathlib.Path('runs/x'); p.mkdir(parents=True)"
    lesson(folder / "00_good.ipynb", "print('fine')")
    lesson(folder / "01_bad.ipynb", "assert 1 == 2, 'this <cell> fails'")
    lesson(folder / "02_after.ipynb", write, f"(p / 'result.json').write_text(json.dumps({result('rrsitr', 0.4)}))")
    (folder / "03_broken.ipynb").write_text("{ not a notebook")
    out = tmp_path / "out"
    assert main(["--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert re.search(r"\[1/4\] 00_good … ok \(\d+ s\)", said) and re.search(r"\[3/4\] 02_after … ok", said)
    assert re.search(r"\[2/4\] 01_bad … FAILED: AssertionError: this <cell> fails", said)
    assert "FAILED: 01_bad, 03_broken" in said
    assert said.rstrip().splitlines()[-1].split()[0] == "chance", "the table comes last"
    assert said.rstrip().splitlines()[-2].split()[:3] == ["rrsitr", "0.40", "0.40"]
    assert {path.name for path in out.glob("*.html")} == {"index.html", "00_good.html", "01_bad.html", "02_after.html"}
    assert (out / "runs" / "x" / "result.json").exists(), "runs land in the output folder"


def test_index_links_what_exists_and_escapes_what_it_says(folder, tmp_path):
    lesson(folder / "00_bad.ipynb", "raise ValueError('<script>')")
    (folder / "01_broken.ipynb").write_text("{")
    main(["--out", str(tmp_path / "out")])
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    links = re.findall(r"href='([^']+)'", page)
    assert links == ["00_bad.html"] and (tmp_path / "out" / links[0]).exists()
    assert "<script>" not in page and "&lt;script&gt;" in page and "Is &lt;this&gt; a title?" in page
    assert not re.search(r"(src|href)=.https?:", page), "the page needs no network"


def test_all_well_is_exit_code_0(folder, tmp_path):
    lesson(folder / "00_good.ipynb", "1 + 1")
    assert main(["--out", str(tmp_path / "out")]) == 0


def test_no_notebook_at_all_is_an_error(folder, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--out", str(tmp_path / "out")])
    assert ended.value.code == 2 and "no notebooks here" in capsys.readouterr().err


def test_a_page_of_an_earlier_run_does_not_stay(folder, tmp_path):
    lesson(folder / "00_good.ipynb", "1 + 1")
    main(["--out", str(tmp_path / "out")])
    (folder / "00_good.ipynb").write_text("{")
    main(["--out", str(tmp_path / "out")])
    assert not list((tmp_path / "out").glob("00_good*"))


def test_an_exception_without_words_has_a_name(folder, tmp_path, monkeypatch, capsys):
    def silent(*_, **__):
        raise TimeoutError

    lesson(folder / "00_slow.ipynb", "1 + 1")
    monkeypatch.setattr(tutorial, "run", silent)
    assert main(["--out", str(tmp_path / "out")]) == 1
    assert "FAILED: TimeoutError" in capsys.readouterr().out


def test_comparison_sorts_runs_and_ends_with_chance(tmp_path):
    runs = [("rrsitr", 0.6), ("rrsitr", 0.4), ("contrastive", 0.4), ("contrastive", 0.0)]
    for number, (method, rate) in enumerate(runs):
        write_json(tmp_path / f"run{number}" / "result.json", result(method, rate, auroc=0.9 if rate else None))
    table = comparison(tmp_path)
    assert table["method"].tolist() == ["contrastive", "contrastive", "rrsitr", "rrsitr", "chance"]
    assert table["noise"].tolist()[:4] == [0.0, 0.4, 0.4, 0.6]
    assert table["mR"].tolist() == [20.5] * 4 + [1.0]
    assert table.columns.tolist() == ["method", "noise", "realised", "seed", *RECALLS, "AUROC"]
    assert table["AUROC"].isna().tolist() == [True, False, False, False, True]


def test_comparison_of_nothing_is_still_a_table(tmp_path):
    assert comparison(tmp_path)["method"].tolist() == ["chance"]
