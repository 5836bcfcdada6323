"""Exercises of lesson 01: the hit of one question, the chance of a hit, a norm without padding."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.teach.exercise import Exercise, Wrong

LESSON = "01_retrieval"


def _hit(scores: Sequence[float], right: Sequence[int], k: int) -> int:
    best = max(scores[answer] for answer in right)
    before = sum(score >= best for answer, score in enumerate(scores) if answer not in right)
    return int(before < k)


def _hit_ties_for_us(scores: Sequence[float], right: Sequence[int], k: int) -> int:
    best = max(scores[answer] for answer in right)
    return int(sum(score > best for answer, score in enumerate(scores) if answer not in right) < k)


def _hit_own_in_the_way(scores: Sequence[float], right: Sequence[int], k: int) -> int:
    best = max(scores[answer] for answer in right)
    return int(sum(score >= best for score in scores) <= k)


def _hit_all(scores: Sequence[float], right: Sequence[int], k: int) -> int:
    return int(all(_hit([*scores], [answer], k) for answer in right))


def _hit_by_list_order(scores: Sequence[float], right: Sequence[int], k: int) -> int:
    return int(bool({*np.argsort(-np.asarray(scores), kind="stable")[:k].tolist()} & {*right}))


def _chance(captions: int, own: int, k: int) -> float:
    k = min(k, captions)
    return 1 - math.comb(captions - own, k) / math.comb(captions, k)


def _norm(text: Tensor, image: Tensor, length: int) -> Tensor:
    return _gram_product(_unit(text[:length]), _unit(image)).sqrt()


def _unit(tokens: Tensor) -> Tensor:
    return torch.nn.functional.normalize(tokens, dim=-1)


def _gram_product(text: Tensor, image: Tensor) -> Tensor:
    return ((text.T @ text) * (image.T @ image)).sum()


def _tokens(rows: int, width: int, seed: int) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


EXERCISES = (
    Exercise(
        name="hit_of_question",
        lesson=LESSON,
        difficulty="warm-up",
        minutes=10,
        cases=[
            {"scores": [0.9, 0.2, 0.5], "right": [0], "k": 1},
            {"scores": [0.5, 0.9, 0.2], "right": [0], "k": 1},
            {"scores": [0.5, 0.9, 0.2], "right": [0], "k": 2},
            {"scores": [0.7, 0.7, 0.1], "right": [0], "k": 1},
            {"scores": [0.7, 0.7, 0.1], "right": [1], "k": 1},
            {"scores": [0.0, 0.0, 0.0, 0.0], "right": [0], "k": 3},
            {"scores": [0.1, 0.8, 0.3, 0.9, 0.7], "right": [1, 3], "k": 1},
            {"scores": [0.9, 0.8, 0.8, 0.1, 0.2], "right": [1, 2, 3], "k": 2},
            {"scores": [0.4, 0.6], "right": [0], "k": 5},
        ],
        solution=_hit,
        wrong=(
            Wrong(
                _hit_ties_for_us,
                "a wrong answer with exactly the same score may be shown first, and here it counts as if it were. With "
                "your rule a model that gives every pair the same score would find everything.",
            ),
            Wrong(
                _hit_own_in_the_way,
                "you count every answer that scores as high, the right ones too. With several right answers of equal "
                "score they stand in each other's way. Which answers can take the place from a right one?",
            ),
            Wrong(
                _hit_all,
                "one right answer among the first K is enough; you ask for all of them. A picture with five captions "
                "could then never be a hit at K = 1.",
            ),
            Wrong(
                _hit_by_list_order,
                "sorting breaks ties by the order of the list, so the result depends on which answer was written down "
                "first. A tie with a wrong answer must count against us wherever it stands.",
            ),
        ),
        first_step="How good is the best of the right answers? Then: how many wrong answers stand before it?",
        why="Ties count against us, and one right answer is enough. Recall at K is their mean over all questions.",
    ),
    Exercise(
        name="chance_of_hit",
        lesson=LESSON,
        difficulty="core",
        minutes=15,
        cases=[
            {"captions": 5, "own": 1, "k": 1},
            {"captions": 2260, "own": 5, "k": 1},
            {"captions": 2260, "own": 5, "k": 10},
            {"captions": 20, "own": 5, "k": 10},
            {"captions": 10, "own": 5, "k": 6},
            {"captions": 10, "own": 5, "k": 20},
            {"captions": 10, "own": 0, "k": 3},
        ],
        solution=_chance,
        wrong=(
            Wrong(
                lambda captions, own, k: min(k, captions) / captions,
                "this is the chance of one certain caption. The picture is content with any of its own.",
            ),
            Wrong(
                lambda captions, own, k: min(1.0, own * k / captions),
                "you add up the chances of its captions. But two of them may be among the first K together, and such "
                "an order is then counted twice; for small K one hardly sees it. Think of the misses instead.",
            ),
            Wrong(
                lambda captions, own, k: 1 - (1 - own / captions) ** k,
                "this draws with replacement, as if an answer could stand at two places of the list. After a wrong "
                "answer there is one wrong answer less to draw.",
            ),
        ),
        first_step="Compute the chance that none of the first K is right: place by place, how many wrong are left?",
        why="One minus the chance to miss K times in a row, without replacement. For RSITMD's 2,260 captions R@10 by "
        "chance is 2.2 %, twice as much as the 1.18 of its mean recall.",
        tolerance=1e-6,
    ),
    Exercise(
        name="norm_without_padding",
        lesson=LESSON,
        difficulty="stretch",
        minutes=20,
        cases=[
            {"text": _tokens(6, 4, 1), "image": _tokens(3, 4, 2), "length": 6},
            {"text": _tokens(6, 4, 3), "image": _tokens(3, 4, 4), "length": 2},
            {"text": _tokens(5, 8, 5), "image": -3 * _tokens(9, 8, 6), "length": 1},
            {"text": torch.eye(4, dtype=torch.float64), "image": torch.eye(4, dtype=torch.float64), "length": 3},
        ],
        solution=_norm,
        wrong=(
            Wrong(
                lambda text, image, length: _gram_product(_unit(text), _unit(image)).sqrt(),
                "padding still takes part: all rows of the text count, although only the first `length` are tokens of "
                "the sentence. This is the paper's form, and it favours short sentences.",
            ),
            Wrong(
                lambda text, image, length: _gram_product(_unit(text[:length]), _unit(image)),
                "this is the sum of the squared cosines, the square of the norm. One operation is missing at the end.",
            ),
            Wrong(
                lambda text, image, length: _gram_product(text[:length], image).sqrt(),
                "tokens of any length take part, so a long vector counts more. The table holds cosines: what must be "
                "done to every token first?",
            ),
            Wrong(
                lambda text, image, length: (_unit(text[:length]) @ _unit(image).T).sum().abs(),
                "you add up the cosines, so that positive and negative ones cancel. The norm adds their squares, and "
                "that is where it loses the sign.",
            ),
        ),
        first_step="Keep the first `length` rows, give every token length one, then make a square matrix of each side.",
        why="The table of token cosines is never made, and filling tokens no longer count. In this project it is "
        "`pad_tokens: masked`; the paper's form keeps them.",
    ),
)
