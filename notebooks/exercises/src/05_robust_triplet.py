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
# `similarity` is a square table of cosines, rows are pictures and columns are captions; pair number `pair` stands on the
# diagonal. Return two numbers: the cosine of the picture with its hardest wrong *caption*, then the cosine of the
# caption with its hardest wrong *picture*.


# %%
def hardest_negatives_by_hand(similarity: np.ndarray, pair: int) -> tuple[float, float]:
    """Cosine of the hardest text, cosine of the hardest image."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    others = [j for j in range(len(similarity)) if j != pair]
    answer = max(similarity[pair][j] for j in others), max(similarity[j][pair] for j in others)
    ### END SOLUTION
    return answer


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


# %%
checks.equal_lambda(equal_lambda)

# %%
equal_lambda = use(equal_lambda, fallback=checks.equal_lambda.solution, check=checks.equal_lambda)
drawn = np.random.default_rng(3).normal(0.0, 0.3, 5000)  # gaps of a made-up batch; put in those of your own ledger
for threshold in (-0.5, 0.0, 0.3):
    print(f"noisy from a gap of {threshold:4.1f} on: {equal_lambda(drawn, drawn >= threshold, 0.6, 0.9):.3f}")
