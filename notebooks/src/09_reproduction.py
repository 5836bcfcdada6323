# %% [markdown]
# # Can I reproduce the paper?
#
# *About 40 minutes to work through · two minutes of computing on two CPU cores, a quarter of it where the small study is there already · no GPU needed · no download · three exercises · no widget.*
#
# **You will** take a cell of the paper's table apart, compute a mean and a deviation by hand, list what the deviation
# does not contain, compare two methods pair by pair, put your own runs beside the published numbers, and print the card
# of a run. **You should know**
# what recall counts, from [lesson 01](01_retrieval.ipynb), where the mismatched pairs come from, from
# [lesson 02](02_noise.ipynb), and what a run is, from [lesson 06](06_training_end_to_end.ipynb). **In the paper**: the
# tables of results, the ablation, the implementation details.
#
# A table says "46.10 ± 1.08". To reproduce it means to know of each part which choice, which draw and which formula
# stands behind it.

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; training seed, the paper's are 3, 13, 25, 42, 65
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows with a wrong caption
STUDY = ""  # folder of a study, say runs/laptop; or a preset or file to run now; "" reads the study that ships
SCENES = 120  # 40 or more; drawn training scenes of the small study of noise draws, five captions each
EPOCHS = 3  # 1 or more; epochs of its runs
RUNS = "runs"  # folder that holds the studies
LEVEL = 0.95  # 0.5 to 0.99; confidence level of the interval
DRAWS = 4000  # 500 or more; resampled test sets of the bootstrap

# %% [markdown]
# A *study* is a file that names many runs, its *trials*. One ships with the lessons: its records are those of
# [lesson 06](06_training_end_to_end.ipynb), with three methods, three noise rates, three training seeds and some variants.
# Any other can be read: `rrsitr study run laptop` in a shell executes the preset of that name, about a quarter of an hour;
# `STUDY = "runs/laptop"` above then makes this lesson read it, and `STUDY = "laptop"` runs it from here, with a bar that
# says how long it still takes. These are *drawn scenes* and a small encoder: their numbers can neither confirm nor refute
# the paper's. They show how its table is made.

# %%
from pathlib import Path

import numpy as np
import pandas as pd
from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.study_file import PRESETS, Study
from rrsitr_lib.teach.doctor import start
from rrsitr_lib.teach.records import RECORDS

generator = start(SEED)

# %% tags=["nbval-ignore-output"]
folder = Path(STUDY or RECORDS)
if STUDY and (STUDY in PRESETS or folder.is_file()):
    study = Study.read(STUDY)
    run_study(study, RUNS, progress=True)
    folder = Path(RUNS) / study.name
results = read_results(folder)

# %%
near = results.done.sort_values("noise_rate", key=lambda rate: abs(rate - NOISE_RATE), kind="stable")
folders = {row.kind: results.folders[row.trial] for row in near.drop_duplicates("kind").itertuples()}
assert folders, f"{folder}: no trial of this study is done yet"
print(f"{len(results.done)} of {len(results.runs)} trials are done, methods: {', '.join(results.done['kind'].unique())}")

# %%
from rrsitr_lib.config import RunConfig

mine = folders.get("rrsitr") or next(iter(folders.values()))
config = RunConfig.read(mine / "config.yaml", elsewhere=True)
print(f"one of them: {config.method} on {config.data}, noise seed {config.noise_seed}")

# %% [markdown]
# ## What a cell is
#
# A cell of the table is named by *data*, *method* and *noise rate*. Its number is a mean over *seeds*: runs that are
# equal in everything else. "Everything else" is long: encoder, protocol of the noise, batch size, thresholds, epochs.
# `read_results` reads the runs of a study, or every finished run below any folder, and gives each a fingerprint,
# `settings`, over all of that except the seed, the pairs and the noise themselves included. Only runs with equal
# fingerprints may be averaged. Runs that are damaged or have failed are named in `left_out`, not silently skipped.

