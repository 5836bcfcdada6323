"""A study file becomes trials: presets, overrides, equal configurations, and what is said where the file is wrong."""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.published_results import paper_differences, paper_results
from rrsitr_lib.experiments.run_results import method_name
from rrsitr_lib.experiments.study_file import PRESET_FILES, PRESETS, Grid, Study, plan, schema
from rrsitr_lib.registry import METHODS

RATES, SEEDS = [0.4, 0.6, 0.8, 0.2, 0.0], {3, 13, 25}


def content_of(preset):
    return yaml.safe_load(PRESET_FILES[preset].read_text(encoding="utf-8"))


def test_paper_plans_75_runs_a_method_in_the_papers_settings():
    main = [trial.config for trial in plan(Study.read("paper")) if not trial.variant]
    for method in ("rrsitr", "contrastive"):
        own = [config for config in main if config.method == method]
        assert len(own) == 75
        assert {config.data for config in own} == {"rsitmd", "rsicd", "nwpu"}
        assert {config.noise_rate for config in own} == {0.0, 0.2, 0.4, 0.6, 0.8}
        assert {config.seed for config in own} == {3, 13, 25, 42, 65}
        assert all(paper_differences(config) == {} for config in own)


def test_every_row_of_the_papers_ablation_is_planned_under_its_name_and_sweeps_share_the_papers_value():
    trials = plan(Study.read("paper"))
    ours = {(trial.config.data, trial.config.noise_rate, method_name(trial.config)) for trial in trials}
    published = paper_results().query("source.str.endswith('ablation')")
    wanted = {(row.data, row.noise_rate, row.method.casefold()) for row in published.itertuples()}
    assert len(wanted) == 8 and wanted <= ours
    assert len({trial.name for trial in trials}) == len(trials) == 150 + 8 * 5 + 4 * 4
    two_parts = RunConfig.build(self_paced=False, triplet="fixed")
    assert method_name(two_parts) == "rrsitr, without self-paced weights, fixed margin"


def test_laptop_has_two_methods_three_rates_three_seeds_and_more_draws_of_the_noise():
    configs = [trial.config for trial in plan(Study.read("laptop"))]
    main = {(c.method, c.noise_rate, c.seed) for c in configs if c.noise_seed == 42}
    assert len(main) == 18 and len({c.noise_seed for c in configs}) == 3
    assert all(c.data == "scenes" and c.encoder == "tiny-strong" for c in configs)


def test_real_small_needs_a_folder_and_takes_one(tmp_path):
    with pytest.raises(InputError, match=r"study real-small, grid 1, .*data is 'FOLDER'.*a folder that exists"):
        plan(Study.read("real-small"))
    (tmp_path / "images").mkdir()
    trials = plan(Study.read("real-small", {"data": str(tmp_path)}))
    assert len(trials) == 3 * 5 * 2 + 3 * 4
    assert {trial.config.images for trial in trials} == {str(tmp_path / "images")}


@pytest.fixture(params=["rivals", "rivals-real"])
def rivals(request, tmp_path):
    """The trials of a comparison, that of real pairs with a folder."""
    (tmp_path / "images").mkdir()
    study = Study.read(request.param, {"data": str(tmp_path)} if request.param.endswith("real") else {})
    return plan(study)


def test_rivals_are_equal_in_all_but_method_and_settings_and_come_by_noise_rate(rivals):
    plain = [trial.config for trial in rivals if not trial.variant]
    for method in METHODS:
        own = [config for config in plain if config.method == method]
        assert sorted((c.noise_rate, c.seed) for c in own) == sorted((rate, seed) for rate in RATES for seed in SEEDS)
        assert len({(*sorted(config.settings.items()), config.learning_rate) for config in own}) == 1, method
    same = {"method": "contrastive", "settings": {}, "learning_rate": 1e-3, "seed": 3, "noise_rate": 0.0}
    assert len({config.model_copy(update=same).fingerprint for config in plain}) == 1
    order = [0.6, 0.4, 0.8, 0.2, 0.0]
    places = [order.index(config.noise_rate) for config in plain]
    assert places == sorted(places)


def test_rivals_have_the_settings_that_the_tuning_chose():
    """``results/README.md`` holds the table of ``rrsitr study choose rivals-tuning``."""
    table = (Path(__file__).parents[2] / "results" / "README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\w+) +\|.*\| (\w+=[\d.e-]+) +\| [\d.]+ +\|$", table, re.M))
    assert told.keys() == METHODS.keys()
    tuned = {trial.config.fingerprint for trial in plan(Study.read("rivals-tuning"))}
    for trial in plan(Study.read("rivals", {"noise_rate": 0.4, "noise_seed": 43, "seed": 3})):
        if not trial.variant:
            name, _, value = told[trial.config.method].partition("=")
            assert getattr(trial.config, name) == float(value), trial.config.method
            assert trial.config.fingerprint in tuned, "and they were tuned at this size"


def test_rivals_have_their_variants_at_40_and_60_percent(rivals):
    variants = {(trial.config.method, trial.variant, trial.config.noise_rate) for trial in rivals if trial.variant}
    names = {(method, name) for method, name, _ in variants}
    paces = ("linear", "logarithmic", "mixture", "polynomial", "exponential")
    parts = ("fixed margin", "without self-paced weights", "chance-relative thresholds")
    own = (*parts, *(f"{pace} pace" for pace in paces))
    assert names == {("vsepp", "margin 0.6"), *(("rrsitr", name) for name in own)}
    assert variants == {(*name, rate) for name in names for rate in (0.4, 0.6)}


