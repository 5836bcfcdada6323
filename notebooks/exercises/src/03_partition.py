# %% [markdown]
# # Exercises 03 · Can the loss tell clean from mismatched?
#
# These belong to the [lesson](../03_partition.ipynb). Write your answer where the stub says so, run the check below it,
# and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import numpy as np

from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

# %% [markdown]
# ## 03.1 · The losses of a batch
#
# *warm-up · 10 minutes*
#
# `logits` is a table of scores, rows are pictures, columns sentences, a pair's own score on the diagonal. Return the
# loss of every pair: the cross-entropy along its row plus the one along its column, shape (B,).

# %%
def losses_of_batch(logits: np.ndarray) -> np.ndarray:
    """Loss of every pair, shape (B,)."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    rows = np.log(np.exp(logits).sum(axis=1))
    columns = np.log(np.exp(logits).sum(axis=0))
    answer = rows + columns - 2 * np.diag(logits)
    ### END SOLUTION
    return answer


# %%
checks.losses_of_batch(losses_of_batch)

# %%
losses_of_batch = use(losses_of_batch, fallback=checks.losses_of_batch.solution, check=checks.losses_of_batch)
print(losses_of_batch(np.zeros((6, 6))).round(2), "is a guess among six:", round(2 * np.log(6), 2))

# %% [markdown]
# ## 03.2 · A threshold for another batch size
#
# *core · 10 minutes*
#
# A threshold `gamma` was chosen for batches of `batch_size` pairs. Which number means the same for batches of
# `new_batch_size`, when "the same" is the same share of chance level?

# %%
def threshold_for_batch(gamma: float, batch_size: int, new_batch_size: int) -> float:
    """The threshold at the new batch size, loss units."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    share = gamma / (4 * np.log(batch_size))
    answer = share * 4 * np.log(new_batch_size)
    ### END SOLUTION
    return answer


# %%
checks.threshold_for_batch(threshold_for_batch)

# %%
check = checks.threshold_for_batch
threshold_for_batch = use(threshold_for_batch, fallback=check.solution, check=check)
print({size: round(threshold_for_batch(18.0, 100, size), 1) for size in (16, 32, 100, 256, 512)})

# %% [markdown]
# ## 03.3 · How pure are the clean pairs?
#
# *core · 10 minutes*
#
# Which share of the pairs called clean is true? `loss` and `mismatched` are arrays of shape (N,), `gamma_1` is the
# lower threshold. Mind where a pair exactly at the threshold belongs.

# %%
def purity_of_clean(loss: np.ndarray, mismatched: np.ndarray, gamma_1: float) -> float:
    """Share in [0, 1]."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    called_clean = loss < gamma_1
    answer = (~mismatched[called_clean]).mean()
    ### END SOLUTION
    return answer


# %%
checks.purity_of_clean(purity_of_clean)

# %%
purity_of_clean = use(purity_of_clean, fallback=checks.purity_of_clean.solution, check=checks.purity_of_clean)
loss, wrong = np.arange(10.0), np.arange(10) % 4 == 3
print([round(float(purity_of_clean(loss, wrong, gamma)), 2) for gamma in (2.0, 5.0, 9.0)])
