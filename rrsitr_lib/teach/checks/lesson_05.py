"""Exercises of lesson 05: hardest negatives, the margin with doubt, the slope, and what a growing margin amounts to."""

import numpy as np

from rrsitr_lib.teach.exercise import Exercise, Wrong

LESSON = "05_robust_triplet"


def _hardest(similarity: np.ndarray, pair: int) -> tuple[float, float]:
    others = [j for j in range(len(similarity)) if j != pair]
    return max(similarity[pair][j] for j in others), max(similarity[j][pair] for j in others)


def _hardest_with_own(similarity: np.ndarray, pair: int) -> tuple[float, float]:
    return similarity[pair].max(), similarity[:, pair].max()


def _hardest_swapped(similarity: np.ndarray, pair: int) -> tuple[float, float]:
    return _hardest(similarity, pair)[::-1]


def _hardest_second(similarity: np.ndarray, pair: int) -> tuple[float, float]:
    return np.sort(similarity[pair])[-2], np.sort(similarity[:, pair])[-2]


def _hardest_zeroed(similarity: np.ndarray, pair: int) -> tuple[float, float]:
    zeroed = similarity - np.diag(np.diagonal(similarity))
    return zeroed[pair].max(), zeroed[:, pair].max()


def _gap(similarity: np.ndarray, hardest: np.ndarray) -> np.ndarray:
    return np.asarray(hardest, dtype=float) - np.asarray(similarity, dtype=float)


def _margin(similarity: np.ndarray, hardest: np.ndarray, sigma: float) -> np.ndarray:
    return sigma * (1 + np.maximum(_gap(similarity, hardest), 0))


def _slope(similarity: float, hardest: float, sigma: float) -> float:
    gap = hardest - similarity
    return -(1 + sigma) if gap > 0 else -1.0 if gap > -sigma else 0.0


def _slope_fixed(similarity: float, hardest: float, sigma: float) -> float:
    return -1.0 if hardest - similarity > -sigma else 0.0


def _slope_never_quiet(similarity: float, hardest: float, sigma: float) -> float:
    return -(1 + sigma) if hardest > similarity else -1.0


def _slope_upside_down(similarity: float, hardest: float, sigma: float) -> float:
    return -_slope(similarity, hardest, sigma)


def _slope_shrunk(similarity: float, hardest: float, sigma: float) -> float:
    gap = hardest - similarity
    return sigma - 1 if gap > 0 else -1.0 if gap > -sigma else 0.0


def _pull(gap: np.ndarray, sigma: float, behind: float) -> np.ndarray:
    return np.where(gap > 0, behind, np.where(gap > -sigma, 1.0, 0.0))


def _equal_lambda(gap: np.ndarray, noisy: np.ndarray, sigma: float, lambda_2: float) -> float:
    growing, fixed = (_pull(gap[noisy], sigma, behind) for behind in (1 + sigma, 1.0))
    return lambda_2 * growing.mean() / fixed.mean()


def _of_all(gap: np.ndarray, noisy: np.ndarray, sigma: float, lambda_2: float) -> float:
    return _equal_lambda(gap, np.ones_like(noisy), sigma, lambda_2)


def _always_behind(gap: np.ndarray, noisy: np.ndarray, sigma: float, lambda_2: float) -> float:
    return lambda_2 * (1 + sigma)


def _by_margin(gap: np.ndarray, noisy: np.ndarray, sigma: float, lambda_2: float) -> float:
    return lambda_2 * (1 + np.maximum(gap[noisy], 0)).mean()


def _other_way_round(gap: np.ndarray, noisy: np.ndarray, sigma: float, lambda_2: float) -> float:
    return lambda_2**2 / _equal_lambda(gap, noisy, sigma, lambda_2)


TABLE = np.array([[0.9, 0.2, 0.1, -0.3], [0.4, 0.3, 0.6, 0.0], [0.5, -0.1, 0.2, 0.7], [-0.2, -0.4, -0.6, 0.1]])
GAPS = np.array([0.5, 0.2, -0.1, -0.4, -0.9, 0.05, 0.7])

