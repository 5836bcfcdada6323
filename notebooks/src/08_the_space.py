# %% [markdown]
# # What does the space look like?
#
# *About 45 minutes to work through · three minutes of computing on two CPU cores, one where the shared runs are found · no GPU needed · no download · three exercises · one widget.*
#
# **You will** draw the features of images and captions on one map, before and after training: by PCA, which you first
# do by hand, and by UMAP. You will measure the gap between the two modalities, find out by a control whether the noise keeps
# it open, take it away, and learn which parts of a map can be believed. **You should know** what a cosine is
# ([lesson 01](01_retrieval.ipynb)), and what contrastive training does to mismatched pairs
# ([lesson 06](06_training_end_to_end.ipynb)). **In the paper**: the encoders and the objective. The paper does not draw
# this space.

# %%
from rrsitr_lib.show.method_drawing import method_drawing

method_drawing("scores")

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of the runs and of UMAP
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows with a wrong caption
SCENES = 800  # 40 or more; drawn training scenes, five captions each
EPOCHS = 6  # 1 or more; epochs of each run
NEIGHBOURS = 15  # 2 to 100; points that UMAP takes for the surroundings of a point
RUNS = "runs"  # folder that receives the run folders

# %% [markdown]
# Two runs on the same noisy pairs, from the same start: RRSITR, and contrastive training, which pulls every pair together.
# A third, the control, is contrastive training on the same images with their own captions. Lessons with equal configurations
# share runs. While a run trains, it keeps a *history*: the normalised global features of up to 200 training pairs of
# different images, before training and after each epoch. Everything below reads the histories. No model is opened.

# %%
from rrsitr_lib.config import RunConfig
from rrsitr_lib.teach.doctor import start
from rrsitr_lib.teach.lesson_run import run_folder

start(SEED)
shared = dict(encoder="tiny", scenes=SCENES, epochs=EPOCHS, noise_rate=NOISE_RATE, seed=SEED)
configs = {method: RunConfig.build(method=method, **shared) for method in ("rrsitr", "contrastive")}
configs["clean pairs"] = RunConfig.build(method="contrastive", **{**shared, "noise_rate": 0.0})
folders = {name: run_folder(config, RUNS) for name, config in configs.items()}
print(f"{SCENES} scenes, nominal noise {NOISE_RATE:.0%}, seed {SEED}")

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.experiments.engine import run_trials

results = run_trials(configs, folders)
for name in configs:
    print(f"{name:12} test mR {results[name]['test']['mR']:.1f}")

# %% [markdown]
# A history has a place for every epoch, counted from before training. The caption of a pair is the one it was trained
# with, the wrong one where it is mismatched. Six of the pairs, two of them mismatched, will be followed by hand. Note
# which of the wrong captions could pass: they share a ground or an object with the true ones.

# %%
import numpy as np
from rrsitr_lib.show.run_reader import RunReader

record, plain, clean = (RunReader.open(folders[name]) for name in configs)
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
# custom the sum is divided by $n - 1$:
#
# $$C = \frac{1}{n-1} \sum_{k=1}^{n} (x_k - \bar{x})(x_k - \bar{x})^\top$$
#
# Here $x_k$ is a point, one of $n = 12$, and $\bar{x}$ their mean (`mean`, `covariance`).

# %% tags=["nbval-ignore-output"]
twelve = np.concatenate([history.image[0, six], history.text[0, six]]).astype(np.float64)  # images, then captions
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
# not: images fill one cone, captions another. The *modality gap* $\Delta$ is the distance between the two means:
#
# $$\Delta^2 = \left\| \bar{g}^v - \bar{g}^t \right\|^2 = \overline{\cos}(v, v) + \overline{\cos}(t, t) - 2\,\overline{\cos}(v, t)$$
#
# Here $\bar{g}^v$ and $\bar{g}^t$ are the means of the normalised global features of images and captions (in the paper: the
# encoders' global features; in code `modality_gap`), and the three terms are mean cosines: among the images, each with
# itself included, among the captions, and between the two. A large gap means narrow cones that look in different directions.

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
print("gap {:.2f}; mean cosines: images {:.2f}, captions {:.2f}, between {:.2f}".format(gap, *among))