# %% tags=["nbval-ignore-output"]
runs = results.done
print(f"{len(runs)} finished runs; left out: {results.left_out or 'none'}")
columns = ["data", "method", "noise_rate", "realised", "seed", "best_epoch", "mR", "AUROC", "settings"]
highest = runs[runs["noise_rate"] == runs["noise_rate"].max()]
print(highest[columns].round(3).to_string(index=False))

# %% [markdown]
# **What to notice.** `noise_rate` is what was asked for, `realised` what came out. The column `settings`
# differs between any two rows that may not be averaged, even where all the columns before it agree. So do two rows here that
# are both called `rrsitr`, with the same rate and the same seed: one of them trained plainly for its first epochs. Averaging
# such rows is the easy way to a number that nobody can reproduce.
#
# ## Mean and deviation by hand
#
# The paper does not publish its single runs. So here are five **invented** values of mR, chosen such that they give the
# cell of RRSITR on RSITMD without noise. First with a loop. For the deviation, take the distance of every value from
# the mean, square it, add up; the only question is by what to divide. Dividing by n describes these five numbers.
# Dividing by n − 1 estimates the spread of *all* seeds of which these are a sample: the mean was fitted to the same
# five numbers, which makes their distances a little too small.
#
# $$\bar{x} = \frac{1}{n} \sum_{k=1}^{n} x_k \qquad s = \sqrt{\frac{1}{n-1} \sum_{k=1}^{n} (x_k - \bar{x})^2}$$
#
# Here $x_k$ is the mR of seed $k$ and $n = 5$ (in the paper: mean and standard deviation over the seeds; in code `summarise`).

# %%
SEEDS = (3, 13, 25, 42, 65)
values = [44.64, 45.43, 46.33, 46.72, 47.38]  # invented, in percent
mean = sum(values) / len(values)
squares = 0.0
for seed, value in zip(SEEDS, values, strict=True):
    squares += (value - mean) ** 2
    print(f"seed {seed:2}  mR {value:.2f}  distance from the mean {value - mean:+.2f}")
by_n, by_n_minus_1 = (squares / 5) ** 0.5, (squares / 4) ** 0.5
print(f"mean {mean:.2f}, deviation {by_n:.2f} (by n) or {by_n_minus_1:.2f} (by n - 1)")

# %% [markdown]
# In array form it is one line each. `ddof`, "delta degrees of freedom", is what is subtracted from n. The default of
# NumPy is 0, that of pandas is 1, so the same five numbers get two different deviations from two libraries that often
# stand in one script. Last, the library: `summarise` groups runs into cells and uses n − 1. To feed it, copy the row of
# our run five times with the five seeds and the invented values.

# %%
from rrsitr_lib.experiments.report_tables import cell_text
from rrsitr_lib.experiments.summary import summarise

array = np.array(values)
np.testing.assert_allclose([array.mean(), array.std(), array.std(ddof=1)], [mean, by_n, by_n_minus_1])
np.testing.assert_allclose(pd.Series(values).std(), by_n_minus_1)
five = runs.iloc[[0] * 5].assign(seed=SEEDS, mR=values)
cell = summarise(five).query("metric == 'mR'").iloc[0]
np.testing.assert_allclose([cell["mean"], cell["std"]], [mean, by_n_minus_1])
print(
    f"{cell_text(cell['mean'], cell['std'])} over {cell['seeds']} seeds, from {cell['least']:.2f} to {cell['most']:.2f}"
)

# %% [markdown]
# ## How sure is the mean?
#
# The deviation says how far *one* run lies from the mean. The mean of five is surer, by the square root of five. With
# so few seeds the interval needs Student's t instead of the usual 1.96: the deviation itself is uncertain. The paper
# does not state whether its ± divides by n or by n − 1. If by n, the sample deviation is larger by the square root of
# 5/4. Read both; a claim that holds only under one of them is a weak claim. The interval is $\bar{x} \pm t_{n-1}\, s / \sqrt{n}$,
# with $t_{n-1}$ the quantile of Student's t with $n - 1$ degrees of freedom (`t_interval`).

