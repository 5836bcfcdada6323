# %% [markdown]
# # What does the space look like?
#
# *About two minutes on two CPU cores, one where the shared runs are found · no GPU · no download · three exercises · one widget.*
#
# **You will** draw the features of pictures and captions on one map, before and after training: by PCA, which you first
# do by hand, and by UMAP. You will measure the gap between the two modalities, take it away, and learn which parts of a
# map can be believed. **You should know** what a cosine is ([lesson 01](01_retrieval.ipynb)), and what plain training
# does to mismatched pairs ([lesson 06](06_training_end_to_end.ipynb)). **In the paper**: the encoders and the objective.
# The paper does not draw this space.

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of the runs and of UMAP
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows with a wrong caption
SCENES = 400  # 40 or more; drawn training scenes, five captions each
EPOCHS = 8  # 1 or more; epochs of each run
NEIGHBOURS = 15  # 2 to 100; points that UMAP takes for the surroundings of a point
RUNS = "runs"  # folder that receives the run folders

# %% [markdown]
# Two runs on the same noisy pairs, from the same start: the paper's method, and plain contrastive training, which pulls
# every pair together. Lessons with equal configurations share them. While a run trains, it keeps a *history*: the
# normalised global features of up to 200 training pairs of different pictures, before training and after each epoch.
# Everything below reads the two histories. No model is opened.

# %%
from rrsitr_lib.config import RunConfig
from rrsitr_lib.teach.doctor import start
from rrsitr_lib.teach.lesson_run import run_folder

start(SEED)
shared = dict(encoder="tiny", scenes=SCENES, epochs=EPOCHS, noise_rate=NOISE_RATE, seed=SEED)
configs = {method: RunConfig.build(method=method, **shared) for method in ("rrsitr", "contrastive")}
folders = {method: run_folder(config, RUNS) for method, config in configs.items()}
print(f"{SCENES} scenes, nominal noise {NOISE_RATE:.0%}, seed {SEED}")

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.experiments.engine import run_trials

results = run_trials(configs, folders)
for method in configs:
    print(f"{method:12} test mR {results[method]['test']['mR']:.1f}")

# %% [markdown]
# A history has a place for every epoch, counted from before training. The caption of a pair is the one it was trained
# with, the wrong one where it is mismatched. Six of the pairs, two of them mismatched, will be followed by hand. Note
# which of the wrong captions could pass: they share a ground or an object with the true ones.

# %%
import numpy as np
from rrsitr_lib.show.run_reader import RunReader

record, plain = (RunReader.open(folders[method]) for method in ("rrsitr", "contrastive"))
history, wrong = record.embeddings, record.mismatched[record.embeddings.rows]
print("pairs and dimensions of every epoch:", history.image.shape[1:])
of_wrong, of_true = wrong.nonzero()[0], (~wrong).nonzero()[0]
six = np.array([*of_true[:4], *of_wrong[:2], *of_true[4:], *of_wrong[2:]])[:6]  # two mismatched where there are
for k in six:
    row = history.rows[k]
    print(f"{'MISMATCHED' if wrong[k] else 'true      '} {record.pairs.image_ids[row]:24} {record.pairs.captions[row]}")

# %% [markdown]
# ## PCA by hand
#
# Six pairs are twelve points in many dimensions. A map with two axes must leave something out. *Principal component
# analysis* keeps as much of the variance as two straight axes can. First the mean of the points, in a loop; then the
# covariance, the mean product of any two coordinates once the mean is taken away. Its trace is the whole variance. By
# custom the sum is divided by one less than the number of points.

# %% tags=["nbval-ignore-output"]
twelve = np.concatenate([history.image[0, six], history.text[0, six]]).astype(np.float64)  # pictures, then captions
mean = np.zeros(twelve.shape[1])
for point in twelve:
    mean += point / len(twelve)
covariance = np.zeros((twelve.shape[1], twelve.shape[1]))
for point in twelve:
    covariance += np.outer(point - mean, point - mean) / (len(twelve) - 1)
print(f"variance in all directions together: {np.trace(covariance):.3f}")

