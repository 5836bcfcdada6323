"""How sure a number is: the spread over seeds as an interval, and the error that a finite test set brings."""

import math
from collections.abc import Sequence

import numpy as np

from rrsitr_lib.errors import InputError


def recall_error(recall: float, questions: int) -> float:
    """Standard error of a recall over ``questions`` independent questions, in percentage points.

    The binomial formula 100 sqrt(p (1 - p) / n), p the recall as a share. K does not enter: a question is a hit or not.
    The captions of one picture are not independent: count pictures, or resample them. Raises ``InputError`` outside
    [0, 100] percent or below one question.

    >>> round(recall_error(25.44, 452), 2)
    2.05

    Taught in: notebooks/09_reproduction
    """
    if not 0 <= recall <= 100:
        raise InputError(f"recall is {recall}: allowed is 0 to 100 percent")
    if questions < 1:
        raise InputError(f"questions is {questions}: allowed is 1 or more")
    share = recall / 100
    return 100 * math.sqrt(share * (1 - share) / questions)


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Interval for the mean over all seeds that could have been drawn, by Student's t with n - 1 degrees of freedom.

    **Shape** values (n,), n of at least 2, in any unit; the result has the same unit. It speaks of seeds only: noise
    and test set are the same in all values. Raises ``InputError`` for one value, or a level outside (0, 1).

    >>> [round(end, 1) for end in t_interval([45.0, 46.0, 47.0])]
    [43.5, 48.5]

    Taught in: notebooks/09_reproduction
    """
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise InputError(f"values has shape {values.shape}: allowed are two values or more")
    if not 0 < level < 1:
        raise InputError(f"level is {level}: allowed is between 0 and 1")
    half = t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)
