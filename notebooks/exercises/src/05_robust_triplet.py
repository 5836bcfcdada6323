# %% [markdown]
# # Exercises 05 · What should a bad pair still teach?
#
# These belong to the [lesson](../05_robust_triplet.ipynb). Write your answer where the stub says so, run the check
# below it, and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rrsitr_lib.methods.ncr import soft_margin
from rrsitr_lib.show.views.margins import entropy_gradient_magnitude
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

# %% [markdown]
# ## 05.1 · Hardest negatives
#
# *warm-up · 10 minutes*
#
# `similarity` is a square table of cosines, rows are images and columns are captions; pair number `pair` stands on the
# diagonal. Return two numbers: the cosine of the image with its hardest wrong *caption*, then the cosine of the
# caption with its hardest wrong *image*.


# %%
def hardest_negatives_by_hand(similarity: np.ndarray, pair: int) -> tuple[float, float]:
    """Cosine of the hardest text, cosine of the hardest image."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    others = [j for j in range(len(similarity)) if j != pair]
    answer = max(similarity[pair][j] for j in others), max(similarity[j][pair] for j in others)
    ### END SOLUTION
    return answer


# %% tags=["grading"]
TABLE = np.array([[0.9, 0.2, 0.1, -0.3], [0.4, 0.3, 0.6, 0.0], [0.5, -0.1, 0.2, 0.7], [-0.2, -0.4, -0.6, 0.1]])
cases = [{"similarity": TABLE, "pair": pair} for pair in range(4)]
cases += [{"similarity": np.array([[0.8, -0.5], [-0.7, 0.9]]), "pair": 0}]
first_step = "Which entries of the pair's row and of its column belong to other pairs? Take the largest of each."
why = "A mismatched pair is often behind its hardest negative; only leaving out the own place finds it then."


def with_its_own(similarity, pair):
    """the pair's own similarity is among the numbers you compare. A pair that is learned well would then be its own
    hardest rival, and could never be ahead."""
    return similarity[pair].max(), similarity[:, pair].max()


def swapped(similarity, pair):
    """right numbers, wrong order. Rows are images: which direction holds the captions that compete for the image
    of this pair?"""
    return hardest_negatives_by_hand(similarity, pair)[::-1]


def second_largest(similarity, pair):
    """the second largest number is the hardest negative only while the own pair is the largest. For a mismatched pair
    it is not, and just these pairs matter here. Leave out the own place, not the best."""
    return np.sort(similarity[pair])[-2], np.sort(similarity[:, pair])[-2]


def zero_on_the_diagonal(similarity, pair):
    """with a zero on the diagonal the zero itself can win: where all other cosines are negative, the pair gets a rival
    that does not exist."""
    return with_its_own(similarity - np.diag(np.diagonal(similarity)), pair)


# %%
checks.hardest_negatives_by_hand(hardest_negatives_by_hand)

# %%
hardest_negatives_by_hand = use(
    hardest_negatives_by_hand,
    fallback=checks.hardest_negatives_by_hand.solution,
    check=checks.hardest_negatives_by_hand,
)
table = np.random.default_rng(3).uniform(-0.2, 0.6, (5, 5)).round(2)
print(table)
for pair in range(5):
    text, image = hardest_negatives_by_hand(table, pair)
    print(f"pair {pair}: own {table[pair, pair]:.2f}, hardest text {text:.2f}, hardest image {image:.2f}")

# %% [markdown]
# ## 05.2 · A margin with doubt
#
# *core · 10 minutes*
#
# Write the paper's dynamic margin for one direction: `sigma` for a pair that is ahead of its hardest negative, and
# larger by `sigma` times the distance for a pair that is behind. Arrays of shape (N,), cosine units. Below it is drawn
# beside NCR's, which believes a pair less the further it is behind. Which of the two would you call robust?


# %%
def margin_with_doubt(similarity: np.ndarray, hardest: np.ndarray, sigma: float) -> np.ndarray:
    """Margins, shape (N,)."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = sigma * (1 + np.maximum(hardest - similarity, 0))
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"similarity": np.array([0.9, 0.5, 0.5, 0.1, -0.6]), "hardest": np.full(5, 0.5), "sigma": 0.6},
    {"similarity": np.array([0.2, -0.3]), "hardest": np.array([0.4, -0.9]), "sigma": 0.2},
    {"similarity": np.array([0.2, 0.1]), "hardest": np.array([0.9, 0.8]), "sigma": 0.0},
]
first_step = "How far is the pair behind its hardest negative? Nothing, if ahead. What does sigma multiply?"
why = "The margin is sigma while the pair is ahead, and grows with the distance behind: doubt asks for more."


