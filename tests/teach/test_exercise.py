"""What a check tells a student, whatever the student writes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rrsitr_lib.errors import InputError
from rrsitr_lib.teach.exercise import Exercise, Wrong, use

DOUBLE = Exercise(
    name="double",
    lesson="00_start_here",
    title="00.1 · Twice",
    difficulty="warm-up",
    minutes=1,
    cases=[{"values": np.array([1.0, 2.0])}, {"values": np.array([0.0])}, {"values": np.array([-3.0])}],
    solution=lambda values: 2 * values,
    wrong=(
        Wrong(lambda values: values + 2, "that adds two"),
        Wrong(lambda values: abs(2 * values), "signs are lost"),
    ),
    first_step="Begin with one number.",
    why="Twice is twice.",
)


def in_place(values):
    values *= 2
    return values


def graded(answer):
    right, said = DOUBLE.grade(answer)
    assert said.strip() and "wrong" not in said.lower()
    return right, said


@pytest.mark.parametrize(
    "answer",
    [
        lambda values: 2 * values,
        lambda values: torch.tensor(values) * 2,
        lambda values: (2 * values).tolist(),
        in_place,
    ],
)
def test_right_in_any_form(answer):
    assert graded(answer) == (True, "Twice is twice.")


@pytest.mark.parametrize("nothing", [None, ...])
def test_what_is_missing_is_said(nothing):
    right, said = graded(lambda values: nothing)
    assert not right and "nothing is written yet" in said and "Begin with one number." in said


def test_typical_wrong_answers_get_their_reason():
    for wrong in DOUBLE.wrong:
        assert graded(wrong.answer) == (False, wrong.reason)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda values: 1 / 0, "it stops with ZeroDivisionError"),
        (lambda values: values + "1", "it stops with"),
        (
            lambda values: 2 * values if values[0] > 0 else values - 1,
            "1 of 3 cases agree; for values=[0.] it gives [-1.]",
        ),
        (lambda values: float(values[0]), "shape (), expected (2,)"),
        (lambda values: values * np.nan, "0 of 3 cases agree"),
        (lambda values: "two", "0 of 3 cases agree"),
        (lambda values: {"a": 1}, "0 of 3 cases agree"),
        (lambda values: [[1], [2, 3]], "0 of 3 cases agree"),
        (lambda values: values + 1j, "0 of 3 cases agree"),
        (lambda values: None if values[0] > 0 else 2 * values, "2 of 3 cases agree"),
    ],
)
def test_any_other_answer_is_told_where_it_differs(answer, said):
    right, told = graded(answer)
    assert not right and said in told and "Begin with one number." in told


@pytest.mark.parametrize(("answer", "takes"), [
    (lambda numbers: 2 * numbers, "numbers"), (lambda: 1, "none"), (lambda values, more: values, "values, more"),
])  # fmt: skip
def test_a_renamed_argument_is_told_the_names(answer, takes):
    right, told = graded(answer)
    assert not right and f"called with the arguments values, and yours takes {takes}. Keep the names as they" in told


@pytest.mark.parametrize("answer", [3, max])
def test_what_has_no_signature_is_called_and_told_what_came_of_it(answer):
    assert "it stops with TypeError" in graded(answer)[1]


def test_a_stub_that_raises_is_nothing_written_yet():
    def stub(values):
        raise NotImplementedError

    assert "nothing is written yet. Begin with one number." in graded(stub)[1]


def test_cases_are_safe_from_an_answer_that_changes_its_arguments():
    DOUBLE.grade(in_place)
    assert DOUBLE.cases[0]["values"].tolist() == [1.0, 2.0]


def test_use_takes_the_right_answer_and_nothing_else(capsys):
    assert use(in_place, fallback=abs, check=DOUBLE) is in_place
    assert use(lambda values: None, fallback=abs, check=DOUBLE) is abs
    assert DOUBLE(in_place) is True and DOUBLE(lambda values: None) is False
    assert capsys.readouterr().out.splitlines()[0] == "[OK] double: Twice is twice."


def test_difficulty_is_one_of_four():
    with pytest.raises(InputError, match="difficulty is 'easy': allowed are warm-up"):
        Exercise("x", "00", "00.1", "easy", 1, [], abs, (), "", "")


def measured(answer):
    """Any even number is right: what counts is what ``measure`` makes of an answer."""
    even = replace(DOUBLE, measure=lambda value, values: np.asarray(value) % 2, wrong=[Wrong(lambda values: 1, "odd")])
    return even.grade(answer)


def test_an_open_exercise_takes_every_answer_that_measures_right():
    assert measured(lambda values: 0 * values + 4) == (True, "Twice is twice.")
    assert "0 of 3 cases agree" in measured(lambda values: 0 * values + 1)[1]
    assert "nothing is written yet" in measured(lambda values: None)[1]
    assert "it stops with TypeError" in measured(lambda values: {})[1]
