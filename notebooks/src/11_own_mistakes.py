# %% [markdown]
# # Which mistakes does the method make itself?
#
# *About 25 minutes to work through · a quarter of a minute of computing on two CPU cores · no GPU needed · no download · two exercises · no widget.*
#
# **You will** count the mismatched pairs that RRSITR comes to believe, look at them, find out where they come from by a
# control that cannot believe them, see what they cost, and ask whether a second network would have helped. **You should
# know** categories ([lesson 03](03_partition.ipynb)), weights ([lesson 04](04_self_paced_weights.ipynb)) and what the
# records of finished runs hold ([lesson 06](06_training_end_to_end.ipynb)). **In the paper**: the three categories and
# the self-paced weights. What becomes of the pairs that are sorted wrongly is not looked at there.

# %%
from rrsitr_lib.show.method_drawing import method_drawing

method_drawing("categories")

# %% tags=["parameters"]
SEED = 3  # 3, 13 or 25; the run that is looked at
OTHER = 13  # 3, 13 or 25, not SEED; the run that gives a second opinion
RECORDS = ""  # folder of finished runs; "" reads those that come with the lessons

# %% [markdown]
# A method that sorts its own training data can fool itself: what it believes it is trained on, and what it is trained on
# it believes. This is called *confirmation bias*. To see it one needs every pair in every epoch, the truth, and a control.
#
# The records have all three: RRSITR, contrastive training and the *oracle*, which is told the mismatched pairs and never trains
# on one. At 60 % noise, with three training seeds each, on the same pairs with the same mismatched ones, in ten epochs.
# Of every run they hold every eighth pair.

# %%
from pathlib import Path

import numpy as np
from rrsitr_lib.config import RunConfig
from rrsitr_lib.teach.doctor import start
from rrsitr_lib.teach.records import RECORDS as SHIPPED
from rrsitr_lib.training.ledger import Ledger

_ = start(SEED)

# %%
records, seeds, methods = Path(RECORDS or SHIPPED), [3, 13, 25], ("contrastive", "rrsitr", "oracle")
config = RunConfig.read(records / f"rrsitr_0.6_{SEED}" / "config.yaml")
books = {method: [Ledger.open(records / f"{method}_0.6_{seed}") for seed in seeds] for method in methods}
loss = {method: np.stack([book.column("loss") for book in books[method]]).astype(float) for method in methods}
wrong = np.asarray(books["rrsitr"][0].column("mismatched"))
assert all((book.column("mismatched") == wrong).all() for three in books.values() for book in three), "one noise"
print(f"losses of a method: {loss['rrsitr'].shape}, seeds by epochs by pairs; {wrong.sum()} of {len(wrong)} are mismatched")

# %% [markdown]
# ## Six pairs by hand
#
# Take six pairs of one run: two true ones that are learned, one true one that is lost, a mismatched one that stays
# suspected, and two mismatched ones that end among the clean. A pair's loss $\ell_i$ decides how much it counts:
#
# $$w_i = \begin{cases} \cos\left(\frac{\pi}{2}\,\frac{\ell_i}{\gamma_1}\right) & \text{clean, } \ell_i < \gamma_1 \\ \cos\left(\frac{\pi}{2}\,\frac{\ell_i}{\gamma_2}\right) & \text{ambiguous, } \gamma_1 \le \ell_i < \gamma_2 \\ 0 & \text{noisy, } \ell_i \ge \gamma_2 \end{cases}$$
#
# Here $\gamma_1$ and $\gamma_2$ are the two thresholds (`gamma_1`, `gamma_2`), and $w_i$ is the weight (`weight`; in the paper:
# multi-modal self-paced weights). We say that a pair is *believed* while $\ell_i < \gamma_2$: then, and only then, the
# cross-entropies pull its image and caption together.

# %%
from math import cos, pi

