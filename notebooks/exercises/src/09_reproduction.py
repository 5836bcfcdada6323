# %% [markdown]
# # Exercises 09 · Can I reproduce the paper?
#
# Three exercises on the numbers of a table: how they are made, how sure they are, and which of them measure nothing.
# They belong to the [lesson](../09_reproduction.ipynb). Write your answer where the comment says so, run the cell, then
# the check below it. The notebook runs to its end also where nothing is written yet.

# %%
import numpy as np

from rrsitr_lib.evaluation import chance_recall
from rrsitr_lib.experiments.published_results import paper_results
from rrsitr_lib.experiments.uncertainty import recall_error
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

paper = paper_results()

# %% [markdown]
# ## 09.1 · Mean and deviation of a cell
#
# *warm-up · 5 minutes*
#
# A cell of the table is "46.10 ± 1.08". Given the mR of every seed, return the list of its mean and its standard
# deviation. The seeds are a sample of all seeds that one could have taken, and the deviation shall estimate the spread
# of all of them. What is the deviation of a single seed? Where it is not known, return `float("nan")` for it.


# %%
def mean_and_deviation(values: list[float]) -> list[float]:
    """Mean and sample standard deviation over the seeds, in the unit of the values."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    mean = sum(values) / len(values)
    deviation = float("nan")
    if len(values) > 1:
        deviation = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    answer = [mean, deviation]
    ### END SOLUTION
    return answer


# %%
checks.mean_and_deviation(mean_and_deviation)

# %% [markdown]
# Used on invented values: how the deviation itself jumps about when only a few seeds are drawn from one and the same
# spread of 1. Three seeds, the usual number, tell little about it.

# %%
solution = checks.mean_and_deviation.solution
mean_and_deviation = use(mean_and_deviation, fallback=solution, check=checks.mean_and_deviation)
generator = np.random.default_rng(9)
for seeds in (2, 3, 5, 20):
    found = [mean_and_deviation(list(generator.normal(46, 1, seeds)))[1] for _ in range(2000)]
    low, high = np.percentile(found, [5, 95])
    print(f"{seeds:2} seeds: nine in ten deviations lie between {low:.2f} and {high:.2f}; the truth is 1.00")

# %% [markdown]
# ## 09.2 · The error of a recall
#
# *core · 10 minutes*
#
# A recall at K of `recall` percent was measured over `questions` independent questions. Return its standard error in
# percentage points: how far would it typically move on another test set of the same size? You are given K as well.
# Decide for yourself whether it belongs into the answer. Check the ends before you run the check: what must come out
# where every question is a hit?


# %%
def error_of_a_recall(recall: float, questions: int, k: int) -> float:
    """Standard error of a recall at K, in percentage points."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    share = recall / 100
    answer = 100 * (share * (1 - share) / questions) ** 0.5
    ### END SOLUTION
    return answer


# %%
checks.error_of_a_recall(error_of_a_recall)

# %% [markdown]
# Used on the paper's image-to-text recalls without noise. Compare the two columns: the deviation over seeds, and the
# error that the size of the test set brings. In which cells does the first exceed the second? Which set has the
# smallest error of the second kind, and why?

# %%
solution = checks.error_of_a_recall.solution
error_of_a_recall = use(error_of_a_recall, fallback=solution, check=checks.error_of_a_recall)
for data, images in (("rsitmd", 452), ("rsicd", 1093), ("nwpu", 3150)):
    for k in (1, 5, 10):
        cell = paper.query(f"data == '{data}' and method == 'RRSITR' and metric == 'i2t_R@{k}'").iloc[0]
        error = error_of_a_recall(cell["mean"], images, k)
        print(f"{data:7} R@{k:<2} {cell['mean']:.2f}  over seeds ± {cell['std']:.2f}  test set ± {error:.2f}")

# %% [markdown]
# ## 09.3 · Which ablation rows are collapsed models?
#
# *research · 25 minutes*
#
# An ablation removes a part and reads the drop in mR as the worth of the part. That fails where training broke down: a
# model that guesses says nothing about the part. Given the mR of several models, the chance level of the test set and
# the standard error of a guess's mR, return a list of bools: True where the mR lies no more than two errors above
# chance.
#
# Then ask why these rows collapsed. What becomes of the ambiguous pairs when their class is gone? One reading of that
# row is `RunConfig.build(encoder="tiny", gamma_1=5, gamma_2=5)`: train it, and see whether it collapses here too.


# %%
def collapsed_models(mr: list[float], chance: float, error: float) -> list[bool]:
    """Which models are no better than a guess; mR, chance and error in percent."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = [value <= chance + 2 * error for value in mr]
    ### END SOLUTION
    return answer


# %%
checks.collapsed_models(collapsed_models)

# %% [markdown]
# Used on the published ablation, RSITMD at 80 % noise. The six recalls of a guess move together, so the mean of their
# six errors is an upper bound for the error of mR. Note the row without all three parts, too: it lies above two of the
# rows that lack only one.

# %%
solution = checks.collapsed_models.solution
collapsed_models = use(collapsed_models, fallback=solution, check=checks.collapsed_models)
guess = chance_recall(np.repeat(np.arange(452), 5), 452)
errors = [recall_error(value, 452 if name[0] == "i" else 2260) for name, value in guess.items() if name != "mR"]
ablation = paper.query("data == 'rsitmd' and noise_rate == 0.8 and method != 'CUP'").reset_index(drop=True)
ablation["collapsed"] = collapsed_models(ablation["mean"].tolist(), guess["mR"], float(np.mean(errors)))
print(f"chance {guess['mR']:.2f}, error of a guess at most {np.mean(errors):.2f}")
print(ablation[["method", "mean", "collapsed"]].to_string(index=False))
