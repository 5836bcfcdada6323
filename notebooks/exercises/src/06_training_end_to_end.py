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


# %%
checks.gap_closed(gap_closed)

# %%
gap_closed = use(gap_closed, fallback=checks.gap_closed.solution, check=checks.gap_closed)
print(f"an invented example: {gap_closed([38.0, 40.0], [43.0, 42.0], [47.0, 45.0]):.2f} of the gap is closed")