# %% [markdown]
# Now all pairs of the history, before training and after both noisy runs. To compare them on one map later, the three states
# are put into a history of their own, one place each. The table counts in all dimensions; whatever a map shows must be
# compared with it.

# %% tags=["nbval-ignore-output"]
import pandas as pd
from rrsitr_lib.training.embedding_history import EmbeddingHistory

states = ("before training", "after RRSITR", "after contrastive")
three = [np.stack([getattr(history, kind)[0], getattr(history, kind)[-1], getattr(plain.embeddings, kind)[-1]])
         for kind in ("image", "text")]  # fmt: skip
three = EmbeddingHistory(history.rows, *three)
table = pd.DataFrame(index=states)
cosine = (three.image * three.text).sum(axis=-1)
for name, kind in (("cosine, true", ~wrong), ("cosine, mismatched", wrong)):
    table[name] = cosine[:, kind].mean(axis=1) if kind.any() else np.nan
for name, a, b in (("among images", three.image, three.image), ("among captions", three.text, three.text)):
    table[name] = [(x @ y.T).mean() for x, y in zip(a, b, strict=True)]
table["gap"] = [modality_gap(x, y) for x, y in zip(three.image, three.text, strict=True)]
table.round(2)

# %% [markdown]
# **What to notice.** Subtract the second column from the first. Before training, true pairs have a somewhat higher cosine than
# mismatched ones. RRSITR makes the difference larger, contrastive training smaller than it was: it pulls both kinds together.
# Both runs end with nearly the gap of the start. Is that so because it is not needed, or because of the noise?
#
# ## Is it the noise?
#
# The control answers. It is the same contrastive training on the same images, only that every caption is the image's own.

# %% tags=["nbval-ignore-output"]
histories = {name: one.embeddings for name, one in zip(configs, (record, plain, clean), strict=True)}
gaps = {name: [modality_gap(*pair) for pair in zip(one.image, one.text, strict=True)] for name, one in histories.items()}
spread = {name: np.array([(x @ x.T).mean() for x in one.text]) for name, one in histories.items()}
for name, values in gaps.items():
    print(f"gap by epoch, {name:12}", "  ".join(f"{value:.2f}" for value in values))
for name, values in spread.items():
    print(f"mean cosine among captions, {name:12}", "  ".join(f"{value:.2f}" for value in values))

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt
from rrsitr_lib.show.style import TRUE_COLOUR, WRONG_COLOUR, line_looks, method_looks

figure, axes = plt.subplots(1, 2, figsize=(7, 2.5), layout="tight")
for axis, values, label in zip(axes, (gaps, spread), ("gap", "mean cosine of captions"), strict=True):
    for name, (colour, dash, marker) in method_looks(values).items():
        axis.plot(values[name], dash, color=colour, marker=marker, ms=4, label=name)
    axis.set(xlabel="epoch, 0 is before training", ylabel=label, ylim=(0, None))
_ = axes[0].legend()

# %% [markdown]
# **What to notice.** It is the noise. On clean pairs the same training closes a good part of the gap: every image draws its own
# caption near, and the captions spread, for each must be told from the others. On noisy pairs contrastive training ends with
# the gap where it began, as most of what it draws together does not belong together. RRSITR closes little more: it spreads
# the captions, but many of its pairs are pulled by the triplet loss alone. Nor is the size of the gap the quality of a ranking: a step that all
# captions share changes no order, as an exercise shows.
#
# ## On one map
#
# PCA is fitted on the three states together, so that they share one coordinate system: with a map of its own for each,
# the axes would turn between the panels, and a movement on paper would say nothing. Grey dots are all images and captions;
# of six true and six mismatched pairs, lines join image (circle) and caption (diamond); dashed and hollow: mismatched.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.views.space_map import space_map

looks = ((of_true, TRUE_COLOUR, "-", TRUE_COLOUR), (of_wrong, WRONG_COLOUR, "--", "white"))


