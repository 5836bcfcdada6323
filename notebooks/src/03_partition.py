# %% [markdown]
# # Can the loss tell clean from mismatched?
#
# *About 35 minutes to work through · two minutes of computing on two CPU cores · no GPU needed · no download · 4 exercises · one widget.*
#
# **You will** compute the loss of six pairs by hand, sort pairs into three categories, see why the upper threshold is
# nearly the loss of a guess, and watch what training does to the signal. **You should know** cosine and local
# similarity ([lesson 01b](01b_local_similarity.ipynb)). **In the paper**: fine-grained alignment, and the three categories.
#
# Nobody tells the model which pairs are mismatched. But a model that knows a little is surprised by some pairs more
# than by others, and the measure of its surprise is the loss. This lesson asks how far that carries.

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of the runs
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows with a wrong caption
SCENES = 800  # 40 or more; drawn training scenes of the recorded runs
EPOCHS = 6  # 1 or more; epochs of the recorded runs
RUNS = "runs"  # folder that receives the run folders

# %%
from rrsitr_lib.show.method_drawing import method_drawing

method_drawing("losses")

# %% [markdown]
# The loss of a pair is a sum of cross-entropies over the other pairs of its batch: how surely does its image find its
# caption, and its caption its image? To follow that with a pencil we take six pairs and a table of similarities
# that is made up. Rows are images, columns are captions; the own score stands on the diagonal. The fourth pair is
# mismatched: its own score is small, and other captions suit its image better.

# %%
import numpy as np
import torch
from rrsitr_lib.config import RunConfig
from rrsitr_lib.teach.doctor import start

start(SEED)
config = RunConfig.build(
    encoder="tiny", scenes=SCENES, epochs=EPOCHS, noise_rate=NOISE_RATE, method="rrsitr", seed=SEED
)
similarity = torch.tensor(np.random.default_rng(0).uniform(-0.3, 0.4, (6, 6)).round(2))
similarity.fill_diagonal_(0.6)
similarity[3, 3] = -0.2
for row in similarity.tolist():
    print("  ".join(f"{value:5.2f}" for value in row))

# %% [markdown]
# ## Six pairs by hand
#
# The scores are multiplied by a frozen temperature, $\tau$, about 20 (`scale`), and read as logits. For pair $i$ of $B$
# (`batch_size`), with $s_{ij}$ the cosine of image $i$ and caption $j$ (in the paper: fine-grained alignment; in code
# `symmetric_cross_entropy`):
#
# $$\ell^g_i = -\log \frac{e^{\tau s_{ii}}}{\sum_{j=1}^{B} e^{\tau s_{ij}}} - \log \frac{e^{\tau s_{ii}}}{\sum_{j=1}^{B} e^{\tau s_{ji}}}$$
#
# that is, the logarithm of the sum of the exponentials along its row, minus its own score, and the same along its column.
# Nothing is averaged over pairs, each keeps its own loss. The matrix form takes `logsumexp` of rows and columns.

# %%
from rrsitr_lib.methods.pair_loss import symmetric_cross_entropy

logits = config.scale * similarity
by_hand = []
for i in range(6):
    to_text = np.log(sum(np.exp(float(logits[i, j])) for j in range(6))) - float(logits[i, i])
    to_image = np.log(sum(np.exp(float(logits[j, i])) for j in range(6))) - float(logits[i, i])
    by_hand.append(to_text + to_image)
matrix_form = logits.logsumexp(dim=1) + logits.logsumexp(dim=0) - 2 * logits.diagonal()
torch.testing.assert_close(matrix_form, torch.tensor(by_hand))
torch.testing.assert_close(symmetric_cross_entropy(logits), matrix_form)
print("losses:", "  ".join(f"{loss:.2f}" for loss in by_hand))

# %% [markdown]
# ## Three categories
#
# The next part of the drawing: what becomes of the loss.

# %%
method_drawing("categories")