mine = loss["rrsitr"][seeds.index(SEED)]
first, last = mine[0], mine[-1]
never, settled = (mine >= config.gamma_2).all(axis=0), last < config.gamma_1
kinds = ((~wrong & settled, 2), (~wrong & never, 1), (wrong & never, 1), (wrong & settled & (first > 12), 2))
six = np.concatenate([np.flatnonzero(kind)[:count] for kind, count in kinds])
by_hand = np.zeros((10, 6))
for place, pair in enumerate(six):
    for epoch in range(10):
        gamma = config.gamma_1 if mine[epoch, pair] < config.gamma_1 else config.gamma_2
        by_hand[epoch, place] = cos(pi / 2 * mine[epoch, pair] / gamma) if mine[epoch, pair] < config.gamma_2 else 0.0
    told = "  ".join(f"{mine[epoch, pair]:4.1f} ({by_hand[epoch, place]:.2f})" for epoch in (0, 3, 6, 9))
    print(f"{'mismatched' if wrong[pair] else 'true':10}  loss (weight) in epochs 1, 4, 7, 10: {told}")

# %% [markdown]
# The library's `partition` and `weight` do the same for all pairs at once, and the run wrote down the weights that it
# used. All three agree. Then by hand, for the six: which share of the weight that is given away lies on mismatched pairs?
#
# $$m = \frac{\sum_{i\ \text{mismatched}} w_i}{\sum_i w_i}$$

# %%
import torch
from rrsitr_lib.methods.partition import partition
from rrsitr_lib.methods.rrsitr.self_paced import weight

tensor = torch.tensor(mine)
category = partition(tensor, config.gamma_1, config.gamma_2)
gamma = torch.where(category == 0, config.gamma_1, config.gamma_2)
weights = torch.where(category < 2, weight(tensor, gamma), 0.0).numpy()
np.testing.assert_allclose(weights[:, six], by_hand, atol=1e-6)
np.testing.assert_allclose(weights, books["rrsitr"][seeds.index(SEED)].column("weight"), atol=1e-4)
on_wrong = sum(by_hand[-1, place] for place in range(6) if wrong[six[place]])
np.testing.assert_allclose((by_hand[-1] * wrong[six]).sum(), on_wrong)
print(f"last epoch: {on_wrong:.2f} of the weight {by_hand[-1].sum():.2f} of the six lies on mismatched pairs")

# %% [markdown]
# ## How many are believed?
#
# Now all pairs, in every epoch, all three seeds added up: how many mismatched pairs lie under each threshold? For the
# oracle the count is a control. It trains on no mismatched pair, so one that gets a small loss there gets it from what the
# network has learned of the *others*.

# %%
def mismatched_under(method, gamma):
    return (loss[method][:, :, wrong] < gamma).sum(axis=(0, 2))


counts = {gamma: {method: mismatched_under(method, gamma) for method in methods} for gamma in (config.gamma_1, config.gamma_2)}
for gamma, of_methods in counts.items():
    for method, count in of_methods.items():
        print(f"mismatched pairs under {gamma:4.1f}, epochs 1 to 10, {method:12}", " ".join(f"{number:4}" for number in count))

# %%
import matplotlib.pyplot as plt
from rrsitr_lib.show.style import method_looks

epochs, looks = np.arange(1, mine.shape[0] + 1), method_looks(methods)


def draw(axis, epochs, of_methods):
    for method, values in of_methods.items():
        colour, dash, marker = looks[method]
        axis.plot(epochs, values, dash, color=colour, marker=marker, ms=4, label=method, aa=False)


# %%
figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.6), layout="tight")
for axis, (gamma, of_methods) in zip(axes, counts.items(), strict=True):
    draw(axis, epochs, of_methods)
    axis.set(xlabel="epoch", ylabel=f"mismatched pairs under {gamma:g}", ylim=(0, None))
_ = axes[0].legend()

