# %% [markdown]
# # What is a mismatched pair, and why does it hurt?
#
# *About 25 minutes to work through · under a minute of computing on two CPU cores · no GPU · no download · no exercises · one widget.*
#
# **You will** learn where wrong pairs come from, draw the method from memory, look for wrong pairs yourself, and rank images
# for captions by hand and with the library. **You should know** what a cosine is. **In the paper**: introduction, and the
# sections on noise injection and evaluation.
#
# A retrieval model learns from pairs: an image, and a caption that is said to describe it. Real collections hold pairs that
# do not belong together, and nobody tells the model which. This is called *noisy correspondence*.

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of everything that is drawn here
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows that get a wrong caption
SCENES = 60  # 40 or more; drawn training scenes to look at

# %% [markdown]
# ## Where wrong pairs come from
#
# Somebody wrote a caption while looking at the image before. A list of files slipped by a row. A text was taken from the web
# page around an image. A caption was copied to every image of its kind.
#
# - RSITMD, a benchmark of this field, has under the image of a car park: "this is a beautiful lake just like a sapphire ."
# - NWPU-Captions, another one, holds the caption "." and nothing else.
# - Of Conceptual Captions, millions of pairs from the web, 3 to 20 % are estimated to be wrong (Sharma 2018, as Huang 2021
#   quotes them). Of the sets of remote sensing nobody has counted them.
#
# Why remote sensing? Archives of images from above grow faster than anyone can look at them, so one searches them by words.
# The captions are few, short (10 to 12 words on average in the three benchmarks) and alike, and seen from above many places
# are alike too: a wrong caption is often nearly right. And to correct one takes somebody who can read such an image.
#
# ## The method in one drawing
#
# RRSITR, the method of these lessons, does not know the wrong pairs either. It guesses them from its own losses, in every
# batch anew, and lets the suspected ones teach less. The drawing shows one batch on its way, from left to right.

# %%
from rrsitr_lib.show.method_drawing import method_drawing

method_drawing()

# %% [markdown]
# 1. **A batch**: $B$ images, each with its caption. One of these five pairs is mismatched; nobody says which.
# 2. **Two scores**: every image against every caption, in two tables with $B$ rows and $B$ columns. *Global*, $s_{ij}$: one
#    vector an image, one a caption, and their cosine. *Local*, $r_{ij}$: every word against every patch, and the size of
#    that table. A pair's own scores stand on the diagonals. ([lesson 01](01_retrieval.ipynb),
#    [01b](01b_local_similarity.ipynb))
# 3. **Four cross-entropies**: does the image find its caption among all, along the row, and the caption its image, along the
#    column? Twice, for both tables. Their sum is the loss $\ell_i$ of pair $i$: its surprise.
# 4. **Three categories**: two thresholds, $\gamma_1 < \gamma_2$, cut the losses into *clean*, *ambiguous* and *noisy*.
#    ([lesson 03](03_partition.ipynb))
# 5. **Weight**: a clean or ambiguous pair counts with a weight $w$ that falls as its loss grows, and is zero at $\gamma_1$
#    for clean pairs, at $\gamma_2$ for ambiguous ones, which have a factor $\lambda_1$ besides.
#    ([lesson 04](04_self_paced_weights.ipynb))
# 6. **Triplet**: a noisy pair is not pulled by its loss. It has a triplet loss $L^{rt}_i$ with a factor $\lambda_2$: its own
#    cosine should beat the best wrong one by a margin. ([lesson 05](05_robust_triplet.ipynb))
# 7. **Mean**: what the pairs contribute is averaged over the batch, and this number trains the model.
#    ([lesson 06](06_training_end_to_end.ipynb))
#
# Cover it and draw it: pairs, two tables, four arrows to a sum, three drawers, two falling curves and a ramp, one mean. Each
# lesson shows it again with its own part lit.
#
# ## The drawn world
#
# The next cell checks the environment, line by line where something is missing. Nothing in this project touches the global
# random state: whoever draws numbers gets a generator or a seed. The configuration is the one object that determines a run,
# and every later lesson begins in the same way.

# %%
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.teach.doctor import start

start(SEED)
config = RunConfig.build(encoder="tiny", scenes=SCENES, noise_rate=NOISE_RATE, seed=SEED)
data = open_data(config)
train = data["train"].table
print(f"{len(train.images)} images, {len(train)} pairs, first caption: {train.captions[0]}")

# %% [markdown]
# ## Pairs that belong together, and pairs that do not
#
# The built-in world draws small aerial scenes and describes each with five captions. Because it is drawn, we know the
# truth, which no real collection tells. The authors' protocol, `shuffle`, draws a share of the rows and lets them exchange
# their captions among themselves. A few of them may get back a caption of their own image: the *realised* rate is a little
# lower than the *nominal* one. The fingerprint names this very noise; quote it beside results.

# %%
noise = inject_noise(config, train)
noisy = train.with_captions(noise.caption_index)
print(f"nominal {noise.rate:.0%}, realised {noise.realised_rate:.1%}")
print(f"fingerprint {noise.fingerprint[:16]}…")
for row in range(6):
    mark = "MISMATCHED" if noise.mismatched[row] else "true      "
    print(f"{mark} {noisy.image_ids[row]:28} {noisy.captions[row]}")