def panels(space, titles=states):
    figure, axes = plt.subplots(1, len(titles), figsize=(2.3 * len(titles), 2.4), sharex=True, sharey=True, layout="constrained")
    for axis, title, points in zip(axes, titles, space.points, strict=True):
        axis.plot(*points.reshape(-1, 2).T, ".", color="0.8", ms=3, aa=False)  # hard edges keep the file small
        for kind, colour, line, fill in looks:
            pairs = points[:, kind[:: max(1, len(kind) // 6)][:6]].transpose(2, 0, 1)  # coordinate, modality, pair
            axis.plot(*pairs, line, color=colour, lw=1, aa=False)
            axis.plot(*pairs[:, 0], "o", *pairs[:, 1], "D", color=colour, mfc=fill, ms=4, aa=False)
        axis.set_title(title, fontsize=9), axis.set(aspect="equal" if space.method == "pca" else "auto", xticks=[], yticks=[])
    figure.suptitle(space.rule, fontsize=8)


# %% tags=["nbval-ignore-output"]
pca = space_map(three, "pca")
panels(pca)

# %% [markdown]
# **What to notice.** The diamonds crowd in one corner, the circles lie on an arc apart from them, before training and after:
# every line has to cross the gap. Where full lines run in parallel, one common step would lay every caption on its image. To see the rest, this
# step must go.
#
# ## The gap removed
#
# Take away the mean of each modality in every state, and bring the features back to length one. Ranking the captions for
# an image by cosine hardly needs the gap: it adds about the same to all of them. By hand it is two lines; the library
# does it for a whole history. Below the map stands the length of the lines of *all* pairs on it.

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
# **What to notice.** Without the gap, the median line of the true pairs is shorter than that of the mismatched pairs in every
# state. RRSITR draws the true pairs together. After contrastive training the two kinds differ least: it pulls together what
# does not belong together. Twelve lines are a sample; the medians are of all. <!-- printed -->
#
# ## What no map keeps
#
# Between normalised vectors, the squared distance is $2 - 2\cos$, so distances in all dimensions say
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
# takes far longer than the later ones. Again one map for the three states.

# %% tags=["nbval-ignore-output"]
options = dict(method="umap", neighbours=NEIGHBOURS, fitted=(0, 1, 2))
umap = space_map(three, seed=SEED, **options)
on_island = umap.points[1, 0]  # the images after RRSITR
kind = np.array([name.split("_")[0] for name in record.pairs.image_ids[history.rows]])
panels(umap)

# %% [markdown]
# **What to notice.** Two islands, images and captions, and every line crosses from one to the other, true or not. This does not
# say that pairs are far apart. UMAP keeps neighbours, and a caption's neighbours are other captions. So nothing can be read
# from the width of the water between the islands. What lies together *within* an island means something. Look at the island
# of the images after RRSITR: left the kinds of scene of which there are many, right some of the images, where they lie.

# %% tags=["nbval-ignore-output"]
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

unit, shown = (on_island - on_island.min(axis=0)) / np.ptp(on_island, axis=0), []
names, counts = np.unique(kind, return_counts=True)
figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.4), sharex=True, sharey=True, layout="constrained")
left.plot(*on_island.T, ".", color="0.8", aa=False)
for name, (colour, _, marker) in zip(names[counts.argsort()[::-1][:4]], line_looks(), strict=False):
    left.plot(*on_island[kind == name].T, marker, color=colour, ms=5, label=name, aa=False)
left.legend(fontsize=7, loc="best"), left.set(xticks=[], yticks=[])
right.plot(*on_island.T, ".", color="0.8", aa=False)
for place, spot in enumerate(unit):
    if all(np.abs(spot - unit[other]).max() > 0.1 for other in shown):  # none over another
        shown.append(place)
        thumbnail = OffsetImage(record.image_of_pair(history.rows[place])[::2, ::2], zoom=0.6)
        right.add_artist(AnnotationBbox(thumbnail, on_island[place], frameon=False))

# %% tags=["nbval-ignore-output"]
def same_kind(nearest):
    return (kind[nearest] == kind[:, None]).mean()


nearest = np.linalg.norm(on_island[:, None] - on_island[None], axis=-1).argsort(axis=1)[:, 1:6]
in_space = same_kind((-three.image[1] @ three.image[1].T).argsort(axis=1)[:, 1:6])
by_map, by_chance = same_kind(nearest), (kind[:, None] == kind[None]).mean()
print(f"of the five nearest images on the map {by_map:.0%} show the same kind of scene, in all dimensions {in_space:.0%}")
print(f"by chance {by_chance:.0%}")

# %% [markdown]
# **What to notice.** Images of one kind are neighbours far more often than by chance, though three of four neighbours are of
# another kind. The map did not know the kinds; colours and thumbnails were added afterwards. Look at the thumbnails, and
# ask what two that lie side by side share.
#
# ## Stable, and not
#
# The same seed gives the same map, to the last bit on one machine. Another seed gives another. Ask of both: how many
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
print(f"disparity among the images alone {islands[0]:.2f}, among the captions alone {islands[1]:.2f}")
both = np.stack([space.points[1] - space.points[1].mean(axis=(0, 1)) for space in (umap, other)])
panels(SpaceMap(both, "umap", "after RRSITR, two seeds"), (f"seed {SEED}", f"seed {SEED + 1}"))

# %% [markdown]
# **What to notice.** Stable: that the modalities part, and much of who is beside whom. Not stable: where a heap lies within its
# island, how the map is turned or mirrored, how far heaps are from each other. The disparity of the whole map says little,
# since two far islands fit upon two far islands: read those of one island alone, printed above. Never argue from these.
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
# **What to notice.** In every state UMAP is more trustworthy about neighbours than PCA. Neither is *the* space.
#
# ## Through the epochs
#
# The explorer shows the run of RRSITR epoch by epoch, all epochs in one coordinate system. Its UMAP is fitted on the first and
# the last epoch only; fitted on all, the nearest neighbour of a point would be itself an epoch earlier, and the map
# would show paths instead of surroundings. The other epochs are then placed among these fixed points. Hover a point to
# see its image and caption, or draw a lasso around a cluster to see what lies there. Predict, then move:
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

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.methods.partition import CATEGORY_NAMES

joined = without_gap(history)
cosines = (joined.image * joined.text).sum(axis=-1)
for name, kinds in (("true", ~wrong), ("mismatched", wrong)):
    if kinds.any():
        print(f"mean cosine without the gap by epoch, {name:10}", "  ".join(f"{v:.2f}" for v in cosines[:, kinds].mean(axis=1)))
category = record.column("category")[-1, history.rows]
for number, name in enumerate(CATEGORY_NAMES):
    if (called := category == number).any():
        print(f"{name:9} {called.sum():3} pairs, {wrong[called].mean():.0%} mismatched, mean cosine {cosines[-1, called].mean():.2f}")

# %% [markdown]
# <details><summary>Answer to 1</summary>
#
# The full ones: the cosine of the true pairs rises from epoch to epoch, that of the mismatched pairs hardly.
#
# </details>
#
# <details><summary>Answer to 2</summary>
#
# Its caption comes from another image and says something that is nearly right of this one: a near miss. Or two axes show it
# short while it is long in the other dimensions. [Lesson 11](11_own_mistakes.ipynb) counts the near misses.
#
# </details>
#
# <details><summary>Answer to 3</summary>
#
# The noisy pairs: a suspected pair is hardly drawn together, true or not. The long full lines are true pairs that are suspected.
#
# </details>
#
# **In the library.** The explorer's figure is `space_figure`, a pure function of a map, an epoch and what is chosen.
#
# ## Related work
#
# - Liang 2022 measured the modality gap in CLIP and found it at the start already, as narrow cones of two random networks.
# - CLIP (Radford 2021) joins the modalities by one contrastive loss. Its temperature is learned; here it is frozen.
# - UMAP (McInnes 2018) keeps neighbours. Trustworthiness (Venna 2001) says how well a map does it.
# - That training on wrong labels learns what is common first (Arpit 2017) fits the captions here, which spread late under noise.
#
# ## Exercises
#
# In [exercises/08_the_space.ipynb](exercises/08_the_space.ipynb), each with a check that hints: the modality gap
# (warm-up, 8 minutes), the first axis of a map (core, 15 minutes), and the lead that a pair needs, which shows that the
# loss is blind to the gap (stretch, 20 minutes).
#
# ## Summary
# - Images and captions lie in two cones; clean pairs close a part of the gap, noisy ones keep it open. RRSITR parts true from mismatched.
# - PCA keeps as much variance as two axes can, and is the same each time up to signs; UMAP keeps neighbours, not distances.
# - Fit one map on all states that you want to compare, name the seed, and check the map against numbers of the whole space.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR
# 2026; Liang et al., Mind the Gap: Understanding the Modality Gap, NeurIPS 2022; Radford et al., Learning Transferable
# Visual Models From Natural Language Supervision, ICML 2021; McInnes, Healy, Melville, UMAP: Uniform Manifold Approximation
# and Projection, 2018; Venna and Kaski, Neighborhood Preservation in Nonlinear Projection Methods, ICANN 2001; Arpit et
# al., A Closer Look at Memorization in Deep Networks, ICML 2017.*

# %%
lengths = np.linalg.norm(np.stack([history.image, history.text]), axis=-1)
assert np.abs(lengths - 1).max() < 0.01, "features are normalised"
assert modality_gap(closed.image[1], closed.text[1]) < table["gap"].iloc[1], "most of the gap is gone"
if EPOCHS >= 6 and SCENES >= 800 and 0.2 <= NOISE_RATE <= 0.6:
    true, mismatched = table["cosine, true"], table["cosine, mismatched"]
    start, ours, theirs = true - mismatched
    assert start > 0, "true pairs have a somewhat higher cosine than mismatched ones"
    assert ours > start > theirs, "RRSITR makes the difference larger, contrastive training smaller than it was"
    assert table["gap"].max() < 1.1 * table["gap"].min(), "both runs end with nearly the gap of the start"
    ends = {name: values[-1] / values[0] for name, values in gaps.items()}
    assert ends["clean pairs"] < 0.85, "closes a good part of the gap"
    assert 0.9 < ends["contrastive"] < 1.1 and 0.9 < ends["rrsitr"] < 1.05, "contrastive training ends with the gap where it began"
    assert ends["clean pairs"] + 0.1 < ends["rrsitr"] < ends["contrastive"] + 0.03, "RRSITR closes little more"
    assert spread["clean pairs"][-1] < spread["rrsitr"][-1] < spread["contrastive"][-1], "spreads the captions"

# %%
if EPOCHS >= 6 and SCENES >= 800 and 0.2 <= NOISE_RATE <= 0.6:
    medians = np.array([[np.median(line[place, kinds]) for kinds in (~wrong, wrong)] for place in range(3)])
    apart = medians[:, 1] - medians[:, 0]
    assert (apart > 0).all(), "the median line of the true pairs is shorter than that of the mismatched pairs in every state"
    assert apart[2] < apart[:2].min(), "after contrastive training the two kinds differ least"
    assert medians[1, 0] < medians[[0, 2], 0].min(), "RRSITR draws the true pairs together"
    assert by_map > 2 * by_chance, "far more often than by chance"
    assert 0.15 < by_map < 0.35, "three of four neighbours are of another kind"
    trust = np.array([rows[state, name][1] for state in states for name in ("PCA", "UMAP")]).reshape(-1, 2)
    assert (trust[:, 1] > trust[:, 0]).all(), "in every state UMAP is more trustworthy about neighbours than PCA"
    rise = cosines[-1] - cosines[0]
    assert rise[~wrong].mean() > rise[wrong].mean() + 0.05, "the cosine of the true pairs rises, the other hardly"
    assert cosines[-1, category == 2].mean() < cosines[-1, category < 2].mean(), "a suspected pair is hardly drawn together"
print("all assertions hold")