# %% [markdown]
# **What to notice.** Left: in the first epoch RRSITR calls no mismatched pair clean; in the last epoch it calls three to four
# times as many of them clean as the oracle does. Right: from the second epoch on RRSITR believes about the same number to
# the end. Under the oracle fewer are believed nearly every epoch, for a network that learns from true pairs alone finds
# the mismatched ones out. RRSITR stops finding out. Contrastive training believes more and more of them, hardly one of them as clean.
#
# ## Who are they?
#
# Look at the six with the smallest losses. To get their images and captions, the scenes are drawn anew and the noise is
# injected anew: both follow from the configuration, and the assertion checks that the same pairs are mismatched.

# %%
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.scenes.world import draw_scenes
from rrsitr_lib.show.figures import contact_sheet
from rrsitr_lib.experiments.records import kept_rows

table, world = open_data(config)["train"].table, draw_scenes(config.scenes)
noise, rows = inject_noise(config, table), kept_rows(len(table), len(wrong))
np.testing.assert_array_equal(noise.mismatched[rows], wrong)
scene, caption = table.image_of_row[rows], noise.caption_index[rows]
smallest = np.argsort(np.where(wrong, last, np.inf))[:6]
contact_sheet(world.images[scene[smallest]], [world.captions[row] for row in caption[smallest]], wrong[smallest])

# %% [markdown]
# The drawn world knows what a caption claims: colour, number, ground, line, side and so on. So it can count how many of a
# caption's claims are *false* of the image that it was given to. None: then it is true by accident. One or two: a near
# miss. Sort the mismatched pairs by who believes them in the last epoch.

# %%
false_claims = ((world.claims[caption] >> world.attributes[scene] & 1) == 0).sum(axis=1)
kind = np.array([name.split("_")[0] for name in table.image_ids[rows]])
same_class = kind == np.array([name.split("_")[0] for name in table.image_ids[caption]])
ours, control = (loss[method][:, -1] < config.gamma_2 for method in ("rrsitr", "oracle"))
groups = {"both believe": ours & control & wrong, "RRSITR alone believes": ours & ~control & wrong,
          "RRSITR does not believe": ~ours & wrong}
facts = {}
for name, group in groups.items():
    claims, alike = (np.broadcast_to(values, group.shape)[group] for values in (false_claims, same_class))
    facts[name] = group.sum(), (claims <= 2).mean(), alike.mean(), (claims == 0).sum()
    print("{:24} {:4} pairs; near misses {:.0%}, same class {:.0%}, true by accident {}".format(name, *facts[name]))
early = {name: [(loss["rrsitr"][:, epoch - 1] < config.gamma_2)[group].mean() for epoch in (1, 3, 6)] for name, group in groups.items()}
for name, shares in early.items():
    print(f"{name:24} under gamma_2 in epochs 1, 3, 6: " + ", ".join(f"{share:.0%}" for share in shares))

# %% [markdown]
# **What to notice.** Two kinds of mistake. Of what both believe, half are near misses, and the caption comes several times as
# often from a scene of the same class as in the other groups: a network that has learned the true pairs takes them, too.
# What RRSITR alone believes is the larger group, and it is less alike: its captions come from the same class hardly more
# often than chance lets them, one in eighteen. Most of these pairs were believed early. Only one mismatched pair in a
# hundred is true by accident.
#
# ## Believed, therefore trained, therefore believed
#
# If that is so, a believed mismatched pair must stay believed under RRSITR, and be found out under the oracle. And a true
# pair that is suspected must stay suspected, for only the triplet loss still pulls it, and weakly. Count from epoch to epoch: of the pairs that
# lie on one side of $\gamma_2$, how many are on the same side an epoch later?

# %%
def staying(method, pairs, believed):
    side = (loss[method][:, :, pairs] < config.gamma_2) == believed
    return (side[:, :-1] & side[:, 1:]).sum(axis=(0, 2)) / side[:, :-1].sum(axis=(0, 2))


