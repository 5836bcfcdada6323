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


# %% tags=["grading"]
cases = [
    {"values": [44.64, 45.43, 46.33, 46.72, 47.38]},
    {"values": [30.0, 34.0]},
    {"values": [12.5, 12.5, 12.5]},
    {"values": [42.6]},
]
first_step = "Begin with the mean; then add up the squared distances from it, and think about what to divide by."
why = "Divided by n - 1, five seeds stand for all seeds; and a single seed has no deviation at all, not a zero."


def divided_by_n(values):
    """the deviation comes out too small: it divides by the number of seeds, which describes these seeds only. What
    should one divide by to estimate the spread of all seeds, when the mean was taken from the same numbers? And what
    can a single seed say about the spread?"""
    return [np.mean(values), np.std(values)]


def zero_for_one_seed(values):
    """right with several seeds, but for one seed it says 0, as if every seed would give the same number. One number
    says nothing about the spread: the answer there is 'not known'."""
    return mean_and_deviation(values) if len(values) > 1 else [values[0], 0.0]


def error_of_the_mean(values):
    """that is the standard error of the mean, which shrinks with every further seed. The ± of the tables is the
    deviation of the single runs; which of your steps makes it shrink?"""
    mean, deviation = mean_and_deviation(values)
    return [mean, deviation / len(values) ** 0.5]


def mean_distance(values):
    """that is the mean absolute distance. It is a spread too, but not the standard deviation that the tables print:
    distances are to be squared before they are added."""
    return [np.mean(values), np.abs(np.asarray(values) - np.mean(values)).mean()]


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


# %% tags=["grading"]
cases = [
    {"recall": 25.44, "questions": 452, "k": 1},
    {"recall": 58.98, "questions": 452, "k": 10},
    {"recall": 46.82, "questions": 452, "k": 5},
    {"recall": 15.86, "questions": 1093, "k": 1},
    {"recall": 100.0, "questions": 200, "k": 10},
    {"recall": 0.0, "questions": 1, "k": 5},
]
first_step = "Turn the recall into a share p; one question is a coin that shows a hit with probability p."
why = """At 452 images an R@1 of 25 is known to two points only, four times the deviation over seeds in the paper's
table. K does not enter, and four times the images halve the error."""


def as_a_share(recall, questions, k):
    """it is a hundred times too small: the recall came in percent, the answer is a share. Give the error in percentage
    points, the unit in which the recall is printed."""
    return error_of_a_recall(recall, questions, k) / 100


def fed_with_percent(recall, questions, k):
    """the formula is for a share p between 0 and 1, and here it was fed with percent: one minus 25.44 is no probability
    of a miss."""
    return abs(recall * (1 - recall) / questions) ** 0.5


def k_trials_a_question(recall, questions, k):
    """it counts K answers a question as K trials. However many answers are looked at, a question is a hit or a miss:
    how many independent yes-or-no outcomes are there?"""
    return error_of_a_recall(recall, questions * k, k)


def of_one_question(recall, questions, k):
    """that is the deviation of one question. The recall is a mean over many questions; how does the deviation of a mean
    depend on their number?"""
    return error_of_a_recall(recall, 1, k)


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


# %% tags=["grading"]
cases = [
    {"mr": [35.93, 33.38, 29.80, 30.21, 32.24, 1.22, 26.52, 1.10, 33.90], "chance": 1.18, "error": 0.34},
    {"mr": [3.1, 2.9, 0.2, 0.16], "chance": 0.17, "error": 0.05},
    {"mr": [6.1, 24.0, 4.9, 6.6], "chance": 5.2, "error": 0.7},
    {"mr": [0.51, 0.47, 0.6], "chance": 0.49, "error": 0.1},
    {"mr": [2.0], "chance": 1.0, "error": 0.5},
    {"mr": [0.3, 1.3], "chance": 1.0, "error": 0.1},
]
first_step = "Ask of every row: could a random order reach this? It reaches chance, give or take its error."
why = """Two rows of the published ablation are guesses: they say that training broke down, not how much the part that
was removed is worth. Their distance from the full method measures nothing."""


def at_or_under_chance(mr, chance, error):
    """it calls collapsed only what lies at or under chance. A model that guesses lands above chance about as often as
    below it: how far above may it lie before guessing is no longer a good explanation?"""
    return collapsed_models(mr, chance, 0.0)


def one_bar_for_all_sets(mr, chance, error):
    """it uses one fixed mR for every test set. Chance falls with the number of images: an mR of 3 is far above chance
    on NWPU and under it on a hundred images."""
    return [value < 5 for value in mr]


def far_below_the_others(mr, chance, error):
    """it looks for rows far below the others. Then a table of guesses only has no collapsed model, and the worst of
    several good ones has collapsed. Compare with chance, not with the neighbours."""
    return [value < np.mean(mr) - np.std(mr) for value in mr]


def within_one_error(mr, chance, error):
    """within one error of chance lie only about two thirds of the models that guess; and one that lies further below
    has not learned more for it. Allow two errors, upwards only."""
    return [abs(value - chance) <= error for value in mr]


def two_errors_both_ways(mr, chance, error):
    """it asks for an mR within two errors of chance, above or below. What lies further below has not learned more for
    it: a collapsed model can rank worse than a guess. Upwards only."""
    return [abs(value - chance) <= 2 * error for value in mr]


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
