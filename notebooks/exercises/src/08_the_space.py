# %% [markdown]
# # Exercises 08 · What does the space look like?
#
# These belong to the [lesson](../08_the_space.ipynb). Write your answer where the stub says so, run the check below it,
# and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np
from math import exp, log

from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

generator = np.random.default_rng(3)
topic = generator.normal(size=(60, 8))  # what a pair is about
picture = topic + 0.3 * generator.normal(size=(60, 8)) + [2, 0, 0, 0, 0, 0, 0, 0]
caption = topic + 0.3 * generator.normal(size=(60, 8)) - [2, 0, 0, 0, 0, 0, 0, 0]

# %% [markdown]
# ## 08.1 · The modality gap
#
# *warm-up · 8 minutes*
#
# Measure the gap between two modalities: the distance between the mean picture and the mean caption. `image` and `text`
# are tables of features, one a row, as they come from an encoder: their lengths differ, and a cosine does not care.


# %%
def modality_gap(image: np.ndarray, text: np.ndarray) -> float:
    """Distance of the two means of normalised features, (n, D) and (n, D) -> scalar."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    image = image / np.linalg.norm(image, axis=1, keepdims=True)
    text = text / np.linalg.norm(text, axis=1, keepdims=True)
    answer = np.linalg.norm(image.mean(axis=0) - text.mean(axis=0))
    ### END SOLUTION
    return answer


# %%
checks.modality_gap(modality_gap)

# %%
modality_gap = use(modality_gap, fallback=checks.modality_gap.solution, check=checks.modality_gap)
for step in (0, 1, 2, 4):
    apart = np.eye(8)[0] * (step - 2)
    print(f"clouds moved to {2 * step} apart: gap {modality_gap(picture + apart, caption - apart):.2f}")

# %% [markdown]
# ## 08.2 · The first axis of a map
#
# *core · 15 minutes*
#
# Find the direction in which the points vary most, and where each point lies along it, measured from their centre.
# `points` has a point a row. As the direction may point either way, return absolute values.


# %%
def first_axis(points: np.ndarray) -> np.ndarray:
    """Absolute places along the first principal axis, (n, D) -> (n,)."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    centred = points - points.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    answer = np.abs(centred @ directions[0])
    ### END SOLUTION
    return answer


# %%
checks.first_axis(first_axis)

# %%
first_axis = use(first_axis, fallback=checks.first_axis.solution, check=checks.first_axis)
plt.figure(figsize=(6, 2.4))
plt.hist(first_axis(np.concatenate([picture, caption])), 20, alpha=0.6, label="both modalities together")
plt.hist(first_axis(picture), 20, histtype="step", hatch="///", color="#d55e00", label="pictures alone")
plt.xlabel("distance from the centre along the first axis"), plt.ylabel("points"), plt.legend()
plt.show()

# %% [markdown]
# With both modalities together the first axis runs along the gap, and few points are near the centre. What would you see if
# the gap were removed?
#
# ## 08.3 · The lead that a pair needs
#
# *stretch · 20 minutes*
#
# The global loss of a pair is two cross-entropies over a batch, at the frozen temperature: a logit is `scale` times a
# cosine, and the paper's scale is about 20. Suppose that all wrong cosines in the pair's row and column are equal. By how
# much must the pair's own cosine lie above them, so that its global loss is exactly `loss`? Return this lead, a cosine.
# Then look at your formula: where has the own cosine gone, and what does the loss know of the gap?


# %%
def needed_lead(loss: float, batch_size: int, scale: float) -> float:
    """Own cosine less the wrong ones, for a global loss (two cross-entropies) of `loss`."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    # loss / 2 = log(1 + (batch_size - 1) exp(-scale lead))
    answer = (log(batch_size - 1) - log(exp(loss / 2) - 1)) / scale
    ### END SOLUTION
    return answer


# %%
checks.needed_lead(needed_lead)

# %%
needed_lead = use(needed_lead, fallback=checks.needed_lead.solution, check=checks.needed_lead)
for batch_size in (32, 100, 512):
    print(f"batch {batch_size}: a global loss of 2.5 asks for a lead of {needed_lead(2.5, batch_size, 20.0):.3f}")