# %%
from rrsitr_lib.experiments.uncertainty import t_interval
from scipy.stats import t

quantile = t.ppf((1 + LEVEL) / 2, df=4)
half = quantile * by_n_minus_1 / 5**0.5
np.testing.assert_allclose(t_interval(values, LEVEL), [mean - half, mean + half])
print(f"t quantile with 4 degrees of freedom: {quantile:.2f}")
for words, deviation in (("n - 1", 1.08), ("n", 1.08 * (5 / 4) ** 0.5)):
    reach = quantile * deviation / 5**0.5
    print(
        f"if the paper divided by {words:5}: sample deviation {deviation:.2f}, mean 46.10 ± {reach:.2f} at {LEVEL:.0%}"
    )

# %% [markdown]
# ## What the deviation does not contain, 1: the test set
#
# All five seeds are tested on the *same* 452 images. Another 452 images would give another recall, and no number of
# seeds shows it. An image is a hit or not, so the error of a recall is that of a coin, $\sqrt{p\,(1 - p) / n}$, with $p$ the
# share of hits and $n$ the number of queries (`recall_error`).
# RRSITR's image-to-text R@1 is 25.44 ± 0.54, which is 115 hits of 452. By a loop over the queries, by the formula, by
# the library, and by the *bootstrap*: draw 452 queries from the 452 with replacement, many times, and look at the
# spread.

# %%
import torch
from rrsitr_lib.experiments.uncertainty import recall_error

hits = np.zeros(452)
hits[:115] = 1  # the order does not matter
share, spread = hits.mean(), 0.0
for hit in hits:
    spread += (hit - share) ** 2 / len(hits)  # adds up to p (1 - p)
np.testing.assert_allclose(spread, share * (1 - share))
torch.testing.assert_close(recall_error(100 * share, 452), float(100 * (spread / 452) ** 0.5))
resampled = 100 * hits[generator.integers(0, 452, (DRAWS, 452))].mean(axis=1)
print(f"R@1 {100 * share:.2f}: formula {recall_error(100 * share, 452):.2f}, bootstrap {resampled.std():.2f} points")

# %%
from rrsitr_lib.experiments.figures import two_spreads

two_spreads(resampled, mean=25.44, over_seeds=0.54, over_tests=recall_error(25.44, 452))

# %% [markdown]
# **What to notice.** The grey heap holds the recalls of resampled test sets. The short bar with the round marker, above,
# is the paper's deviation over seeds; with the square marker, the error that the test images bring. This error is nearly four
# times the deviation. The printed ± answers "what if I train again?", not "what if I fly over another city?". Two
# methods tested on the same images share much of this error, so their *difference* can be told apart sooner;
# further down it is computed, query by query.
#
# Text to image has five times as many queries, yet the five captions of an image succeed and fail together. Resample
# images with all their captions, and the error is larger than the formula for independent captions says. Our run
# keeps its rankings, so it can be seen:

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.training.retrieval_results import RetrievalResults

rankings = RetrievalResults.open(mine)
hit = 100.0 * (rankings.image_rank == 1)
per_image = pd.Series(hit).groupby(rankings.image_of_caption).mean().to_numpy()
drawn = per_image[generator.integers(0, len(per_image), (DRAWS, len(per_image)))].mean(axis=1)
print(f"t2i R@1 {hit.mean():.1f} over {len(hit)} captions of {len(per_image)} images")
print(f"error: {recall_error(hit.mean(), len(hit)):.2f} if captions were independent, {drawn.std():.2f} by images")

# %% [markdown]
# ## What the deviation does not contain, 2: the noise
#
# In the paper's protocol the noise has its own seed, 42, and the training seed does not touch it. All five runs of a
# cell therefore train on the very same mismatched pairs. Another draw is another task of equal difficulty in
# expectation, and how much results move between draws is not in the ±. The next cell draws three: equal rates, other
# fingerprints, and the drawn rows overlap no more than chance lets them.

