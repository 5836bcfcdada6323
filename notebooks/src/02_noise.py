# %% [markdown]
# # What does "40 % noise" mean?
#
# *About 30 minutes to work through · under a minute of computing on two CPU cores · no GPU needed · no download · 3 exercises · one widget.*
#
# **You will** exchange captions by hand as the authors do, count what comes of it, meet three other protocols, and see
# that one rate can stand for very different training sets. **You should know** what a mismatched pair is
# ([lesson 00](00_start_here.ipynb)). **In the paper**: noise injection, and the experimental settings.
#
# No collection tells which of its pairs are wrong. So papers take a collection that is believed to be clean and spoil
# it: the noise is *injected*. How this is done decides what a method has to withstand, and it is often told in one
# line, "with 40 % noise". This lesson reads that line closely. In the drawing of the method it is the pairs.

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of the drawn scenes
NOISE_RATE = 0.4  # 0, or 0.05 to 1; nominal share of rows with a wrong caption, for the drawn scenes
PROTOCOL = "shuffle"  # shuffle, derangement, image or hard; the protocol that the figure shows
NOISE_SEED = 42  # 0 to 99; seed of the noise, which is not the seed of the training
SCENES = 400  # 40 or more; drawn scenes with five captions each

# %%
from rrsitr_lib.show.method_drawing import method_drawing

method_drawing("pairs")

# %% [markdown]
# ## Ten rows
#
# Five images with two captions each, ten rows in all. A row is the unit of training: one image, one of its
# captions. Injecting noise means to leave every image where it is and to choose, for every row, the row from which
# it takes its caption. These numbers, $\pi(i)$ for row $i$ (in the paper: noise injection; in code `caption_index`), are the
# whole noise: row $i$ becomes the pair of image $x_i$ and caption $c_{\pi(i)}$. Where $\pi(i) = i$, nothing has happened.

# %%
import numpy as np
from rrsitr_lib.teach.doctor import start

start(SEED)
of_row = np.repeat(["lake_1", "lake_2", "port_1", "port_2", "port_3"], 2)
ten_captions = np.array([
    "a round lake lies in a wood", "trees stand around a lake", "two lakes near a road", "a road passes two lakes",
    "many boats lie in a port", "white boats at a long pier", "an empty port", "there are no boats in the port",
    "three ships wait in a harbour", "a harbour with three ships",
], dtype=object)  # fmt: skip
for row, (image, caption) in enumerate(zip(of_row, ten_captions, strict=True)):
    print(row, image, "|", caption)

# %% [markdown]
# ## The authors' shuffle by hand
#
# The authors seed one generator with 42. For a rate of 40 % they draw four of the ten rows, take the captions of these
# four, shuffle them among themselves, and put them back. But their script makes the split of 20 % first, and the
# generator *runs on*: what is drawn for 40 % depends on what was drawn before. The loop below does the same, so it
# begins with 20 %, only to move the generator to the right place. The library's one line is `shuffle`.

# %%
from rrsitr_lib.data.noise import shuffle

generator = np.random.RandomState(42)
for rate in (0.2, 0.4):
    drawn = generator.choice(10, int(10 * rate), replace=False)
    given = drawn.copy()
    generator.shuffle(given)
    print(f"{rate:.0%}: rows {drawn.tolist()} get the captions of rows {given.tolist()}")
by_hand = list(range(10))
for row, source in zip(drawn, given, strict=True):
    by_hand[row] = int(source)
np.testing.assert_allclose(shuffle(10, 0.4), by_hand)
print("caption_index:", by_hand)

# %% [markdown]
# Now count. Four rows were drawn, which is the *nominal* rate $\rho$ of 40 % (`noise_rate`). Are four rows mismatched? Row 0 received the
# caption of row 1, and rows 0 and 1 show the same lake: the pair is as true as before. A row is mismatched only where
# its new caption is none of its image's own. The share of such rows is the *realised* rate. The library's `inject`
# counts in the same way and hands back a `Noise`: indices, the mask of mismatched rows, and what is needed to make it
# again.

# %%
from rrsitr_lib.data.noise import inject

mismatched = []
for row, source in enumerate(by_hand):
    own = {ten_captions[other] for other in range(10) if of_row[other] == of_row[row]}
    mismatched.append(ten_captions[source] not in own)