def below_sigma_when_ahead(similarity, hardest, sigma):
    """for a pair that is ahead, your margin falls below sigma. In the paper it never does: only being behind counts as
    doubt."""
    return sigma * (1 + hardest - similarity)


def shrinking_with_doubt(similarity, hardest, sigma):
    """your margin shrinks with doubt. That is sensible, and NCR does something like it, but the paper's goes the other
    way: the further behind, the larger."""
    return sigma * np.maximum(1 - np.maximum(hardest - similarity, 0), 0)


def distance_as_it_is(similarity, hardest, sigma):
    """the gap is added as it is. In the paper sigma scales the growth too: with sigma = 0 there is no margin at
    all."""
    return sigma + np.maximum(hardest - similarity, 0)


def growing_when_ahead(similarity, hardest, sigma):
    """this margin grows for pairs that are ahead. Who is in doubt: a pair above or below its hardest negative?"""
    return margin_with_doubt(hardest, similarity, sigma)


# %%
checks.margin_with_doubt(margin_with_doubt)

# %%
margin_with_doubt = use(margin_with_doubt, fallback=checks.margin_with_doubt.solution, check=checks.margin_with_doubt)
gap = np.linspace(-1, 1, 201)
believed = 1 / (1 + np.exp(8 * gap))  # a made-up label: 1 far ahead, 0 far behind
plt.figure(figsize=(6, 2.6))
plt.plot(gap, margin_with_doubt(-gap, np.zeros_like(gap), 0.6), "-", label="RRSITR")
plt.plot(gap, soft_margin(believed), "--", label="NCR with this label")
plt.xlabel("hardest negative less own similarity"), plt.ylabel("margin"), plt.legend()
plt.show()

# %% [markdown]
# ## 05.3 · The slope of the triplet loss
#
# *stretch · 20 minutes*
#
# One direction of the loss is `relu(margin - similarity + hardest)`, with the dynamic margin of 05.2 in it. Return its
# derivative with respect to `similarity`. The similarity stands there twice, and gradients flow through the margin.
# Think in three regions; on the border between two of them any of the two slopes will do.


