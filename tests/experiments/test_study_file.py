"""A study file becomes cells: presets, overrides, equal configurations, and what is said where the file is wrong."""

import jsonschema
import pytest
import yaml

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.plan import plan
from rrsitr_lib.experiments.published_results import paper_differences, paper_results
from rrsitr_lib.experiments.run_results import FinishedRun
from rrsitr_lib.experiments.study_file import PRESETS, Grid, Study, schema


def content_of(preset):
    from importlib.resources import files

    return yaml.safe_load((files("rrsitr_lib.experiments") / "presets" / f"{preset}.yaml").read_text(encoding="utf-8"))


def test_paper_plans_75_runs_a_method_in_the_papers_settings():
    cells = plan(Study.read("paper"))
    main = [cell for cell in cells if not cell.variant]
    for method in ("rrsitr", "contrastive"):
        own = [cell.config for cell in main if cell.config.method == method]
        assert len(own) == 75
        assert {config.data for config in own} == {"rsitmd", "rsicd", "nwpu"}
        assert {config.noise_rate for config in own} == {0.0, 0.2, 0.4, 0.6, 0.8}
        assert {config.seed for config in own} == {3, 13, 25, 42, 65}
        assert all(paper_differences(config) == {} for config in own)


def test_every_row_of_the_papers_ablation_is_planned_under_its_name():
    cells = plan(Study.read("paper"))
    ours = {(cell.config.data, cell.config.noise_rate, FinishedRun(cell.config, {}, {}).method) for cell in cells}
    published = paper_results().query("source.str.endswith('ablation')")
    wanted = {(row.data, row.noise_rate, row.method.casefold()) for row in published.itertuples()}
    assert len(wanted) == 8 and wanted <= ours


def test_sweeps_share_the_cell_at_the_papers_value():
    cells = plan(Study.read("paper"))
    assert len({cell.name for cell in cells}) == len(cells) == 150 + 8 * 5 + 4 * 4


def test_laptop_has_two_methods_three_rates_three_seeds_and_more_draws_of_the_noise():
    configs = [cell.config for cell in plan(Study.read("laptop"))]
    main = {(c.method, c.noise_rate, c.seed) for c in configs if c.noise_seed == 42}
    assert len(main) == 18 and len({c.noise_seed for c in configs}) == 3
    assert all(c.data == "scenes" and c.encoder == "tiny" for c in configs)


def test_real_small_needs_a_folder_and_takes_one(tmp_path):
    study = Study.read("real-small")
    with pytest.raises(InputError, match=r"study real-small, grid 1, .*data is 'FOLDER'.*a folder that exists"):
        plan(study)
    (tmp_path / "images").mkdir()
    cells = plan(Study.read("real-small", {"data": str(tmp_path)}))
    assert len(cells) == 3 * 5 * 2 + 3 * 4
    assert {cell.config.images for cell in cells} == {str(tmp_path / "images")}


@pytest.mark.parametrize("preset", PRESETS)
def test_schema_accepts_the_presets(preset):
    jsonschema.validate(content_of(preset), schema())


@pytest.mark.parametrize("break_it", [
    lambda study: study["runs"][0]["fix"].update(epoch=3),
    lambda study: study["runs"][0]["fix"].update(epochs=0),
    lambda study: study["runs"][0]["fix"].update(encoder="resnet"),
    lambda study: study.update(name="two words"),
    lambda study: study.pop("runs"),
    lambda study: study.update(limits=3),
])  # fmt: skip
def test_schema_refuses_what_the_program_refuses(break_it, tmp_path):
    study = content_of("laptop")
    break_it(study)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(study, schema())
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(InputError):
        plan(Study.read(tmp_path / "s.yaml"))


@pytest.mark.parametrize(("text", "message"), [
    ("name: x\nruns: []", r"s\.yaml: runs is \[\]: list should have at least 1 item"),
    ("name: a/b\nruns: [{}]", r"s\.yaml: name is 'a/b': string should match pattern"),
    ("name: x\nruns: [{axes: {seed: []}}]", r"axis seed has no values"),
    ("name: x\nruns: [{axes: {sed: [3]}}]", r"axis sed is no field of a run"),
    ("name: x\nruns: [{axes: {seed: 3}}]", r"runs\.0\.axes\.seed is 3: allowed is a valid list"),
    ("name: x\nlimit_minutes: -1\nruns: [{}]", r"limit_minutes is -1: allowed is a value greater than 0"),
    ("- a", r"expected a mapping of fields, got list"),
    ("name: [", r"not readable YAML"),
])  # fmt: skip
def test_broken_file_is_named_with_place_and_value(text, message, tmp_path):
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        Study.read(tmp_path / "s.yaml")


def test_wrong_combination_names_grid_and_fields():
    study = Study(name="x", runs=[Grid(), Grid(fix={"encoder": "tiny"}, axes={"gamma_1": [5, 30]})])
    with pytest.raises(InputError, match=r"study x, grid 2, encoder=tiny, gamma_1=30: gamma_1 is 30"):
        plan(study)


def test_unknown_study_lists_the_presets(tmp_path):
    with pytest.raises(InputError, match="no study there: allowed are laptop, paper, real-small, a YAML file"):
        Study.read(tmp_path / "absent.yaml")


def test_fields_of_every_run_replace_axes():
    study = Study.read("laptop", {"seed": 7, "epochs": 1})
    assert {cell.config.seed for cell in plan(study)} == {7}
    assert {cell.config.epochs for cell in plan(study)} == {1}
    with pytest.raises(InputError, match="unknown field 'epoch': known are"):
        Study.read("laptop", {"epoch": 1})


def test_variants_are_named_and_axes_of_other_fields_too():
    grid = Grid(
        fix={"encoder": "tiny"}, axes={"gamma_2": [15.0, 18.0]}, variants={"fixed": {"triplet": "fixed"}, "": {}}
    )
    names = [cell.variant for cell in plan(Study(name="x", runs=[grid]))]
    assert names == ["fixed, gamma_2=15.0", "fixed, gamma_2=18.0", "gamma_2=15.0", "gamma_2=18.0"]


def test_equal_configurations_are_one_cell_and_its_name_the_fingerprint():
    grid = Grid(fix={"encoder": "tiny", "seed": 3})
    (cell,) = plan(Study(name="x", runs=[grid, grid]))
    assert cell.name == RunConfig.build(encoder="tiny", seed=3).fingerprint[:16]
    assert plan(Study(name="y", runs=[grid]))[0].name == cell.name, "whatever the study is called"


def test_saved_study_is_read_back_and_takes_its_folders_name(tmp_path):
    study = Study.read("laptop", {"epochs": 1})
    study.save(tmp_path / "laptop")
    assert plan(Study.read(tmp_path / "laptop")) == plan(study)
    (tmp_path / "laptop").rename(tmp_path / "other")
    assert Study.read(tmp_path / "other").name == "other"