stays = {
    "mismatched pairs stay believed": {method: staying(method, wrong, True) for method in ("rrsitr", "oracle")},
    "true pairs stay suspected": {method: staying(method, ~wrong, False) for method in ("rrsitr", "oracle")},
}
for what, of_methods in stays.items():
    for method, share in of_methods.items():
        print(f"{what:31} {method:7}", " ".join(f"{value:.2f}" for value in share))

# %%
figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.6), sharey=True, layout="tight")
for axis, (what, of_methods) in zip(axes, stays.items(), strict=True):
    draw(axis, epochs[:-1], of_methods)
    axis.set(xlabel="from this epoch to the next", title=what, ylim=(0, 1.03))
axes[0].set_ylabel("share that stays")
_ = axes[0].legend()

# %% [markdown]
# **What to notice.** All lines rise at the end, where the learning rate falls to nothing and little moves; that is why the
# control is needed. Left: RRSITR's believed mismatched pairs stay so more and more surely; until the seventh epoch the
# oracle finds out a quarter of them or more an epoch. Right: about half of the suspected true pairs come back every epoch
# under the oracle, until the last. Under RRSITR fewer than one in ten does from the sixth epoch on. Opinions freeze on
# both sides. The oracle also learns from true pairs that RRSITR has not, so not all of the difference is confirmation.
#
# ## What it costs
#
# Two numbers: the share $m$ of the weight that lies on mismatched pairs, and the true pairs that never have a weight.

# %%
share_on_wrong = {}
for method in ("contrastive", "rrsitr"):
    given = np.stack([book.column("weight") for book in books[method]]).astype(float)
    share_on_wrong[method] = given[:, :, wrong].sum(axis=(0, 2)) / given.sum(axis=(0, 2))
    print(f"share of the weight on mismatched pairs, {method:12}", " ".join(f"{value:.2f}" for value in share_on_wrong[method]))
lost = (loss["rrsitr"] >= config.gamma_2).all(axis=1) & ~wrong
of_all, taken = lost.sum() / (3 * (~wrong).sum()), control[lost].mean()
print(f"true pairs that are suspected in all ten epochs: {of_all:.0%}; of these the oracle believes {taken:.0%} in the end")

# %% [markdown]
# **What to notice.** In contrastive training every pair counts, so that the share is that of the mismatched pairs. RRSITR makes it
# less than half of that from the first epoch. But after the fourth epoch the share rises again, while believed mismatched
# pairs come under $\gamma_1$. Nearly a fifth of the true pairs never have a weight. They are not hopeless: the oracle learns
# more than nine tenths of them. Lesson 06 has the distance in recall between RRSITR and the oracle; here is a part of
# its reason.
#
# ## A second opinion
#
# *Co-teaching* is the usual answer: train two networks, and let each choose the pairs on which the *other* is trained.
# A mistake then is not confirmed by the one who made it. This helps as far as the two err differently. Whether two runs
# of RRSITR do can be read from the records: they differ in their seed, and so in the order of the batches, alone.
#
# **Predict**, before you run the next cell:
#
# 1. The first run believes some mismatched pairs. Which share of them does the second believe too? By chance it would be
#    the share that it believes of all mismatched pairs.
# 2. Train only on what both believe. What is gained, and what is lost?

# %%
a, b = (loss["rrsitr"][seeds.index(seed), -1] < config.gamma_2 for seed in (SEED, OTHER))
both_by_hand = sum(bool(a[pair] and b[pair]) for pair in np.flatnonzero(wrong))
assert both_by_hand == (a & b & wrong).sum(), "a loop and a product of masks count alike"
too, by_chance = both_by_hand / (a & wrong).sum(), b[wrong].mean()
print(f"of {(a & wrong).sum()} mismatched pairs that seed {SEED} believes, seed {OTHER} believes {too:.0%}; by chance {by_chance:.0%}")
choices = {f"seed {SEED}": a, f"seed {OTHER}": b, "both": a & b, f"seed {SEED} alone": a & ~b}
true_share = {}
for name, chosen in choices.items():
    true_share[name] = (~wrong[chosen]).mean()
    print(f"believed by {name:13} {chosen.sum():4} pairs, {true_share[name]:.0%} of them true")