noise = inject(of_row, 0.4, "shuffle", 42, ten_captions)
np.testing.assert_allclose(noise.mismatched, mismatched)
print(f"nominal {noise.rate:.0%}, realised {noise.realised_rate:.0%}")
print("mismatched rows:", np.flatnonzero(mismatched).tolist())

# %% [markdown]
# ## How far does the realised rate stay behind?
#
# With ten rows a quarter of the noise was lost. With many rows nearly nothing is, and the reason is worth knowing. When
# $n$ rows shuffle among themselves, one of them on average keeps its own caption, however large $n$ is. Each of the others
# meets one of the $k - 1$ sister captions of its image, among the $N - 1$ other rows, with the same small chance. So about
#
# $$1 + (n - 1) \frac{k - 1}{N - 1}$$
#
# of the drawn rows stay true: a handful, of ten rows or of ten thousand. The next cell counts over 200 seeds, for $k = 5$
# captions an image.

# %%
for rows in (10, 100, 1000):
    images, seeds, drawn_rows = np.repeat(np.arange(rows // 5), 5), range(200), int(rows * 0.4)
    stayed = [drawn_rows - inject(images, 0.4, "shuffle", seed).mismatched.sum() for seed in seeds]
    expected = 1 + (drawn_rows - 1) * 4 / (rows - 1)
    print(f"{rows:5} rows: {np.mean(stayed):.2f} stayed true, expected {expected:.2f}; ", end="")
    print(f"realised {0.4 - np.mean(stayed) / rows:.2%}")

# %% [markdown]
# For RSITMD the authors' splits come out at 39.98 %, for RSICD at 39.94 %. The second is lower because RSICD repeats
# captions: 13,791 different ones stand in 44,225 rows, and a caption from elsewhere may read like one's own.
#
# ## The generator that runs on
#
# Does the order of draws matter? The next cell makes the 40 % split twice over the drawn scenes of this lesson, once as
# the authors do and once with a generator that is seeded anew. Both are "shuffle, 40 %, seed 42". The *fingerprint* is
# a SHA-256 over the indices: equal fingerprints mean equal pairs.

# %%
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.scenes.world import draw_scenes
from rrsitr_lib.files import fingerprint

world = draw_scenes(SCENES, seed=SEED, size=32)
table = PairTable(world.rows_image_ids, world.captions, "train", "drawn scenes")
running, generator = shuffle(len(table), 0.4), np.random.RandomState(42)
drawn = generator.choice(len(table), int(0.4 * len(table)), replace=False)
fresh = np.arange(len(table))
fresh[drawn] = generator.permutation(drawn)
both = (running != np.arange(len(table))) & (fresh != np.arange(len(table)))
for name, index in (("running on", running), ("seeded anew", fresh)):
    print(f"{name:11} {fingerprint(index.astype('<i8'))[:16]}… moves {np.sum(index != np.arange(len(table)))} rows")
print(f"moved by both: {both.sum()}, by chance {0.4 * 0.4 * len(table):.0f}")

# %% [markdown]
# **What to notice.** The two sets of rows share about as many as chance would have them share, 40 % of 40 %. <!-- printed -->
# Two papers can agree in protocol, rate and seed and still train on different pairs. This is why people beg for the index files of
# published work, and why a result here carries its fingerprint.
#
# ## Four protocols
#
# Other papers spoil their pairs in other ways. `derangement` shuffles, but no row may keep a caption of its image, so
# nominal and realised rate agree. `image` exchanges whole images: all captions of one go to another. `hard` copies a
# caption from another image of the same class, lake to lake and port to port. The drawing has a panel a protocol: the ten
# rows again, and a line from every image to the caption that it gets.

# %%
from rrsitr_lib.data.noise import PROTOCOLS
from rrsitr_lib.show.noise_drawing import noise_drawing

ten = {name: inject(of_row, 0.4, name, 42, ten_captions) for name in PROTOCOLS}
noise_drawing(of_row, ten)

# %% [markdown]
# **What to notice.** The shuffle moves four captions, and one of them only from one row of its image to the other. Under
# `image` two images have lost both captions, and nothing else has happened. Under the others the damage is spread. Under
# `hard` every line stays within one kind of place, and two lines may end at the same caption, as captions are copied.
#
# ## How many good captions are left
#
# What this does to five captions an image is counted next, over the drawn scenes. A *good* caption is one that still
# belongs to its image. A model can learn an image from a single good caption; from none it cannot.

# %%
import pandas as pd
from rrsitr_lib.show.views.protocol import expected_images, good_captions

noises = {name: inject(table.image_ids, NOISE_RATE, name, NOISE_SEED, table.captions) for name in PROTOCOLS}
counts = {}
for name, one in noises.items():
    counts[name] = np.bincount(good_captions(one.mismatched, table.image_of_row), minlength=6)
true_rows = ~noises["shuffle"].mismatched
good = [int(true_rows[table.image_ids == image].sum()) for image in table.images]
np.testing.assert_allclose(counts["shuffle"], [good.count(k) for k in range(6)])
counts["rows drawn one by one"] = expected_images(NOISE_RATE, np.bincount(table.image_of_row)).round(1)
pd.DataFrame(counts, index=pd.RangeIndex(6, name="good captions")).T

# %% [markdown]
# The last line is a law: were every row wrong by itself with chance $\rho$, the good captions of an image would follow a
# binomial distribution, and an image would have none left with chance $\rho^5$. The three protocols that move rows follow it in outline. The one that moves images has only
# two kinds of image, untouched and ruined.
#
# The figure shows one protocol: left the images by their good captions, right the share of images that have none left,
# for all protocols and rates.

# %%
from rrsitr_lib.show.static import static_twin
from rrsitr_lib.show.views.protocol import protocol_figure, ruined

curves = ruined(table, NOISE_SEED)
note = f"{PROTOCOL}, nominal rate {NOISE_RATE:g}"
static_twin(protocol_figure(table, noises[PROTOCOL], curves, NOISE_RATE, note))

# %% [markdown]
# **What to notice.** Left: bars lie near the diamonds, which count what chance gives: few images are left without any good
# caption. At 40 % chance gives one in a hundred. Right: under `image` the line is straight, as every image that is touched
# loses all its captions, and at 40 % about forty in a hundred images are ruined. The three others hold back until most
# rows are wrong, and then climb steeply. The explorer below draws the same figure by `protocol_figure`.
#
# ## Wrong on paper, true in the image
#
# The drawn world knows more than any collection: whether a caption is true of an image, whoever it was written for.
# So it can tell how many of the pairs that count as mismatched are true by accident, as "there is a lake" is of every
# lake.

# %%
by_accident = {}
for name, one in noises.items():
    rows = np.flatnonzero(one.mismatched)
    true = [world.true_of([one.caption_index[row]], [table.image_of_row[row]]).item() for row in rows]
    by_accident[name] = sum(true) / max(1, len(true))
    print(f"{name:12} {len(rows) / len(table):7.2%} mismatched, of these {by_accident[name]:6.2%} true by accident; ", end="")
    print("fingerprint", one.fingerprint[:12])

# %% [markdown]
# **What to notice.** Under `hard` the share of accidents is by far the largest: captions of the same class may fit.
# A method that seems to miss mismatched pairs there may be right about some of them. With real collections nobody can
# count this, and every "recall of the noise" is measured against an index, not against the truth.
#
# ## Keeping and exchanging noise
#
# `save_noise` writes indices, mask, protocol, seed and fingerprint; `load_noise` refuses a file that was changed. Other
# repositories publish bare `.npy` arrays in two forms: one image number a caption (NCR, L2RM) or one an image (DECL,
# RCL). `load_index` reads both and tells them apart by their length; `save_index` writes them.

# %%
import tempfile
from pathlib import Path
from rrsitr_lib.exchange.noise_index import load_index, save_index
from rrsitr_lib.data.noise import load_noise, save_noise

with tempfile.TemporaryDirectory() as folder:
    again = load_noise(save_noise(noises[PROTOCOL], Path(folder) / "noise.npz"))
    by_image = save_index(noises["image"], table.image_ids, Path(folder) / "image.npy", "image")
    loaded = load_index(by_image, table.image_ids, table.captions)
    print("numbers in the file:", len(np.load(by_image)), "for", len(table), "rows")
assert again.fingerprint == noises[PROTOCOL].fingerprint
np.testing.assert_allclose(loaded.mismatched, noises["image"].mismatched)
print(f"realised {again.realised_rate:.2%} and {loaded.realised_rate:.2%}")

# %% [markdown]
# ## Move the rate
#
# Predict, then move:
#
# 1. At which rate does `shuffle` leave one image in four without a good caption? (Which number to the power of five
#    is a quarter?)
# 2. Choose `image`. Which bars remain, and what does the rate do to them?
# 3. Change only the seed. Which of the printed facts change, which do not?

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.explorers.protocol import ProtocolExplorer

explorer = ProtocolExplorer(table, protocol=PROTOCOL)
explorer.view()

# %%
for rate, protocol, seed in ((0.4, "shuffle", 42), (0.75, "shuffle", 42), (0.75, "shuffle", 43), (0.75, "image", 42)):
    explorer.move(rate=rate, protocol=protocol, seed=seed)
    print(explorer.text.value)
print(f"the fifth root of a quarter: {0.25**0.2:.2f}")
print("this view again:", explorer.state())

# %% [markdown]
# <details><summary>Answer to 1</summary>
#
# At the fifth root of a quarter, three rows in four: the second line counts it at 75 %.
#
# </details>
# <details><summary>Answer to 2</summary>
#
# Only the bars at none and at all of its captions. The rate moves images from one to the other: at 75 % it is three in four
# that have none left, in the last line.
#
# </details>
# <details><summary>Answer to 3</summary>
#
# The second and third line differ in nothing but the seed. The fingerprint changes, and with it the realised rate of a
# shuffle and the images without a good caption, both by little. Protocol and nominal rate stay, and so do the diamonds.
#
# </details>
#
# ## Exercises
#
# In [exercises/02_noise.ipynb](exercises/02_noise.ipynb), each with a check that hints: the realised rate (warm-up, 10
# minutes), images without a good caption (core, 10 minutes), and the second draw of a generator that runs on (stretch,
# 15 minutes).
#
# ## Related work
#
# - NCR (Huang 2021) shuffles captions one by one; RRSITR does the same. DECL (Qin 2022), RCL (Hu 2023) and L2RM (Han 2024)
#   exchange whole images: two protocols under one name and one rate. Their tables should not stand in one column.
# - Zhang 2017 exchanged the labels of a classifier and saw it learn them all by heart; lesson 03 sees the same of captions.
#
# ## Summary
# - Nominal is what was drawn, realised is what is wrong; a shuffle leaves a handful of the drawn rows true, at any size.
# - The same rate moved row by row or image by image makes different problems: count the images without a good caption.
# - Protocol, rate and seed do not name a training set, since generators run on; the fingerprint of the indices does.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026.
# Huang et al., Learning with Noisy Correspondence for Cross-modal Matching, NeurIPS 2021. Qin et al., Deep Evidential
# Learning with Noisy Correspondence for Cross-modal Retrieval, ACM Multimedia 2022. Hu et al., Cross-modal Retrieval with
# Partially Mismatched Pairs, TPAMI 2023. Han et al., Learning to Rematch Mismatched Pairs for Robust Cross-Modal Retrieval,
# CVPR 2024. Zhang et al., Understanding Deep Learning Requires Rethinking Generalization, ICLR 2017.*

# %%
assert noises["shuffle"].realised_rate <= NOISE_RATE and by_hand[0] == 1
for name in ("derangement", "hard"):
    assert noises[name].mismatched.sum() == round(NOISE_RATE * len(table)), "exactly as many as asked"
if 0 < NOISE_RATE < 0.9:
    assert counts["image"][0] > counts["derangement"][0], "whole images are ruined"
    assert SCENES < 400 or abs(both.sum() / len(table) - 0.16) < 0.04
assert 0.4**5 < 0.0103, "at 40 % chance gives one in a hundred"

# %%
line = dict(zip(PROTOCOLS, curves, strict=True))
if SCENES >= 200 and NOISE_RATE <= 0.4:
    assert counts["shuffle"][0] < 0.05 * len(table.images), "few images are left without any good caption"
if SCENES >= 200:
    assert abs(line["image"][2] - 40) < 3, "about forty in a hundred images are ruined"
    held = [line[name] for name in PROTOCOLS if name != "image"]
    assert all(one[3] < 20 and one[4] > 25 for one in held), "hold back until most rows are wrong"
if SCENES >= 200 and NOISE_RATE >= 0.2:
    rest = [by_accident[name] for name in PROTOCOLS if name != "hard"]
    assert by_accident["hard"] > 3 * max(rest), "under hard the share of accidents is by far the largest"
assert fingerprint(running.astype("<i8")) != fingerprint(fresh.astype("<i8"))
print("all assertions hold")