def test_rivals_on_real_pairs_are_those_on_drawn_scenes_but_for_the_learning_rate(tmp_path):
    (tmp_path / "images").mkdir()
    drawn, real = (
        plan(Study.read(name, fixed)) for name, fixed in (("rivals", {}), ("rivals-real", {"data": str(tmp_path)}))
    )
    parts = [
        [(trial.variant, c.method, c.noise_rate, c.seed, c.settings) for trial in trials for c in [trial.config]]
        for trials in (drawn, real)
    ]
    assert parts[0] == parts[1]
    assert {trial.config.learning_rate for trial in real} == {
        RunConfig.build(encoder="lite", train="heads").learning_rate
    }


def test_every_method_is_tuned_by_three_configurations_its_defaults_among_them():
    trials = plan(Study.read("rivals-tuning"))
    for method in METHODS:
        own = [trial.config for trial in trials if trial.config.method == method]
        assert len(own) == 3 and len({config.fingerprint for config in own}) == 3, method
        default = RunConfig.build(encoder="tiny", method=method)
        assert any((config.settings, config.learning_rate) == ({}, default.learning_rate) for config in own), method
    shared = {(c.noise_seed, c.noise_rate, c.seed, c.scenes, c.epochs) for c in (trial.config for trial in trials)}
    assert shared == {(43, 0.4, 3, 800, 6)}, "another draw of the noise than the comparison's"


def test_rsicd_is_compared_at_five_rates_and_three_seeds():
    configs = [trial.config for trial in plan(Study.read("rsicd"))]
    assert {(c.data, c.images, c.encoder, c.train) for c in configs} == {("rsicd", "data/rsicd", "lite", "heads")}
    wanted = {(method, rate, seed) for method in ("contrastive", "rrsitr", "ncr", "rcl", "gce", "oracle")
              for rate in RATES for seed in SEEDS if rate or method != "oracle"}  # fmt: skip
    assert {(c.method, c.noise_rate, c.seed) for c in configs} == wanted and len(configs) == len(wanted)


@pytest.mark.parametrize("preset", PRESETS)
def test_schema_accepts_the_presets(preset):
    jsonschema.validate(content_of(preset), schema())


@pytest.mark.parametrize("method", METHODS)
def test_schema_and_overrides_know_the_settings_of_every_method(method):
    fields = schema()["$defs"]["Grid"]["properties"]["fix"]["properties"]
    settings = METHODS[method].Settings.model_fields
    assert settings.keys() <= fields.keys() and method in fields["method"]["enum"]
    for name, field in settings.items():
        study = Study(name="x", runs=[Grid(fix={"encoder": "tiny", "method": method})])
        (trial,) = plan(study.with_fixed({name: field.default}))
        assert getattr(trial.config, name) == field.default


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
    (None, r"no study there: allowed are laptop, lesson, paper, real-small, rivals, rivals-real, .*a YAML file"),
])  # fmt: skip
def test_broken_file_is_named_with_place_and_value(text, message, tmp_path):
    if text is not None:
        (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        Study.read(tmp_path / "s.yaml")


def test_wrong_combination_names_grid_and_fields():
    study = Study(name="x", runs=[Grid(), Grid(fix={"encoder": "tiny"}, axes={"gamma_1": [5, 30]})])
    with pytest.raises(InputError, match=r"study x, grid 2, encoder=tiny, gamma_1=30: gamma_1 is 30"):
        plan(study)


def test_fields_of_every_run_replace_axes():
    study = Study.read("laptop", {"seed": 7, "epochs": 1})
    assert {trial.config.seed for trial in plan(study)} == {7}
    assert {trial.config.epochs for trial in plan(study)} == {1}
    with pytest.raises(InputError, match="unknown field 'epoch': known are"):
        Study.read("laptop", {"epoch": 1})


def test_variants_are_named_and_axes_of_other_fields_too():
    variants = {"fixed": {"triplet": "fixed"}, "": {}}
    grid = Grid(fix={"encoder": "tiny"}, axes={"gamma_2": [15.0, 18.0]}, variants=variants)
    names = [trial.variant for trial in plan(Study(name="x", runs=[grid]))]
    assert names == ["fixed, gamma_2=15.0", "fixed, gamma_2=18.0", "gamma_2=15.0", "gamma_2=18.0"]


def test_equal_configurations_are_one_trial_and_its_name_the_fingerprint():
    grid = Grid(fix={"encoder": "tiny", "seed": 3})
    (trial,) = plan(Study(name="x", runs=[grid, grid]))
    assert trial.name == RunConfig.build(encoder="tiny", seed=3).fingerprint[:16]
    assert plan(Study(name="y", runs=[grid]))[0].name == trial.name, "whatever the study is called"


def test_saved_study_is_read_back_takes_its_folders_name_and_is_no_preset(tmp_path, monkeypatch):
    study = Study.read("laptop", {"epochs": 1})
    study.save(tmp_path / "laptop")
    assert plan(Study.read(tmp_path / "laptop")) == plan(study)
    monkeypatch.chdir(tmp_path)
    relative = (tmp_path / "laptop").relative_to(tmp_path)
    assert plan(Study.read(relative)) == plan(study) != plan(Study.read("laptop"))
    (tmp_path / "laptop").rename(tmp_path / "other")
    assert Study.read(tmp_path / "other").name == "other"
    (tmp_path / "other").rename(tmp_path / "other old")
    with pytest.raises(InputError, match="cannot be named 'other old': allowed are letters, digits, - and _"):
        Study.read(tmp_path / "other old")
