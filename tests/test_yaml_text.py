"""The one door for YAML: any text at all is a value or one line that says what is wrong; what would grow is refused."""

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rrsitr_lib.cli.options import assigned
from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.yaml_text import parse_yaml, read_yaml

PAIRS = zip("abcdefghi", "bcdefghij", strict=True)
REPEATS = "".join(f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in PAIRS)
LINES = f"a: &a [x,x,x,x,x,x,x,x,x]\n{REPEATS}"
LETTERS = st.text(alphabet=st.sampled_from("abe:-?[]{}&*!|>'\"%@#,=<~ \n\t0123456789.\\x\x00\x1b\ud800é"), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from([*RunConfig.model_fields, "gamma_1", "gamma_2", "sigma", "scale", "lambda_1", "weight_order"])
FEW = settings(max_examples=150, derandomize=True, deadline=None)


@pytest.mark.parametrize(("text", "message"), [
    (LINES, "line 5: aliases such as *d repeat more than 100,000 values"), ("&a [*a]", "*a names nothing before it"),
    ("[" * 51 + "]" * 51, "more than 50 lists or mappings"), ("- " * 200_000, "more than 50"),
    ("a: 1\nb: 2\na: 3", "line 3: 'a' comes twice"), ("{1: a, '1': b}", "'1' comes twice"),
    ("!!python/name:os.system", "tag tag:yaml.org,2002:python/name:os.system is not allowed"),
    ("!!set {a}", "is not allowed"), ("a: [", "line 2: "), ("a\n---\nb", "another document"),
    (b"a: \xff", "b'\\xff' is not UTF-8"), (b"a: \x00", "#x0000"), ("a: \ud800", "is not UTF-8"),
    ("9" * 5000, "Exceeds the limit"), ("2026-99-99", "month must be"), ("? [a]\n: 3", "unhashable"),
    ("<<: 3", "merging"),
])  # fmt: skip
def test_what_is_refused_is_said_at_once_and_by_its_line(text, message):
    began = time.perf_counter()
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "a.yaml")
    assert str(caught.value).startswith("a.yaml: not readable YAML (") and message in str(caught.value)
    assert "\n" not in str(caught.value) and time.perf_counter() - began < 5


def test_aliases_merged_mappings_and_small_exponents_are_read():
    text = "base: &base {seed: 3, learning_rate: 1e-3}\nmore: {<<: *base, seed: 4}\nagain: *base\n"
    base = {"seed": 3, "learning_rate": 0.001}
    assert parse_yaml(text, "") == {"base": base, "more": {**base, "seed": 4}, "again": base}
    assert parse_yaml(b"\xef\xbb\xbfa: \xc3\xa9", "") == {"a": "é"}


def test_a_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "no.yaml", tmp_path, "a\0b"):
        with pytest.raises(InputError, match="not readable YAML"):
            read_yaml(path)


@FEW
@given(LETTERS | st.binary(max_size=40))
def test_any_text_is_a_value_or_an_input_error(text):
    try:
        parse_yaml(text, "a.yaml")
    except InputError as error:
        assert str(error).startswith("a.yaml: ") and len(str(error).splitlines()) == 1


@FEW
@given(VALUES)
def test_what_is_written_as_yaml_is_read_as_it_was(value):
    text = yaml.safe_dump(value)
    assert repr(parse_yaml(text, "")) == repr(yaml.safe_load(text))


@FEW
@given(st.lists(LETTERS | st.builds("{}={}".format, FIELDS, LETTERS), max_size=2))
def test_any_set_is_fields_or_an_input_error(texts):
    try:
        assigned(texts)
    except InputError as error:
        assert str(error).startswith("--set ")


@FEW
@given(st.dictionaries(FIELDS | st.text(max_size=5), VALUES, max_size=3))
def test_any_fields_are_a_configuration_or_an_input_error(fields):
    try:
        config = RunConfig.build(**fields)
    except InputError as error:
        assert str(error)
    else:
        assert RunConfig.build(**parse_yaml(config.to_yaml(), "")) == config
