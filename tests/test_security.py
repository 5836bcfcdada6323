"""Every test that SECURITY.md names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_protection_names_a_test_that_is_there():
    text, named, file = (ROOT / "SECURITY.md").read_text(encoding="utf-8"), 0, ""
    for path, name in re.findall(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`", text):
        file = path or file
        if not path and not name:
            continue
        source = (ROOT / file).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in source, f"{file}::{name}"
        named += 1
    assert named > 15