# %% [markdown]
# In training, the same is done a second time with the local similarity $r_{ij}$ in the place of $\tau s_{ij}$, and both are
# added: $\ell_i = \ell^g_i + \ell^l_i$ is the loss of the pair (in code `pair_loss`; in the record `loss_global`,
# `loss_local` and `loss`). Two thresholds cut it (in the paper: the three categories; in code `gamma_1`, `gamma_2`,
# `partition`):
#
# $$\begin{cases} \text{clean} & \text{if } \ell_i < \gamma_1 \\ \text{ambiguous} & \text{if } \gamma_1 \leq \ell_i < \gamma_2 \\ \text{noisy} & \text{if } \gamma_2 \leq \ell_i \end{cases}$$
#
# The lower border belongs to the upper kind. Again by a loop, then by the library's one line.

# %%
from rrsitr_lib.methods.partition import CATEGORY_NAMES, partition

losses = torch.tensor([0.4, 4.9, 5.0, 12.0, 17.9, 18.0])
kinds = []
for loss in losses.tolist():
    kinds.append(0 if loss < config.gamma_1 else 1 if loss < config.gamma_2 else 2)
assert partition(losses, config.gamma_1, config.gamma_2).tolist() == kinds
print({round(loss, 1): CATEGORY_NAMES[kind] for loss, kind in zip(losses.tolist(), kinds, strict=True)})

# %% [markdown]
# ## Why 18?
#
# A model that guesses gives every answer the same score. Each of the four cross-entropies is then the logarithm of the
# batch size, and the loss of every pair is `4 ln B`. For the paper's batch of 100 this is 18.4, and the upper threshold
# is 18: a pair is called noisy when the model does no better on it than about a guess. But the threshold is an absolute number,
# while the guess depends on the batch: with 16 pairs a guess has 11.1, far below it.

# %%
from rrsitr_lib.methods.pair_loss import chance_loss

for size in (16, 32, 100, 256, 512):
    by_loop = sum(np.log(size) for _ in range(4))
    assert abs(chance_loss(size) - by_loop) < 1e-9
    print(f"batch of {size:3}: a guess has loss {chance_loss(size):5.2f}, gamma_2 is {18 / chance_loss(size):.2f} of it")

# %% [markdown]
# How large is this effect for real pairs? The next cell takes the drawn training pairs, mismatched captions included,
# and the features that the small encoder gives them before any training, and computes the losses of the same pairs in
# batches of several sizes. A box holds the middle half of the pairs, its black line the median; whiskers reach from 5 to 95 %.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.methods.pair_loss import pair_loss
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.evaluate import encode

data = open_data(config)
noise = inject_noise(config, data["train"].table)
model, inputs = build_model(config, data)
image, text = encode(model, inputs["train"], config)
of_image, of_caption = inputs["train"].image_of_row, noise.caption_index
sizes = [size for size in (16, 32, 100, 256) if size <= len(of_image)]
order = np.random.default_rng(SEED).permutation(len(of_image))

# %% tags=["nbval-ignore-output"]
losses_at = {}
for size in sizes:
    parts = []
    for k in range(0, min(len(order), 1000) - size + 1, size):
        rows, words = of_image[order[k : k + size]], of_caption[order[k : k + size]]
        features = (image.pooled[rows], text.pooled[words], image.tokens[rows], text.tokens[words])
        parts.append(pair_loss(*features, config.scale).total)
    losses_at[size] = torch.cat(parts).numpy()
above = {size: losses >= config.gamma_2 for size, losses in losses_at.items()}
wrong_at = {size: noise.mismatched[order[: len(losses)]] for size, losses in losses_at.items()}
for size, noisy in above.items():
    of_kinds = [noisy[wrong_at[size] == kind].mean() if (wrong_at[size] == kind).any() else 0 for kind in (False, True)]
    print(f"batch of {size:3}: of the true pairs {of_kinds[0]:.0%} lie above gamma_2, of the mismatched {of_kinds[1]:.0%}")

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(7.5, 3.2), layout="tight")
axis.boxplot(list(losses_at.values()), tick_labels=sizes, whis=(5, 95), sym="", medianprops={"color": "black", "lw": 2})
places = range(1, len(sizes) + 1)
axis.plot(places, [chance_loss(size) for size in sizes], "s--", color="0.45", label="chance level 4 ln B")
axis.axhline(config.gamma_2, color="black", ls=":", label="gamma_2")
axis.set(xlabel="batch size B", ylabel="loss of the pair", ylim=(0, None))
_ = axis.legend()

