# %% [markdown]
# # How do we retrieve, and what does recall count?
#
# *About 35 minutes to work through · a minute and a half of computing on two CPU cores · no GPU needed · no download · 2 exercises · one widget.*
#
# **You will** count recall by hand, with ties and with several captions an image, put chance and ceiling beside a recall,
# and read ranked lists. **You should know** what a cosine is, and what a mismatched pair is
# ([lesson 00](00_start_here.ipynb)). **In the paper**: evaluation.
#
# A retrieval system answers a question with a list, best answer first. Two things decide what its number means: the
# score that sorts the list, and the rule that counts the hits. Both hold surprises. This lesson is about the rule;
# [lesson 01b](01b_local_similarity.ipynb) looks into the score.

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of the random orders and of the recorded run
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows with a wrong caption in the recorded run
SCENES = 800  # 40 or more; drawn training scenes of the recorded run
EPOCHS = 6  # 1 or more; epochs of the recorded run
ORDERS = 100  # 2 or more; random orders in the simulation of chance
RUNS = "runs"  # folder that receives the run folders

# %% [markdown]
# In the drawing of the method this lesson belongs to the scores: what training sorts into losses, retrieval sorts into lists.

# %%
from rrsitr_lib.show.method_drawing import method_drawing

method_drawing("scores")

# %% [markdown]
# The next cell checks the environment and opens the test split of the drawn world: images that no training sees, with
# five captions each. Row by row, `image_of_row` says which image a caption belongs to. This array is the whole truth
# of an evaluation: a list is judged by it and by nothing else. Noise is never injected here, nor into the validation
# set. At every noise rate a model is chosen and judged by clean pairs.

# %%
import numpy as np
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.teach.doctor import start

generator = start(SEED)
config = RunConfig.build(
    encoder="tiny", scenes=SCENES, epochs=EPOCHS, noise_rate=NOISE_RATE, method="rrsitr", seed=SEED
)
test = open_data(config)["test"]
captions, truth = test.table.captions, test.table.image_of_row
print(f"{len(test.table.images)} images, {len(captions)} captions; image of the first seven: {truth[:7].tolist()}")

# %% [markdown]
# ## Six questions by hand
#
# A made-up table of scores: rows are six captions, columns six images, the truth is the diagonal. *Recall at K* is
# the share of questions whose true answer is among the first K, in percent. So we need the place of the truth: one,
# plus the wrong answers before it. What if a wrong answer scores exactly as high? The list may show either first. We
# count it as *before*: a tie counts against us. Caption 2 has such a tie. For $Q$ questions (in the paper: evaluation; in
# code `recall`):
#
# $$R@K = \frac{100}{Q} \sum_{q=1}^{Q} h_q, \qquad h_q = 1 \text{ if } 1 + n_q \leq K, \text{ else } 0$$
#
# where $n_q$ is the number of wrong answers to question $q$ that score at least as high as its best right one.

# %%
score = np.array([
    [0.90, 0.20, 0.10, 0.30, 0.00, 0.10],
    [0.40, 0.70, 0.20, 0.10, 0.30, 0.20],
    [0.10, 0.60, 0.60, 0.20, 0.10, 0.30],
    [0.50, 0.10, 0.30, 0.40, 0.20, 0.45],
    [0.20, 0.30, 0.10, 0.00, 0.80, 0.10],
    [0.30, 0.20, 0.50, 0.60, 0.40, 0.10],
])  # fmt: skip
places = []
for caption in range(6):
    before = sum(score[caption, j] >= score[caption, caption] for j in range(6) if j != caption)
    places.append(1 + int(before))
by_hand = {k: 100 * sum(place <= k for place in places) / 6 for k in (1, 5, 10)}
print("places:", places, "recall:", {k: round(value, 1) for k, value in by_hand.items()})

# %% [markdown]
# In matrix form, all rows at once: how many entries are at least the diagonal one, which counts the truth itself as
# well, so the sum is the place. Down the columns the same table answers the other questions, images that look for
# captions. The library's `recall` gives both directions and `mR`, the mean of the six recalls at 1, 5 and 10. It is
# the one number by which the paper compares methods.

# %%
from rrsitr_lib.evaluation import recall

