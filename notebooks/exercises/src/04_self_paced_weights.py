# %% [markdown]
# # Exercises 04 · How much should a pair count?
#
# These belong to the [lesson](../04_self_paced_weights.ipynb). Write your answer where the stub says so, run the check
# below it, and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np
from math import cos, pi

from rrsitr_lib.show.views.pacing import family_weights, paced_weight
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


# %% tags=["grading"]
cases = [
    {"loss": 0.0, "gamma": 5.0},
    {"loss": 2.5, "gamma": 5.0},
    {"loss": 5.0, "gamma": 18.0},
    {"loss": 18.0, "gamma": 18.0},
    {"loss": 40.0, "gamma": 18.0},
    {"loss": 25.0, "gamma": 5.0},
]
first_step = "A quarter of a cosine wave: one at loss 0, zero at gamma. Which angle belongs to loss = gamma?"
why = "The weight is flat at zero loss, steepest at gamma, and zero beyond: a doubtful pair is dropped."


def without_an_end(loss, gamma):
    """beyond gamma the cosine turns negative, and later positive again: a pair whose loss is four gamma would count
    fully. From gamma on the weight is zero."""
    return cos(pi / 2 * loss / gamma)


def linear(loss, gamma):
    """this is the linear self-paced function. It falls at once; the cosine is flat at zero loss, so that easy pairs
    are hardly told apart."""
    return max(0.0, 1 - loss / gamma)


def half_a_wave(loss, gamma):
    """half a wave instead of a quarter: it is zero at half of gamma and minus one at gamma. At gamma the weight must
    just arrive at zero."""
    return cos(pi * loss / gamma) if loss < gamma else 0.0


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


# %% tags=["grading"]
cases = [
    {"gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 0.8},
    {"gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 1.0},
    {"gamma_1": 2.0, "gamma_2": 18.0, "lambda_1": 0.5},
    {"gamma_1": 9.0, "gamma_2": 9.0, "lambda_1": 0.8},
]
first_step = "Write down both one-sided limits: the effective weight just below gamma_1, and just above it."
why = """With the paper's values the weight leaps from 0 to about 0.72. It vanishes only for lambda_1 = 0, or where
gamma_1 = gamma_2 and nothing is ambiguous."""


def without_the_factor(gamma_1, gamma_2, lambda_1):
    """this is the weight just above gamma_1, but an ambiguous pair has a factor of its own in the objective (with
    lambda_1 = 1 it would be right)."""
    return cos(pi / 2 * gamma_1 / gamma_2)


def from_a_weight_of_one(gamma_1, gamma_2, lambda_1):
    """you compare with a weight of 1 below the threshold. Which threshold does a clean pair use, and what is its
    weight when its loss has just reached it?"""
    return lambda_1 * (1 - cos(pi / 2 * gamma_1 / gamma_2))


def the_factor_alone(gamma_1, gamma_2, lambda_1):
    """an ambiguous pair at gamma_1 has not weight 1: its wave began at loss 0, and has fallen a little by the time the
    loss is gamma_1."""
    return lambda_1


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


# %% tags=["grading"]
cases = [
    {"loss": np.array([0.0, 2.0, 4.99, 5.0, 11.5, 17.9, 18.0, 30.0]), "gamma_1": 5.0, "gamma_2": 18.0},
    {"loss": np.array([0.0, 1.0, 2.0, 3.0]), "gamma_1": 1.0, "gamma_2": 3.0},
]
first_step = "Weight 1 below gamma_1, 0 from gamma_2 on, a quarter wave between: where does it begin and end?"
why = """Full weight for clean pairs, no silence just below gamma_1. Whether it trains better is another question: a
regulariser belongs to it, and the comparison wants several seeds."""


def one_cosine(loss, gamma_1, gamma_2):
    """one cosine up to gamma_2 has no jump, but a clean pair does not count fully: gamma_1 plays no part."""
    return np.where(loss < gamma_2, np.cos(pi / 2 * loss / gamma_2), 0.0)


def wave_from_zero(loss, gamma_1, gamma_2):
    """there is still a small jump: at gamma_1 your wave has already fallen, because it begins at loss 0. Shift it, so
    that it begins where the clean pairs end."""
    return np.where(loss < gamma_1, 1.0, one_cosine(loss, gamma_1, gamma_2))


def straight_line(loss, gamma_1, gamma_2):
    """no jump, and right at both ends, but a straight line between: the task asks for a quarter cosine."""
    return np.clip((gamma_2 - loss) / (gamma_2 - gamma_1), 0, 1)


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
plt.plot(losses, family_weights(losses, 18.0)["cosine"], ":", label="one cosine")
plt.xlabel("loss"), plt.ylabel("weight"), plt.legend()
plt.show()