# %%
from rrsitr_lib.data.datasets import inject_noise, open_data

world = config.model_copy(update={"data": "scenes", "scenes": SCENES, "noise_rate": NOISE_RATE})
table = open_data(world)["train"].table
first = inject_noise(world, table).mismatched
for noise_seed in (42, 43, 44):
    noise = inject_noise(world.model_copy(update={"noise_seed": noise_seed}), table)
    again = (noise.mismatched & first).sum() / max(1, first.sum())
    print(
        f"noise seed {noise_seed}: realised {noise.realised_rate:.2%}, {again:.0%} of the first draw's rows, "
        f"fingerprint {noise.fingerprint[:12]}"
    )

# %% [markdown]
# The study that ships has one draw, as the paper has. So a small one is run here, with RRSITR alone: three training seeds on
# one draw, and three draws with one training seed. `variance` puts both deviations side by side, each with the other
# source held fixed. A study of yours is read instead if you named one.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.experiments.study_figures import two_variances
from rrsitr_lib.experiments.summary import variance

draws = results
if not STUDY:
    fields = {"scenes": SCENES, "epochs": EPOCHS, "noise_rate": NOISE_RATE, "encoder": "tiny"}
    small = Study.read("laptop", fields).model_copy(update={"name": "lesson_09"})
    for grid, moves in zip(small.runs, ({"seed": [SEED, SEED + 10, SEED + 20]}, {"noise_seed": [43, 44]}), strict=True):
        grid.axes.update({"method": ["rrsitr"], **moves})
    small.runs[1].fix["seed"] = SEED
    run_study(small, RUNS, progress=False)
    draws = read_results(Path(RUNS) / small.name)
moved_by = variance(draws)
print(moved_by[["method", "noise_rate", "what", "runs", "mean", "std"]].round(2).to_string(index=False))

# %% tags=["nbval-ignore-output"]
two_variances(moved_by)

# %% tags=["nbval-ignore-output"]
print(f"before training mR is {draws.done['before'].mean():.2f}; these runs end at {draws.done['mR'].mean():.2f}")
longer = runs[(runs["method"] == "rrsitr") & (runs["noise_rate"] == NOISE_RATE)]["mR"]
if len(longer) > 1:
    print(f"rrsitr in the study that was read: {longer.mean():.2f}, deviation over {len(longer)} seeds {longer.std():.2f}")

# %% [markdown]
# **What to notice.** Round markers move with the training seed, squares with the draw of the noise. Where the squares
# spread as wide as the circles, the ± of a table tells only a part of what can happen. One run stands in both rows; the
# axis is cut. These runs are so short that they hardly leave the start, and what has hardly moved hardly scatters. They show
# how the two sources are told apart, not how large they are: in the study that was read, longer runs spread several times as
# wide. A claim about the size needs long runs, and many.
#
# ## What the deviation does not contain, 3: the choice of the epoch
#
# The weights that are tested are those of the epoch with the best mR on a *clean* validation set. In a real collection
# someone would have to clean that set first. The choice matters for a method that decays: contrastive training has its
# best epoch before it memorises, and the choice hides the decay. Read what it hides, as a mean over the seeds.

# %% tags=["nbval-ignore-output"]
chosen = {}
for row in runs[runs["method"] == runs["kind"]].itertuples():
    validation = pd.read_csv(results.folders[row.trial] / "metrics.csv", index_col="epoch")["val_mR"][1:]
    facts = (validation.idxmax(), validation.max(), validation.iloc[-1])
    chosen.setdefault((row.method, row.noise_rate), []).append(facts)
hidden = {}
for (method, rate), facts in sorted(chosen.items()):
    epoch, best, final = np.mean(facts, axis=0)
    hidden[method, rate] = best - final
    print(f"{method:11} {rate:4.0%}: chosen epoch {epoch:4.1f}, validation mR {best:.1f}, in the last epoch {final:.1f}")