# %%
def slope_of_triplet(similarity: float, hardest: float, sigma: float) -> float:
    """Derivative of one direction with respect to the pair's own similarity."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    gap = hardest - similarity
    if gap > 0:
        answer = -(1 + sigma)
    elif gap > -sigma:
        answer = -1.0
    else:
        answer = 0.0
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"similarity": similarity, "hardest": hardest, "sigma": sigma}
    for similarity, hardest, sigma in (
        (0.9, 0.1, 0.6), (0.5, 0.2, 0.6), (0.1, 0.6, 0.6), (-0.4, 0.9, 0.2), (0.5, 0.2, 0.2), (0.1, 0.3, 0.0),
    )
]
first_step = "Write the loss over the gap in three pieces: beyond the margin, within it, behind. Then slopes."
why = """Behind its rival a pair is pulled with 1 + sigma: the most doubtful pairs hardest. Twice 1.6 times 0.9 is
2.88, still far from the 40 of the cross-entropies."""


def of_a_fixed_margin(similarity, hardest, sigma):
    """this is the slope with a fixed margin. The similarity also stands inside the margin, and gradients flow through
    it: one more term when the pair is behind."""
    return max(slope_of_triplet(similarity, hardest, sigma), -1.0)


def never_quiet(similarity, hardest, sigma):
    """a pair far ahead still has a slope in your answer. Where the outer hinge is closed the loss is zero, and stays
    zero when the similarity changes a little."""
    return -(1 + sigma) if hardest > similarity else -1.0


def upside_down(similarity, hardest, sigma):
    """the size is right, the sign is not. What happens to the loss when the own similarity rises?"""
    return -slope_of_triplet(similarity, hardest, sigma)


def against_the_pull(similarity, hardest, sigma):
    """you count the change of the margin against the pull. When the similarity rises the margin gets smaller: does
    that raise or lower the loss?"""
    return sigma - 1 if hardest > similarity else slope_of_triplet(similarity, hardest, sigma)


# %%
checks.slope_of_triplet(slope_of_triplet)

# %%
slope_of_triplet = use(slope_of_triplet, fallback=checks.slope_of_triplet.solution, check=checks.slope_of_triplet)
for similarity in (0.95, 0.4, 0.1):
    triplet = 2 * 0.9 * abs(slope_of_triplet(similarity, 0.3, 0.6))
    entropies = float(entropy_gradient_magnitude(similarity, 0.3, 0.3))
    print(
        f"own {similarity:.2f}, rivals 0.30: pull of the triplet {triplet:.2f}, of the cross-entropies {entropies:.2f}"
    )

# %% [markdown]
# ## 05.4 · Is a growing margin only a larger factor?
#
# *research · 30 minutes*
#
# Take one direction. `gap` (N,) is hardest negative less own similarity, `noisy` (N,) says which pairs have the triplet
# loss at all. Return the `lambda_2` with which a *fixed* margin pulls the noisy pairs, on average, as hard as the
# growing margin does with the given `lambda_2`. Then compare runs: `RunConfig.build(..., triplet="fixed",
# lambda_2=...)` against the default, over several seeds. Does anything remain of the growing margin?


# %%
def equal_lambda(gap: np.ndarray, noisy: np.ndarray, sigma: float, lambda_2: float) -> float:
    """The factor that a fixed margin needs."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    inside = gap[noisy] > -sigma
    growing = np.where(gap[noisy] > 0, 1 + sigma, inside)
    answer = lambda_2 * growing.mean() / inside.mean()
    ### END SOLUTION
    return answer


# %% tags=["grading"]
GAPS = np.array([0.5, 0.2, -0.1, -0.4, -0.9, 0.05, 0.7])
cases = [
    {"gap": GAPS, "noisy": GAPS > 0, "sigma": 0.6, "lambda_2": 0.9},
    {"gap": GAPS, "noisy": np.array([1, 1, 1, 0, 0, 0, 0], bool), "sigma": 0.6, "lambda_2": 0.9},
    {"gap": GAPS, "noisy": np.array([1, 0, 1, 1, 1, 1, 0], bool), "sigma": 0.3, "lambda_2": 0.5},
]
first_step = "How hard is each noisy pair pulled under the growing margin, and under the fixed one? Compare."
why = """On pairs called noisy, a growing margin is nearly a fixed one with lambda_2 raised by 1 + sigma. An ablation
that fixes the margin and keeps lambda_2 therefore changes two things at once."""


def always_behind(gap, noisy, sigma, lambda_2):
    """this holds if every noisy pair is behind its rival. Nearly all are, but not all: a few are pulled with 1, or not
    at all, under both margins."""
    return lambda_2 * (1 + sigma)


def of_all_pairs(gap, noisy, sigma, lambda_2):
    """you averaged over all pairs. Clean and ambiguous pairs do not have this loss; who does?"""
    return equal_lambda(gap, np.ones_like(noisy), sigma, lambda_2)


def by_margin(gap, noisy, sigma, lambda_2):
    """you compare the sizes of the margins. What moves the encoder is the slope of the loss, and that is the same for
    every pair that is behind, however far."""
    return lambda_2 * (1 + np.maximum(gap[noisy], 0)).mean()


def other_way_round(gap, noisy, sigma, lambda_2):
    """the ratio is upside down: the growing margin pulls more, so a fixed one needs a larger factor."""
    return lambda_2**2 / equal_lambda(gap, noisy, sigma, lambda_2)


# %%
checks.equal_lambda(equal_lambda)

# %%
equal_lambda = use(equal_lambda, fallback=checks.equal_lambda.solution, check=checks.equal_lambda)
drawn = np.random.default_rng(3).normal(0.0, 0.3, 5000)  # gaps of a made-up batch; put in those of your own ledger
for threshold in (-0.5, 0.0, 0.3):
    print(f"noisy from a gap of {threshold:4.1f} on: {equal_lambda(drawn, drawn >= threshold, 0.6, 0.9):.3f}")