# %% [markdown]
# **What to notice.** The boxes rise with the batch size, along with the dashed line of the guess; the dotted threshold
# stays. In batches of 16 few pairs lie above it, most of them mismatched; in batches of 256 so do most pairs, more than a
# third of the true ones among them. Whoever changes the batch size changes the method, unless the thresholds are given as
# shares of chance level (`gamma_unit="chance"` in the configuration).
#
# ## Thresholds, quantiles, mixtures
#
# Other methods let the losses decide where to cut. NCR fits a mixture of two Gaussians, two bells, to them and calls the pairs
# of the lower one clean; with three, there is a middle class. A quantile cuts a fixed share. The next cell compares them on
# the losses of the last epoch of a recorded run, where the truth is known. Precision: how many of the pairs called
# noisy are mismatched. Recall: how many of the mismatched pairs are found.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.evaluation import partition_quality
from rrsitr_lib.methods.partition import mixture_partition, quantile_partition
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.teach.lesson_run import lesson_run

record = RunReader.open(lesson_run(config, RUNS))
loss, wrong = record.column("loss"), record.mismatched
last = loss[-1].astype(float)
ways = {
    "thresholds": partition(torch.tensor(last), config.gamma_1, config.gamma_2).numpy(),
    "quantiles": quantile_partition(last, config.clean_fraction, config.noisy_fraction),
    "two Gaussians": mixture_partition(last, components=2),
    "three Gaussians": mixture_partition(last, components=3),
}

# %% tags=["nbval-ignore-output"]
for name, category in ways.items():
    told = partition_quality(last, category, wrong)
    parts = {key: told[key] for key in ("precision", "recall", "clean_precision")}
    shown = "  ".join(f"{key} {value:.2f}" if value is not None else f"{key}  none" for key, value in parts.items())
    print(f"{name:16} {shown}")

# %% tags=["nbval-ignore-output"]
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

low, width = last.min(), last.max() - last.min()
bells = GaussianMixture(2, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=0).fit((last[:, None] - low) / width)
grid, upper = np.linspace(0, 1, 200), int(bells.means_.argmax())
figure, axis = plt.subplots(figsize=(7.5, 2.8), layout="tight")
axis.hist(last, 60, density=True, color="lightgrey", label="losses, truth unknown")
for bell, dash in ((1 - upper, "-"), (upper, "--")):
    height = bells.weights_[bell] * norm.pdf(grid, bells.means_[bell, 0], bells.covariances_[bell, 0, 0] ** 0.5)
    axis.plot(low + width * grid, height / width, dash, color="black", label=f"bell of {bells.weights_[bell]:.0%}")
axis.set(xlabel="loss of the pair", ylabel="density")
_ = axis.legend()

# %% [markdown]
# **What to notice.** The fit sees the grey heap and not the truth. Its two bells overlap, and a pair is called noisy where the
# dashed one stands above the other. Nothing makes the bells stand where true and mismatched pairs do; the printed rows tell
# what came of it. Now the same losses by truth, with the two thresholds of the paper.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.figures import loss_histogram

loss_histogram(last, wrong, config.gamma_1, config.gamma_2)

# %% [markdown]
# **What to notice.** The filled histogram holds the true pairs, the hatched one the mismatched pairs. They overlap in
# the middle, so every way of cutting pays there: a lower cut finds more mismatched pairs and loses more true ones. The
# hatched pairs at the left are believed, the filled pairs at the right are not, and no threshold can repair either. Are the
# hatched ones at the left right by accident? A wrong caption can be true of an image, and the drawn world knows of which.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.scenes.world import draw_scenes

