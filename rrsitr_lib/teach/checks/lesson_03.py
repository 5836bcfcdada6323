"""Exercises of lesson 03: the losses of a batch, thresholds for another batch size, purity of the clean pairs."""

import numpy as np

from rrsitr_lib.teach.exercise import Exercise, Wrong

LESSON = "03_partition"
_RANDOM = np.random.default_rng(0).normal(size=(5, 5))


def _rows(logits: np.ndarray) -> np.ndarray:
    return np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)


def _both(logits: np.ndarray) -> np.ndarray:
    return _rows(logits) + _rows(logits.T)


def _scaled(gamma: float, batch_size: int, new_batch_size: int) -> float:
    return gamma * np.log(new_batch_size) / np.log(batch_size)


def _pure(loss: np.ndarray, mismatched: np.ndarray, gamma_1: float) -> float:
    return float((~mismatched[loss < gamma_1]).mean())


TRUTH = np.array([False, False, True, False, True, True, False])
LOSSES = np.array([1.0, 4.0, 3.0, 5.0, 20.0, 9.0, 2.0])

EXERCISES = (
    Exercise(
        name="losses_of_batch",
        lesson=LESSON,
        difficulty="warm-up",
        minutes=10,
        cases=[{"logits": _RANDOM}, {"logits": np.zeros((4, 4))}, {"logits": 3 * np.eye(3)}],
        solution=_both,
        wrong=(
            Wrong(
                _rows,
                "one direction only: the picture finds its sentence. The sentence must find its picture too, along "
                "the columns.",
            ),
            Wrong(
                lambda logits: np.full(len(logits), _both(logits).mean()),
                "you have averaged over the pairs. Everything that follows needs the loss of every single pair.",
            ),
            Wrong(
                lambda logits: _both(logits) / 2,
                "the mean of both directions instead of their sum: the thresholds 5 and 18 are made for the sum.",
            ),
        ),
        first_step="Take one pair: the logarithm of the sum of exponentials along its row, less its own score.",
        why="Two cross-entropies a table; with the global and the local table there are four, and a guess has 4 ln B.",
    ),
    Exercise(
        name="threshold_for_batch",
        lesson=LESSON,
        difficulty="core",
        minutes=10,
        cases=[
            {"gamma": 18.0, "batch_size": 100, "new_batch_size": 256},
            {"gamma": 18.0, "batch_size": 100, "new_batch_size": 16},
            {"gamma": 5.0, "batch_size": 100, "new_batch_size": 100},
        ],
        solution=_scaled,
        wrong=(
            Wrong(
                lambda gamma, batch_size, new_batch_size: gamma * new_batch_size / batch_size,
                "proportional to the batch size: with 256 pairs nearly no loss could reach it. How does the loss of a "
                "guess grow with the batch?",
            ),
            Wrong(
                lambda gamma, batch_size, new_batch_size: gamma,
                "the same number: then it means another share of chance level, the quirk that the task is about.",
            ),
            Wrong(
                lambda gamma, batch_size, new_batch_size: 4 * np.log(new_batch_size),
                "this is chance level itself. The threshold should keep its place relative to it.",
            ),
        ),
        first_step="Which share of chance level, 4 ln B, is the threshold at the old batch size? Keep this share.",
        why="The thresholds are absolute in the paper, chance level is not: a silent dependence on the batch size.",
    ),
    Exercise(
        name="purity_of_clean",
        lesson=LESSON,
        difficulty="core",
        minutes=10,
        cases=[{"loss": LOSSES, "mismatched": TRUTH, "gamma_1": gamma} for gamma in (5.0, 3.5, 10.0)],
        solution=_pure,
        wrong=(
            Wrong(
                lambda loss, mismatched, gamma_1: float((loss[~mismatched] < gamma_1).mean()),
                "this is the share of the true pairs that are called clean (a recall). Asked is the share of the clean "
                "ones that are true.",
            ),
            Wrong(
                lambda loss, mismatched, gamma_1: float((~mismatched[loss <= gamma_1]).mean()),
                "a pair exactly at the threshold is no longer clean: the border belongs to the upper kind.",
            ),
            Wrong(
                lambda loss, mismatched, gamma_1: float(mismatched[loss < gamma_1].mean()),
                "the complement: the share of the clean pairs that are mismatched.",
            ),
        ),
        first_step="Select the pairs that are called clean first; then ask which share of them is true.",
        why="It says how much wrong teaching the trusted part still holds, which recall does not.",
    ),
)