kept = (a & b & ~wrong).sum() / (a & ~wrong).sum()
print(f"of the true pairs that seed {SEED} believes, both believe {kept:.0%}")

# %%
from rrsitr_lib.show.style import TRUE_COLOUR, WRONG_COLOUR
from scipy.stats import spearmanr

figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), sharex=True, sharey=True, layout="tight")
places = [loss["rrsitr"][seeds.index(seed), -1] for seed in (SEED, OTHER)]
kinds = (("true pairs", ~wrong, TRUE_COLOUR, "o"), ("mismatched pairs", wrong, WRONG_COLOUR, "x"))
for axis, (title, pairs, colour, marker) in zip(axes, kinds, strict=True):
    axis.plot(places[0][pairs], places[1][pairs], marker, color=colour, ms=3, mew=0.8, aa=False)
    for gamma in (config.gamma_1, config.gamma_2):
        axis.axvline(gamma, color="black", ls=":", lw=1), axis.axhline(gamma, color="black", ls=":", lw=1)
    axis.set(title=title, xlabel=f"loss in the last epoch, seed {SEED}", aspect="equal")
axes[0].set(xlim=(0, None), ylim=(0, None), ylabel=f"loss in the last epoch, seed {OTHER}")
print(f"correlation of the two losses by ranks: {spearmanr(*places).statistic:.2f}")

# %% [markdown]
# <details><summary>Answer to 1</summary>
#
# More than two thirds, over four times as many as by chance. The two runs make the same mistakes. They start from the same
# weights, and most of what looks right to the one looks right to the other.
#
# </details>
#
# <details><summary>Answer to 2</summary>
#
# Of what both believe a few points more is true than of what one believes, and about a tenth of the believed true pairs is
# given up for that. What one believes alone is about a toss of a coin.
#
# </details>
#
# **What to notice.** The dotted lines are the thresholds. The clouds lie along the diagonal: two seeds, nearly one opinion.
# The mistakes that an exchange could undo lie left above and right below; more than two thirds of the mismatched pairs that
# one run believes lie in the lower left square, where neither objects. An exchanged selection would be as impure as one's
# own. So a second network from the same start is a weak control of the first. This counts what two runs
# believe that did not speak with each other. What they would become if they did, only training tells: `ncr2`, `bicro` and
# `cream` of [lesson 10](10_who_else.ipynb) are trained so.
#
# **In the library.** `kept_rows` says which pairs a thin ledger holds, and `thin_ledger` makes one of a run of yours.
#
# ## Related work
#
# - Networks fit even random labels (Zhang 2017), and simple patterns come first (Arpit 2017): so early losses can be trusted more.
# - *Co-teaching* (Han 2018) exchanges small-loss pairs between two networks with different starts; ours begin with the same one.
# - *Decoupling* (Malach 2017) and *Co-teaching+* (Yu 2019) train where two networks disagree: there the coin is tossed.
# - *Confirmation bias* has its name in semi-supervised learning, where a network trains on labels of its own (Arazo 2020).
# - *NCR* (Huang 2021) brought co-teaching to noisy correspondence, after *DivideMix* (Li 2020). RRSITR has one network.
#
# ## Exercises
#
# In [exercises/11_own_mistakes.ipynb](exercises/11_own_mistakes.ipynb): how much more than chance two runs agree (core, 15
# minutes), and a suspicion from two records that is better than each (research, 25 minutes).
#
# ## Summary
# - RRSITR believes some mismatched pairs early, trains on them, and ends with calling three to four times as many of them clean
#   as the oracle does.
# - More than a third of the believed the oracle believes too; most of the others were believed early and stayed so.
# - Two runs from one start make the same mistakes, so a second opinion of this kind helps little.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026;
# Zhang et al., Understanding Deep Learning Requires Rethinking Generalization, ICLR 2017; Arpit et al., A Closer Look at
# Memorization in Deep Networks, ICML 2017; Malach and Shalev-Shwartz, Decoupling "when to update" from "how to update",
# NeurIPS 2017; Han et al., Co-teaching, NeurIPS 2018; Yu et al., How Does Disagreement Help Generalization against Label
# Corruption?, ICML 2019; Arazo et al., Pseudo-Labeling and Confirmation Bias in Deep Semi-Supervised Learning, IJCNN 2020;
# Li, Socher, Hoi, DivideMix, ICLR 2020; Huang et al., Learning with Noisy Correspondence, NeurIPS 2021.*

