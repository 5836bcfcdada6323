# %% [markdown]
# # Exercises 03 · Can the loss tell clean from mismatched?
#
# These belong to the [lesson](../03_partition.ipynb). Write your answer where the stub says so, run the check below it,
# and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

# %% [markdown]
# ## 03.1 · The losses of a batch
#
# *warm-up · 10 minutes*
#
# `logits` is a table of scores, rows are images, columns captions, a pair's own score on the diagonal. Return the
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


# %% tags=["grading"]
cases = [
    {"logits": np.random.default_rng(0).normal(size=(5, 5))},
    {"logits": np.zeros((4, 4))},
    {"logits": 3 * np.eye(3)},
]
first_step = "Take one pair: the logarithm of the sum of exponentials along its row, minus its own score."
why = "Two cross-entropies a table; with the global and the local table there are four, and a guess has 4 ln B."


def rows_only(logits):
    """one direction only: the image finds its caption. The caption must find its image too, along the
    columns."""
    return np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)


def averaged_over_pairs(logits):
    """you have averaged over the pairs. Everything that follows needs the loss of every single pair."""
    return np.full(len(logits), losses_of_batch(logits).mean())


def mean_of_directions(logits):
    """the mean of both directions instead of their sum: the thresholds 5 and 18 are made for the sum."""
    return losses_of_batch(logits) / 2


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


# %% tags=["grading"]
cases = [
    {"gamma": 18.0, "batch_size": 100, "new_batch_size": 256},
    {"gamma": 18.0, "batch_size": 100, "new_batch_size": 16},
    {"gamma": 5.0, "batch_size": 100, "new_batch_size": 100},
]
first_step = "Which share of chance level, 4 ln B, is the threshold at the old batch size? Keep this share."
why = "The thresholds are absolute in the paper, chance level is not: a silent dependence on the batch size."


def proportional_to_the_size(gamma, batch_size, new_batch_size):
    """proportional to the batch size: with 256 pairs it asks for 46, twice the loss of a guess. How does the loss of a
    guess grow with the batch?"""
    return gamma * new_batch_size / batch_size


def the_same_number(gamma, batch_size, new_batch_size):
    """the same number: then it means another share of chance level, the quirk that the task is about."""
    return gamma


def chance_itself(gamma, batch_size, new_batch_size):
    """this is chance level itself. The threshold should keep its place relative to it."""
    return 4 * np.log(new_batch_size)


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


# %% tags=["grading"]
TRUTH = np.array([False, False, True, False, True, True, False])
LOSSES = np.array([1.0, 4.0, 3.0, 5.0, 20.0, 9.0, 2.0])
cases = [{"loss": LOSSES, "mismatched": TRUTH, "gamma_1": gamma} for gamma in (5.0, 3.5, 10.0)]
first_step = "Select the pairs that are called clean first; then ask which share of them is true."
why = "It says how much wrong teaching the trusted part still holds, which recall does not."


def recall_of_true(loss, mismatched, gamma_1):
    """this is the share of the true pairs that are called clean (a recall). Asked is the share of the clean ones that
    are true."""
    return (loss[~mismatched] < gamma_1).mean()


def with_the_border(loss, mismatched, gamma_1):
    """a pair exactly at the threshold is no longer clean: the border belongs to the upper kind."""
    return (~mismatched[loss <= gamma_1]).mean()


def complement(loss, mismatched, gamma_1):
    """the complement: the share of the clean pairs that are mismatched."""
    return mismatched[loss < gamma_1].mean()


# %%
checks.purity_of_clean(purity_of_clean)

# %%
purity_of_clean = use(purity_of_clean, fallback=checks.purity_of_clean.solution, check=checks.purity_of_clean)
loss, wrong = np.arange(10.0), np.arange(10) % 4 == 3
print([round(float(purity_of_clean(loss, wrong, gamma)), 2) for gamma in (2.0, 5.0, 9.0)])

# %% [markdown]
# ## 03.4 · Losses by truth, as a figure
#
# *core · 15 minutes*
#
# Draw two histograms over each other on new axes, by `plt.subplots` and `axis.hist`: the losses of the true pairs, with the
# label `true pairs`, and those of the mismatched pairs, with the label `mismatched pairs`. Both count pairs in the bins that
# `edges` gives. Name both axes, and return the axes. `loss` and `mismatched` have shape (N,), `edges` (bins + 1,). The check
# reads the bars from your axes, so leave `histtype` as it is; colours, hatches and a legend are yours.

