"""Exercises of lesson 09: the mean and deviation of a cell, the error of a recall, collapsed models in an ablation."""

import math
from collections.abc import Sequence

import numpy as np

from rrsitr_lib.teach.exercise import Exercise, Wrong

LESSON = "09_reproduction"
ABLATION = [35.93, 33.38, 29.80, 30.21, 32.24, 1.22, 26.52, 1.10, 33.90]


def _cell(values: Sequence[float], ddof: int, few: float = math.nan) -> list[float]:
    spread = float(np.std(values, ddof=ddof)) if len(values) > ddof else few
    return [float(np.mean(values)), spread]


def _standard_error(values: Sequence[float]) -> list[float]:
    mean, deviation = _cell(values, 1)
    return [mean, deviation / math.sqrt(len(values))]


def _mean_distance(values: Sequence[float]) -> list[float]:
    return [float(np.mean(values)), float(np.abs(np.asarray(values) - np.mean(values)).mean())]


def _error(recall: float, questions: int, k: int) -> float:
    share = recall / 100
    return 100 * math.sqrt(share * (1 - share) / questions)


def _far_below(mr: Sequence[float]) -> list[bool]:
    """The outlier rule: more than one deviation under the mean of the column."""
    return [value < np.mean(mr) - np.std(mr) for value in mr]


EXERCISES = (
    Exercise(
        name="mean_and_deviation",
        lesson=LESSON,
        difficulty="warm-up",
        minutes=5,
        cases=(
            {"values": [44.64, 45.43, 46.33, 46.72, 47.38]},
            {"values": [30.0, 34.0]},
            {"values": [12.5, 12.5, 12.5]},
            {"values": [42.6]},
        ),
        solution=lambda values: _cell(values, 1),
        wrong=(
            Wrong(
                lambda values: _cell(values, 0),
                "the deviation comes out too small: it divides by the number of seeds, which describes these seeds "
                "only. What should one divide by to estimate the spread of all seeds, when the mean was taken from "
                "the same numbers? And what can a single seed say about the spread?",
            ),
            Wrong(
                lambda values: _cell(values, 1, few=0.0),
                "right with several seeds, but for one seed it says 0, as if every seed would give the same number. "
                "One number says nothing about the spread: the answer there is 'not known'.",
            ),
            Wrong(
                _standard_error,
                "that is the standard error of the mean, which shrinks with every further seed. The ± of the tables "
                "is the deviation of the single runs; which of your steps makes it shrink?",
            ),
            Wrong(
                _mean_distance,
                "that is the mean absolute distance. It is a spread too, but not the standard deviation that the "
                "tables print: distances are to be squared before they are added.",
            ),
        ),
        first_step="Begin with the mean; then add up the squared distances from it, and think about what to divide by.",
        why="Divided by n - 1, five seeds stand for all seeds; and a single seed has no deviation at all, not a zero.",
    ),
    Exercise(
        name="error_of_a_recall",
        lesson=LESSON,
        difficulty="core",
        minutes=10,
        cases=(
            {"recall": 25.44, "questions": 452, "k": 1},
            {"recall": 58.98, "questions": 452, "k": 10},
            {"recall": 46.82, "questions": 452, "k": 5},
            {"recall": 15.86, "questions": 1093, "k": 1},
            {"recall": 100.0, "questions": 200, "k": 10},
            {"recall": 0.0, "questions": 1, "k": 5},
        ),
        solution=_error,
        wrong=(
            Wrong(
                lambda recall, questions, k: _error(recall, questions, k) / 100,
                "it is a hundred times too small: the recall came in percent, the answer is a share. Give the error "
                "in percentage points, the unit in which the recall is printed.",
            ),
            Wrong(
                lambda recall, questions, k: math.sqrt(abs(recall * (1 - recall)) / questions),
                "the formula is for a share p between 0 and 1, and here it was fed with percent: one minus 25.44 is "
                "no probability of a miss.",
            ),
            Wrong(
                lambda recall, questions, k: _error(recall, questions * k, k),
                "it counts K answers a question as K trials. However many answers are looked at, a question is a hit "
                "or a miss: how many independent yes-or-no outcomes are there?",
            ),
            Wrong(
                lambda recall, questions, k: 100 * math.sqrt(recall / 100 * (1 - recall / 100)),
                "that is the deviation of one question. The recall is a mean over many questions; how does the "
                "deviation of a mean depend on their number?",
            ),
        ),
        first_step="Turn the recall into a share p; one question is a coin that shows a hit with probability p.",
        why="At 452 pictures an R@1 of 25 is known to two points only, four times the deviation over seeds in the "
        "paper's table. K does not enter, and four times the pictures halve the error.",
    ),
    Exercise(
        name="collapsed_models",
        lesson=LESSON,
        difficulty="research",
        minutes=25,
        cases=(
            {"mr": ABLATION, "chance": 1.18, "error": 0.34},
            {"mr": [3.1, 2.9, 0.2, 0.16], "chance": 0.17, "error": 0.05},
            {"mr": [6.1, 24.0, 4.9, 6.6], "chance": 5.2, "error": 0.7},
            {"mr": [0.51, 0.47, 0.6], "chance": 0.49, "error": 0.1},
            {"mr": [2.0], "chance": 1.0, "error": 0.5},
        ),
        solution=lambda mr, chance, error: [value <= chance + 2 * error for value in mr],
        wrong=(
            Wrong(
                lambda mr, chance, error: [value <= chance for value in mr],
                "it calls collapsed only what lies at or under chance. A model that guesses lands above chance about "
                "as often as below it: how far above may it lie before guessing is no longer a good explanation?",
            ),
            Wrong(
                lambda mr, chance, error: [value < 5 for value in mr],
                "it uses one fixed mR for every test set. Chance falls with the number of pictures: an mR of 3 is far "
                "above chance on NWPU and under it on a hundred pictures.",
            ),
            Wrong(
                lambda mr, chance, error: _far_below(mr),
                "it looks for rows far below the others. Then a table of guesses only has no collapsed model, and the "
                "worst of several good ones has collapsed. Compare with chance, not with the neighbours.",
            ),
            Wrong(
                lambda mr, chance, error: [abs(value - chance) <= error for value in mr],
                "within one error of chance lie only about two thirds of the models that guess; and one that lies "
                "further below has not learned more for it. Allow two errors, upwards only.",
            ),
        ),
        first_step="Ask of every row: could a random order reach this? It reaches chance, give or take its error.",
        why="Two rows of the published ablation are guesses: they say that training broke down, not how much the part "
        "that was removed is worth. Their distance from the full method measures nothing.",
    ),
)
