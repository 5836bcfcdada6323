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
# `image_of_row` says which image every row shows, `captions` which sentence it had at first, and `caption_index` the
# row whose caption it gets. Return the share of rows whose new sentence is none of their image's own sentences.

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


# %%
checks.second_draw(second_draw)

# %%
second_draw = use(second_draw, fallback=checks.second_draw.solution, check=checks.second_draw)
running = second_draw(600, 0.2, 0.4, 42)
fresh = np.random.RandomState(42).choice(600, 240, replace=False)
print(f"{len(running)} rows drawn, {len(np.intersect1d(running, fresh))} of them also by a fresh generator")
