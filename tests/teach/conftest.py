"""A folder of notebooks of a test's own."""

import pytest

from rrsitr_lib.teach import notebooks, site, sources


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that builder, site, slides and tutorial take for the notebooks'."""
    found = tmp_path / "notebooks"
    found.mkdir()
    for module in (notebooks, site, sources):
        monkeypatch.setattr(module, "NOTEBOOKS", found)
    return found
