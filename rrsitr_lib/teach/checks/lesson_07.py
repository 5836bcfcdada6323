"""Checks of lesson 07: precision, ranks with ties, thresholds and batch size, a signal of one's own."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from rrsitr_lib.teach.exercise import Answer, Exercise, Wrong

LESSON = "07_real_pairs"
BAR = 0.9


def drawn_record(seed: int, epochs: int = 12, pairs: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """A record as of plain training, drawn: loss (epochs, pairs) and which pairs are mismatched, (pairs,) bool.

    True pairs are learned, the hard ones slowly; mismatched pairs stay near chance level and are memorised at last.
    Now and then a pair meets a batch full of look-alikes, and its loss leaps for this one epoch.
    """
    generator, epoch = np.random.default_rng(seed), np.arange(epochs)[:, None]
    mismatched = generator.random(pairs) < 0.25
    slow, quick = generator.uniform(0.12, 0.2, pairs), generator.uniform(0.3, 0.9, pairs)
    pace = np.where(generator.random(pairs) < 0.3, slow, quick)
    learned = 19 * np.exp(-pace * epoch)
    memorised = 19 / (1 + np.exp(2.5 * (epoch - epochs + generator.uniform(1.5, 3, pairs))))
    loss = np.where(mismatched, memorised, learned) + generator.normal(0, 1.2, (epochs, pairs))
    leaps = (generator.random((epochs, pairs)) < 0.08) * generator.uniform(40, 160, (epochs, pairs))
    return np.clip(loss, 0.05, None) + leaps, mismatched


RECORDS = [drawn_record(seed) for seed in (1, 2, 3)]
TRUTH = {loss.tobytes(): mismatched for loss, mismatched in RECORDS}


def average_precision(answer: Answer, loss: np.ndarray) -> Any:
    """Average precision of an answer's scores against the truth of a drawn record, cut off at the bar.

    None stays None; scores that are not one finite number a pair raise ``ValueError``.
    """
    mismatched = TRUTH[loss.tobytes()]
    score = answer(loss=loss)
    if score is None or score is ...:
        return score
    score = np.asarray(score, dtype=float)
    if score.shape != mismatched.shape or not np.isfinite(score).all():
        raise ValueError(f"the scores have shape {score.shape}; one finite number a pair is needed, {mismatched.shape}")
    return min(BAR, float(average_precision_score(mismatched, score)))


@dataclass(frozen=True)
class DesignExercise(Exercise):
    """An open exercise: any answer is right whose scores reach the bar on every record."""

    def judge(self, mine: Answer) -> tuple[bool, str]:
        """As ``Exercise.judge``, of the average precision that the scores reach."""
        return super().judge(partial(average_precision, mine))

    def _outcomes(self, answer: Answer) -> list[Any]:
        return super()._outcomes(partial(average_precision, answer))


def _precision(score: np.ndarray, mismatched: np.ndarray, k: int) -> float:
    return float(mismatched[np.argsort(-score)[:k]].mean())


def _agreement(signals: np.ndarray) -> np.ndarray:
    return np.mean([(rankdata(row) - 1) / (len(row) - 1) for row in signals], axis=0)


def _noisy_share(loss: np.ndarray, batch_size: int) -> np.ndarray:
    return (loss >= 18 * np.log(batch_size) / np.log(100)).mean(axis=0)


def _mean_rank_over_epochs(loss: np.ndarray) -> np.ndarray:
    return np.mean([rankdata(row) for row in loss], axis=0)


def _places(signals: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(signals, axis=1, kind="stable"), axis=1, kind="stable")


EXERCISES = (
    Exercise(
        name="precision_at_k", lesson=LESSON, difficulty="warm-up", minutes=5,
        cases=(
            {"score": np.array([0.9, 0.1, 0.7, 0.4]), "mismatched": np.array([True, False, False, True]), "k": 1},
            {"score": np.array([2.0, 8.0, 6.0, 9.0, 4.0]), "mismatched": np.array([0, 1, 1, 0, 0], bool), "k": 3},
            {"score": np.array([3.0, 12.0, 7.5, 30.0]), "mismatched": np.array([True, False, True, True]), "k": 4},
            {"score": np.array([0.3, 0.2, 0.1]), "mismatched": np.array([False, False, False]), "k": 2},
        ),
        solution=_precision,
        wrong=(
            Wrong(lambda score, mismatched, k: mismatched[np.argsort(score)[:k]].mean(),
                  "these are the k pairs with the lowest scores. A high score is a suspicion, and the pairs that one "
                  "would look at first are those with the highest."),
            Wrong(lambda score, mismatched, k: mismatched[np.argsort(-score)[:k]].sum() / max(1, mismatched.sum()),
                  "this divides by the number of mismatched pairs, which is recall: how many of the bad ones were "
                  "found. Precision asks how many of those you looked at are bad. Which number is that?"),
            Wrong(lambda score, mismatched, k: mismatched[np.argsort(-score)[:k]].sum() / len(score),
                  "this divides by the number of all pairs. You looked at k of them only."),
        ),
        first_step="Sort the pairs by score, keep the k most suspect, and count the mismatched among them.",
        why="Precision at k is what an hour of looking is worth: with k pairs looked at, this share was not in vain.",
    ),
    Exercise(
        name="agreement_of_signals", lesson=LESSON, difficulty="core", minutes=10,
        cases=(
            {"signals": np.array([[1.0, 5.0, 3.0], [0.2, 0.1, 0.9]])},
            {"signals": np.array([[4.0, 4.0, 1.0, 9.0], [100.0, 300.0, 200.0, 200.0]])},
            {"signals": np.array([[2.0, 2.0, 2.0], [7.0, 8.0, 9.0]])},
            {"signals": np.array([[-0.5, -0.9, -0.1, -0.9, -0.9]])},
        ),
        solution=_agreement,
        wrong=(
            Wrong(lambda signals: _places(signals).mean(axis=0) / (signals.shape[1] - 1),
                  "equal values get different ranks here, by their order in the file. Two pairs that a signal cannot "
                  "tell apart must have the same rank: what would be fair to both?"),
            Wrong(lambda signals: signals.mean(axis=0),
                  "this averages the signals themselves. One counts in losses up to 80, another in cosines below 1: "
                  "the one with the large numbers decides alone. What do all signals have in common?"),
            Wrong(lambda signals: np.mean([(rankdata(row, "min") - 1) / (len(row) - 1) for row in signals], axis=0),
                  "equal values all get the lowest of their ranks. A signal that is the same for all pairs would then "
                  "call nobody suspect at all; it should say one half, that is, nothing."),
            Wrong(lambda signals: np.mean([rankdata(row) / len(row) for row in signals], axis=0),
                  "these ranks run from 1/N to 1. The least suspect pair should stand at 0, so that ranks of large "
                  "and small data sets mean the same."),
        ),
        first_step="For one signal and one pair: count the others below, add half of the others that are equal.",
        why="Ranks have no unit, so signals of any scale can be averaged; ties share, so that no signal claims to know "
        "what it does not.",
    ),
    Exercise(
        name="noisy_share_at", lesson=LESSON, difficulty="stretch", minutes=12,
        cases=(
            {"loss": np.array([[18.2, 17.9, 30.0], [2.0, 18.1, 25.0]]), "batch_size": 100},
            {"loss": np.array([[13.0, 14.0, 16.0, 19.0], [13.4, 13.7, 5.0, 9.0], [12.0, 11.0, 14.0, 19.0]]),
             "batch_size": 32},
            {"loss": np.array([[20.0, 27.5, 26.5], [17.0, 28.0, 40.0]]), "batch_size": 1000},
            {"loss": np.array([[0.5, 2.6, 2.8]]), "batch_size": 2},
        ),
        solution=_noisy_share,
        wrong=(
            Wrong(lambda loss, batch_size: (loss >= 18).mean(axis=0),
                  "18 is the threshold for batches of 100, where it lies just under chance level. With fewer rivals in "
                  "a batch every loss is smaller: think of 4 ln B. A run with small batches would find no suspect."),
            Wrong(lambda loss, batch_size: (loss >= 18 * batch_size / 100).mean(axis=0),
                  "the threshold is scaled by the batch size itself. A guess among B costs ln B, so twice as many "
                  "rivals add a constant to chance level; they do not double it."),
            Wrong(lambda loss, batch_size: (loss >= 18 * np.log(batch_size) / np.log(100)).mean(axis=1),
                  "this averages over the pairs and gives one number an epoch. Wanted is one number a pair: along "
                  "which axis do the epochs run?"),
        ),
        first_step="Write 18 as a share of the chance level 4 ln 100, then find the same share of 4 ln(batch_size).",
        why="The paper's thresholds are absolute while chance level is 4 ln B. Counted as a share of chance level, the "
        "suspects of runs with different batch sizes can be compared.",
    ),
    DesignExercise(
        name="own_signal", lesson=LESSON, difficulty="research", minutes=30,
        cases=tuple({"loss": loss} for loss, _ in RECORDS),
        solution=_mean_rank_over_epochs,
        wrong=(
            Wrong(lambda loss: loss.mean(axis=0),
                  "the mean loss reaches little more than half. Look at some curves: now and then a loss leaps for one "
                  "epoch, and the mean believes one leap of 100 more than eleven quiet epochs. What does not?"),
            Wrong(lambda loss: loss[-1],
                  "by the last epoch the mismatched pairs are memorised, and their losses are as small as those of "
                  "hard true pairs. The end alone forgets what the middle knew."),
            Wrong(lambda loss: loss.max(axis=0),
                  "the largest loss of a pair is that of a leap, which any pair may meet, or of the first epoch, when "
                  "nothing was learned yet. Neither tells mismatched from true."),
        ),
        first_step="Draw the curves of five true and five mismatched pairs of the set-up cell: where do they differ?",
        why=f"Average precision is {BAR} or more on all three records: your signal sees through leaps and late "
        "memorisation. Try it now on a real ledger, where nobody tells you the answer.",
    ),
)  # fmt: skip