# %% [markdown]
# The matrix form needs no covariance. The *singular value decomposition* of the centred points is a sum of directions,
# the strongest first: the rows of `directions` are the axes, the squared singular values, divided as above, are the
# variances along them. Put together again they give the covariance of the loop, which the assertion checks. The first
# two directions are our map; a point's place on it is its product with both.

# %% tags=["nbval-ignore-output"]
_, strength, directions = np.linalg.svd(twelve - mean, full_matrices=False)
variances = strength**2 / (len(twelve) - 1)
np.testing.assert_allclose(directions.T * variances @ directions, covariance, atol=1e-9)
by_hand = (twelve - mean) @ directions[:2].T
print(f"two axes hold {variances[:2].sum() / variances.sum():.0%} of the variance")
print(by_hand.round(2)[:3])

# %% [markdown]
# The library does the same in one line. A direction and its opposite explain the same variance, so an axis may come out
# mirrored: left and right, up and down mean nothing on any of these maps. Up to that sign the two must agree.

# %%
from sklearn.decomposition import PCA

found = PCA(n_components=2).fit_transform(twelve)
sign = np.sign((found * by_hand).sum(axis=0))
np.testing.assert_allclose(found * sign, by_hand, atol=1e-9)
print("PCA by hand and by the library agree, up to the signs of the axes")

# %% [markdown]
# ## Two cones
#
# Normalised features lie on a sphere. If they were spread over all of it, their mean would be near its centre. It is
# not: pictures fill one cone, captions another. The *modality gap* is the distance between the two means. Its square
# has three parts, all of them mean cosines: among the pictures (each with itself included), plus among the captions,
# less twice that between the two. So a large gap means narrow cones that look in different directions.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.views.space_map import modality_gap

image, text = twelve[:6], twelve[6:]
mean_image, mean_text = np.zeros(image.shape[1]), np.zeros(image.shape[1])
for k in range(6):
    mean_image, mean_text = mean_image + image[k] / 6, mean_text + text[k] / 6
gap = np.sqrt(((mean_image - mean_text) ** 2).sum())
among = [(image @ image.T).mean(), (text @ text.T).mean(), (image @ text.T).mean()]
np.testing.assert_allclose(gap**2, among[0] + among[1] - 2 * among[2], atol=1e-3)  # kept in half precision
np.testing.assert_allclose(modality_gap(image, text), gap, atol=1e-3)
print("gap {:.2f}; mean cosines: pictures {:.2f}, captions {:.2f}, between {:.2f}".format(gap, *among))

# %% [markdown]
# Now all pairs of the history, before training and after both runs. To compare them on one map later, the three states are
# put into a history of their own, one place each. The table counts in all dimensions; whatever a map shows must be
# compared with it.

# %% tags=["nbval-ignore-output"]
import pandas as pd
from rrsitr_lib.training.embedding_history import EmbeddingHistory

states = ("before training", "after RRSITR", "after plain training")
three = [np.stack([getattr(history, kind)[0], getattr(history, kind)[-1], getattr(plain.embeddings, kind)[-1]])
         for kind in ("image", "text")]  # fmt: skip
three = EmbeddingHistory(history.rows, *three)
table = pd.DataFrame(index=states)
cosine = (three.image * three.text).sum(axis=-1)
for name, kind in (("cosine, true", ~wrong), ("cosine, mismatched", wrong)):
    table[name] = cosine[:, kind].mean(axis=1) if kind.any() else np.nan
for name, a, b in (("among pictures", three.image, three.image), ("among captions", three.text, three.text)):
    table[name] = [(x @ y.T).mean() for x, y in zip(a, b, strict=True)]
table["gap"] = [modality_gap(x, y) for x, y in zip(three.image, three.text, strict=True)]
table.round(2)

