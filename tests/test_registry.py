"""Registries: names are read without an import, every file keeps its promise, a name is taken once."""

import pytest

from rrsitr_lib.data.datasets import DataSet
from rrsitr_lib.data.noise import inject
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods import METHODS, Method, Settings
from rrsitr_lib.model.encoder import EncoderRecipe
from rrsitr_lib.registry import DATASETS, ENCODERS, PROTOCOLS, Registry

ALL = {
    "method": (METHODS, ["contrastive", "rrsitr", "oracle"]),
    "protocol": (PROTOCOLS, ["shuffle", "derangement", "image", "hard"]),
    "data set": (DATASETS, ["scenes", "rsitmd", "rsicd", "nwpu"]),
    "encoder": (ENCODERS, ["tiny", "tiny-strong", "lite", "vit-b-32"]),
}
every_registry = pytest.mark.parametrize(("registry", "names"), ALL.values(), ids=ALL)


@every_registry
def test_names_that_the_sources_promise_are_registered(registry, names):
    assert list(registry)[: len(names)] == names and len(registry) == len(list(registry))
    for name in registry:
        assert registry[name] is registry[name] and name in registry


@every_registry
def test_an_unknown_name_is_refused_with_the_known_ones(registry, names):
    with pytest.raises(InputError, match=f"^{registry.what} is 'magic': allowed are {', '.join(names)}"):
        _ = registry["magic"]
    assert "magic" not in registry and None not in registry


def test_every_entry_is_what_its_kind_must_be():
    assert all(issubclass(method, Method) and issubclass(method.Settings, Settings) for method in METHODS.values())
    assert all(issubclass(recipe, EncoderRecipe) and recipe.image_size > 0 for recipe in ENCODERS.values())
    assert all(isinstance(source, DataSet) for source in DATASETS.values())
    ids = [f"{kind}_{number}.jpg" for kind in ("lake", "road") for number in range(6)]
    assert all(inject(ids, 0.5, name, seed=1).realised_rate > 0 for name in PROTOCOLS)


def test_a_name_is_taken_once_and_a_file_that_is_read_again_may_take_it_again():
    colours = Registry("colour")

    def blue(): ...

    colours.register("blue")(blue)
    colours.register("blue")(blue)
    with pytest.raises(InputError, match="colour 'blue' is registered twice"):
        colours.register("blue")(lambda: None)
    assert colours["blue"] is blue and list(colours) == ["blue"]


@pytest.mark.parametrize("name", METHODS)
def test_the_command_lists_methods_and_their_settings(name, capsys):
    from test_cli import rrsitr

    assert rrsitr("methods") == 0 and name in capsys.readouterr().out
    assert rrsitr("methods", name) == 0
    said = capsys.readouterr().out
    assert all(field in said for field in METHODS[name].Settings.model_fields)