# %% [markdown]
# ## Spot the wrong pair
#
# Twenty pairs as training would see them, drawn so that about half belong together. Decide one after another, by the buttons
# or the keys w (wrong) and r (right); your score comes at the end. Below stand the same twenty, for readers without a
# kernel: write down the numbers of the wrong ones before you open the answers or read on.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.show.explorers.game import spot_the_wrong_pair

game = spot_the_wrong_pair(data["train"], noise, build_encoder("tiny", pad_tokens="masked"), seed=SEED)
game.view()

# %%
game.static()

# %%
from IPython.display import HTML

shown = game.rows
lines = [
    f"<li>{number}: its own caption is <em>{train.captions[row]}</em></li>"
    for number, row in enumerate(shown, 1)
    if noise.mismatched[row]
]
HTML(f"<details><summary>{len(lines)} of the 20 are mismatched: which?</summary><ul>{''.join(lines)}</ul></details>")

# %% [markdown]
# **What to notice.** Neither the image nor the caption is wrong by itself, only their meeting is. Filters that look at
# images or at captions alone cannot find these pairs: something must judge the pair as a whole. Some mismatches are plain,
# another kind of place altogether; others are subtle, the right kind of object in another colour or number. A model that
# believes every pair is asked to pull all of them together.
#
# ## Ranking six images by hand
#
# A model with two towers turns images and captions into vectors of the same length, $g^v_i$ for image $i$ and $g^t_j$ for
# caption $j$ (in code `image.pooled` and `text.pooled`). Their cosine says how well they agree (in the paper: fine-grained
# alignment; in code `cosine_similarity`):
#
# $$s_{ij} = \frac{g^v_i \cdot g^t_j}{\|g^v_i\| \, \|g^t_j\|}$$
#
# `tiny` is a small CLIP that was trained on clean scenes of another seed.

# %%
import torch
from rrsitr_lib.training.batches import image_items

encoder = build_encoder("tiny", pad_tokens="masked").eval()
test = data["test"]
six = [5 * image for image in range(6)]  # the first caption of six images
with torch.no_grad():
    image = encoder.image(image_items(test.images[:6], encoder, augment=False, seed=SEED).tensor)
    text = encoder.text(encoder.tokenize(test.table.captions[six]))
print("features of six images", tuple(image.pooled.shape), "and six captions", tuple(text.pooled.shape))

# %% [markdown]
# First the plain loop: for every caption and every image, the sum of products over the product of lengths. Here captions
# ask, so rows are captions and columns are images; the true answers stand on the diagonal. Read a row from left to right:
# the largest number is the image which the model would show first. Where the diagonal wins, the caption finds its image at
# the first place.

# %%
by_hand = torch.zeros(6, 6)
for caption in range(6):
    for place in range(6):
        a, b = text.pooled[caption], image.pooled[place]
        by_hand[caption, place] = (a * b).sum() / (a.norm() * b.norm())
for caption in range(6):
    row = "  ".join(f"{value:5.2f}" for value in by_hand[caption])
    print(f"{row}   {test.table.captions[six[caption]]}")

# %% [markdown]
# The same as one matrix product: once every vector has length one, the cosine of two is their sum of products, and the
# whole table is captions times images. Then the same again by the library, and the assertion that all three agree.
# Every lesson has this chain. If they ever differ, the lesson stops here.

# %%
from rrsitr_lib.model.similarity import cosine_similarity
from torch.nn.functional import normalize

matrix_form = normalize(text.pooled, dim=-1) @ normalize(image.pooled, dim=-1).T
score = cosine_similarity(text.pooled, image.pooled)
torch.testing.assert_close(matrix_form, by_hand, atol=1e-5, rtol=0)
torch.testing.assert_close(score, by_hand, atol=1e-5, rtol=0)
print(f"largest difference {float((score - by_hand).abs().max()):.0e}")

# %% [markdown]
# *Recall at K* counts the questions whose answer is among the first K, in percent: captions that find their image
# (`t2i`), and images that find one of their captions (`i2t`). For the captions we count it by hand: how many wrong images
# stand before the right one? One that scores as high counts as before it. The same number comes out of the library, which
# also gives `mR`, the mean of all recalls, the one number by which methods are compared.

# %%
import numpy as np
from rrsitr_lib.evaluation import recall

place = (by_hand >= by_hand.diagonal()[:, None]).sum(dim=1)  # the true image and those that are at least as good
hits = [100 * float((place <= k).float().mean()) for k in (1, 5)]
found = recall(score, np.arange(6), ks=(1, 5))
assert np.allclose(hits, [found["t2i_R@1"], found["t2i_R@5"]])
print({name: round(value, 1) for name, value in found.items()})

# %% [markdown]
# ## A first ranking of the whole test set
#
# The whole test set at once, five captions for each image. The score now is the paper's: nine parts of the global cosine
# and one part of a local similarity between words and patches, which [lesson 01b](01b_local_similarity.ipynb) explains.
# Beside it stands *chance*, what a random order would reach. With few images, recall at ten looks high by itself.

