"""Exercises of lesson 04: the weight of a pair, the jump, a weight without a jump."""

import math
from typing import Any

import numpy as np

from rrsitr_lib.teach.exercise import Exercise, Wrong

LESSON = "04_self_paced_weights"


def _weight(loss: float, gamma: float) -> float:
    return math.cos(math.pi / 2 * loss / gamma) if loss < gamma else 0.0


def _jump(gamma_1: float, gamma_2: float, lambda_1: float) -> float:
    return lambda_1 * math.cos(math.pi / 2 * gamma_1 / gamma_2)


def _joined(loss: Any, gamma_1: float, gamma_2: float) -> np.ndarray:
    loss = np.asarray(loss, dtype=float)
    fading = np.cos(np.pi / 2 * (loss - gamma_1) / (gamma_2 - gamma_1))
    return np.where(loss < gamma_1, 1.0, np.where(loss < gamma_2, fading, 0.0))


EXERCISES = (
    Exercise(
        name="weight_of_pair",
        lesson=LESSON,
        difficulty="warm-up",
        minutes=5,
        cases=[
            {"loss": 0.0, "gamma": 5.0},
            {"loss": 2.5, "gamma": 5.0},
            {"loss": 5.0, "gamma": 18.0},
            {"loss": 18.0, "gamma": 18.0},
            {"loss": 40.0, "gamma": 18.0},
            {"loss": 25.0, "gamma": 5.0},
        ],
        solution=_weight,
        wrong=(
            Wrong(
                lambda loss, gamma: math.cos(math.pi / 2 * loss / gamma),
                "beyond gamma the cosine turns negative, and later positive again: a pair whose loss is four "
                "gamma would count fully. From gamma on the weight is zero.",
            ),
            Wrong(
                lambda loss, gamma: max(0.0, 1 - loss / gamma),
                "this is the linear self-paced function. It falls at once; the cosine is flat at zero loss, so that "
                "easy pairs are hardly told apart.",
            ),
            Wrong(
                lambda loss, gamma: math.cos(math.pi * loss / gamma) if loss < gamma else 0.0,
                "half a wave instead of a quarter: it is zero at half of gamma and minus one at gamma. At gamma the "
                "weight must just arrive at zero.",
            ),
        ),
        first_step="A quarter of a cosine wave: one at loss 0, zero at gamma. Which angle belongs to loss = gamma?",
        why="The weight is flat at zero loss, steepest at gamma, and zero beyond: a doubtful pair is dropped.",
    ),
    Exercise(
        name="height_of_jump",
        lesson=LESSON,
        difficulty="core",
        minutes=10,
        cases=[
            {"gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 0.8},
            {"gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 1.0},
            {"gamma_1": 2.0, "gamma_2": 18.0, "lambda_1": 0.5},
            {"gamma_1": 9.0, "gamma_2": 9.0, "lambda_1": 0.8},
        ],
        solution=_jump,
        wrong=(
            Wrong(
                lambda gamma_1, gamma_2, lambda_1: math.cos(math.pi / 2 * gamma_1 / gamma_2),
                "this is the weight just above gamma_1, but an ambiguous pair has a factor of its own in the objective "
                "(with lambda_1 = 1 it would be right).",
            ),
            Wrong(
                lambda gamma_1, gamma_2, lambda_1: lambda_1 * (1 - math.cos(math.pi / 2 * gamma_1 / gamma_2)),
                "you compare with a weight of 1 below the threshold. Which threshold does a clean pair use, and what "
                "is its weight when its loss has just reached it?",
            ),
            Wrong(
                lambda gamma_1, gamma_2, lambda_1: lambda_1,
                "an ambiguous pair at gamma_1 has not weight 1: its wave began at loss 0, and has fallen a little by "
                "the time the loss is gamma_1.",
            ),
        ),
        first_step="Write down both one-sided limits: the effective weight just below gamma_1, and just above it.",
        why="With the paper's values the weight leaps from 0 to about 0.72. It vanishes only for lambda_1 = 0, or "
        "where gamma_1 = gamma_2 and nothing is ambiguous.",
    ),
    Exercise(
        name="weight_without_jump",
        lesson=LESSON,
        difficulty="stretch",
        minutes=20,
        cases=[
            {"loss": np.array([0.0, 2.0, 4.99, 5.0, 11.5, 17.9, 18.0, 30.0]), "gamma_1": 5.0, "gamma_2": 18.0},
            {"loss": np.array([0.0, 1.0, 2.0, 3.0]), "gamma_1": 1.0, "gamma_2": 3.0},
        ],
        solution=_joined,
        wrong=(
            Wrong(
                lambda loss, gamma_1, gamma_2: np.where(
                    np.asarray(loss) < gamma_2, np.cos(np.pi / 2 * np.asarray(loss) / gamma_2), 0.0
                ),
                "one cosine up to gamma_2 has no jump, but a clean pair does not count fully: gamma_1 plays no part.",
            ),
            Wrong(
                lambda loss, gamma_1, gamma_2: np.where(
                    np.asarray(loss) < gamma_1,
                    1.0,
                    np.where(np.asarray(loss) < gamma_2, np.cos(np.pi / 2 * np.asarray(loss) / gamma_2), 0.0),
                ),
                "there is still a small jump: at gamma_1 your wave has already fallen, because it begins at loss 0. "
                "Shift it, so that it begins where the clean pairs end.",
            ),
            Wrong(
                lambda loss, gamma_1, gamma_2: np.clip((gamma_2 - np.asarray(loss)) / (gamma_2 - gamma_1), 0, 1),
                "no jump, and right at both ends, but a straight line between: the task asks for a quarter cosine.",
            ),
        ),
        first_step="Weight 1 below gamma_1, 0 from gamma_2 on, a quarter wave between: where does it begin and end?",
        why="Full weight for clean pairs, no silence just below gamma_1. Whether it trains better is another question: "
        "a regulariser belongs to it, and the comparison wants several seeds.",
    ),
)