# %% [markdown]
# **What to notice.** At the highest noise rate contrastive training is chosen early and then loses several points of validation
# recall, which no table of chosen epochs shows. RRSITR and the oracle lose next to nothing, and so does everything at
# lower rates. <!-- printed -->

# %% [markdown]
# ## The paper's table, with sources
#
# `paper_results` holds the published numbers, one row a number, each with its source. The rows without noise are the
# paper's own table over five seeds. Those at 20 to 80 % on RSITMD come from a single *secondary source* without
# deviations, and for RSICD and NWPU no such numbers are at hand: these cells are absent, not zero and not guessed. The
# first check of any transcription: mR must be the mean of the six recalls in its row, up to rounding.

# %%
from rrsitr_lib.experiments.published_results import paper_results

paper = paper_results()
clean = paper.query("noise_rate == 0").pivot(index=["data", "method"], columns="metric", values="mean")
full = clean.dropna()
np.testing.assert_allclose(full.drop(columns="mR").mean(axis=1), full["mR"], atol=0.011)
print(f"{len(paper)} numbers; in all {len(full)} complete rows mR is the mean of the six recalls")
print(paper.groupby("source").size().to_string())

# %%
from rrsitr_lib.experiments.figures import over_noise

over_noise(paper=paper.query("data == 'rsitmd' and method in ['RRSITR', 'CUP', 'chance']"))

# %% [markdown]
# **What to notice.** The line with round markers is RRSITR, the one with triangles the runner-up CUP, both on
# RSITMD; the dotted line at the bottom is chance. Only the filled markers, at 0 %, carry a bar: there the paper states a
# deviation. Hollow markers come from the secondary source. At every rate the lines lie five to nine points apart, far beyond
# the bars that are known. One line is missing altogether: plain fine-tuning of the same CLIP. Without this control, no
# figure can say which share of the lead belongs to the method and which to the encoder.
#
# ## Ours beside the paper's
#
# `beside_paper` joins on data, method, noise rate and metric, here such that a cell that only one side has stays, empty
# on the other; `lines` puts every cell into a line of text. The column `differs` counts our settings that are not the
# paper's; only with 0 does a row compare like with like. `paper_differences` names them.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.experiments.published_results import paper_differences
from rrsitr_lib.experiments.report_tables import lines
from rrsitr_lib.experiments.summary import beside_paper

summary = summarise(runs)
theirs = paper.query("metric == 'mR' and method in ['RRSITR', 'chance']")
for name, (paper_value, here) in paper_differences(config).items():
    print(f"{name:14} paper {paper_value!s:10} here {here}")
both = lines(beside_paper(summary.query("metric == 'mR'"), theirs, how="outer"))
both[["data", "noise", "method", "seeds", "differs", "mR", "paper mR", "source"]].head(24)

# %% [markdown]
# **What to notice.** Our rows stand at `scenes`, where the paper has no cell, so nothing is compared, and that is
# right. A cell from one seed has no ±: a deviation of one number is unknown, not zero. Train five seeds on a benchmark, for
# instance with `rrsitr train --data rsitmd --images FOLDER --encoder vit-b-32 --seed 13 --out runs/rsitmd_13`, and the
# empty column `mR` fills without any change here.
#
# ## Method against method, pair by pair
#
# Two methods with the same seed train on the same mismatched pairs and answer the same test queries. So subtract
# before you average: seed by seed, and, for the error of the test set, image by image. By hand, resample the test
# images with their captions, compute both recalls on the *same* resample, take the difference; many times. `paired`
# does that over all shared seeds, `comparison` for every method and variant against the control.

# %%
from rrsitr_lib.experiments.uncertainty import count_hits, resampled as resampled_recalls
from rrsitr_lib.experiments.run_results import RECALLS

