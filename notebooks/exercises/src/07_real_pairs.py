# %% [markdown]
# # Exercises 07 · Which pairs are wrong, when nobody tells?
#
# These belong to the [lesson](../07_real_pairs.ipynb). Write your answer where the stub says so, run the check below
# it, and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rrsitr_lib.audit.mismatch_ranking import precision_at, unit_rank
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.drawn_record import drawn_record
from rrsitr_lib.teach.exercise import use

# %%
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


# %% tags=["grading"]
cases = [
    {"score": np.array([0.9, 0.1, 0.7, 0.4]), "mismatched": np.array([True, False, False, True]), "k": 1},
    {"score": np.array([2.0, 8.0, 6.0, 9.0, 4.0]), "mismatched": np.array([0, 1, 1, 0, 0], bool), "k": 3},
    {"score": np.array([3.0, 12.0, 7.5, 30.0]), "mismatched": np.array([True, False, True, True]), "k": 4},
    {"score": np.array([0.3, 0.2, 0.1]), "mismatched": np.array([False, False, False]), "k": 2},
]
first_step = "Sort the pairs by score, keep the k most suspect, and count the mismatched among them."
why = "Precision at k is what an hour of looking is worth: with k pairs looked at, this share was not in vain."


def least_suspect_first(score, mismatched, k):
    """these are the k pairs with the lowest scores. A high score is a suspicion, and the pairs that one would look at
    first are those with the highest."""
    return precision_at_k(-score, mismatched, k)


def share_of_the_mismatched(score, mismatched, k):
    """this divides by the number of mismatched pairs, which is recall: how many of the bad ones were found. Precision
    asks how many of those you looked at are bad. Which number is that?"""
    return mismatched[np.argsort(-score)[:k]].sum() / max(1, mismatched.sum())


def share_of_all(score, mismatched, k):
    """this divides by the number of all pairs. You looked at k of them only."""
    return mismatched[np.argsort(-score)[:k]].sum() / len(score)


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


# %% tags=["grading"]
from scipy.stats import rankdata

cases = [
    {"signals": np.array([[1.0, 5.0, 3.0], [0.2, 0.1, 0.9]])},
    {"signals": np.array([[4.0, 4.0, 1.0, 9.0], [100.0, 300.0, 200.0, 200.0]])},
    {"signals": np.array([[2.0, 2.0, 2.0], [7.0, 8.0, 9.0]])},
    {"signals": np.array([[-0.5, -0.9, -0.1, -0.9, -0.9]])},
]
first_step = "For one signal and one pair: count the others below, add half of the others that are equal."
why = """Ranks have no unit, so signals of any scale can be averaged; ties share, so that no signal claims to know
what it does not."""


def ranks_by_file_order(signals):
    """equal values get different ranks here, by their order in the file. Two pairs that a signal cannot tell apart must
    have the same rank: what would be fair to both?"""
    ranks = rankdata(signals, "ordinal", axis=1) - 1
    return ranks.mean(axis=0) / (signals.shape[1] - 1)


def mean_of_signals(signals):
    """this averages the signals themselves. One counts in losses up to 80, another in cosines below 1: the one with the
    large numbers decides alone. What do all signals have in common?"""
    return signals.mean(axis=0)


def lowest_of_equal_ranks(signals):
    """equal values all get the lowest of their ranks. A signal that is the same for all pairs would then call nobody
    suspect at all; it should say one half, that is, nothing."""
    ranks = rankdata(signals, "min", axis=1) - 1
    return ranks.mean(axis=0) / (signals.shape[1] - 1)


def ranks_from_one(signals):
    """these ranks run from 1/N to 1. The least suspect pair should stand at 0, so that ranks of large and small data
    sets mean the same."""
    return rankdata(signals, axis=1).mean(axis=0) / signals.shape[1]


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


# %% tags=["grading"]
cases = [
    {"loss": np.array([[18.2, 17.9, 30.0], [2.0, 18.1, 25.0]]), "batch_size": 100},
    {"loss": np.array([[13.0, 14.0, 16.0, 19.0], [13.4, 13.7, 5.0, 9.0], [12.0, 11.0, 14.0, 19.0]]), "batch_size": 32},
    {"loss": np.array([[20.0, 27.5, 26.5], [17.0, 28.0, 40.0]]), "batch_size": 1000},
    {"loss": np.array([[0.5, 2.6, 2.8]]), "batch_size": 2},
]
first_step = "Write 18 as a share of the chance level 4 ln 100, then find the same share of 4 ln(batch_size)."
why = """The paper's thresholds are absolute while chance level is 4 ln B. Counted as a share of chance level, the
suspects of runs with different batch sizes can be compared."""


def threshold_as_it_is(loss, batch_size):
    """18 is the threshold for batches of 100, where it lies just under chance level. With fewer rivals in a batch every
    loss is smaller: think of 4 ln B. A run with small batches would find no suspect."""
    return (loss >= 18).mean(axis=0)


def threshold_by_batch_size(loss, batch_size):
    """the threshold is scaled by the batch size itself. A guess among B costs ln B, so twice as many rivals add a
    constant to chance level; they do not double it."""
    return (loss >= 18 * batch_size / 100).mean(axis=0)


def one_number_an_epoch(loss, batch_size):
    """this averages over the pairs and gives one number an epoch. Wanted is one number a pair: along which axis do the
    epochs run?"""
    return noisy_share_at(loss.T, batch_size)


# %%
checks.noisy_share_at(noisy_share_at)

# %%
noisy_share_at = use(noisy_share_at, fallback=checks.noisy_share_at.solution, check=checks.noisy_share_at)
for batch_size in (10, 32, 100, 1000):
    print(f"batches of {batch_size:4}: mean share called noisy {noisy_share_at(loss, batch_size).mean():.2f}")

