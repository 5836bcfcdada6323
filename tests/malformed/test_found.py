"""Files that fuzzing found: each once ended in a traceback; the part of its name before the dash names the reader."""

import pytest
from fuzz import FOUND, readers

from rrsitr_lib.errors import InputError, RunError


@pytest.mark.parametrize("path", sorted(FOUND.iterdir()), ids=lambda path: path.name)
def test_it_is_read_or_named(path, tmp_path):
    (tmp_path / "made").mkdir()
    name, read, _ = readers(tmp_path / "made")[path.name.partition("-")[0]]
    (tmp_path / name).write_bytes(path.read_bytes())
    with pytest.raises((InputError, RunError), match=name):
        read(tmp_path / name)