counted = count_hits(RetrievalResults.open(mine))
images = len(counted.queries)
by_hand = []
for times in np.random.default_rng(0).multinomial(images, np.full(images, 1 / images), 3):  # draws of every image
    image_way = [100 * sum(times * counted.hits[:, k]) / sum(times * counted.queries[:, 0]) for k in range(3)]
    text_way = [100 * sum(times * counted.hits[:, k]) / sum(times * counted.queries[:, 1]) for k in range(3, 6)]
    by_hand.append(np.mean(image_way + text_way))
moved = pd.DataFrame(resampled_recalls(counted, draws=3), columns=RECALLS)
np.testing.assert_allclose(moved["mR"], by_hand)

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.experiments.summary import comparison
from rrsitr_lib.experiments.uncertainty import resampling_interval

versus = comparison(results)
columns = ["noise_rate", "method", "seeds", "difference", "low", "high", "wins"]
print(versus[columns].round(2).to_string(index=False))
low, high = resampling_interval(counted)["mR"]
print(f"mR of one run: {low:.2f} to {high:.2f} over resampled test sets, {high - low:.1f} points wide")
wide = (versus["high"] - versus["low"])[versus["seeds"] == versus["seeds"].max()]
print(f"the differences over most seeds: {wide.min():.1f} to {wide.max():.1f} points wide")

# %% [markdown]
# **What to notice.** A difference has the errors of two numbers, and still its interval is hardly wider than that of one mR:
# images that are hard for both methods fall out of it. `wins` says at how many seeds the method is ahead of the control. An interval that leaves out
# zero speaks for other test images, with these seeds and this noise; it is no promise for other noise.
#
# ## The table of a study
#
# `plan` names the trials, `study_table` puts them into cells, `lines` each cell into one line. `rrsitr study report`, or
# `write_report`, writes that as Markdown, LaTeX, CSV and HTML, with the figures (`ablation_bars` where there are variants)
# and an executed notebook. A planned cell of which no trial is done keeps its line, empty.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.experiments.summary import missing, study_table

cells = study_table(results)
study_lines = lines(cells)
study_lines[["data", "noise", "method", "mR", "AUROC", "95 % interval", "gain over contrastive", "seeds"]]

# %% tags=["nbval-ignore-output"]
drawn_cells = cells.sort_values("differs").drop_duplicates(["data", "method", "noise_rate", "metric"])  # one a method and rate
over_noise(drawn_cells, results.runs[results.runs["settings"].isin(drawn_cells["settings"])])

# %% [markdown]
# **What to notice.** The band is the interval over test images, the dots are single seeds: three a method and rate. The dots
# lie closer together than the band is wide, so here too the test set moves a number more than the seed does. With
# noise the bands of RRSITR and contrastive training do not touch; without noise they overlap. A reader who doubts a cell opens
# the notebooks of its trials; `verify` computes all fingerprints anew and tests the saved weights of drawn trials again,
# and `pack` makes one archive of it all for a paper's supplement.
#
# ## The card of a run
#
# A number travels; its circumstances stay behind. `run_card` writes them down in markdown, to be pasted beside the
# number: data and noise with fingerprints, what differs from the paper, who chose the epoch, versions, chance, and what
# the number does not say. It also says that the run is a single network, since some methods report an ensemble of two.

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown
from rrsitr_lib.experiments.run_card import run_card

card = run_card(mine)
Markdown(card.replace("# ", "### "))