own = np.diag(score)
to_images, to_captions = (score >= own[:, None]).sum(axis=1), (score >= own).sum(axis=0)
matrix_form = [100 * (place <= k).mean() for place in (to_captions, to_images) for k in (1, 5, 10)]
found = recall(score, np.arange(6))
np.testing.assert_allclose([found[f"t2i_R@{k}"] for k in (1, 5, 10)], list(by_hand.values()))
np.testing.assert_allclose(list(found.values()), [*matrix_form, np.mean(matrix_form)])
print({name: round(value, 1) for name, value in found.items()})

# %% [markdown]
# Why so strict with ties? Think of a model that has collapsed and gives every pair the same score. If ties counted for
# us, it would find everything. If the order of the file decided, images listed beside their captions would be found
# by accident. Counted against us, a constant score finds nothing, as it should. Ties are no mere theory: half
# precision, saturated scores and repeated captions produce them.

# %%
constant = np.zeros((6, 6))
for_us = 100 * np.mean([(row > row[i]).sum() < 1 for i, row in enumerate(constant)])
by_file_order = 100 * np.mean([int(row.argmax()) == i for i, row in enumerate(constant)])
against_us = recall(constant, np.arange(6))["t2i_R@1"]
print(f"constant score, R@1: ties for us {for_us:.1f}, by file order {by_file_order:.1f}, against us {against_us:.1f}")

# %% [markdown]
# ## Several captions an image
#
# An image that asks has several right answers, and it is a hit if *any* of them is among the first K. A caption that
# asks has a single one. So the two directions are different questions and their recalls do not compare. Six captions
# again, but now they describe two images, three each. Follow the loop: the image is content with its best caption,
# its other captions are never counted as wrong answers.

# %%
of = np.array([0, 0, 0, 1, 1, 1])
score = np.array([[0.9, 0.2], [0.4, 0.7], [0.3, 0.6], [0.5, 0.4], [0.2, 0.8], [0.6, 0.1]])
caption_hits = [score[c, of[c]] > score[c, 1 - of[c]] for c in range(6)]
image_hits = []
for image in range(2):
    best = max(score[c, image] for c in range(6) if of[c] == image)
    wrong_before = sum(score[c, image] >= best for c in range(6) if of[c] != image)
    image_hits.append(wrong_before < 1)
found = recall(score, of, ks=(1,))
np.testing.assert_allclose(found["i2t_R@1"], 100 * np.mean(image_hits))
np.testing.assert_allclose(found["t2i_R@1"], 100 * np.mean(caption_hits))
print({name: round(value, 1) for name, value in found.items()})

# %% [markdown]
# The same table: every image finds a caption, and only a third of the captions find their image. Do not read
# from this that one direction is easier. With five captions an image the candidates are five times as many, too.
#
# ## What chance would reach
#
# A recall means little without the one that a random order reaches. For a caption it is K out of the number of
# images. For an image with five captions, think of the misses: the first answer is wrong, and the second, up to K.
# By formula, by the library's `chance_recall`, and by trying random scores.

# %%
from rrsitr_lib.evaluation import chance_recall

images, rows = len(test.table.images), len(captions)
by_formula = {}
for k in (1, 5, 10):
    miss = 1.0
    for place in range(k):
        miss *= (rows - 5 - place) / (rows - place)  # a wrong one again, of those not drawn yet
    by_formula[f"i2t_R@{k}"] = 100 * (1 - miss)
by_formula |= {f"t2i_R@{k}": 100 * k / images for k in (1, 5, 10)}
chance = chance_recall(truth, images)
np.testing.assert_allclose([chance[name] for name in by_formula], list(by_formula.values()))
print({name: round(value, 3) for name, value in chance.items()})

# %% [markdown]
# The simulation draws a table of random scores, counts, and does so again. Its mean must agree with the formula within
# its own error, which the cell asserts at four standard errors. Look at the deviation of a single order as well: with 200
# images a recall at one of one percent is not yet better than chance. Beside it, the chance levels of the paper's
# test sets. Two rows of the paper's ablation on RSITMD, 1.22 and 1.10, lie there: these models have learned nothing.

# %%
drawn = [recall(generator.random((rows, images)), truth) for _ in range(ORDERS)]
for name, questions in (("i2t_R@1", images), ("i2t_R@10", images), ("t2i_R@10", rows)):
    mean = np.mean([one[name] for one in drawn])
    p = chance[name] / 100
    deviation = 100 * np.sqrt(p * (1 - p) / questions)  # of a single order
    assert abs(mean - chance[name]) < 4 * deviation / np.sqrt(ORDERS)
    print(f"{name:8} formula {chance[name]:.2f}, simulated {mean:.2f}, deviation of one order {deviation:.2f}")