# %% [markdown]
# **What to notice.** Plain training brings the cosines of true and mismatched pairs close to each other, and what it
# does to the whole is stranger: all pictures become alike, all captions become alike, and the gap doubles. Whether
# this is the noise or the method, a run with `NOISE_RATE = 0.0` tells: look at its gap before you read on.
# A way to understand it: the temperature is frozen, so a model can doubt its answers only by bringing all cosines close
# to each other, that is, by narrow cones. RRSITR leaves the suspected pairs alone. Its gap grows in the first epochs
# too, then shrinks again, and its cones stay wide.
#
# ## On one map
#
# PCA is fitted on the three states together, so that they share one coordinate system: with a map of its own for each,
# the axes would turn between the panels, and a movement on paper would say nothing. Lines join the two points of a pair.

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt
from rrsitr_lib.show.style import TRUE_COLOUR, WRONG_COLOUR
from rrsitr_lib.show.views.space_map import space_map


def panels(space, titles=states):
    drawn = np.unique(np.linspace(0, len(wrong) - 1, 32).round().astype(int))  # of more pairs, only so many
    figure, axes = plt.subplots(1, len(titles), figsize=(9.5, 4), sharex=True, sharey=True, layout="constrained")
    for axis, title, points in zip(axes, titles, space.points[:, :, drawn], strict=True):
        for kind, colour, line, fill in ((~wrong, TRUE_COLOUR, "-", TRUE_COLOUR), (wrong, WRONG_COLOUR, "--", "none")):
            pairs = points[:, kind[drawn]].transpose(2, 0, 1)  # coordinate, picture or caption, pair
            axis.plot(*pairs, line, color=colour, lw=1, aa=False)  # hard edges keep the notebook's file small
            axis.plot(*pairs[:, 0], "o", *pairs[:, 1], "D", color=colour, mfc=fill, ms=5, aa=False)
        axis.set(title=title, aspect="equal", xticks=[], yticks=[])
    figure.suptitle(f"{space.rule}; circles are pictures, diamonds captions; dashed, hollow: mismatched", fontsize=9)


# %% tags=["nbval-ignore-output"]
pca = space_map(three, "pca")
panels(pca)

# %% [markdown]
# **What to notice.** Circles on one side, diamonds on the other: the gap is what PCA sees first, most of all after plain
# training, where the two clouds lie apart. In the middle panel the full lines of the true pairs run nearly parallel,
# all along the gap: a caption lies where its picture lies, but for one common step. The dashed lines of the mismatched
# pairs cross them. After plain training many dashed lines have been turned to run with the rest: those pairs are memorised.
#
# ## The gap removed
#
# Take away the mean of each modality in every state, and bring the features back to length one. Ranking the
# captions for a picture by cosine hardly needs the gap: it adds about the same to all of them. By hand it is two lines;
# the library does it for a whole history.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.views.space_map import without_gap

centred = history.image[0] - history.image[0].mean(axis=0)
centred /= np.linalg.norm(centred, axis=1, keepdims=True)
closed = without_gap(three)
np.testing.assert_allclose(closed.image[0], centred, atol=1e-5)
pca_closed = space_map(closed, "pca")
panels(pca_closed)

# %% tags=["nbval-ignore-output"]
line = np.linalg.norm(pca_closed.points[:, 0] - pca_closed.points[:, 1], axis=-1)
for place, state in enumerate(states):
    medians = [np.median(line[place, kind]) if kind.any() else float("nan") for kind in (~wrong, wrong)]
    print(f"{state:21} median line: true pairs {medians[0]:.2f}, mismatched pairs {medians[1]:.2f}")

# %% [markdown]
# **What to notice.** Without the gap, the lines of true pairs are short and those of mismatched pairs long. From left to
# the middle the true lines become shorter and the others hardly do: RRSITR has learned from the true pairs. In the
# right panel the dashed lines have shrunk too: plain training pulls together what does not belong together.
#
# ## What no map keeps
#
# Between normalised vectors, the squared distance is two less twice the cosine, so distances in all dimensions say
# exactly what cosines say. On a map they do not. How well does the order survive? Spearman's correlation compares the
# ranks of all distances: rank both lists, and correlate the ranks. For the twelve points by hand:

# %% tags=["nbval-ignore-output"]
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

