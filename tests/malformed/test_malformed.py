"""Every bad input ends in an ``InputError`` of one line that names it, and leaves nothing half-written."""

import pytest
from malformed import audit_inputs, data_inputs, noise_inputs, objective_inputs, run_inputs

from rrsitr_lib.errors import InputError

CASES = [
    case
    for table in (data_inputs, noise_inputs, objective_inputs, run_inputs, audit_inputs)
    for case in table.CASES
]  # fmt: skip


def test_every_case_has_a_name_of_its_own():
    names = [name for name, *_ in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("make", "message"), [pytest.param(make, message, id=name) for name, make, message in CASES])
def test_one_line_says_what_is_wrong(make, message, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        make(tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000
    assert not list(tmp_path.rglob("*.tmp"))
