# %% [markdown]
# # Exercises 01 · How do we retrieve, and what does recall count?
#
# These belong to the [lesson](../01_retrieval.ipynb). Write your answer where the stub says so, run the check below it,
# and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

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


# %%
checks.hit_of_question(hit_of_question)

# %%
hit_of_question = use(hit_of_question, fallback=checks.hit_of_question.solution, check=checks.hit_of_question)
table, of = np.random.default_rng(1).random((15, 3)).round(1), np.repeat(np.arange(3), 5)
for k in (1, 5, 10):
    hits = [hit_of_question(table[:, image].tolist(), np.flatnonzero(of == image).tolist(), k) for image in range(3)]
    print(f"R@{k} of three pictures: {100 * np.mean(hits):.1f}, by the library {recall(table, of)[f'i2t_R@{k}']:.1f}")

# %% [markdown]
# ## 01.2 · The chance of a hit
#
# *core · 15 minutes*
#
# A picture asks among `captions` captions, `own` of which are its own. Their order is random. How likely is it that at
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


# %%
checks.chance_of_hit(chance_of_hit)

# %%
chance_of_hit = use(chance_of_hit, fallback=checks.chance_of_hit.solution, check=checks.chance_of_hit)
sizes = np.array([20, 50, 100, 200, 452, 1093])
plt.figure(figsize=(6, 2.6))
for k, style in ((1, "o-"), (5, "s--"), (10, "D:")):
    plt.plot(sizes, [100 * chance_of_hit(5 * int(images), 5, k) for images in sizes], style, ms=4, label=f"K = {k}")
plt.xscale("log"), plt.xlabel("pictures, five captions each"), plt.ylabel("R@K by chance (%)"), plt.legend()
plt.show()

# %% [markdown]
# Small test sets make every method look good: read a recall together with the size of its set.

# %% [markdown]
# ## 01.3 · A norm without padding
#
# *stretch · 20 minutes*
#
# The local similarity of one caption and one picture, from two Gram matrices. `text` has shape (words, width), `image`
# (patches, width). Tokens are not normalised yet: the table is to hold cosines. Only the first `length` rows of `text`
# are the sentence, the rest is padding, which in the paper takes part. Leave it out. Do not build the table of words
# and patches. Return a tensor with one number.


# %%
def norm_without_padding(text: torch.Tensor, image: torch.Tensor, length: int) -> torch.Tensor:
    """Frobenius norm of the table of token cosines, shape ()."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    words = torch.nn.functional.normalize(text[:length], dim=-1)
    patches = torch.nn.functional.normalize(image, dim=-1)
    answer = ((words.T @ words) * (patches.T @ patches)).sum().sqrt()
    ### END SOLUTION
    return answer


# %%
checks.norm_without_padding(norm_without_padding)

# %%
norm_without_padding = use(
    norm_without_padding, fallback=checks.norm_without_padding.solution, check=checks.norm_without_padding
)
generator = torch.Generator().manual_seed(0)
patches = torch.randn(16, 32, generator=generator) + 1.0
sentence = torch.randn(24, 32, generator=generator) + 0.3
for length in (6, 12, 24):
    print(f"{length:2} words, the rest is padding: norm {norm_without_padding(sentence, patches, length):.2f}")
