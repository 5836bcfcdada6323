"""Files that fuzzing found: each once ended in a traceback or took all memory; its name begins with the reader's."""

import pytest
from fuzz import FOUND, readers

from rrsitr_lib.errors import InputError, RunError


@pytest.mark.parametrize("path", sorted(FOUND.iterdir()), ids=lambda path: path.name)
def test_it_is_read_or_named(path, tmp_path):
    (tmp_path / "made").mkdir()
    name, read, _ = readers(tmp_path / "made")[path.name.partition("-")[0]]
    (tmp_path / name).write_bytes(path.read_bytes())
    try:
        read(tmp_path / name)
    except (InputError, RunError) as error:
        assert name in str(error)
