# %% [markdown]
# # Exercises 04 · How much should a pair count?
#
# These belong to the [lesson](../04_self_paced_weights.ipynb). Write your answer where the stub says so, run the check
# below it, and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np
from math import cos, pi

from rrsitr_lib.show.views.self_paced_family import self_paced_weight
from rrsitr_lib.show.views.pacing import paced_weight
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

# %% [markdown]
# ## 04.1 · The weight of a pair
#
# *warm-up · 5 minutes*
#
# Write the paper's weight of a pair: a quarter of a cosine wave that is one at loss 0 and zero at `gamma`, and zero
# from `gamma` on. Both numbers are in the unit of the loss.

# %%
def weight_of_pair(loss: float, gamma: float) -> float:
    """Weight in [0, 1]."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = cos(pi / 2 * loss / gamma) if loss < gamma else 0.0
    ### END SOLUTION
    return answer


# %%
checks.weight_of_pair(weight_of_pair)

# %%
weight_of_pair = use(weight_of_pair, fallback=checks.weight_of_pair.solution, check=checks.weight_of_pair)
print([round(weight_of_pair(loss, 18.0), 3) for loss in (0.0, 5.0, 9.0, 17.0, 20.0)])

# %% [markdown]
# ## 04.2 · The height of the jump
#
# *core · 10 minutes*
#
# By how much does the *effective* weight rise when a loss crosses `gamma_1` from below? Clean pairs are weighted with
# `gamma_1` and the factor 1, ambiguous pairs with `gamma_2` and the factor `lambda_1`. Return the difference of the two
# one-sided limits.

# %%
def height_of_jump(gamma_1: float, gamma_2: float, lambda_1: float) -> float:
    """Effective weight just above gamma_1, less the one just below it."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    just_above = lambda_1 * cos(pi / 2 * gamma_1 / gamma_2)
    answer = just_above - 0.0
    ### END SOLUTION
    return answer


# %%
checks.height_of_jump(height_of_jump)

# %%
height_of_jump = use(height_of_jump, fallback=checks.height_of_jump.solution, check=checks.height_of_jump)
gammas = np.linspace(0.5, 18, 36)
plt.figure(figsize=(6, 2.6))
plt.plot(gammas, [height_of_jump(gamma_1, 18.0, 0.8) for gamma_1 in gammas])
plt.xlabel("gamma_1 (loss)"), plt.ylabel("height of the jump")
plt.show()

# %% [markdown]
# ## 04.3 · A weight without a jump
#
# *stretch · 20 minutes*
#
# Design a weight that has no jump: one for every clean pair (loss below `gamma_1`), zero from `gamma_2` on, and between
# them a quarter of a cosine wave that joins both ends. `loss` is an array. Afterwards think about the price: which
# regulariser would have this weight as its best answer?

# %%
def weight_without_jump(loss: np.ndarray, gamma_1: float, gamma_2: float) -> np.ndarray:
    """Weights in [0, 1], shape (N,)."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    angle = pi / 2 * (loss - gamma_1) / (gamma_2 - gamma_1)
    answer = np.where(loss < gamma_1, 1.0, np.where(loss < gamma_2, np.cos(angle), 0.0))
    ### END SOLUTION
    return answer


# %%
checks.weight_without_jump(weight_without_jump)

# %%
weight_without_jump = use(
    weight_without_jump, fallback=checks.weight_without_jump.solution, check=checks.weight_without_jump
)
losses = np.linspace(0, 22, 441)
plt.figure(figsize=(6, 2.6))
plt.plot(losses, paced_weight(losses, 5.0, 18.0, 0.8), "-", label="RRSITR")
plt.plot(losses, weight_without_jump(losses, 5.0, 18.0), "--", label="without a jump")
plt.plot(losses, self_paced_weight("cosine", losses, 18.0), ":", label="one cosine")
plt.xlabel("loss"), plt.ylabel("weight"), plt.legend()
plt.show()