pairs = [(i, j) for i in range(12) for j in range(i)]
unit = twelve / np.linalg.norm(twelve, axis=1, keepdims=True)
in_space = np.array([1 - unit[i] @ unit[j] for i, j in pairs])
np.testing.assert_allclose([((unit[i] - unit[j]) ** 2).sum() / 2 for i, j in pairs], in_space, atol=1e-9)
on_map = np.array([np.sqrt(((by_hand[i] - by_hand[j]) ** 2).sum()) for i, j in pairs])
ranks = [[(values < value).sum() for value in values] for values in (in_space, on_map)]
spearman = np.corrcoef(ranks)[0, 1]
np.testing.assert_allclose(spearmanr(pdist(twelve, "cosine"), pdist(by_hand)).statistic, spearman, atol=1e-6)
print(f"{len(pairs)} distances among the twelve points: Spearman correlation {spearman:.2f}")

# %% [markdown]
# ## UMAP
#
# UMAP gives up distances and keeps *neighbours*: it joins each point to its nearest by cosine, here fifteen of them, and
# looks for places in two dimensions that keep these joined. It draws random numbers on the way, so it gets a
# seed, and then one thread, as threads would finish in another order. Its code is compiled at the first call, which
# takes ten to thirty seconds; later calls take two. Two hundred pairs are four hundred points a state. Again one map
# for the three states.

# %% tags=["nbval-ignore-output"]
options = dict(method="umap", neighbours=NEIGHBOURS, fitted=(0, 1, 2))
umap = space_map(three, seed=SEED, **options)
panels(umap)

# %% [markdown]
# **What to notice.** Two worlds, pictures and captions, and every line crosses from one to the other, true or not. This
# does not say that pairs are far apart. A caption's nearest neighbours are other captions that say nearly the same,
# with a cosine of about 0.9; its own picture, with a cosine of about a half, is seldom among the fifteen. Neighbours
# are all that UMAP keeps, so it draws two islands, and nothing can be read from the width of the water between them.
# What lies together within an island can be believed: nearly two of the five nearest pictures are scenes of the same kind.

# %% tags=["nbval-ignore-output"]
kind = np.array([name.split("_")[0] for name in record.pairs.image_ids[history.rows]])
pictures = umap.points[1, 0]
nearest = np.linalg.norm(pictures[:, None] - pictures[None], axis=-1).argsort(axis=1)[:, 1:6]
same, chance = (kind[nearest] == kind[:, None]).mean(), (kind[:, None] == kind[None]).mean()
print(f"of the five nearest pictures on the map, {same:.0%} show the same kind of scene; by chance {chance:.0%}")

# %% [markdown]
# ## Stable, and not
#
# The same seed gives the same picture, to the last bit on one machine. Another seed gives another. Ask of both: how many
# of the ten nearest neighbours on the map does a point keep, and how well can one map be laid over the other by
# shifting, turning and scaling? The second number, the disparity, is 0 for a perfect fit and 1 for none.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.views.space_map import SpaceMap
from scipy.spatial import procrustes

again, other = (space_map(three, seed=seed, **options) for seed in (SEED, SEED + 1))
assert np.array_equal(umap.points, again.points), "the same seed gives the same map"
flat = [space.points.reshape(-1, 2) for space in (umap, other)]
near = [np.linalg.norm(points[:, None] - points[None], axis=-1).argsort(axis=1)[:, 1:11] for points in flat]
kept = np.mean([len({*a} & {*b}) / 10 for a, b in zip(*near, strict=True)])
print(f"other seed: {kept:.0%} of the neighbours kept, disparity {procrustes(*flat)[2]:.2f}")
islands = [procrustes(umap.points[1, modality], other.points[1, modality])[2] for modality in (0, 1)]
print(f"disparity among the pictures alone {islands[0]:.2f}, among the captions alone {islands[1]:.2f}")
both = np.stack([space.points[1] - space.points[1].mean(axis=(0, 1)) for space in (umap, other)])
panels(SpaceMap(both, "umap", "after RRSITR, two seeds"), (f"seed {SEED}", f"seed {SEED + 1}"))

