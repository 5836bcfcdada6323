# %% [markdown]
# # What does the local similarity know?
#
# *About 25 minutes to work through · under a minute of computing on two CPU cores · no GPU needed · no download · 1 exercise · no widget.*
#
# **You will** build both halves of the score by hand, see which token makes most of the norm, compute it without its table,
# and measure what the norm and the padding do to a ranking. **You should know** recall
# ([lesson 01](01_retrieval.ipynb)). **In the paper**: fine-grained alignment, evaluation.
#
# The score that sorts images and captions has two halves. One looks at whole images and whole captions; the other at every
# word and every patch, and is meant to see details. What does it see?

# %% tags=["parameters"]
PAIR = 1  # 0 to 5; the pair whose table of tokens is drawn
LOCAL_SHARE = 0.1  # 0 to 1; share of the local half in the score

# %% [markdown]
# In the drawing of the method: two tables of scores, each with one number for every image and every caption of a batch.

# %%
from rrsitr_lib.show.method_drawing import method_drawing

method_drawing("scores")

# %% [markdown]
# ## The global half of the score
#
# `tiny` is a small CLIP; a tower gives one *pooled* vector an item, and a *token* vector for every word or patch. `paper`
# keeps the tokens of the padding behind a caption, `masked` sets them to zero: this one learned with masked ones. The test split of the drawn world has 200
# images, which no training sees.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.teach.doctor import start

start(seed=0)
config = RunConfig.build(encoder="tiny", scenes=40)
test = open_data(config)["test"]
captions, truth = test.table.captions, test.table.image_of_row
print(f"{len(test.table.images)} images, {len(captions)} captions")

# %%
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.training.batches import image_items

features = {}
for padding in ("masked", "paper"):
    encoder = build_encoder("tiny", pad_tokens=padding).eval()
    with torch.no_grad():
        image = encoder.image(image_items(test.images, encoder, augment=False, seed=0).tensor)
        text = encoder.text(encoder.tokenize(captions))
    features[padding] = (text, image)
    print(f"{padding:6} text tokens {tuple(text.tokens.shape)}, image tokens {tuple(image.tokens.shape)}")

# %% [markdown]
# The global half is the cosine of the pooled vectors: direction alone counts, length does not. By hand for six pairs,
# as one product of normalised matrices, and by the library's `cosine_similarity`. A cosine has a sign. A positive one
# says alike, zero says unrelated, a negative one says contrary. Keep this in mind for the other half of the score,
# which has none.

# %%
from rrsitr_lib.model.similarity import cosine_similarity
from torch.nn.functional import normalize

six = np.arange(0, 30, 5)  # the first caption of six images
text, image = features["masked"]
a, b = text.pooled[six], image.pooled[:6]
by_hand = torch.tensor([[float((u * v).sum() / (u.norm() * v.norm())) for v in b] for u in a])
torch.testing.assert_close(normalize(a, dim=-1) @ normalize(b, dim=-1).T, by_hand, atol=1e-5, rtol=0)
torch.testing.assert_close(cosine_similarity(a, b), by_hand, atol=1e-5, rtol=0)
print("loop, matrix form and library agree on", tuple(by_hand.shape), "cosines")

# %% [markdown]
# ## The local half: a table of token cosines
#
# A single vector must squeeze a whole caption. The local half looks closer: every word against every patch of the image, a
# small table of cosines. With the tokens of caption $j$ as the rows of a matrix $T_j$ and those of image $i$ as the rows of
# $V_i$, each of length one (`text.tokens`, `image.tokens`; in the paper: fine-grained alignment), the table is
# $T_j V_i^T$, and the local similarity is its size:
#
# $$r_{ij} = \tau \, \| T_j V_i^T \|_F = \tau \sqrt{ \sum_{w} \sum_{p} ( t_{jw} \cdot v_{ip} )^2 }$$
#
# over words $w$ and patches $p$: the Frobenius norm. The factor $\tau$, about 20 (`scale`), belongs to training; at test
# time, and in the library's `local_similarity`, it is left out. The loop writes the table of one pair; `einsum` writes
# all 36 tables of six captions and six images at once.

