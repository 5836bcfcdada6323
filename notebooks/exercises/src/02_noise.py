# %% [markdown]
# # Exercises 02 · What does "40 % noise" mean?
#
# These belong to the [lesson](../02_noise.ipynb). Write your answer where the stub says so, run the check below it, and
# read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rrsitr_lib.data.noise import inject, shuffle
from rrsitr_lib.scenes.world import draw_scenes
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

drawn = draw_scenes(120, seed=3, size=16)
image_of_row = np.repeat(np.arange(120), 5)

# %% [markdown]
# ## 02.1 · The realised rate
#
# *warm-up · 10 minutes*
#
# `image_of_row` says which image every row shows, `captions` which caption it had at first, and `caption_index` the
# row whose caption it gets. Return the share of rows whose new caption is none of their image's own captions.

# %%
def realised_rate(image_of_row: list, captions: list, caption_index: list) -> float:
    """Share of truly mismatched rows, in [0, 1]."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    own = {}
    for image, caption in zip(image_of_row, captions, strict=True):
        own.setdefault(image, set()).add(caption)
    wrong = [captions[source] not in own[image] for image, source in zip(image_of_row, caption_index, strict=True)]
    answer = sum(wrong) / len(wrong)
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"image_of_row": [0, 0, 1, 1], "captions": list("abcd"), "caption_index": [0, 1, 2, 3]},
    {"image_of_row": [0, 0, 1, 1], "captions": list("abcd"), "caption_index": [1, 0, 2, 3]},
    {"image_of_row": [0, 0, 1, 1], "captions": list("abcd"), "caption_index": [2, 1, 0, 3]},
    {"image_of_row": [0, 0, 1, 1], "captions": list("abca"), "caption_index": [3, 2, 1, 0]},
    {"image_of_row": [0, 1, 0, 2, 1], "captions": list("lmnlo"), "caption_index": [3, 2, 4, 0, 1]},
    {"image_of_row": [0, 1, 2], "captions": list("ppp"), "caption_index": [1, 2, 0]},
]
first_step = "Begin with the truth: collect, for every image, all captions that it has in the clean table."
why = "A row is mismatched when its caption is none of its image's own; moving a caption is not enough."


def by_moved_rows(image_of_row, captions, caption_index):
    """this counts the rows that got another row's caption. Some of these captions come from a row of the very same
    image, and then they are as true as before."""
    return np.mean([row != source for row, source in enumerate(caption_index)])


def by_image_only(image_of_row, captions, caption_index):
    """this counts the captions that come from another image. Collections repeat captions: what if the caption from
    elsewhere reads exactly like one of the image's own?"""
    return np.mean([image_of_row[row] != image_of_row[source] for row, source in enumerate(caption_index)])


def by_own_row(image_of_row, captions, caption_index):
    """this compares with the caption that stood in the same row. The image has further captions, in other rows, and
    each of them describes it too."""
    return np.mean([captions[row] != captions[source] for row, source in enumerate(caption_index)])


# %%
checks.realised_rate(realised_rate)

# %%
realised_rate = use(realised_rate, fallback=checks.realised_rate.solution, check=checks.realised_rate)
for rate in (0.2, 0.4, 0.6, 0.8):
    index = shuffle(len(image_of_row), rate)
    print(f"nominal {rate:.0%}, realised {realised_rate(image_of_row, drawn.captions, index):.2%}")

# %% [markdown]
# ## 02.2 · Images without a good caption
#
# *core · 10 minutes*
#
# `mismatched` marks the wrong rows, `image_of_row` says which image every row shows. How many images have no good
# caption left? Images may have any number of rows, and these need not be neighbours.

