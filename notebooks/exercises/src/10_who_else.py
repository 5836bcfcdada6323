# %% [markdown]
# # Exercises 10 · Who else?
#
# These belong to the [lesson](../10_who_else.ipynb). Write your answer where the stub says so, run the check below it, and
# read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import torch

from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use
from rrsitr_lib.training.ledger import Ledger

# %% [markdown]
# ## 10.1 · What a pair may pull
#
# *core · 15 minutes*
#
# The generalised cross-entropy of a pair is `(1 - p^q) / q`, where p is the softmax probability of its own answer. How hard
# does the pair pull its own score up? That is the slope of the loss with respect to this score, with the sign turned round.
# By the chain rule it has two factors: how the loss follows p, and how p follows the score.

# %%
def pull_of_pair(p: float, q: float) -> float:
    """Slope of (1 - p^q) / q with respect to the pair's own score, times -1."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = p**q * (1 - p)
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [{"p": p, "q": q} for p in (0.01, 0.3, 0.5, 0.99) for q in (0.1, 0.7, 1.0)]
first_step = "p follows the score with p (1 - p). What is the derivative of (1 - p^q) / q with respect to p?"
why = """Near p = 0 it vanishes with p^q: what is hardly found hardly pulls. With q = 0 it would be 1 - p, the pull of a
cross-entropy, which is strongest just there."""


def as_cross_entropy(p, q):
    """this is the pull of the cross-entropy: q has no say in it."""
    return 1 - p


def only_the_outer_slope(p, q):
    """this is how the loss follows p, p^(q - 1). The score moves p by p (1 - p) only: multiply."""
    return p ** (q - 1)


def factor_alone(p, q):
    """this is the factor beside a cross-entropy's pull. Multiply it by that pull, which ends where p is 1."""
    return p**q


# %%
checks.pull_of_pair(pull_of_pair)

# %%
pull_of_pair = use(pull_of_pair, fallback=checks.pull_of_pair.solution, check=checks.pull_of_pair)
probability = np.linspace(0.001, 1, 300)
plt.figure(figsize=(6, 2.6))
for q, dash in ((0.01, "-"), (0.3, "--"), (0.7, ":"), (1.0, "-.")):
    plt.plot(probability, [pull_of_pair(p, q) for p in probability], dash, label=f"q = {q}")
plt.xlabel("probability of the own answer"), plt.ylabel("pull"), plt.legend()
plt.show()

# %% [markdown]
# ## 10.2 · A method of your own
#
# *research · 45 minutes*
#
# You are given the losses of pairs, shape (N,), and chance level, what a guess loses. Return how much each pair counts, a
# weight from 0 to 1. The check takes a record of RRSITR's losses at 60 % noise, whose truth it knows and you do not: of all
# the weight that you give, 77 % must lie on true pairs, which are 39 % of them, and the mean weight must be a fifth at
# least, or there is little left to learn from.

# %%
def weight_of_pairs(loss: torch.Tensor, chance: float) -> torch.Tensor:
    """How much every pair counts, (N,) -> (N,) in [0, 1]."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = (1 - loss / chance).clamp(min=0)
    ### END SOLUTION
    return answer


# %% tags=["grading"]
from rrsitr_lib.methods import pair_loss
from rrsitr_lib.teach.records import RECORDS

_book = Ledger.open(RECORDS / "rrsitr_0.6_3")
_true = ~np.asarray(_book.column("mismatched"))
assert round(_true.mean(), 2) == 0.39, "the text above says so"
cases = [{"loss": torch.from_numpy(np.array(_book.column("loss")[-1])), "chance": pair_loss.chance_loss(100)}]
tolerance = 1e-6
first_step = "Which losses are surely those of true pairs? Look at the left end of lesson 06's histogram of RRSITR."
why = """It keeps to pairs that are mostly right, and has enough of them. Now train it: a rule that is good on the record of
another method need not be good on the losses that it makes itself."""


def measure(weight, loss, chance):
    """Share of the weight on true pairs, and the mean weight, each cut off at its bar: whoever reaches both is right."""
    weight = torch.as_tensor(weight, dtype=torch.float64).numpy()
    if weight.shape != _true.shape or not ((weight >= 0) & (weight <= 1)).all():
        raise ValueError(f"shape {weight.shape}, from {weight.min()} to {weight.max()}; a weight from 0 to 1 a pair is needed")
    return [min(0.77, weight[_true].sum() / max(weight.sum(), 1e-9)), min(0.2, weight.mean())]


def all_alike(loss, chance):
    """every pair counts alike, so that the weight lies on true pairs as often as the pairs are true. What does a large
    loss say?"""
    return torch.ones_like(loss)


def what_beats_a_guess(loss, chance):
    """it draws a line at chance level. Just below it lie many mismatched pairs; a weight that falls on the way there
    counts them less."""
    return (loss < chance).float()


def nearly_nothing(loss, chance):
    """what is left lies on true pairs mostly, and is too little to learn from. Let the weight fall more slowly."""
    return torch.exp(-loss / 5)


# %%
checks.weight_of_pairs(weight_of_pairs)

# %% [markdown]
# A method is one class in one file. Here it is, in a cell; a name that is registered in a notebook is known there only.
# The run below is a trial of a few steps, which shows that it trains and is recorded. To see what it is worth, save the
# class with its imports and your function as `rrsitr_lib/methods/mine.py`; then `rrsitr train --method mine` knows it,
# and a study file with `axes: {method: [contrastive, mine, rrsitr], seed: [3, 13, 25]}` compares it, with intervals.

# %%
from rrsitr_lib.config import RunConfig
from rrsitr_lib.methods import Batch, Method, Objective, register
from rrsitr_lib.methods.pair_loss import chance_loss
from rrsitr_lib.methods.partition import CLEAN, NOISY
from rrsitr_lib.training.run import train

weight_of_pairs = use(weight_of_pairs, fallback=checks.weight_of_pairs.solution, check=checks.weight_of_pairs)


@register("mine")
class Mine(Method):
    """Every pair counts as its loss says."""

    def objective(self, batch: Batch) -> Objective:
        losses = batch.pair_loss(self.settings)
        weight = weight_of_pairs(losses.total.detach(), chance_loss(len(batch.rows)))
        return Objective.of(losses, weight * losses.total, weight, torch.where(weight > 0, CLEAN, NOISY))


with tempfile.TemporaryDirectory() as folder:
    result = train(RunConfig.build(encoder="tiny", scenes=60, epochs=1, noise_rate=0.6, method="mine"), folder)
    recorded = Ledger.open(folder).column("weight")[-1]
print(f"{len(recorded)} pairs are recorded, mean weight {recorded.mean():.2f}, test mR {result['test']['mR']:.1f}")
