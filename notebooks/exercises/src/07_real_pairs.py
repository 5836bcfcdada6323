# %% [markdown]
# # Exercises 07 · Which real pairs are wrong?
#
# These belong to the [lesson](../07_real_pairs.ipynb). Write your answer where the stub says so, run the check below
# it, and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rrsitr_lib.audit.mismatch_ranking import precision_at, unit_rank
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.checks.lesson_07 import drawn_record
from rrsitr_lib.teach.exercise import use

loss, mismatched = drawn_record(seed=7)  # 12 epochs of 200 pairs, drawn, as plain training would leave them
print("loss", loss.shape, "mismatched pairs", int(mismatched.sum()))

# %% [markdown]
# ## 07.1 · What an hour of looking is worth
#
# *warm-up · 5 minutes*
#
# You look at the `k` pairs with the highest `score`. Which share of them is truly mismatched? `score` and `mismatched`
# are arrays with one entry a pair; no two scores are equal. Return a number from 0 to 1.

# %%
def precision_at_k(score: np.ndarray, mismatched: np.ndarray, k: int) -> float:
    """Share of truly mismatched pairs among the k most suspect."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    most_suspect = np.argsort(-score)[:k]
    answer = mismatched[most_suspect].mean()
    ### END SOLUTION
    return answer


# %%
checks.precision_at_k(precision_at_k)

# %%
precision_at_k = use(precision_at_k, fallback=precision_at, check=checks.precision_at_k)
for epoch in (1, 4, 8, 12):
    print(f"loss of epoch {epoch:2}: precision at 20 is {precision_at_k(loss[epoch - 1], mismatched, 20):.2f}")

# %% [markdown]
# ## 07.2 · Agreement
#
# *core · 10 minutes*
#
# `signals` has a row a signal and a column a pair; a large value is a suspicion. Turn every row into ranks from 0 (least
# suspect) to 1 (most suspect), where pairs with equal values share the mean of their ranks, and return the mean rank of
# every pair. A row in which all values are equal must give one half to each.

# %%
def agreement_of_signals(signals: np.ndarray) -> np.ndarray:
    """Mean rank of every pair, (pairs,), in [0, 1]."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    below = (signals[:, :, None] > signals[:, None, :]).sum(axis=2)
    equal = (signals[:, :, None] == signals[:, None, :]).sum(axis=2) - 1
    answer = ((below + equal / 2) / (signals.shape[1] - 1)).mean(axis=0)
    ### END SOLUTION
    return answer


# %%
checks.agreement_of_signals(agreement_of_signals)

# %%
agreement_of_signals = use(
    agreement_of_signals, fallback=checks.agreement_of_signals.solution, check=checks.agreement_of_signals
)
together = agreement_of_signals(np.stack([loss.mean(axis=0), loss[3], loss[7]]))
print(f"mean loss, epoch 4 and epoch 8 together: precision at 20 is {precision_at(together, mismatched, 20):.2f}")

# %% [markdown]
# ## 07.3 · The same suspicion at another batch size
#
# *stretch · 12 minutes*
#
# A pair is called noisy from a loss of 18 on. That number was chosen for batches of 100, where chance level, the loss
# of a guess, is 4 ln 100. A colleague trained with another batch size. Return for every pair the share of epochs in
# which its loss reaches *the same share of chance level* as 18 is for batches of 100. `loss` has a row an epoch and a
# column a pair.

# %%
def noisy_share_at(loss: np.ndarray, batch_size: int) -> np.ndarray:
    """Share of epochs in which a pair counts as noisy, (pairs,), in [0, 1]."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    share_of_chance = 18 / (4 * np.log(100))
    answer = (loss >= share_of_chance * 4 * np.log(batch_size)).mean(axis=0)
    ### END SOLUTION
    return answer


# %%
checks.noisy_share_at(noisy_share_at)

# %%
noisy_share_at = use(noisy_share_at, fallback=checks.noisy_share_at.solution, check=checks.noisy_share_at)
for batch_size in (10, 32, 100, 1000):
    print(f"batches of {batch_size:4}: mean share called noisy {noisy_share_at(loss, batch_size).mean():.2f}")

# %% [markdown]
# ## 07.4 · A signal of your own
#
# *research · 30 minutes*
#
# Invent a score that finds the mismatched pairs in a record of plain training, from the losses alone: hard true pairs
# are learned slowly, mismatched ones are memorised in the end, and now and then the loss of any pair leaps for one
# epoch. `loss` has a row an epoch and a column a pair; return one number a pair, large where it is suspect. Your scores
# are judged by their average precision on three records like the one of the set-up cell; it must reach 0.9. There is
# more than one answer.

# %%
def own_signal(loss: np.ndarray) -> np.ndarray:
    """A score of suspicion, (pairs,)."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = np.mean([unit_rank(row) for row in loss], axis=0)  # a leap is worth one rank, however high
    ### END SOLUTION
    return answer


# %%
checks.own_signal(own_signal)

# %%
own_signal = use(own_signal, fallback=checks.own_signal.solution, check=checks.own_signal)
figure, axis = plt.subplots(figsize=(7, 3))
for name, score, dash in (("mean loss", loss.mean(axis=0), "--"), ("last loss", loss[-1], ":"), ("own signal", own_signal(loss), "-")):
    ks = range(1, 101)
    axis.plot(ks, [precision_at(score, mismatched, k) for k in ks], dash, label=name)
axis.set(xlabel="k, pairs looked at", ylabel="share truly mismatched", ylim=(0, 1.03))
axis.legend()
plt.close(figure)
figure
