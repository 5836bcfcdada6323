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
image = topic + 0.3 * generator.normal(size=(60, 8)) + [2, 0, 0, 0, 0, 0, 0, 0]
caption = topic + 0.3 * generator.normal(size=(60, 8)) - [2, 0, 0, 0, 0, 0, 0, 0]

# %% [markdown]
# ## 08.1 · The modality gap
#
# *warm-up · 8 minutes*
#
# Measure the gap between two modalities: the distance between the mean image and the mean caption. `image` and `text`
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


# %% tags=["grading"]
def _unit(features):
    return features / np.linalg.norm(features, axis=-1, keepdims=True)


_around = np.random.default_rng(8).normal(size=(6, 4))
_captions = 5 * np.random.default_rng(18).normal(size=(6, 4)) + [0, 9, 0, 0]
cases = [
    {"image": _around + [3, 0, 0, 0], "text": _captions},  # two cones, of other lengths
    {"image": np.array([[2.0, 0.0]]), "text": np.array([[0.0, 0.5]])},  # a single pair
    {"image": _around, "text": 3 * _around[::-1]},  # two clouds that lie on each other
]
first_step = "Bring every feature to length one, then find the centre of each cloud. What lies between them?"
why = """Two clouds can lie on each other though no pair does, and far apart though every caption finds its image."""


def mean_distance_of_pairs(image, text):
    """this is the mean distance of the pairs. It is large wherever pairs are scattered, even if both clouds lie on each
    other, as in the last case. The gap asks for the distance of the two centres."""
    return np.linalg.norm(_unit(image) - _unit(text), axis=1).mean()


def features_of_any_length(image, text):
    """these features are as long as the encoder made them. A cosine does not see lengths, so the gap must not see them
    either: which step comes before the means?"""
    return np.linalg.norm(image.mean(axis=0) - text.mean(axis=0))


def means_of_length_one(image, text):
    """here the two means were brought to length one, not the features. The length of a mean of unit vectors says how
    narrow the cone is, and this is lost."""
    return np.linalg.norm(_unit(image.mean(axis=0)) - _unit(text.mean(axis=0)))


# %%
checks.modality_gap(modality_gap)

# %%
modality_gap = use(modality_gap, fallback=checks.modality_gap.solution, check=checks.modality_gap)
for step in (0, 1, 2, 4):
    apart = np.eye(8)[0] * (step - 2)
    print(f"clouds moved to {2 * step} apart: gap {modality_gap(image + apart, caption - apart):.2f}")

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


# %% tags=["grading"]
cases = [
    {"points": np.random.default_rng(9).normal(size=(8, 3)) * [0.5, 3.0, 1.0] + [20, 1, -4]},
    {"points": np.array([[0.0, 0.0], [4.0, 3.0], [8.0, 6.0]])},
]
first_step = "Which point must lie at the origin before you ask numpy.linalg.svd for directions?"
why = "Centre, decompose, project: this is all of PCA. The sign of an axis has no meaning."


def _along(points, number=0):
    return points @ np.linalg.svd(points, full_matrices=False)[2][number]


def without_centring(points):
    """without the centre taken away, the first direction points from the origin to the cloud. It says where the cloud
    is, not how it is stretched."""
    return np.abs(_along(points))


def centred_by_one_number(points):
    """you took one number away from all coordinates, the mean of the whole table. Every coordinate has a mean of its
    own: along which axis of the table must it be taken?"""
    return np.abs(_along(points - points.mean()))


def last_direction(points):
    """this is the direction in which the points vary least. In what order does the decomposition sort them?"""
    return np.abs(_along(points - points.mean(axis=0), -1))


def of_length_one(points):
    """the right pattern in the wrong size: the left singular vectors have length one. How far the points lie along the
    axis is in the singular value, or in the product of points and direction."""
    return np.abs(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[0][:, 0])


def with_a_sign(points):
    """right up to the sign, which the decomposition chose: an axis may point either way. So that the answer does not
    depend on it, the task asks for absolute values."""
    return _along(points - points.mean(axis=0))


# %%
checks.first_axis(first_axis)

# %%
first_axis = use(first_axis, fallback=checks.first_axis.solution, check=checks.first_axis)
plt.figure(figsize=(6, 2.4))
plt.hist(first_axis(np.concatenate([image, caption])), 20, alpha=0.6, label="both modalities together")
plt.hist(first_axis(image), 20, histtype="step", hatch="///", color="black", label="images alone")
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


# %% tags=["grading"]
cases = [
    {"loss": 2.5, "batch_size": 100, "scale": 20.0},
    {"loss": 9.0, "batch_size": 100, "scale": 20.0},
    {"loss": 2.5, "batch_size": 32, "scale": 20.0},
    {"loss": 2.5, "batch_size": 100, "scale": 100.0},
    {"loss": 2 * log(100), "batch_size": 100, "scale": 20.0},
]
first_step = "Write one cross-entropy with own cosine s and B - 1 others all at s - lead. What happens to s?"
why = """Only the lead is left, s itself is gone: a step that is added to all cosines, as the gap adds one, changes no
loss. The frozen temperature and the batch size decide how much lead is asked for."""


def in_one_entropy(loss, batch_size, scale):
    """the whole loss went into one cross-entropy. A pair has two of them here, image to caption and caption to
    image; with all others equal, both are the same."""
    return needed_lead(2 * loss, batch_size, scale)


def in_logits(loss, batch_size, scale):
    """this is the lead in logits. A logit is the temperature's scale times a cosine, and the task asks for the
    cosine."""
    return scale * needed_lead(loss, batch_size, scale)


def without_the_own_term(loss, batch_size, scale):
    """close where the loss is large. The softmax also holds the pair's own term, which you have left out of the sum; at
    chance level, the last case, the lead must come out as exactly zero."""
    return (log(batch_size - 1) - loss / 2) / scale


# %%
checks.needed_lead(needed_lead)

# %%
needed_lead = use(needed_lead, fallback=checks.needed_lead.solution, check=checks.needed_lead)
for batch_size in (32, 100, 512):
    print(f"batch {batch_size}: a global loss of 2.5 asks for a lead of {needed_lead(2.5, batch_size, 20.0):.3f}")
