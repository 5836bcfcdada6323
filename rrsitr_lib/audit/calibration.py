"""How many pairs are wrong, which, and how sure: calibration by mismatches made on purpose.

A mismatch costs nothing: the image of one held-out pair and the caption of another. So what a score says of mismatches
is known, and the share of them among the pairs as they are can be told (Storey, 2002; Adaptive Estimation in multiple
testing). Counted is what is as unlike as a random pair: a wrong caption of a similar scene is not.
"""

from typing import NamedTuple

import numpy as np

from rrsitr_lib.errors import InputError

QUARTERS = 4
LAMBDA = 0.8  # right pairs have nearly no p-value above it
FEWEST_MADE = 10  # mismatches, without which no p-value says anything
CHOICES = ("balanced", "sure", "all")
DRAWS, ENDS = 1000, (0.025, 0.975)  # of the interval


class MadeMismatches(NamedTuple):
    """**Shape** (N,) both: the pair whose caption each pair gets, -1 where it gets none, and when, 0 to 3."""

    donor: np.ndarray
    quarter: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The pairs that get a caption."""
        return np.flatnonzero(self.donor >= 0)


def made_mismatches(fold: np.ndarray, groups: np.ndarray, seed: int) -> MadeMismatches:
    """Give every pair the caption of another pair of its fold and quarter, never one of its own group.

    Where one group is more than half of a quarter, some of it gets none. **Shape** fold, groups (N,). Raises
    ``InputError`` where hardly any pair can get one.

    >>> groups = np.arange(40) // 2
    >>> made = made_mismatches(np.zeros(40, int), groups, seed=0)
    >>> bool((groups[made.donor] != groups).all()), sorted(made.donor) == list(range(40))
    (True, True)
    """
    generator = np.random.default_rng(seed)
    donor, quarter = np.full((2, len(fold)), -1)
    place = generator.permutation(int(groups.max()) + 1)[groups]  # neighbours in a table are often alike
    for number in np.unique(fold):
        held = generator.permutation(np.flatnonzero(fold == number))
        parts = max(1, min(QUARTERS, len(np.unique(groups[held])) // 2))  # fewer where there are few images
        for part, chosen in enumerate(np.array_split(held, parts)):
            rows = chosen[np.argsort(place[chosen], kind="stable")]
            largest = np.unique(groups[rows], return_counts=True)[1].max(initial=0)
            given = np.roll(rows, largest)
            donor[rows] = np.where(groups[rows] == groups[given], -1, given)
            quarter[rows] = part
    if (donor >= 0).sum() < FEWEST_MADE:
        said = (
            f"{len(np.unique(groups))} images in {int(fold.max()) + 1} folds: too few to give them captions of others"
        )
        raise InputError(f"{said} of their fold; allowed are two images a fold or more (fewer folds, or more pairs)")
    return MadeMismatches(donor, quarter)


def p_values(score: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Conformal p-values of "this pair is mismatched": uniform for those that are, near 0 for right ones.

    **Shape** ``score`` (N,), ``null`` (m,) of made mismatches, larger is more suspect -> (N,) in (0, 1].

    >>> p_values(np.array([0.1, 0.5]), np.array([0.4, 0.6, 0.8])).tolist()
    [0.25, 0.5]
    """
    return (1 + np.searchsorted(np.sort(null), score, side="right")) / (1 + len(null))


def noise_rate(p: np.ndarray, above: float = LAMBDA) -> float:
    """Storey's estimate of the share of mismatched pairs: those above lambda, of which 1 - lambda must lie there.

    Right pairs with a large p make it a little too high, never too low on average. **Shape** (N,) -> in [0, 1].

    >>> round(noise_rate(np.array([0.01] * 8 + [0.5, 0.9])), 3)
    0.5
    """
    return min(1.0, float((p > above).mean() / (1 - above)) + 0.0)


def rate_interval(p: np.ndarray, groups: np.ndarray, seed: int) -> tuple[float, float]:
    """The 95 % interval of ``noise_rate`` over resampled images, each with all its pairs. **Shape** (N,) both.

    Where few images have a pair beyond lambda, or none, resampling knows no more of them: then the upper end is that of
    their share (Jeffreys).

    >>> low, high = rate_interval(np.zeros(100), np.arange(100), seed=0)
    >>> low, round(high, 2)
    (0.0, 0.12)
    """
    from scipy.stats import beta

    _, index = np.unique(groups, return_inverse=True)
    pairs, above = np.bincount(index), np.bincount(index, weights=p > LAMBDA)
    generator = np.random.default_rng(seed)
    rates = []
    for _ in range(DRAWS):
        drawn = generator.integers(0, len(pairs), len(pairs))
        rates.append(min(1.0, above[drawn].sum() / pairs[drawn].sum() / (1 - LAMBDA)))
    low, high = np.quantile(rates, ENDS)
    some = int((above > 0).sum())
    pairs_each = above.sum() / some if some else 1
    most = beta.ppf(ENDS[1], some + 0.5, len(pairs) - some + 0.5) * len(pairs) * pairs_each
    return float(low), float(np.clip(most / pairs.sum() / (1 - LAMBDA), high, 1))


def posterior(score: np.ndarray, null: np.ndarray, rate: float) -> np.ndarray:
    """Probability that a pair is mismatched, never falling with the score. **Shape** (N,), (m,) -> (N,) in [0, 1].

    rate * f0 / f; the ratio of the densities of made mismatches and of the pairs as they are is an isotonic regression
    of "was made" on the score.
    """
    from sklearn.isotonic import IsotonicRegression

    both = np.concatenate([score, null])
    made = np.concatenate([np.zeros(len(score)), np.ones(len(null))])
    weight = np.concatenate([np.full(len(score), 1 / len(score)), np.full(len(null), 1 / len(null))])
    share = IsotonicRegression(out_of_bounds="clip").fit(both, made, weight).predict(score)
    return np.clip(rate * share / np.maximum(1 - share, 1e-9), 0, 1)


def left_out(score: np.ndarray, wrong: np.ndarray, rate: float, keep: str) -> np.ndarray:
    """Which pairs ``keep`` leaves out. **Shape** score, posterior (N,) -> (N,) bool.

    ``balanced``: as many as are estimated wrong, the most suspect; ``sure``: those more probably wrong than right;
    ``fdr=0.1``: as many as go with an expected share of right pairs among them of at most 0.1; ``all``: none.
    Raises ``InputError`` for another word.

    >>> score = np.array([0.1, 0.9, 0.8, 0.2])
    >>> left_out(score, np.array([0.0, 1.0, 0.7, 0.1]), rate=0.25, keep="fdr=0.2").tolist()
    [False, True, True, False]
    """
    order = np.lexsort((np.arange(len(score)), -score))
    count = {"all": 0, "balanced": round(rate * len(score)), "sure": int((wrong > 0.5).sum())}.get(keep)
    if count is None:
        right = np.cumsum(1 - wrong[order]) / np.arange(1, 1 + len(score))
        count = int(np.flatnonzero(right <= false_share(keep)).max(initial=-1)) + 1
    out = np.zeros(len(score), dtype=bool)
    out[order[:count]] = True
    return out


def false_share(keep: str) -> float:
    """The number in ``fdr=0.1``. Raises ``InputError``."""
    name, _, number = keep.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if name != "fdr" or not 0 < value < 1:
        raise InputError(
            f"keep is {keep!r}: allowed are balanced, sure, all, and fdr=SHARE between 0 and 1, as fdr=0.1"
        )
    return value
