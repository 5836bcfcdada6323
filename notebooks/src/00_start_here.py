# %% [markdown]
# # What is a mismatched pair, and why does it hurt?
#
# *Under a minute on two CPU cores · no GPU · no download · no exercises · no widget.*
#
# **You will** check your machine, look at true and mismatched pairs, rank six pictures for six sentences by hand, and
# then rank a whole test set with the library. **You should know** what a cosine is. **In the paper**: introduction,
# and the sections on noise injection and evaluation.
#
# A retrieval model learns from pairs: a picture, and a sentence that is said to describe it. Real collections hold
# pairs that do not belong together, and nobody tells the model which. This is called *noisy correspondence*.

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of everything that is drawn here
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows that get a wrong caption
SCENES = 60  # 40 or more; drawn training scenes to look at

# %% [markdown]
# The next cell checks the environment, line by line where something is missing, and hands back a random generator of
# this lesson's own. Nothing in this project touches the global random state: whoever draws numbers gets a generator or
# a seed. Run the cell again and you get the same pictures; change the seed above and you get others. The configuration
# is the one object that determines a run, so it is printed, and every later lesson begins in the same way.

# %%
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.teach.doctor import start

generator = start(SEED)
config = RunConfig.build(encoder="tiny", scenes=SCENES, noise_rate=NOISE_RATE, seed=SEED)
data = open_data(config)
train = data["train"].table
print(f"{len(train.images)} pictures, {len(train)} pairs, first caption: {train.captions[0]}")

# %% [markdown]
# ## Pairs that belong together, and pairs that do not
#
# The built-in world draws small aerial scenes and describes each with five sentences. Because it is drawn, we know
# the truth, which no real collection tells. The authors' protocol, `shuffle`, draws a share of the rows and lets them
# exchange their captions among themselves. A few of them may get back a caption of their own picture: the *realised*
# rate is a little lower than the *nominal* one. The fingerprint names this very noise; quote it beside results.

# %%
noise = inject_noise(config, train)
noisy = train.with_captions(noise.caption_index)
print(f"nominal {noise.rate:.0%}, realised {noise.realised_rate:.1%}")
print(f"fingerprint {noise.fingerprint[:16]}…")
for row in range(6):
    mark = "MISMATCHED" if noise.mismatched[row] else "true      "
    print(f"{mark} {noisy.image_ids[row]:28} {noisy.captions[row]}")

# %% [markdown]
# Look at the pairs before any model does. Below, two rows of pictures with the captions that training would see. A
# dashed frame marks the mismatched ones. Cover the frames with your hand and decide for yourself: some mismatches are
# plain, a harbour called an airport. Others are subtle, the right kind of object in the wrong colour or number. A model
# that believes every pair is asked to pull all of them together.

# %%
from rrsitr_lib.show.figures import contact_sheet

rows = 5 * generator.permutation(len(train.images))[:12]
contact_sheet(data["train"].images[train.image_of_row[rows]], noisy.captions[rows], noise.mismatched[rows])

# %% [markdown]
# **What to notice.** The frame is the only thing that tells them apart at once: neither the picture nor the sentence
# is wrong by itself, only their meeting is. Filters that look at pictures or at sentences alone cannot find these
# pairs. Something must judge the pair as a whole.
#
# ## Ranking six pictures by hand
#
# A model with two towers turns pictures and sentences into vectors of the same length. The cosine of two vectors says
# how well they agree. `tiny` is a small CLIP that was trained on clean scenes of another seed.

# %%
import torch
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.training.batches import image_items

encoder = build_encoder("tiny", pad_tokens="masked").eval()
test = data["test"]
six = [5 * image for image in range(6)]  # the first caption of six pictures
with torch.no_grad():
    image = encoder.image(image_items(test.images[:6], encoder, augment=False, seed=SEED).tensor)
    text = encoder.text(encoder.tokenize(test.table.captions[six]))
print("features of six pictures", tuple(image.pooled.shape), "and six sentences", tuple(text.pooled.shape))

# %% [markdown]
# First the plain loop: for every sentence and every picture, the sum of products over the product of lengths. Rows are
# sentences, columns are pictures, so the true answers stand on the diagonal. Read a row from left to right: the
# largest number is the picture which the model would show first. Where the diagonal wins, the sentence finds its
# picture at the first place.

# %%
by_hand = torch.zeros(6, 6)
for caption in range(6):
    for picture in range(6):
        a, b = text.pooled[caption], image.pooled[picture]
        by_hand[caption, picture] = (a * b).sum() / (a.norm() * b.norm())
for caption in range(6):
    row = "  ".join(f"{value:5.2f}" for value in by_hand[caption])
    print(f"{row}   {test.table.captions[six[caption]]}")

