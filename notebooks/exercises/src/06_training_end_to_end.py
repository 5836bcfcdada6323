# %% [markdown]
# # Exercises 06 · Does it work, all together?
#
# These belong to the [lesson](../06_training_end_to_end.ipynb). Write your answer where the stub says so, run the check
# below it, and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np
from math import pi, sin

from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

# %% [markdown]
# ## 06.1 · What a pair contributes
#
# *core · 15 minutes*
#
# What does one pair add to the objective, before the mean? You are given its loss, its triplet loss (already computed),
# both thresholds and both factors. Clean and ambiguous pairs add weight times loss plus the price R of the weight; with
# the best weight put in, this sum is `(2 gamma / pi) sin(pi L / (2 gamma))`.

# %%
def contribution_of_pair(
    loss: float, triplet: float, gamma_1: float, gamma_2: float, lambda_1: float, lambda_2: float
) -> float:
    """What the mean of the objective is taken over."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    if loss < gamma_1:
        answer = 2 * gamma_1 / pi * sin(pi * loss / (2 * gamma_1))
    elif loss < gamma_2:
        answer = lambda_1 * 2 * gamma_2 / pi * sin(pi * loss / (2 * gamma_2))
    else:
        answer = lambda_2 * triplet
    ### END SOLUTION
    return answer


# %% tags=["grading"]
from math import cos

PAPER = {"gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 0.8, "lambda_2": 0.9}
PAIRS = [(0.0, 0.3), (2.0, 0.3), (4.9, 1.1), (5.0, 1.1), (12.0, 0.0), (18.0, 1.4)]
cases = [{"loss": loss, "triplet": triplet, **PAPER} for loss, triplet in PAIRS]
cases += [{"loss": 25.0, "triplet": 2.0, **PAPER, "lambda_2": 0.5}]
first_step = "Which of the three kinds is the pair? Write the three branches first, then what stands in each."
why = "One number a pair and one mean at the end: whatever you wonder about a run, you can ask every pair."


def without_price(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2):
    """the price R of the weight is missing. It carries no gradient, but it is part of the reported value: with it the
    value of a clean pair rises with its loss, without it it falls again towards gamma_1."""
    if loss >= gamma_2:
        return lambda_2 * triplet
    gamma, factor = (gamma_1, 1.0) if loss < gamma_1 else (gamma_2, lambda_1)
    return factor * cos(pi * loss / (2 * gamma)) * loss


def factor_everywhere(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2):
    """lambda_1 belongs to ambiguous pairs only; clean pairs have the factor 1."""
    found = contribution_of_pair(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2)
    return lambda_1 * found if loss < gamma_1 else found


def noisy_pays_both(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2):
    """a noisy pair leaves the self-paced sum altogether: with weight 0 its w L is gone, and so is the price R(0). Only
    the triplet loss is left."""
    found = contribution_of_pair(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2)
    return found + 2 * gamma_2 / pi if loss >= gamma_2 else found


# %%
checks.contribution_of_pair(contribution_of_pair)

# %%
check = checks.contribution_of_pair
contribution_of_pair = use(contribution_of_pair, fallback=check.solution, check=check)
losses = np.linspace(0, 24, 241)
values = [contribution_of_pair(loss, 1.5, 5.0, 18.0, 0.8, 0.9) for loss in losses]
plt.figure(figsize=(6, 2.6))
plt.plot(losses, values, ".", ms=3)
plt.xlabel("loss of the pair"), plt.ylabel("contribution")
plt.show()

# %% [markdown]
# ## 06.2 · How much of the gap is closed
#
# *research · 20 minutes*
#
# A method gains points over the contrastive control. How much is that? Measure it against what could be gained at all:
# 0 where it is as good as the control, 1 where it is as good as the oracle. Each argument is a list of mR, one entry a
# seed, in the same order. Think about what to average, and when. Then use it on runs of your own with three seeds.

# %%
def gap_closed(contrastive: list[float], method: list[float], oracle: list[float]) -> float:
    """Share of the gap between control and oracle that the method closes."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    low, high = np.mean(contrastive), np.mean(oracle)
    answer = (np.mean(method) - low) / (high - low)
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"contrastive": [38.0, 40.0, 39.0], "method": [44.0, 43.0, 45.0], "oracle": [47.0, 46.0, 48.0]},
    {"contrastive": [30.0, 39.0], "method": [36.0, 40.0], "oracle": [42.0, 40.0]},
    {"contrastive": [20.0], "method": [18.0], "oracle": [40.0]},
]
first_step = "Three means over the seeds. Where does the gap begin and end, and how far did the method come?"
why = """A gap closed by 0.7 says more than +5 points, and a negative one that the method does harm. It needs an
oracle row, which few papers print."""


def mean_of_ratios(contrastive, method, oracle):
    """the mean of the seeds' ratios: a seed in which oracle and control lie close together divides by nearly nothing
    and decides the mean. Average first, divide afterwards."""
    return np.mean([(own - low) / (high - low) for low, own, high in zip(contrastive, method, oracle, strict=True)])


def share_of_the_oracle(contrastive, method, oracle):
    """the share of the oracle's recall, not of the gap: a method that is no better than the control would still get
    most of it."""
    return np.mean(method) / np.mean(oracle)


def gain_in_points(contrastive, method, oracle):
    """this is the gain in points. How much of what could be gained at all is it?"""
    return np.mean(method) - np.mean(contrastive)


# %%
checks.gap_closed(gap_closed)

# %%
gap_closed = use(gap_closed, fallback=checks.gap_closed.solution, check=checks.gap_closed)
print(f"an invented example: {gap_closed([38.0, 40.0], [43.0, 42.0], [47.0, 45.0]):.2f} of the gap is closed")