# %% [markdown]
# ## 07.4 · Where lambda must lie
#
# *stretch · 12 minutes*
#
# `p` holds a p-value a pair, of "this pair is mismatched". With $\lambda$ small, right pairs are counted among the wrong ones; with
# $\lambda$ large, few pairs are left to count. Of the values in `grid`, which rise, return the smallest from which on the estimate
# no longer changes: that of *every* larger value of the grid is within two of its standard errors. The estimate is the number
# $k$ of pairs beyond $\lambda$, divided by $N (1 - \lambda)$; its standard error is $\sqrt{k}$ divided by the same.

# %%
def smallest_lambda(p: np.ndarray, grid: np.ndarray) -> float:
    """The smallest lambda of the grid beyond which the estimate of the noise rate stays where it is."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    count = (p[:, None] > grid).sum(axis=0)
    rate, error = (top / (len(p) * (1 - grid)) for top in (count, np.sqrt(count)))
    steady = [(abs(rate[k] - rate[k + 1 :]) <= 2 * error[k + 1 :]).all() for k in range(len(grid))]
    answer = grid[steady.index(True)]
    ### END SOLUTION
    return answer


# %% tags=["grading"]
def _drawn(right, wrong, spread, seed):
    """p-values of right pairs, which crowd near 0, and of wrong ones, which are spread evenly."""
    generator = np.random.default_rng(seed)
    return np.concatenate([generator.beta(0.3, spread, right), generator.random(wrong)])


grid = np.linspace(0.05, 0.95, 19).round(2)
cases = [{"p": _drawn(right, wrong, spread, seed), "grid": grid}
         for right, wrong, spread, seed in ((4000, 1000, 3, 0), (3000, 600, 1.5, 1), (2000, 2000, 6, 2), (1000, 0, 2, 3))]  # fmt: skip
first_step = "Compute the estimate for every value of the grid, and its standard error; then compare one with all behind it."
why = """Too small a lambda calls right pairs wrong, too large a one counts too few pairs to say anything. Where the
estimate no longer changes, only mismatched pairs are left beyond it: the histogram is flat there."""


def largest_of_the_grid(p, grid):
    """this is the largest value. Beyond it hardly a right pair is left, but hardly any other pair either: what is the
    standard error of an estimate from so few?"""
    return grid[-1]


def next_value_only(p, grid):
    """this compares an estimate with the next one only. Neighbours differ by little even where the curve still falls: it
    must be steady for *every* larger value."""
    count = (p[:, None] > grid).sum(axis=0)
    rate, error = (top / (len(p) * (1 - grid)) for top in (count, np.sqrt(count)))
    steady = abs(np.diff(rate)) <= 2 * error[1:]
    return grid[int(steady.argmax())] if steady.any() else grid[-1]


def without_the_share_beyond(p, grid):
    """this takes the share of pairs beyond lambda for the estimate. Of the wrong pairs only 1 - lambda lie there, so the
    number must be divided by that, or it falls for ever."""
    count = (p[:, None] > grid).sum(axis=0)
    rate, error = count / len(p), np.sqrt(count) / len(p)
    steady = [(abs(rate[k] - rate[k + 1 :]) <= 2 * error[k + 1 :]).all() for k in range(len(grid))]
    return grid[steady.index(True)]


# %%
checks.smallest_lambda(smallest_lambda)

# %%
smallest_lambda = use(smallest_lambda, fallback=checks.smallest_lambda.solution, check=checks.smallest_lambda)
for wrong in (0, 200, 800):
    p = np.concatenate([np.random.default_rng(wrong).beta(0.3, 3, 2000), np.random.default_rng(7).random(wrong)])
    chosen = smallest_lambda(p, np.linspace(0.05, 0.95, 19).round(2))
    print(f"{wrong:3} of {len(p)} wrong: lambda {chosen:.2f}, estimated {(p > chosen).mean() / (1 - chosen):.3f}, truly {wrong / len(p):.3f}")

# %% [markdown]
# ## 07.5 · A signal of your own
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


# %% tags=["grading"]
from sklearn.metrics import average_precision_score

BAR = 0.9
RECORDS = [drawn_record(seed) for seed in (1, 2, 3)]
cases = [{"loss": loss} for loss, _ in RECORDS]
first_step = "Draw the curves of five true and five mismatched pairs of the set-up cell: where do they differ?"
why = f"""Average precision is {BAR} or more on all three records: your signal sees through leaps and late
memorisation. Try it now on a real ledger, where nobody tells you the answer."""


def measure(score, loss):
    """Average precision of the scores on a record, cut off at the bar: whoever reaches it is right."""
    mismatched = next(truth for record, truth in RECORDS if record is loss)
    score = np.asarray(score, dtype=float)
    if score.shape != mismatched.shape or not np.isfinite(score).all():
        raise ValueError(f"the scores have shape {score.shape}; one finite number a pair is needed, {mismatched.shape}")
    return min(BAR, float(average_precision_score(mismatched, score)))


def mean_loss(loss):
    """the mean loss reaches little more than half. Look at some curves: now and then a loss leaps for one epoch, and
    the mean believes one leap of 100 more than eleven quiet epochs. What does not?"""
    return loss.mean(axis=0)


def last_loss(loss):
    """by the last epoch the mismatched pairs are memorised, and their losses are as small as those of hard true pairs.
    The end alone forgets what the middle knew."""
    return loss[-1]


def largest_loss(loss):
    """the largest loss of a pair is that of a leap, which any pair may meet, or of the first epoch, when nothing was
    learned yet. Neither tells mismatched from true."""
    return loss.max(axis=0)


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