# %% [markdown]
# **What to notice.** Stable: who is beside whom, and that the modalities part. Not stable: where a heap lies within its
# island, how the map is turned or mirrored, how far heaps are from each other. The disparity of the whole map is small
# mostly because two far islands fit upon two far islands; of one island alone it can be ten times larger, here of the
# captions. Never argue from these.
#
# The table compares the maps with all dimensions. *Trustworthiness* asks whether drawn neighbours are true ones, the
# Spearman correlation whether far points are drawn far.

# %% tags=["nbval-ignore-output"]
from sklearn.manifold import trustworthiness

rows = {}
for place, state in enumerate(states):
    features = np.concatenate([three.image[place], three.text[place]])
    for name, space in (("PCA", pca), ("UMAP", umap)):
        points = space.points[place].reshape(-1, 2)
        order = spearmanr(pdist(features, "cosine"), pdist(points)).statistic
        rows[state, name] = order, trustworthiness(features, points, n_neighbors=10, metric="cosine")
pd.DataFrame(rows, index=["Spearman of distances", "trustworthiness"]).T.round(2)

# %% [markdown]
# **What to notice.** UMAP is the more trustworthy one about neighbours, PCA mostly about distances. Neither is *the* space.
# Where the gap dominates everything, after plain training, both correlate well with the distances, because there is
# little else left to get right.
#
# ## Through the epochs
#
# The explorer shows the run of RRSITR epoch by epoch, all epochs in one coordinate system. Its UMAP is fitted on the first and
# the last epoch only; fitted on all, the nearest neighbour of a point would be itself an epoch earlier, and the map
# would show paths instead of surroundings. The other epochs are then placed among these fixed points. Hover a point to
# see its picture and caption. Predict, then move:
#
# 1. With the gap removed, go from epoch 0 to the last. Which lines become shorter, the full or the dashed ones? When?
# 2. Show the lines of mismatched pairs only, and look for a short one. What does its card say?
# 3. Colour by category. Which category has the longest lines, and which long lines are full?

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.explorers.embedding import EmbeddingExplorer

explorer = EmbeddingExplorer(record, gap="removed")
explorer.view()

# %% tags=["nbval-ignore-output"]
for epoch in (0, record.epochs):
    explorer.move(epoch=epoch)
    print(explorer.text.value)
explorer.move(gap="as it is", lines="mismatched only")
print(explorer.text.value)
print("this view again:", explorer.state())

# %% [markdown]
# **In the library.** The explorer's figure is `space_figure`, a pure function of a map, an epoch and what is chosen.
#
# ## Exercises
#
# In [exercises/08_the_space.ipynb](exercises/08_the_space.ipynb), each with a check that hints: the modality gap
# (warm-up, 8 minutes), the first axis of a map (core, 15 minutes), and the lead that a pair needs, which shows that the
# loss is blind to the gap (stretch, 20 minutes).
#
# ## Summary
# - Pictures and captions lie in two cones; plain training on noisy pairs narrows the cones and widens the gap between them.
# - PCA keeps as much variance as two axes can, and is the same each time up to signs; UMAP keeps neighbours, not distances.
# - Fit one map on all states that you want to compare, name the seed, and check the map against numbers of the whole space.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR
# 2026. McInnes, Healy, Melville, UMAP: Uniform Manifold Approximation and Projection, 2018. Liang, Zhang, Kwon, Yeung,
# Zou, Mind the Gap: Understanding the Modality Gap, NeurIPS 2022.*

# %%
lengths = np.linalg.norm(np.stack([history.image, history.text]), axis=-1)
assert np.abs(lengths - 1).max() < 0.01, "features are normalised"
assert modality_gap(closed.image[1], closed.text[1]) < table["gap"].iloc[1], "most of the gap is gone"
if EPOCHS >= 8 and SCENES >= 400 and 0.2 <= NOISE_RATE <= 0.6:
    true, mismatched = table["cosine, true"], table["cosine, mismatched"]
    assert true.iloc[1] - mismatched.iloc[1] > true.iloc[2] - mismatched.iloc[2], "RRSITR keeps them apart"
    assert table["gap"].iloc[2] > table["gap"].iloc[1], "plain training widens the gap"
    assert np.median(line[1, ~wrong]) < np.median(line[1, wrong]), "true pairs lie closer"
print("all assertions hold")