EXERCISES = (
    Exercise(
        name="hardest_negatives_by_hand",
        lesson=LESSON,
        difficulty="warm-up",
        minutes=10,
        cases=[{"similarity": TABLE, "pair": pair} for pair in range(4)]
        + [{"similarity": np.array([[0.8, -0.5], [-0.7, 0.9]]), "pair": 0}],
        solution=_hardest,
        wrong=(
            Wrong(
                _hardest_with_own,
                "the pair's own similarity is among the numbers you compare. A pair that is learned well would then be "
                "its own hardest rival, and could never be ahead.",
            ),
            Wrong(
                _hardest_swapped,
                "right numbers, wrong order. Rows are pictures: which direction holds the captions that compete for "
                "the picture of this pair?",
            ),
            Wrong(
                _hardest_second,
                "the second largest number is the hardest negative only while the own pair is the largest. For a "
                "mismatched pair it is not, and just these pairs matter here. Leave out the own place, not the best.",
            ),
            Wrong(
                _hardest_zeroed,
                "with a zero on the diagonal the zero itself can win: where all other cosines are negative, the pair "
                "gets a rival that does not exist.",
            ),
        ),
        first_step="Which entries of the pair's row and of its column belong to other pairs? Take the largest of each.",
        why="A mismatched pair is often behind its hardest negative; only leaving out the own place finds it then.",
    ),
    Exercise(
        name="margin_with_doubt",
        lesson=LESSON,
        difficulty="core",
        minutes=10,
        cases=[
            {"similarity": np.array([0.9, 0.5, 0.5, 0.1, -0.6]), "hardest": np.full(5, 0.5), "sigma": 0.6},
            {"similarity": np.array([0.2, -0.3]), "hardest": np.array([0.4, -0.9]), "sigma": 0.2},
            {"similarity": np.array([0.2, 0.1]), "hardest": np.array([0.9, 0.8]), "sigma": 0.0},
        ],
        solution=_margin,
        wrong=(
            Wrong(
                lambda similarity, hardest, sigma: sigma * (1 + _gap(similarity, hardest)),
                "for a pair that is ahead, your margin falls below sigma. In the paper it never does: only being "
                "behind counts as doubt.",
            ),
            Wrong(
                lambda similarity, hardest, sigma: sigma * np.maximum(1 - np.maximum(_gap(similarity, hardest), 0), 0),
                "your margin shrinks with doubt. That is sensible, and NCR does something like it, but the paper's "
                "goes the other way: the further behind, the larger.",
            ),
            Wrong(
                lambda similarity, hardest, sigma: sigma + np.maximum(_gap(similarity, hardest), 0),
                "the gap is added as it is. In the paper sigma scales the growth too: with sigma = 0 there is no "
                "margin at all.",
            ),
            Wrong(
                lambda similarity, hardest, sigma: sigma * (1 + np.maximum(-_gap(similarity, hardest), 0)),
                "this margin grows for pairs that are ahead. Who is in doubt: a pair above or below its hardest "
                "negative?",
            ),
        ),
        first_step="How far is the pair behind its hardest negative? Nothing, if ahead. What does sigma multiply?",
        why="The margin is sigma while the pair is ahead, and grows with the distance behind: doubt asks for more.",
    ),
    Exercise(
        name="slope_of_triplet",
        lesson=LESSON,
        difficulty="stretch",
        minutes=20,
        cases=[
            {"similarity": similarity, "hardest": hardest, "sigma": sigma}
            for similarity, hardest, sigma in (
                (0.9, 0.1, 0.6),
                (0.5, 0.2, 0.6),
                (0.1, 0.6, 0.6),
                (-0.4, 0.9, 0.2),
                (0.5, 0.2, 0.2),
                (0.1, 0.3, 0.0),
            )
        ],
        solution=_slope,
        wrong=(
            Wrong(
                _slope_fixed,
                "this is the slope with a fixed margin. The similarity also stands inside the margin, and gradients "
                "flow through it: one more term when the pair is behind.",
            ),
            Wrong(
                _slope_never_quiet,
                "a pair far ahead still has a slope in your answer. Where the outer hinge is closed the loss is zero, "
                "and stays zero when the similarity changes a little.",
            ),
            Wrong(
                _slope_upside_down,
                "the size is right, the sign is not. What happens to the loss when the own similarity rises?",
            ),
            Wrong(
                _slope_shrunk,
                "you count the change of the margin against the pull. When the similarity rises the margin gets "
                "smaller: does that raise or lower the loss?",
            ),
        ),
        first_step="Write the loss over the gap in three pieces: beyond the margin, within it, behind. Then slopes.",
        why="Behind its rival a pair is pulled with 1 + sigma: the most doubtful pairs hardest. Twice 1.6 times 0.9 is "
        "2.88, still far from the 40 of the cross-entropies.",
    ),
    Exercise(
        name="equal_lambda",
        lesson=LESSON,
        difficulty="research",
        minutes=30,
        cases=[
            {"gap": GAPS, "noisy": GAPS > 0, "sigma": 0.6, "lambda_2": 0.9},
            {"gap": GAPS, "noisy": np.array([1, 1, 1, 0, 0, 0, 0], bool), "sigma": 0.6, "lambda_2": 0.9},
            {"gap": GAPS, "noisy": np.array([1, 0, 1, 1, 1, 1, 0], bool), "sigma": 0.3, "lambda_2": 0.5},
        ],
        solution=_equal_lambda,
        wrong=(
            Wrong(
                _always_behind,
                "this holds if every noisy pair is behind its rival. Nearly all are, but not all: a few are pulled "
                "with 1, or not at all, under both margins.",
            ),
            Wrong(
                _of_all,
                "you averaged over all pairs. Clean and ambiguous pairs do not have this loss; who does?",
            ),
            Wrong(
                _by_margin,
                "you compare the sizes of the margins. What moves the encoder is the slope of the loss, and that is "
                "the same for every pair that is behind, however far.",
            ),
            Wrong(
                _other_way_round,
                "the ratio is upside down: the growing margin pulls more, so a fixed one needs a larger factor.",
            ),
        ),
        first_step="How hard is each noisy pair pulled under the growing margin, and under the fixed one? Compare.",
        why="On pairs called noisy, a growing margin is nearly a fixed one with lambda_2 raised by 1 + sigma. An "
        "ablation that fixes the margin and keeps lambda_2 therefore changes two things at once.",
    ),
)