# %% [markdown]
# The same as one matrix product: once every vector has length one, the cosine of two is their sum of products, and the
# whole table is sentences times pictures. Then the same again by the library, and the assertion that all three agree.
# Every lesson has this chain: a loop that you can follow with a pencil, its matrix form, and the function that the
# training uses. If they ever differ, the lesson stops here.

# %%
from rrsitr_lib.model.similarity import cosine_similarity
from torch.nn.functional import normalize

matrix_form = normalize(text.pooled, dim=-1) @ normalize(image.pooled, dim=-1).T
score = cosine_similarity(text.pooled, image.pooled)
torch.testing.assert_close(matrix_form, by_hand, atol=1e-5, rtol=0)
torch.testing.assert_close(score, by_hand, atol=1e-5, rtol=0)
print(f"largest difference {float((score - by_hand).abs().max()):.0e}")

# %% [markdown]
# *Recall at K* counts the questions whose answer is among the first K, in percent: sentences that find their picture
# (`t2i`), and pictures that find one of their sentences (`i2t`). For the sentences we count it by hand: how many wrong
# pictures stand before the right one? The same number comes out of the library, which also gives `mR`, the mean of all
# recalls, the one number by which methods are compared.

# %%
import numpy as np
from rrsitr_lib.evaluation import recall

better = (by_hand > by_hand.diagonal()[:, None]).sum(dim=1)  # pictures that beat the true one
hits = [100 * float((better < k).float().mean()) for k in (1, 5)]
found = recall(score, np.arange(6), ks=(1, 5))
assert np.allclose(hits, [found["t2i_R@1"], found["t2i_R@5"]])
print({name: round(value, 1) for name, value in found.items()})

# %% [markdown]
# ## A first ranking of the whole test set
#
# The whole test set at once, five sentences for each picture. The score now is the paper's: nine parts of the
# global cosine and one part of a local similarity between words and patches, which lesson 06 explains. Beside it
# stands *chance*, what a random order would reach. A table without this row says little: with few pictures, recall at
# ten looks high by itself.

# %%
import pandas as pd
from rrsitr_lib.evaluation import chance_recall
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.evaluate import evaluate

model, inputs = build_model(config, data)
result = evaluate(model, inputs["test"], config)
chance = chance_recall(test.table.image_of_row, len(test.table.images))
print(f"{len(test.table.images)} pictures, {len(test.table)} sentences")
pd.DataFrame([result, chance], index=["tiny, before training", "chance"]).round(1)

# %% [markdown]
# ## Why mismatched pairs hurt
#
# Ask the model how well it likes the training pairs, before it has learned from them. If the two histograms of cosines
# lie apart, a model that already knows something can suspect the wrong pairs by itself. Training on all pairs alike
# then spoils exactly this knowledge: it pulls every mismatched pair together until the two histograms merge. The
# method of these lessons stops that.

# %%
import matplotlib.pyplot as plt
from rrsitr_lib.training.evaluate import encode

pictures, sentences = encode(model, inputs["train"], config)
cosines = cosine_similarity(sentences.pooled, pictures.pooled).numpy()
own = cosines[noise.caption_index, train.image_of_row]
figure, axis = plt.subplots(figsize=(7, 2.6))
bins = np.linspace(-1, 1, 51)
axis.hist(own[~noise.mismatched], bins, color="#0072b2", alpha=0.6, label="true pairs")
axis.hist(own[noise.mismatched], bins, histtype="step", hatch="///", color="#d55e00", label="mismatched pairs")
axis.set(xlabel="cosine of the pair", ylabel="pairs")
_ = axis.legend()

# %% [markdown]
# **What to notice.** The hatched histogram of the mismatched pairs lies to the left, the filled one of the true pairs
# to the right, and they overlap: a threshold would find most of the wrong pairs and lose some true ones.
#
# **In the library.** A split is a `PairTable`, one row a pair, with its pictures beside it. `draw_scenes` returns a
# `SceneSet`: `draw_scene` paints a picture from its facts, `write_captions` says the same facts in five sentences. `encode`
# turns a whole split into features; `pretrain` made the weights of `tiny`.
#
# ## Summary
# - A mismatched pair is wrong only as a pair; the nominal rate of noise is not the realised one.
# - Ranking is a table of scores; recall at K counts how often the truth is among the first K. Chance belongs beside it.
# - A model that knows a little already likes true pairs better. Go on with `06_training_end_to_end`.
#
# *Reference: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026.*

# %%
assert noise.realised_rate <= NOISE_RATE
assert result["mR"] > 3 * chance["mR"], "the tiny encoder ranks far above chance"
if 0 < NOISE_RATE < 1:
    assert own[~noise.mismatched].mean() > own[noise.mismatched].mean(), "true pairs are liked better"
print("all assertions hold")