for name, images in (("RSITMD", 452), ("RSICD", 1093), ("NWPU", 3150)):
    print(f"{name:8} chance mR {chance_recall(np.repeat(np.arange(images), 5), images)['mR']:.2f}")

# %% [markdown]
# ## What nobody can reach: captions that repeat
#
# There is a ceiling, too. Six captions of six images, and two say the same. Equal captions have equal rows of
# scores, so they get the same list, and only one of two different images can stand first. Whatever the model, one of
# them fails at R@1. The ceiling is the number of captions that a perfect guesser can satisfy: for each distinct text,
# the image that carries it most often.

# %%
texts = ["a lake .", "two roads .", "a lake .", "a port .", "a red house .", "a farm ."]
satisfied = 0
for caption in sorted(set(texts)):
    owners = [image for image, other in enumerate(texts) if other == caption]
    satisfied += max(owners.count(image) for image in owners)
fits = np.array([[1.0 * (a == b) for b in texts] for a in texts])  # a judge who knows every caption by heart
print(f"ceiling of R@1 {100 * satisfied / 6:.1f}, the judge reaches {recall(fits, np.arange(6))['t2i_R@1']:.1f}")

# %% [markdown]
# The judge, who cannot tell the two lakes apart, ties and loses both. Now the same rule for a whole test set: our drawn
# captions hardly repeat, real ones do. In the test set of NWPU, 10,469 of 15,750 captions are identical to a caption of
# another image. So the paper's text-to-image R@1 of 14.78 there says as much about the captions as about the model. Ask
# for the ceiling before you read a recall.

# %%
distinct, text_of_row = np.unique(captions.astype(str), return_inverse=True)
(text_of_pair, _), carried = np.unique([text_of_row, truth], axis=1, return_counts=True)
most = np.zeros(len(distinct), dtype=int)  # how often its best image carries a text
np.maximum.at(most, text_of_pair, carried)
ceiling = 100 * most.sum() / rows
print(f"{len(distinct)} distinct captions of {rows}: text-to-image R@1 can reach {ceiling:.1f} at most")

# %% [markdown]
# ## Look at the lists
#
# A finished run keeps its `RetrievalResults`: the twenty best answers to every question of the test split, with both parts of
# their score. The next cell trains a run on noisy pairs, or finds the one that another lesson has trained.
# `ranked_candidates` takes the answers to one question out of it as `RankedCandidates`. First, a caption asks for its
# image.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.static import static_twin
from rrsitr_lib.show.views.retrieval import DIRECTIONS, ranked_candidates, retrieval_figure
from rrsitr_lib.teach.lesson_run import lesson_run

record = RunReader.open(lesson_run(config, RUNS))
rankings = record.retrieval
near = np.flatnonzero((rankings.image_rank > 1) & (rankings.image_rank <= 4))
asked = int(near[0]) if len(near) else 0
answers = ranked_candidates(rankings, DIRECTIONS[0], asked, 5)
print(f"caption {asked} asks: {rankings.texts[asked]}")
static_twin(retrieval_figure(answers))

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.figures import contact_sheet

images = [record.image(int(one), "test") for one in answers.candidates]
names = [f"place {place}" + ", the true one" * bool(true) for place, true in enumerate(answers.true, 1)]
contact_sheet(images, names, columns=5)

# %% [markdown]
# **What to notice.** The framed bar is the true image's, and others stand before it. Ask whether they are wrong: a
# caption does not say everything, and images that fit it just as well count as errors. Now the other way round, an image asks
# for a caption.

# %% tags=["nbval-ignore-output"]
near = np.flatnonzero((rankings.caption_rank > 1) & (rankings.caption_rank <= 4))
asked = int(near[0]) if len(near) else 0
answers = ranked_candidates(rankings, DIRECTIONS[1], asked, 8)
for place, (caption, true) in enumerate(zip(answers.candidates, answers.true, strict=True), 1):
    print(f"place {place} {'TRUE' if true else '    '} {rankings.texts[caption]}")
contact_sheet([record.image(asked, "test")], [f"image {asked} asks"], columns=1)

# %% tags=["nbval-ignore-output"]
static_twin(retrieval_figure(answers))