# %%
def images_without_a_good_caption(mismatched: np.ndarray, image_of_row: np.ndarray) -> int:
    """Number of images all of whose rows are mismatched."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    good = np.bincount(image_of_row, weights=~mismatched)
    answer = int((good == 0).sum())
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"mismatched": np.array([True] * 5 + [False] * 5), "image_of_row": np.repeat([0, 1], 5)},
    {"mismatched": np.array([True] * 4 + [False] + [True] * 5), "image_of_row": np.repeat([0, 1], 5)},
    {"mismatched": np.array([True, False] * 5), "image_of_row": np.repeat([0, 1], 5)},
    {"mismatched": np.zeros(6, dtype=bool), "image_of_row": np.array([0, 1, 2, 0, 1, 2])},
    {"mismatched": np.ones(3, dtype=bool), "image_of_row": np.array([0, 1, 2])},
    {"mismatched": np.array([True, True, False, True]), "image_of_row": np.array([0, 1, 0, 2])},
]
first_step = "For a single image: when is nothing good left? Count its good rows, then do so for all images."
why = """At 40 % a caption-wise protocol takes every caption from about one image in a hundred, an image-wise one from
forty: equal rates, different problems."""


def with_a_bad_one(mismatched, image_of_row):
    """these are the images that have lost at least one caption. One good caption is enough for a model to learn from:
    which images have none?"""
    return (np.bincount(image_of_row, weights=mismatched) > 0).sum()


def with_a_good_one(mismatched, image_of_row):
    """these are the others, the images that keep at least one good caption."""
    return (np.bincount(image_of_row, weights=~mismatched) > 0).sum()


def by_formula(mismatched, image_of_row):
    """this is the mean over all injections of five captions an image, not the count in this one. It also forgets that
    images may have another number of captions."""
    return (max(image_of_row) + 1) * np.mean(mismatched) ** 5


# %%
checks.images_without_a_good_caption(images_without_a_good_caption)

# %%
images_without_a_good_caption = use(
    images_without_a_good_caption,
    fallback=checks.images_without_a_good_caption.solution,
    check=checks.images_without_a_good_caption,
)
rates = np.linspace(0, 1, 11)
plt.figure(figsize=(6, 2.6))
for protocol, dash in (("shuffle", "o-"), ("image", "s--")):
    noises = [inject(drawn.rows_image_ids, rate, protocol, 42, drawn.captions) for rate in rates]
    plt.plot(rates, [images_without_a_good_caption(one.mismatched, image_of_row) for one in noises], dash, label=protocol)
plt.xlabel("nominal rate (share of rows)"), plt.ylabel("images without"), plt.legend()
plt.show()

# %% [markdown]
# ## 02.3 · The second draw
#
# *stretch · 15 minutes*
#
# The authors make the splits of several rates with one `np.random.RandomState(seed)` that runs on. For each rate it
# draws `int(rows * rate)` different rows with `choice`, copies their captions and shuffles these with `shuffle`. Return
# the rows, sorted, that are drawn for the rate `second` when the split of `first` was made before it.

# %%
def second_draw(rows: int, first: float, second: float, seed: int) -> np.ndarray:
    """Rows drawn for the second rate, sorted."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    generator = np.random.RandomState(seed)
    for rate in (first, second):
        drawn_rows = generator.choice(rows, int(rows * rate), replace=False)
        generator.shuffle(drawn_rows.copy())
    answer = np.sort(drawn_rows)
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"rows": 10, "first": 0.2, "second": 0.4, "seed": 42},
    {"rows": 50, "first": 0.2, "second": 0.4, "seed": 42},
    {"rows": 50, "first": 0.2, "second": 0.4, "seed": 7},
    {"rows": 33, "first": 0.5, "second": 0.1, "seed": 3},
    {"rows": 12, "first": 0.2, "second": 1.0, "seed": 0},
]
first_step = "Make one legacy generator, and let it do everything that the first rate needs, in its order."
why = """The split of the second rate depends on the first having been made: whoever makes only the 40 % split with a
fresh generator trains on other pairs, under the same name."""


def from_a_fresh_generator(rows, first, second, seed):
    """these rows come from a generator that has drawn nothing before. The authors' generator has already produced the
    split of the first rate, and is not seeded again."""
    return np.sort(np.random.RandomState(seed).choice(rows, int(rows * second), replace=False))


def without_shuffling(rows, first, second, seed):
    """nearly: the generator ran on from the first draw of rows, but between the two draws it had something else to do.
    What happens to the captions of the drawn rows?"""
    generator = np.random.RandomState(seed)
    generator.choice(rows, int(rows * first), replace=False)
    return np.sort(generator.choice(rows, int(rows * second), replace=False))


def from_a_modern_generator(rows, first, second, seed):
    """right in order, but another generator: the protocol uses NumPy's legacy one, whose numbers differ from those of
    default_rng for the same seed."""
    generator = np.random.default_rng(seed)
    generator.shuffle(generator.choice(rows, int(rows * first), replace=False))
    return np.sort(generator.choice(rows, int(rows * second), replace=False))


# %%
checks.second_draw(second_draw)

# %%
second_draw = use(second_draw, fallback=checks.second_draw.solution, check=checks.second_draw)
running = second_draw(600, 0.2, 0.4, 42)
fresh = np.random.RandomState(42).choice(600, 240, replace=False)
print(f"{len(running)} rows drawn, {len(np.intersect1d(running, fresh))} of them also by a fresh generator")