world, table = draw_scenes(SCENES), data["train"].table
places = np.flatnonzero(wrong)
taken, scene = noise.caption_index[places], table.image_of_row[places]
fits = np.array([world.true_of([caption], [one])[0, 0] for caption, one in zip(taken, scene, strict=True)], dtype=bool)
kinds = np.array([name.split("_")[0] for name in table.image_ids])
alike, low_losses = kinds[places] == kinds[taken], last[places] < config.gamma_2
print(f"{low_losses.sum()} of {len(low_losses)} mismatched pairs lie below gamma_2; {fits[low_losses].sum()} are true of their image")
if low_losses.any():
    print(f"caption from the same class: {alike[low_losses].mean():.0%} of these, {alike.mean():.0%} of all mismatched pairs")

# %% [markdown]
# **What to notice.** Accidents are a handful. The others are near misses: more often than all mismatched pairs they have the
# caption of a scene of the same class. The method does not suspect these pairs, so it pulls them together.
#
# ## What training does to the signal
#
# Now the same over the epochs, for two runs on the same pairs: `contrastive` lets every pair count, `rrsitr` does not.
# The AUROC is the chance that a mismatched pair has a higher loss than a true one: 1 is perfect, 0.5 is a coin.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.figures import curves

plain = RunReader.open(lesson_run(RunConfig.build(**{**config.model_dump(), "method": "contrastive"}), RUNS))
runs = {"rrsitr": record, "contrastive": plain}
wrong_loss = {name: [np.nan, *one.column("loss").mean(axis=1, where=wrong)] for name, one in runs.items()}
metrics = {name: one.metrics.assign(wrong_loss=wrong_loss[name]) for name, one in runs.items()}
for name, one in metrics.items():
    print(f"AUROC, {name:11}: " + "  ".join(f"{value:.3f}" for value in one["auroc"].astype(float)))
curves(metrics, {"auroc": "AUROC of the loss", "wrong_loss": "mean loss, mismatched pairs"})

# %% [markdown]
# **What to notice.** The first point is the start, before any training. Right: the contrastive run (dashed) drives the loss of
# the mismatched pairs down, epoch by epoch. It cannot know that they are wrong, and pulls them together too, little by little.
# [Lesson 06](06_training_end_to_end.ipynb) shows that this ends in learning by heart. The method takes the cross-entropies off the suspected pairs;
# what is left, the triplet loss, pulls weakly, and their loss rises. Left: with that, RRSITR's losses tell the two kinds apart
# better than at the start, and better than those of contrastive training at any time. Both vertical axes are cut.
#
# ## Move the thresholds
#
# Drag over bars of the histogram to see the images and captions behind them; drag the line of `gamma_2` itself, or its
# slider; press play to let the epochs go by. Predict, then move:
#
# 1. Lower `gamma_2` to 12 in the last epoch. Does recall rise more than precision falls?
# 2. Go to the first epoch with the thresholds as they are. Which of the two numbers was worse then?
# 3. Choose a pair that crosses the upper threshold. Does it stay on its side?

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.explorers.partition import PartitionExplorer

explorer = PartitionExplorer(record)
explorer.view()

# %% tags=["nbval-ignore-output"]
for epoch, gamma_2 in ((record.epochs, 18.0), (record.epochs, 12.0), (1, 18.0)):
    explorer.move(epoch=epoch, gamma_2=gamma_2)
    print(explorer.text.value)
crossings = np.diff(loss >= config.gamma_2, axis=0).sum(axis=0)
print(f"{(crossings > 0).sum()} pairs crossed gamma_2, {(crossings > 1).sum()} of them more than once")
print("this view again:", explorer.state())

