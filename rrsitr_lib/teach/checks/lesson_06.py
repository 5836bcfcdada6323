"""Exercises of lesson 06: what a pair contributes, and how much of the gap to the oracle is closed."""

import math
from collections.abc import Sequence

from rrsitr_lib.teach.exercise import Exercise, Wrong

LESSON = "06_training_end_to_end"


def _value(loss: float, gamma: float) -> float:
    return 2 * gamma / math.pi * math.sin(math.pi * loss / (2 * gamma))


def _contribution(
    loss: float, triplet: float, gamma_1: float, gamma_2: float, lambda_1: float, lambda_2: float
) -> float:
    if loss < gamma_1:
        return _value(loss, gamma_1)
    return lambda_1 * _value(loss, gamma_2) if loss < gamma_2 else lambda_2 * triplet


def _without_price(
    loss: float, triplet: float, gamma_1: float, gamma_2: float, lambda_1: float, lambda_2: float
) -> float:
    if loss >= gamma_2:
        return lambda_2 * triplet
    gamma, factor = (gamma_1, 1.0) if loss < gamma_1 else (gamma_2, lambda_1)
    return factor * math.cos(math.pi * loss / (2 * gamma)) * loss


def _factor_everywhere(
    loss: float, triplet: float, gamma_1: float, gamma_2: float, lambda_1: float, lambda_2: float
) -> float:
    if loss < gamma_1:
        return lambda_1 * _value(loss, gamma_1)
    return lambda_1 * _value(loss, gamma_2) if loss < gamma_2 else lambda_2 * triplet


def _noisy_pays_both(
    loss: float, triplet: float, gamma_1: float, gamma_2: float, lambda_1: float, lambda_2: float
) -> float:
    paid = _contribution(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2)
    return paid + 2 * gamma_2 / math.pi if loss >= gamma_2 else paid


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _gap(contrastive: Sequence[float], method: Sequence[float], oracle: Sequence[float]) -> float:
    low, high = _mean(contrastive), _mean(oracle)
    return (_mean(method) - low) / (high - low)


def _mean_of_ratios(contrastive: Sequence[float], method: Sequence[float], oracle: Sequence[float]) -> float:
    return _mean([(own - low) / (high - low) for low, own, high in zip(contrastive, method, oracle, strict=True)])


PAPER = {"gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 0.8, "lambda_2": 0.9}

EXERCISES = (
    Exercise(
        name="contribution_of_pair",
        lesson=LESSON,
        difficulty="core",
        minutes=15,
        cases=[{"loss": loss, "triplet": triplet, **PAPER} for loss, triplet in ((0.0, 0.3), (2.0, 0.3), (4.9, 1.1))]
        + [{"loss": loss, "triplet": triplet, **PAPER} for loss, triplet in ((5.0, 1.1), (12.0, 0.0), (18.0, 1.4))]
        + [{"loss": 25.0, "triplet": 2.0, **PAPER | {"lambda_2": 0.5}}],
        solution=_contribution,
        wrong=(
            Wrong(
                _without_price,
                "the price R of the weight is missing. It carries no gradient, but it is part of the reported value: "
                "with it the value of a clean pair rises with its loss, without it it falls again towards gamma_1.",
            ),
            Wrong(
                _factor_everywhere,
                "lambda_1 belongs to ambiguous pairs only; clean pairs have the factor 1.",
            ),
            Wrong(
                _noisy_pays_both,
                "a noisy pair leaves the self-paced sum altogether: with weight 0 its w L is gone, and so is the price "
                "R(0). Only the triplet loss is left.",
            ),
        ),
        first_step="Which of the three kinds is the pair? Write the three branches first, then what stands in each.",
        why="One number a pair and one mean at the end: whatever you wonder about a run, you can ask every pair.",
    ),
    Exercise(
        name="gap_closed",
        lesson=LESSON,
        difficulty="research",
        minutes=20,
        cases=[
            {"contrastive": [38.0, 40.0, 39.0], "method": [44.0, 43.0, 45.0], "oracle": [47.0, 46.0, 48.0]},
            {"contrastive": [30.0, 39.0], "method": [36.0, 40.0], "oracle": [42.0, 40.0]},
            {"contrastive": [20.0], "method": [18.0], "oracle": [40.0]},
        ],
        solution=_gap,
        wrong=(
            Wrong(
                _mean_of_ratios,
                "the mean of the seeds' ratios: a seed in which oracle and control lie close together divides by "
                "nearly nothing and decides the mean. Average first, divide afterwards.",
            ),
            Wrong(
                lambda contrastive, method, oracle: _mean(method) / _mean(oracle),
                "the share of the oracle's recall, not of the gap: a method that is no better than the control would "
                "still get most of it.",
            ),
            Wrong(
                lambda contrastive, method, oracle: _mean(method) - _mean(contrastive),
                "this is the gain in points. How much of what could be gained at all is it?",
            ),
        ),
        first_step="Three means over the seeds. Where does the gap begin and end, and how far did the method come?",
        why="A gap closed by 0.7 says more than +5 points, and a negative one that the method does harm. It needs an "
        "oracle row, which few papers print.",
    ),
)
