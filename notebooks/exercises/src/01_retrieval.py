# %% [markdown]
# # Exercises 01 · How do we retrieve, and what does recall count?
#
# These belong to the [lesson](../01_retrieval.ipynb). Write your answer where the stub says so, run the check below it,
# and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rrsitr_lib.evaluation import recall
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

# %% [markdown]
# ## 01.1 · The hit of one question
#
# *warm-up · 10 minutes*
#
# One question, one score for every possible answer. `right` holds the numbers of the right answers, one or several. Is
# the question a hit at `k`? It is, if any right answer stands among the first `k`. A wrong answer that scores as high as
# a right one stands before it; right answers never stand in each other's way. Return 1 or 0.


# %%
def hit_of_question(scores: list[float], right: list[int], k: int) -> int:
    """1 for a hit, 0 for none."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    best = max(scores[number] for number in right)
    wrong_before = [score for number, score in enumerate(scores) if number not in right and score >= best]
    answer = int(len(wrong_before) < k)
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"scores": [0.9, 0.2, 0.5], "right": [0], "k": 1},
    {"scores": [0.5, 0.9, 0.2], "right": [0], "k": 1},
    {"scores": [0.5, 0.9, 0.2], "right": [0], "k": 2},
    {"scores": [0.7, 0.7, 0.1], "right": [0], "k": 1},
    {"scores": [0.7, 0.7, 0.1], "right": [1], "k": 1},
    {"scores": [0.0, 0.0, 0.0, 0.0], "right": [0], "k": 3},
    {"scores": [0.1, 0.8, 0.3, 0.9, 0.7], "right": [1, 3], "k": 1},
    {"scores": [0.9, 0.8, 0.8, 0.1, 0.2], "right": [1, 2, 3], "k": 2},
    {"scores": [0.4, 0.6], "right": [0], "k": 5},
]
first_step = "How good is the best of the right answers? Then: how many wrong answers stand before it?"
why = "Ties count against us, and one right answer is enough. Recall at K is their mean over all questions."


def ties_for_us(scores, right, k):
    """a wrong answer with exactly the same score may be shown first, and here it counts as if it were. With your rule
    a model that gives every pair the same score would find everything."""
    best = max(scores[number] for number in right)
    return int(sum(score > best for number, score in enumerate(scores) if number not in right) < k)


def own_in_the_way(scores, right, k):
    """you count every answer that scores as high, the right ones too. With several right answers of equal score they
    stand in each other's way. Which answers can take the place from a right one?"""
    best = max(scores[number] for number in right)
    return int(sum(score >= best for score in scores) <= k)


def all_of_them(scores, right, k):
    """one right answer among the first K is enough; you ask for all of them. An image with five captions could then
    never be a hit at K = 1."""
    return int(all(hit_of_question(scores, [number], k) for number in right))


def by_list_order(scores, right, k):
    """sorting breaks ties by the order of the list, so the result depends on which answer was written down first. A
    tie with a wrong answer must count against us wherever it stands."""
    return int(bool({*np.argsort(-np.asarray(scores), kind="stable")[:k].tolist()} & {*right}))


# %%
checks.hit_of_question(hit_of_question)

# %%
hit_of_question = use(hit_of_question, fallback=checks.hit_of_question.solution, check=checks.hit_of_question)
table, of = np.random.default_rng(1).random((15, 3)).round(1), np.repeat(np.arange(3), 5)
for k in (1, 5, 10):
    hits = [hit_of_question(table[:, image].tolist(), np.flatnonzero(of == image).tolist(), k) for image in range(3)]
    print(f"R@{k} of three images: {100 * np.mean(hits):.1f}, by the library {recall(table, of)[f'i2t_R@{k}']:.1f}")

# %% [markdown]
# ## 01.2 · The chance of a hit
#
# *core · 15 minutes*
#
# An image asks among `captions` captions, `own` of which are its own. Their order is random. How likely is it that at
# least one of its own is among the first `k`? Return a share between 0 and 1. Mind that an answer stands at one place
# only, and that `k` may exceed the number of captions.


# %%
def chance_of_hit(captions: int, own: int, k: int) -> float:
    """Chance in [0, 1]."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    miss = 1.0
    for place in range(min(k, captions)):
        miss *= max(captions - own - place, 0) / (captions - place)
    answer = 1 - miss
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"captions": 5, "own": 1, "k": 1},
    {"captions": 2260, "own": 5, "k": 1},
    {"captions": 2260, "own": 5, "k": 10},
    {"captions": 20, "own": 5, "k": 10},
    {"captions": 10, "own": 5, "k": 6},
    {"captions": 10, "own": 5, "k": 20},
    {"captions": 10, "own": 0, "k": 3},
]
tolerance = 1e-6
first_step = "Compute the chance that none of the first K is right: place by place, how many wrong are left?"
why = """One minus the chance to miss K times in a row, without replacement. For RSITMD's 2,260 captions R@10 by
chance is 2.2 %, twice as much as the 1.18 of its mean recall."""


def of_one_caption(captions, own, k):
    """this is the chance of one certain caption. The image is content with any of its own."""
    return min(k, captions) / captions


def added_up(captions, own, k):
    """you add up the chances of its captions. But two of them may be among the first K together, and such an order is
    then counted twice; for small K one hardly sees it. Think of the misses instead."""
    return min(1.0, own * k / captions)


def with_replacement(captions, own, k):
    """this draws with replacement, as if an answer could stand at two places of the list. After a wrong answer there
    is one wrong answer less to draw."""
    return 1 - (1 - own / captions) ** k


# %%
checks.chance_of_hit(chance_of_hit)

# %%
chance_of_hit = use(chance_of_hit, fallback=checks.chance_of_hit.solution, check=checks.chance_of_hit)
sizes = np.array([20, 50, 100, 200, 452, 1093])
plt.figure(figsize=(6, 2.6))
for k, style in ((1, "o-"), (5, "s--"), (10, "D:")):
    plt.plot(sizes, [100 * chance_of_hit(5 * int(images), 5, k) for images in sizes], style, ms=4, label=f"K = {k}")
plt.xscale("log"), plt.xlabel("images, five captions each"), plt.ylabel("R@K by chance (%)"), plt.legend()
plt.show()

# %% [markdown]
# Small test sets make every method look good: read a recall together with the size of its set.