# %% [markdown]
# <details><summary>Answer to 1</summary>
#
# Compare the first two lines: "of these … are mismatched" is the precision, "… of all mismatched pairs" the recall. A lower
# cut can only find more; what it costs are the true pairs between 12 and 18, the ambiguous ones.
#
# </details>
# <details><summary>Answer to 2</summary>
#
# The third line is the first epoch. In the recorded run both were worse: true pairs still surprised the model, and many
# mismatched ones did not yet.
#
# </details>
# <details><summary>Answer to 3</summary>
#
# Many do not: the printed count says how many crossed more than once. A loss depends on the other pairs of its batch, and
# every epoch deals the batches anew. A category is a guess for one step, not a verdict.
#
# </details>
#
# **In the library.** The explorer counts with `confusion`, pairs by category and truth; `partition_figure` draws it. A run
# can use the other ways of cutting too: `quantile_gammas` takes its thresholds from the losses of the epoch before.
#
# ## Exercises
#
# In [exercises/03_partition.ipynb](exercises/03_partition.ipynb), each with a check that hints: the losses of a batch
# (warm-up, 10 minutes), thresholds for another batch size (core, 10 minutes), how pure the clean pairs are (core, 10
# minutes), and a figure of the losses by truth (core, 15 minutes).
#
# ## Related work
#
# - Zhang 2017: a network can learn any labels by heart. Arpit 2017: it learns what is common first and the odd labels later,
#   which is why a loss tells anything, and why it tells it for a while only.
# - Co-teaching (Han 2018) keeps the pairs with the smallest losses of each batch, and lets two networks choose for each
#   other. DivideMix (Li 2020) fits two Gaussians to the losses of an epoch; NCR (Huang 2021) does so for image-caption pairs.
# - RRSITR needs neither a known rate nor a fit over the epoch: two fixed numbers, which then depend on the batch.
#
# ## Summary
# - The loss of a pair is four cross-entropies against its batch; a guess has `4 ln B`, and `gamma_2` lies just below it at 100 pairs.
# - Two absolute thresholds make three kinds; change the batch size, and the same thresholds mean something else.
# - Training on all pairs pulls the mismatched ones together too; the method leaves most of them apart, but not near misses.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026.
# Zhang et al., Understanding Deep Learning Requires Rethinking Generalization, ICLR 2017. Arpit et al., A Closer Look at
# Memorization in Deep Networks, ICML 2017. Han et al., Co-teaching, NeurIPS 2018. Li, Socher, Hoi, DivideMix, ICLR 2020.
# Huang et al., Learning with Noisy Correspondence for Cross-modal Matching, NeurIPS 2021.*

# %%
assert by_hand[3] == max(by_hand), "the mismatched pair has the largest loss"
assert set(np.unique(record.column("category"))) <= {0, 1, 2}
found, lost = ([(last[kind] >= cut).sum() for cut in (12, 18)] for kind in (wrong, ~wrong))
assert found[0] >= found[1] and lost[0] >= lost[1], "a lower cut finds more mismatched pairs and loses more true ones"
print("these assertions hold")

# %%
if EPOCHS >= 5 and SCENES >= 600 and 0.2 <= NOISE_RATE <= 0.6:
    ours, theirs = (metrics[name].set_index("epoch") for name in ("rrsitr", "contrastive"))
    assert ours["auroc"].iloc[-1] > ours["auroc"][0] + 0.02, "better than at the start"
    assert ours["auroc"].iloc[-1] > theirs["auroc"].max(), "better than those of contrastive training at any time"
    assert ours["wrong_loss"].iloc[-1] > ours["wrong_loss"][1], "RRSITR leaves the mismatched pairs apart"
    assert (theirs["wrong_loss"][1:].diff().dropna() < 0).all(), "contrastive training learns them"
    few = above[16].mean() < 0.35 and wrong_at[16][above[16]].mean() > 0.5
    assert few, "few pairs lie above it, most of them mismatched"
    assert above[256].mean() > 0.5 and above[256][~wrong_at[256]].mean() > 1 / 3, "so do most pairs"
    assert fits[low_losses].mean() < 0.1, "accidents are a handful"
    assert alike[low_losses].mean() > 1.5 * alike.mean(), "more often than all mismatched pairs"
print("all assertions hold")
