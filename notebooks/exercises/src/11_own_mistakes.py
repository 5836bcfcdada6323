# %% [markdown]
# # Exercises 11 · Which mistakes does the method make itself?
#
# These belong to the [lesson](../11_own_mistakes.ipynb). Write your answer where the stub says so, run the check below it,
# and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rrsitr_lib.show.style import method_looks
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use
from rrsitr_lib.teach.records import RECORDS
from rrsitr_lib.training.ledger import Ledger

books = [Ledger.open(RECORDS / f"rrsitr_0.6_{seed}") for seed in (3, 13, 25)]  # three runs of RRSITR on the same pairs
losses, mismatched = [np.array(book.column("loss")) for book in books], np.array(books[0].column("mismatched"))
print("loss of each run", losses[0].shape, "mismatched pairs", int(mismatched.sum()))

# %% [markdown]
# ## 11.1 · How much more than chance?
#
# *core · 15 minutes*
#
# Two runs say of every pair whether they believe it. `a`, `b` and `mismatched` hold one truth value a pair. Of the mismatched
# pairs that `a` believes, `b` believes some share too. If the mistakes of the two had nothing to do with each other, this
# would be the share that `b` believes of *all* mismatched pairs. Return how many times as large it is.

# %%
def more_than_chance(a: np.ndarray, b: np.ndarray, mismatched: np.ndarray) -> float:
    """How many times as often as by chance b believes a mismatched pair that a believes."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = b[mismatched & a].mean() / b[mismatched].mean()
    ### END SOLUTION
    return answer


# %% tags=["grading"]
def _case(seed, alike):
    generator = np.random.default_rng(seed)
    mismatched, a, chance = generator.random((3, 200)) < [[0.6], [0.3], [0.3]]
    return {"a": a, "b": np.where(generator.random(200) < alike, a, chance), "mismatched": mismatched}


cases = [_case(seed, alike) for seed, alike in ((1, 0.0), (2, 0.5), (3, 0.9), (4, 1.0))]
first_step = "Take the mismatched pairs that a believes, and ask for the share of them that b believes."
why = """Near 1 two opinions are independent, and where one is wrong the other objects. Two runs of RRSITR are far from
that: they make the same mistakes."""


def over_all_pairs(a, b, mismatched):
    """this counts the true pairs too. That two runs believe the same true pairs is what they are for; the question is
    whether they make the same mistakes."""
    return b[a].mean() / b.mean()


def share_alone(a, b, mismatched):
    """this is the share, not yet compared with chance. Who believes nearly everything agrees with everybody."""
    return b[mismatched & a].mean()


def overlap_of_union(a, b, mismatched):
    """this divides what both believe by what either believes. It says how alike the two sets are, and it too is large
    where both are large. Divide the share by what chance would give."""
    return (a & b & mismatched).sum() / ((a | b) & mismatched).sum()


def as_counts(a, b, mismatched):
    """both is divided by all of b's mistakes: this is the share that a believes of those. Compare it with chance."""
    return (a & b & mismatched).sum() / (b & mismatched).sum()


# %%
checks.more_than_chance(more_than_chance)

# %%
more_than_chance = use(more_than_chance, fallback=checks.more_than_chance.solution, check=checks.more_than_chance)
epochs = np.arange(1, len(losses[0]) + 1)
figure, axis = plt.subplots(figsize=(6.5, 2.8))
for method, (colour, dash, marker) in method_looks(["rrsitr", "oracle"]).items():
    first, second = (Ledger.open(RECORDS / f"{method}_0.6_{seed}").column("loss") < 18 for seed in (3, 13))
    times = [more_than_chance(a, b, mismatched) for a, b in zip(first, second, strict=True)]
    axis.plot(epochs, times, dash, color=colour, marker=marker, label=method)
axis.set(xlabel="epoch", ylabel="times as often as by chance", ylim=(0, None))
axis.legend()
plt.close(figure)
figure

# %% [markdown]
# The runs of the oracle, which train on no mismatched pair, agree even more: what they still believe are near misses, and
# these are near for every network. So a large number alone proves no confirmation. What would you count to tell the two
# apart?
#
# ## 11.2 · A better suspicion from two records
#
# *research · 25 minutes*
#
# `one` and `two` are the losses of two runs of RRSITR on the same pairs, epochs by pairs, at 60 % noise. Return a score a
# pair, large where it is suspect. You are judged by its AUROC, the chance that a mismatched pair has the larger score, on
# all three choices of two runs from the records: it must reach 0.849 on each. The last losses of one run reach 0.825
# to 0.849. There is more than one answer.

# %%
def suspicion_of_two(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """A score of suspicion, (pairs,), from the losses of two runs, (epochs, pairs) each."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = (one + two).mean(axis=0)  # early epochs were not yet confirmed by later ones
    ### END SOLUTION
    return answer


# %% tags=["grading"]
from sklearn.metrics import roc_auc_score

BAR = 0.849
_records = [Ledger.open(RECORDS / f"rrsitr_0.6_{seed}") for seed in (3, 13, 25)]
_losses = [np.array(book.column("loss"), dtype=float) for book in _records]
_truth = np.array(_records[0].column("mismatched"))
_last = [float(roc_auc_score(_truth, loss[-1])) for loss in _losses]
assert (round(min(_last), 3), round(max(_last), 3)) == (0.825, 0.849), "the text above says so"
cases = [{"one": _losses[i], "two": _losses[j]} for i, j in ((0, 1), (0, 2), (1, 2))]
first_step = "Where two runs agree nothing is won. Which opinions of a run were formed before it had trained on its mistakes?"
why = f"""{BAR} or more for every two runs. It is a small gain: two runs from one start, and ten epochs of each, are nearly
one opinion. What would differ more: another start, another encoder, other negatives?"""


def measure(score, one, two):
    """AUROC of the scores, cut off at the bar: whoever reaches it is right."""
    score = np.asarray(score, dtype=float)
    if score.shape != _truth.shape or not np.isfinite(score).all():
        raise ValueError(f"the scores have shape {score.shape}; one finite number a pair is needed, {_truth.shape}")
    return min(BAR, float(roc_auc_score(_truth, score)))


def last_of_one(one, two):
    """this asks the first run only, and only at its end, when it has trained on its mistakes for ten epochs."""
    return one[-1]


def last_of_both(one, two):
    """the two runs make nearly the same mistakes at the end, so that their mean wins little. When did they know
    better?"""
    return (one[-1] + two[-1]) / 2


def first_of_both(one, two):
    """nothing is confirmed in the first epoch, and nothing is learned yet either. The end is not the only place to
    look, and neither is the beginning."""
    return one[0] + two[0]


def disagreement(one, two):
    """where the two differ, one of them is wrong: but about true pairs as often as about mismatched ones. A difference
    says that there is doubt, not on which side."""
    return np.abs(one[-1] - two[-1])


# %%
checks.suspicion_of_two(suspicion_of_two)

# %%
suspicion_of_two = use(suspicion_of_two, fallback=checks.suspicion_of_two.solution, check=checks.suspicion_of_two)
score, count = suspicion_of_two(losses[0], losses[1]), int((losses[0][-1] < 18).sum())
for name, of_pairs in (("last loss of one run", losses[0][-1]), ("your suspicion", score)):
    least = np.argsort(of_pairs)[:count]
    print(f"of the {count} least suspect pairs by {name:20} {1 - mismatched[least].mean():.1%} are true")