# %% [markdown]
# **What to notice.** An image may have several framed answers; the first of them alone decides about the hit. Captions
# before it may name the right kind of object in another colour or number.
#
# ## Ask anything
#
# The explorer asks any image or caption of the test split. It draws with `retrieval_figure`. Predict, then move:
#
# 1. Image 0 asks for captions. Is it a hit at K = 10? And do all five of its captions find it at K = 10?
# 2. Raise K to 20 and step through the images. Does the local part ever change the order of the cosine?
# 3. Find a caption at place 1. Which answers right behind it would you have accepted, too?

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.explorers.retrieval import RetrievalExplorer

explorer = RetrievalExplorer(record)
explorer.view()

# %% tags=["nbval-ignore-output"]
explorer.move(direction=DIRECTIONS[1], image=0, k=10)
print(explorer.text.value)
for number in range(1, 6):
    explorer.move(direction=DIRECTIONS[0], caption=number)
    print(explorer.text.value.partition("The local")[0])
print("this view again:", explorer.state())
fewer = 100 * (rankings.caption_rank > 10).mean(), 100 * (rankings.image_rank > 10).mean()
print(f"misses at K = 10: {fewer[0]:.0f} % of the images, {fewer[1]:.0f} % of the captions")
changed = (np.diff(rankings.images_global, axis=1) > 0).any(axis=1)
print(f"lists of 20 in which a smaller cosine stands before a larger one: {changed.mean():.0%} of the captions'")

# %% [markdown]
# <details><summary>Answer to 1</summary>
#
# The first printed line tells of the image, the five below of its captions. An image needs one of its five captions among
# the first ten; each caption needs this very image. So an image can be a hit while some of its captions fail. Over the whole
# test split see the printed misses.
#
# </details>
# <details><summary>Answer to 2</summary>
#
# Yes: the last line prints in how many lists. Among the first answers the cosines lie close together, and the first line
# says by how much each part varies over them; so one part in ten can decide.
#
# </details>
# <details><summary>Answer to 3</summary>
#
# Often several. "Some cars stand in a parking lot" is true of every image with cars in a parking lot, and all but one count
# as wrong answers. Recall measures agreement with the table of pairs, not with the truth; the ceiling above counts only
# captions that are equal word by word.
#
# </details>
#
# ## Exercises
#
# In [exercises/01_retrieval.ipynb](exercises/01_retrieval.ipynb), each an `Exercise` whose check hints at what is
# missing: the hit of one question (warm-up, 10 minutes), and the chance of a hit (core, 15 minutes).
#
# ## Related work
#
# - VSE++ (Faghri 2018) made recall at 1, 5 and 10 in both directions the habit of this field, on photographs; AMFMN (Yuan
#   2022) and PIR (Pan 2023) report the same and their mean for images seen from above.
# - Musgrave 2020 shows how much of an advantage can lie in the way of measuring: the epoch chosen on the test set, for one.
# - ECCV Caption (Chun 2022) let people look at the "wrong" answers on MS-COCO and found many of them right, our question 3.
#   With repeated captions we count only those that are certain.
#
# ## Summary
# - Recall at K counts questions, ties against us; an image needs any of its captions, a caption its one image.
# - A recall lies between chance, which the size of the set gives, and a ceiling, which repeated captions give.
# - A list is sorted by 0.9 of a cosine and 0.1 of a norm; what the norm knows is the next lesson.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026.
# Faghri et al., VSE++, BMVC 2018. Yuan et al., Exploring a Fine-Grained Multiscale Method for Cross-Modal Remote Sensing
# Image Retrieval, IEEE TGRS 2022. Pan et al., A Prior Instruction Representation Framework for Remote Sensing Image-text
# Retrieval, ACM Multimedia 2023. Musgrave, Belongie, Lim, A Metric Learning Reality Check, ECCV 2020. Chun et al., ECCV
# Caption, ECCV 2022.*

# %%
assert against_us == 0 and for_us == 100
recorded = {f"t2i_R@{k}": 100 * (rankings.image_rank <= k).mean() for k in (1, 5, 10)}
recorded |= {f"i2t_R@{k}": 100 * (rankings.caption_rank <= k).mean() for k in (1, 5, 10)}
if NOISE_RATE <= 0.8:
    assert np.mean(list(recorded.values())) > 2 * chance["mR"], "the run ranks above chance"
assert recorded["t2i_R@1"] <= ceiling
assert changed.any(), "the local part changes the order of the cosine"
print("all assertions hold")