# %%
import pandas as pd
from rrsitr_lib.evaluation import chance_recall
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.evaluate import evaluate

model, inputs = build_model(config, data)
result = evaluate(model, inputs["test"], config)
chance = chance_recall(test.table.image_of_row, len(test.table.images))
print(f"{len(test.table.images)} images, {len(test.table)} captions")
pd.DataFrame([result, chance], index=["tiny, before training", "chance"]).round(1)

# %% [markdown]
# ## Why mismatched pairs hurt
#
# Ask the model how well it likes the training pairs, before it has learned from them. If the two histograms of cosines
# lie apart, a model that already knows something can suspect the wrong pairs by itself. Contrastive training on all pairs
# alike works against this knowledge: it pulls the mismatched pairs together, too. The method of these lessons trains by the
# knowledge instead; [lesson 06](06_training_end_to_end.ipynb) shows how far that carries.

# %%
import matplotlib.pyplot as plt
from rrsitr_lib.show.style import TRUE_COLOUR, WRONG_COLOUR
from rrsitr_lib.training.evaluate import encode

images, captions = encode(model, inputs["train"], config)
cosines = cosine_similarity(captions.pooled, images.pooled).numpy()
own = cosines[noise.caption_index, train.image_of_row]
figure, axis = plt.subplots(figsize=(7, 2.6))
bins = np.linspace(-1, 1, 51)
axis.hist(own[~noise.mismatched], bins, color=TRUE_COLOUR, alpha=0.6, label="true pairs")
axis.hist(own[noise.mismatched], bins, histtype="step", hatch="///", color=WRONG_COLOUR, label="mismatched pairs")
axis.set(xlabel="cosine of the pair", ylabel="pairs")
_ = axis.legend()

# %% [markdown]
# **What to notice.** The hatched histogram of the mismatched pairs lies to the left, the filled one of the true pairs to the
# right, and they overlap: a threshold finds most of the wrong pairs and loses some true ones.
#
# ## You and the model
#
# *AUROC* is the chance that of a mismatched and a true pair, drawn at random, the mismatched one is liked less: 1 is
# perfect, 0.5 is a coin. Compare your own list with the model's, which marks those pairs with the smallest cosines.

# %%
from sklearn.metrics import roc_auc_score

wrong, liked = noise.mismatched[shown], own[shown]
marked = np.argsort(np.argsort(liked)) < wrong.sum()
numbers = ", ".join(str(number) for number in np.flatnonzero(marked) + 1)
print(f"the model before training marks {numbers}: it is right about {(marked == wrong).sum()} of 20 pairs")
for name, truth, cosine in (("these 20", wrong, liked), (f"all {len(own)}", noise.mismatched, own)):
    if 0 < truth.sum() < len(truth):
        print(f"AUROC on {name} pairs: {roc_auc_score(truth, -cosine):.2f}")

# %% [markdown]
# **In the library.** A split is a `PairTable`, one row a pair, with its images beside it. `draw_scenes` returns a
# `SceneSet`: `draw_scene` paints an image from its facts, `write_captions` says the same facts in five captions. `encode`
# turns a whole split into features; `pretrain` made the weights of `tiny`.
#
# ## Related work
#
# - NCR (Huang 2021) named the problem and was the first to train against it; DECL (Qin 2022) and many since followed it
#   ([lesson 10](10_who_else.ipynb) compares them). They start from photographs; RRSITR from images seen from above.
# - CLIP (Radford 2021) learns from pairs of the web as they are: so many that wrong ones matter little. Here pairs are few.
# - AMFMN (Yuan 2022) is an early retrieval model of remote sensing, and brought RSITMD. It trusts every pair.
#
# ## Summary
# - A mismatched pair is wrong only as a pair; the nominal rate of noise is not the realised one.
# - Ranking is a table of scores; recall at K counts how often the truth is among the first K. Chance belongs beside it.
# - A model that knows a little already likes true pairs better than wrong ones; RRSITR trains by that.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026.
# Sharma, Ding, Goodman, Soricut, Conceptual Captions, ACL 2018. Radford et al., Learning Transferable Visual Models From
# Natural Language Supervision, ICML 2021. Huang et al., Learning with Noisy Correspondence for Cross-modal Matching, NeurIPS
# 2021. Qin et al., Deep Evidential Learning with Noisy Correspondence for Cross-modal Retrieval, ACM Multimedia 2022. Yuan et
# al., Exploring a Fine-Grained Multiscale Method for Cross-Modal Remote Sensing Image Retrieval, IEEE TGRS 2022.*

# %%
assert noise.realised_rate <= NOISE_RATE
assert result["mR"] > 1.5 * chance["mR"], "the tiny encoder ranks above chance"
if 0 < NOISE_RATE < 1:
    assert own[~noise.mismatched].mean() > own[noise.mismatched].mean(), "true pairs are liked better"
    threshold = np.quantile(own[noise.mismatched], 0.6)
    assert (own[~noise.mismatched] < threshold).mean() < 0.5, "a threshold finds most of the wrong pairs"
print("all assertions hold")