# %%
T, V = normalize(text.tokens[six], dim=-1), normalize(image.tokens[:6], dim=-1)
table = torch.zeros(T.shape[1], V.shape[1])
for word in range(T.shape[1]):
    for patch in range(V.shape[1]):
        table[word, patch] = (T[PAIR, word] * V[PAIR, patch]).sum()
norm_by_hand = table.square().sum().sqrt()
all_tables = torch.einsum("cwd,ipd->ciwp", T, V)
by_tables = all_tables.square().sum(dim=(2, 3)).sqrt()
torch.testing.assert_close(by_tables[PAIR, PAIR], norm_by_hand)
print("one table:", tuple(table.shape), "  all of them:", tuple(all_tables.shape))

# %% tags=["nbval-ignore-output"]
tokens = encoder.tokenize(captions[six[PAIR : PAIR + 1]])[0]
words = [encoder.tokenizer.decode([int(token)]).strip() for token in tokens[: int(encoder.lengths(tokens[None])[0])]]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=(1, 1.8))
left.imshow(test.images[PAIR])
for patch in range(16):
    left.text(16 * (patch % 4) + 1, 16 * (patch // 4) + 5, str(patch), fontsize=8, bbox={"fc": "white", "pad": 1})
left.set(xticks=range(0, 65, 16), yticks=range(0, 65, 16), xlabel="pixels")
left.grid(color="white")
shown = right.imshow(table[: len(words)], cmap="cividis", aspect="auto")
right.set(yticks=range(len(words)), yticklabels=words, xticks=range(0, 16), xlabel="patch of the image")
figure.colorbar(shown, label="cosine")
figure.tight_layout()
three = table[[0, len(words) - 2, len(words) - 1]]  # start, full stop, end

# %% [markdown]
# **What to notice.** Each row is a token, each column a patch of the image on the left. Three rows stand out: the start token,
# the full stop and the end token, which gives the pooled vector. These three rows make most of the squared norm. They split
# the patches into the same two groups; the words between them are pale, and point at nothing.
#
# ## A token that says nothing
#
# The text tower reads from left to right. So the start token sees no other word: it is the same vector for every caption.
# How much of the squared norm is its work? Its row's share of the table, for captions and images from the whole split.

# %%
torch.testing.assert_close(text.tokens[:, 0], text.tokens[:1, 0].expand(len(captions), -1))  # the same for all
some_text, some_images = normalize(text.tokens[::20], dim=-1), normalize(image.tokens[::5], dim=-1)
of_token = torch.einsum("cld,ipd->cilp", some_text, some_images).square().sum(dim=3)  # (captions, images, tokens)
start_share = of_token[..., 0] / of_token.sum(dim=2)
print(f"{start_share.shape[0]} captions, {start_share.shape[1]} images")
print(f"the start token's share of the squared norm: {float(start_share.mean()):.0%} on average")

# %% [markdown]
# So most of the norm is one number an image, the same whatever the caption says: how much its patches look like the start
# token. Between the images that a caption asks for it can decide; between the captions that an image asks for it cannot.
#
# ## The same from two Gram matrices
#
# The norm needs the squares of the table, not the table. The sum of its squares is the inner product of two square
# matrices, each computed once an item, not once a pair:
#
# $$\| T V^T \|_F^2 = \text{tr}(T V^T V T^T) = \langle T^T T, \, V^T V \rangle_F$$

# %%
from rrsitr_lib.model.similarity import local_similarity

text_gram, image_gram = T.mT @ T, V.mT @ V  # (6, D, D) each
by_grams = torch.einsum("cde,ide->ci", text_gram, image_gram).sqrt()
torch.testing.assert_close(by_grams, by_tables)
torch.testing.assert_close(local_similarity(text.tokens[six], image.tokens[:6]), by_tables)
print("Gram matrices:", tuple(text_gram.shape), "and", tuple(image_gram.shape))

# %% [markdown]
# What is gained? Take the paper's sizes: batches of 100, 77 text tokens, 49 patches, width 512. All tables of a batch
# hold 38 million cosines, and with training every one of them must be kept for the gradient. The inner product of two
# Gram matrices costs `D * D` multiplications a pair, the table `77 * 49 * D`; but the Gram matrices must be made, once an
# item. They grow with the batch and not with its square. At 100 pairs all of them at once would still be more numbers
# than the tables: so the library makes them by blocks, and keeps none.

# %%
B, length, patches, D = 100, 77, 49, 512
cosines = B * B * length * patches
print(f"tables: {cosines / 1e6:.1f} million cosines, {4 * cosines / 1e6:.0f} MB in single precision")
print(f"Gram matrices, all at once: {2 * B * D * D / 1e6:.1f} million entries; the library makes them by blocks")
by_table, by_gram = B * B * length * patches * D, B * (length + patches) * D * D + B * B * D * D
print(f"multiplications: {by_table / 1e9:.1f} billion by table, {by_gram / 1e9:.1f} billion by Gram, making them included")

# %% [markdown]
# ## What the norm cannot know
#
# A square forgets its sign. Turn all tokens of an image into their opposites: the cosine would change sign, the norm
# does not notice. And a norm grows with the number of entries. The largest possible value for the paper's sizes is the
# root of 77 times 49, about 61. At test time it is mixed with a cosine, which never exceeds one, at 0.1 to 0.9. An
# extreme case by hand:

# %%
torch.testing.assert_close(local_similarity(T, -V), local_similarity(T, V))
word = torch.eye(4)[0]
caption = word.expand(1, 77, 4)
contrary, agreeing = -word.expand(1, 49, 4), torch.eye(4)[1].expand(1, 49, 4)
for name, cosine, patch_tokens in (("contrary image", -1.0, contrary), ("right image", 1.0, agreeing)):
    norm = float(local_similarity(caption, patch_tokens))
    print(f"{name:16} cosine {cosine:4.1f}, norm {norm:5.2f}: score {0.9 * cosine + 0.1 * norm:5.2f}")

# %% [markdown]
# The right image has the best possible cosine and patches that are unrelated to the words; the contrary one has the
# worst possible cosine, and wins by far. Trained features are not like this, but nothing in the score forbids it. What
# decides is not how large a part is, but how much it *varies* between the answers to one question. The library's
# `FusedScore` makes the mixed score, $0.9 \, s_{ij} + 0.1 \, r_{ij} / \tau$ in the paper (evaluation); here are both parts
# for the whole test set.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.evaluation import FusedScore, recall
from rrsitr_lib.show.style import COLOURS

parts = {}
for padding, (text, image) in features.items():
    cosine, local = cosine_similarity(text.pooled, image.pooled), local_similarity(text.tokens, image.tokens)
    torch.testing.assert_close(FusedScore(text, image, LOCAL_SHARE).dense(), (1 - LOCAL_SHARE) * cosine + LOCAL_SHARE * local)
    parts[padding] = (cosine, local)
    for name, part in (("cosine", (1 - LOCAL_SHARE) * cosine), ("norm", LOCAL_SHARE * local)):
        deviation = part.std(dim=1).mean()  # among the images, for one caption
        print(f"{padding:6} share of the {name:6}: mean {part.mean():5.2f}, deviation among the images {deviation:.3f}")

# %% [markdown]
# So for this small encoder the norm is much of the *level* and little of the *order*. The other weak spot is padding. A
# tokenizer fills every caption up to a fixed length, and in the paper's form these filling tokens take part in the norm as if
# they were words. The shorter the caption, the more of them. Do they shift its score? Compare the mean norm of short and of
# long captions over all images.

# %% tags=["nbval-ignore-output"]
r, lengths = {}, encoder.lengths(encoder.tokenize(captions)).numpy()
short, long = lengths <= np.quantile(lengths, 0.2), lengths >= np.quantile(lengths, 0.8)
for padding, (_, local) in parts.items():
    mean = local.mean(dim=1).numpy()
    r[padding] = np.corrcoef(lengths, mean)[0, 1]
    print(f"{padding:6} mean norm of short captions {mean[short].mean():.2f}, of long ones {mean[long].mean():.2f}")
    print(f"{padding:6} correlation of length and norm {r[padding]:.2f}")

# %% [markdown]
# With padding, a short caption tends to the larger norm, whatever the image shows; without, a long one does. The means differ
# by little. This concerns an image that asks, because it compares captions of different length. A caption that asks is safe
# from it: all images have the same number of patches, and its own length is the same for all of them. What does padding cost
# in both directions? Mix both parts in all proportions, and measure each mix.

# %% tags=["nbval-ignore-output"]
shares, found = np.linspace(0, 1, 11), {}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharex=True)
for padding, colour, dash, marker in (("masked", COLOURS[0], "-", "o"), ("paper", COLOURS[1], "--", "s")):
    cosine, local = parts[padding]
    mixed = [recall((1 - share) * cosine + share * local, truth) for share in shares]
    for axis, way in zip(axes, ("i2t", "t2i"), strict=True):
        mean = [np.mean([one[f"{way}_R@{k}"] for k in (1, 5, 10)]) for one in mixed]
        found[padding, way] = np.array(mean)
        axis.plot(shares, mean, dash, color=colour, marker=marker, ms=4, label=f"padding: {padding}")
for axis, title in zip(axes, ("image to captions", "caption to images"), strict=True):
    axis.axvline(LOCAL_SHARE, color="grey", ls=":")
    axis.set(title=title, xlabel="share of the local half", ylabel="mean of three recalls (%); cut")
figure.tight_layout(rect=(0, 0, 1, 0.92))
_ = figure.legend(*axes[0].get_legend_handles_labels(), loc="upper center", ncols=2)

# %% [markdown]
# **What to notice.** The dotted line is the mix of this lesson, by default the paper's. There the local half helps, with
# padding (dashed) or without, and in both directions. Farther right the two part: where the norm has half the weight or more,
# the form without padding is better in both directions. The vertical axes are cut.
#
# So it is not the length alone: captions that ask are safe from it, and lose too. Cosines with filling tokens say nothing of
# the caption. This encoder learned with masked padding; where padding takes part in training, the gap may close.
#
# ## Exercise
#
# In [exercises/01b_local_similarity.ipynb](exercises/01b_local_similarity.ipynb), with a check that hints at what is
# missing: a norm without padding from Gram matrices (stretch, 20 minutes).
#
# ## Related work
#
# - SCAN (Lee 2018) lets every word choose the regions that it means, and adds up these matches: they keep their sign.
# - FILIP (Yao 2022) takes for every word the patch that suits best, and averages. Such a score can point at a patch; the norm
#   adds up all of them and cannot.
# - CLIP (Radford 2021), the encoder of the paper, compares the pooled vectors only. Its text tower reads from left to right,
#   so its start token is the same for every caption, too.
#
# ## Summary
# - The score is 0.9 cosine plus 0.1 norm of token cosines; the norm has no sign, can reach 61, and counts padding.
# - Most of the norm is the work of the start token, which says nothing of the caption.
# - Two Gram matrices give the norm without its table; the library computes it so.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026.
# Lee, Chen, Hua, Hu, He, Stacked Cross Attention for Image-Text Matching, ECCV 2018. Yao et al., FILIP: Fine-grained
# Interactive Language-Image Pre-Training, ICLR 2022. Radford et al., Learning Transferable Visual Models From Natural
# Language Supervision, ICML 2021.*

# %%
assert all(float(local.max()) > 1 for _, local in parts.values()), "the norm exceeds any cosine"
assert float(start_share.mean()) > 0.6, "most of the norm is the start token's"
assert three.square().sum() > 0.7 * table.square().sum(), "these three rows make most of the squared norm"
assert three.corrcoef()[0].abs().min() > 0.5, "they split the patches into the same two groups"
if len(captions) >= 1000:  # what follows needs a whole test split
    assert r["paper"] < 0 < r["masked"], "with padding, a short caption tends to the larger norm"
    for way in ("i2t", "t2i"):
        assert all(found[padding, way][1] > found[padding, way][0] for padding in parts), "there the local half helps"
        apart = (found["masked", way] - found["paper", way])[5:].mean()
        assert apart > 1, "the form without padding is better in both directions"
print("all assertions hold")