# %%
def losses_by_truth(loss: np.ndarray, mismatched: np.ndarray, edges: np.ndarray) -> Axes:
    """Axes with two histograms."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = plt.subplots(figsize=(6, 2.6))[1]
    answer.hist(loss[~mismatched], edges, alpha=0.6, label="true pairs")
    answer.hist(loss[mismatched], edges, alpha=0.6, hatch="//", label="mismatched pairs")
    answer.set(xlabel="loss of the pair", ylabel="pairs")
    ### END SOLUTION
    return answer


# %% tags=["grading"]
def _heaps(bins):
    heaps = np.random.default_rng(bins)
    loss = np.concatenate([heaps.gamma(2, 3, 60), heaps.normal(18, 4, 25).clip(0)])
    return {"loss": loss, "mismatched": np.arange(85) >= 60, "edges": np.linspace(0, 40, bins + 1)}


def measure(answer, loss, mismatched, edges):
    if not isinstance(answer, Axes):
        raise TypeError(f"found {type(answer).__name__} in place of axes")
    plt.close(answer.figure)
    bars = {name: one for one in answer.containers for name in (one.get_label(), one[0].get_label())}
    if missing := [name for name in ("true pairs", "mismatched pairs") if name not in bars]:
        raise ValueError(f"no bars have the label {' or '.join(missing)}")
    drawn = [bars[name] for name in ("true pairs", "mismatched pairs")]
    places = [[bar.get_x() for bar in one] for one in drawn]
    named = [float(bool(label)) for label in (answer.get_xlabel(), answer.get_ylabel())]
    return np.concatenate([*places, *([bar.get_height() for bar in one] for one in drawn), named])


cases = [_heaps(8), _heaps(20)]
first_step = "Make axes by `plt.subplots`, draw `loss[~mismatched]` with its label, then the others in the same bins."
why = """Two heaps that overlap: whatever the threshold, some pairs stand on the wrong side. Equal bins and counts let one
compare the heaps, and names let a reader see what is counted."""


def each_its_own_bins(loss, mismatched, edges):
    """each heap has bins of its own, as many as asked but from its smallest to its largest loss. A bar of one does not
    stand beside the bar of the other that counts the same losses: give both the edges."""
    axis = losses_by_truth(loss, mismatched, edges)
    axis.clear()
    for wrong, name in enumerate(("true pairs", "mismatched pairs")):
        axis.hist(loss[mismatched == wrong], len(edges) - 1, label=name)
    return axis.set(xlabel="loss of the pair", ylabel="pairs") and axis


def areas_of_one(loss, mismatched, edges):
    """both areas are one (density=True): the mismatched pairs look as many as the true ones. How many there are decides
    what a threshold costs, so count pairs."""
    axis = losses_by_truth(loss, mismatched, edges)
    axis.clear()
    for wrong, name in enumerate(("true pairs", "mismatched pairs")):
        axis.hist(loss[mismatched == wrong], edges, density=True, label=name)
    return axis.set(xlabel="loss of the pair", ylabel="pairs") and axis


def the_names_exchanged(loss, mismatched, edges):
    """the names are exchanged: `mismatched` is True where the caption is another image's."""
    return losses_by_truth(loss, ~mismatched, edges)


def axes_without_names(loss, mismatched, edges):
    """an axis has no name. Whoever sees the figure alone cannot tell what is counted, over what."""
    axis = losses_by_truth(loss, mismatched, edges)
    axis.set(xlabel="", ylabel="")
    return axis


# %%
checks.losses_by_truth(losses_by_truth)

# %%
losses_by_truth = use(losses_by_truth, fallback=checks.losses_by_truth.solution, check=checks.losses_by_truth)
draws = np.random.default_rng(0)
loss = np.concatenate([draws.gamma(2, 3, 400), draws.normal(20, 5, 200).clip(0)])
axis = losses_by_truth(loss, np.arange(600) >= 400, np.linspace(0, 40, 41))
axis.axvline(18, color="black", ls=":")
plt.show()
