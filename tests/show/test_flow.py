"""Pairs between categories: counts against a plain loop, and the pairs behind a cell."""

import numpy as np
import pytest
from show.ledgers import drawn_ledger

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.flow import FlowExplorer
from rrsitr_lib.show.views.flow import flow, moved_shares


@pytest.fixture
def explorer(tmp_path):
    return FlowExplorer(drawn_ledger(tmp_path / "run"))


def test_flow_is_that_of_a_plain_loop(explorer):
    category, wrong = explorer.category, explorer.run.mismatched
    for epoch in range(1, len(category)):
        expected, moved = np.zeros((2, 3, 3), int), np.zeros(2)
        for pair in range(len(wrong)):
            expected[int(wrong[pair]), category[epoch - 1, pair], category[epoch, pair]] += 1
            moved[int(wrong[pair])] += category[epoch - 1, pair] != category[epoch, pair]
        assert flow(category[epoch - 1], category[epoch], wrong).tolist() == expected.tolist()
        np.testing.assert_allclose(moved_shares(category, wrong)[:, epoch - 1], moved / [(~wrong).sum(), wrong.sum()])
        explorer.move(epoch=epoch)
        shown = [np.array(explorer.draw(epoch=epoch).data[kind].text).astype(int).tolist() for kind in (0, 1)]
        assert shown == expected.tolist()
        assert f"{int(moved[0])} of {(~wrong).sum()} true pairs changed category" in explorer.text.value


def test_a_cell_is_its_pairs(explorer):
    explorer.move(epoch=2)
    for kind in (0, 1):
        for (before, after), count in np.ndenumerate(flow(*explorer.category[1:3], explorer.run.mismatched)[kind]):
            explorer._told(None, {"event": "clicked", "points": {str(kind): [[before, after]]}}, ())
            rows = explorer.chosen.selection.rows
            assert len(rows) == count and (explorer.run.mismatched[rows] == kind).all()
            assert (explorer.category[1, rows] == before).all() and (explorer.category[2, rows] == after).all()


def test_one_kind_alone_one_epoch_alone_and_what_does_not_fit(tmp_path):
    alone = FlowExplorer(drawn_ledger(tmp_path / "true", mismatched=np.zeros(30, bool)))
    assert (
        np.isnan(moved_shares(alone.category, alone.run.mismatched)[1]).all() and "of 0 mismatched" in alone.text.value
    )
    assert "one epoch only" in FlowExplorer(drawn_ledger(tmp_path / "one", epochs=1)).message
    with pytest.raises(InputError, match=r"categories \(3,\), \(2,\)"):
        flow(np.zeros(3, int), np.zeros(2, int), np.zeros(3, bool))