# %% [markdown]
# **What to notice.** Three columns of results: the run, the encoder *before training*, and chance. A number above a rival alone
# would not tell whether training was worth it. Could a stranger train this run again from the card? The two fingerprints of
# data and noise let them check that they did.
#
# ## Related work
#
# - That single runs and unreported choices mislead was said of reinforcement learning by Henderson 2018; this lesson says it
#   of retrieval under noise.
# - Bouthillier 2021 measure how seeds, data and choices each move a benchmark, and advise to vary all of them at once.
# - The bootstrap is Efron's (1979). Musgrave 2020 trained metric-learning losses anew under equal conditions and found most
#   gains gone; Gorman and Bedrick 2019 did so with splits.
#
# ## Exercises
#
# In [exercises/09_reproduction.ipynb](exercises/09_reproduction.ipynb):
#
# 1. Mean and deviation of a cell (warm-up, 5 minutes)
# 2. The error of a recall (core, 10 minutes)
# 3. Which ablation rows are collapsed models? (research, 25 minutes)
#
# ## Summary
# - A cell is a mean over runs that differ in the seed alone; say how many seeds, and by what the deviation divides.
# - The ± holds neither the test set, nor the noise realisation, nor the clean validation set that chooses the epoch.
# - Put chance, the start and the source beside a number, and a card beside a run; leave empty what is not known.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026;
# Efron, Bootstrap Methods: Another Look at the Jackknife, The Annals of Statistics 1979; Henderson et al., Deep Reinforcement
# Learning That Matters, AAAI 2018; Gorman and Bedrick, We Need to Talk about Standard Splits, ACL 2019; Musgrave, Belongie,
# Lim, A Metric Learning Reality Check, ECCV 2020; Bouthillier et al., Accounting for Variance in Machine Learning
# Benchmarks, MLSys 2021.*

# %%
assert cell_text(mean, by_n_minus_1) == "46.10 ± 1.08" and cell["seeds"] == 5
assert abs(resampled.std() / recall_error(100 * share, 452) - 1) < 0.2, "formula and bootstrap agree"
assert 3.5 < recall_error(25.44, 452) / 0.54 < 4, "this error is nearly four times the deviation"
lead = paper.query("data == 'rsitmd' and metric == 'mR'").pivot(index="noise_rate", columns="method", values="mean")
stated = paper.query("data == 'rsitmd' and method in ['RRSITR', 'CUP'] and metric == 'mR'")
assert ((stated["noise_rate"] == 0) == stated["std"].notna()).all(), "only the filled markers, at 0 %, carry a bar"
assert (lead["RRSITR"] - lead["CUP"]).dropna().between(5, 9).all(), "at every rate the lines lie five to nine points apart"
assert not paper.query("data != 'rsitmd'")["noise_rate"].isin([0.2, 0.4, 0.6, 0.8]).any(), "never invented"
assert len(results.done) + len(missing(results)) == len(results.runs), "every planned trial is in the table"
assert low <= 100 and (abs(moved["mR"] - by_hand) < 1e-9).all(), "the hand's resampling is the library's"
assert summary.query("seeds == 1")["std"].isna().all(), "one seed has no deviation"
assert "What the numbers do not say" in card and "single network" in card

# %%
if not STUDY:
    table = drawn_cells.query("metric == 'mR' and seeds == 3 and low > 0").set_index(["noise_rate", "method"])
    assert (table["most"] - table["least"] < table["high"] - table["low"]).all(), "dots lie closer together than the band is wide"
    two = {(rate, method): row for (rate, method), row in table.iterrows()}
    for rate in (0.4, 0.6):
        assert two[rate, "rrsitr"]["low"] > two[rate, "contrastive"]["high"], "the bands of RRSITR and contrastive training do not touch"
    assert two[0.0, "rrsitr"]["low"] < two[0.0, "contrastive"]["high"], "without noise they overlap"
    assert hidden.pop(("contrastive", 0.6)) > 2, "then loses several points of validation recall"
    assert max(hidden.values()) < 1, "lose next to nothing, and so does everything at lower rates"
    assert (wide < 1.2 * (high - low)).all(), "still its interval is hardly wider than that of one mR"
    assert drawn.std() > recall_error(hit.mean(), len(hit)), "larger than the formula for independent captions says"
    if len(longer) > 1 and (SCENES, EPOCHS) == (120, 3):
        assert (draws.done["mR"] - draws.done["before"]).abs().max() < 2, "so short that they hardly leave the start"
        assert longer.std() > 3 * moved_by["std"].max(), "longer runs spread several times as wide"
print("all assertions hold")