# %%
clean, believed = counts[config.gamma_1], counts[config.gamma_2]
assert clean["rrsitr"][0] == 0, "in the first epoch RRSITR calls no mismatched pair clean"
assert 3 <= clean["rrsitr"][-1] / clean["oracle"][-1] <= 4, "it calls three to four times as many of them clean"
assert np.ptp(believed["rrsitr"][1:]) < 0.1 * believed["rrsitr"][-1], "believes about the same number to the end"
assert (np.diff(believed["oracle"]) < 0).mean() > 0.8, "under the oracle fewer are believed nearly every epoch"
assert (np.diff(believed["contrastive"]) > 0).all(), "contrastive training believes more and more of them"
assert max(clean["contrastive"]) <= 1, "hardly one of them as clean"
shared, alone, neither = facts.values()
assert 0.4 < shared[1] < 0.6, "of what both believe, half are near misses"
assert shared[2] > 3 * max(alone[2], neither[2]), "several times as often from a scene of the same class"
assert alone[0] > shared[0], "what RRSITR alone believes is the larger group"
assert early["RRSITR alone believes"][0] > 0.5 > 0.2 > early["RRSITR does not believe"][0], "most of these pairs were believed early"
assert alone[1] < shared[1] and alone[2] < 1.5 * same_class[wrong].mean(), "and it is less alike"
assert abs(same_class[wrong].mean() - 1 / 18) < 0.02, "hardly more often than chance lets them, one in eighteen"
assert (false_claims[wrong] == 0).mean() < 0.015, "only one mismatched pair in a hundred is true by accident"

# %%
stay, gone = stays.values()
assert all(values[-1] > values[0] + 0.1 for part in stays.values() for values in part.values())
assert (np.diff(stay["rrsitr"]) > 0).all(), "stay so more and more surely"
assert (stay["oracle"][:7] < 0.76).all(), "the oracle finds out a quarter of them or more an epoch"
assert (abs(gone["oracle"][:-1] - 0.5) < 0.06).all(), "about half of the suspected true pairs come back every epoch"
assert (gone["rrsitr"][5:] > 0.9).all(), "fewer than one in ten does from the sixth epoch on"
ours, plain = share_on_wrong["rrsitr"], share_on_wrong["contrastive"]
assert (ours < plain / 2).all(), "less than half of that from the first epoch"
assert ours[:4].argmin() == 3 and ours[-1] > ours[3] + 0.02, "after the fourth epoch the share rises again"
assert 0.17 < of_all < 0.2, "nearly a fifth of the true pairs never have a weight"
assert taken > 0.9, "the oracle learns more than nine tenths of them"

# %%
assert too > 2 / 3, "more than two thirds of the mismatched pairs that one run believes"
assert too > 4 * by_chance and 0.85 < kept < 0.95 and true_share[f"seed {SEED} alone"] < 0.6
assert 0.02 < true_share["both"] - true_share[f"seed {SEED}"] < 0.08, "a few points more is true"
assert abs(true_share[f"seed {SEED}"] - true_share[f"seed {OTHER}"]) < 0.03, "as impure as one's own"
assert spearmanr(*places).statistic > 0.8, "two seeds, nearly one opinion"
print("all assertions hold")
