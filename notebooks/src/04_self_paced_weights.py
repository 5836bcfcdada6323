# %% [markdown]
# # How much should a pair count?
#
# *About 45 minutes to work through · a minute and a half of computing on two CPU cores · no GPU needed · no download · 3 exercises · two widgets.*
#
# **You will** weigh six pairs by hand, see that the weight is the best answer to a small question, find the place where
# it jumps, and ask recorded runs what the jump does to a pair that learns. **You should know** the loss of a pair and the
# three categories ([lesson 03](03_partition.ipynb)). **In the paper**: multi-modal self-paced weights.
#
# A teacher gives the easy examples first. Self-paced learning lets the loss decide what is easy: a pair with a small
# loss counts much, a pair with a large loss counts little or not at all. In the drawing of the method, this lesson
# is the two upper boxes: what clean and ambiguous pairs count.

# %%
from rrsitr_lib.show.method_drawing import method_drawing

method_drawing("weights")

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of the recorded run
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows with a wrong caption
GAMMA_1 = 5.0  # above 0, at most GAMMA_2; pairs below are clean; loss units
GAMMA_2 = 18.0  # above 0; pairs from here on are noisy; loss units
LAMBDA_1 = 0.8  # 0 or more; factor of ambiguous pairs
SCENES = 800  # 40 or more; drawn training scenes of the recorded run
EPOCHS = 6  # 1 or more; epochs of the recorded run
RUNS = "runs"  # folder that receives the run folders

# %% [markdown]
# Six losses are enough for the whole idea. They are chosen so that each tells something: one pair is learned well, two
# lie on either side of the lower threshold, one in the middle, one near the upper threshold, one beyond it. The unit is
# the sum of four cross-entropies, where a pair that does no better than a guess in a batch of 100 has 18.4.

# %%
import numpy as np
import torch
from rrsitr_lib.teach.doctor import start

start(SEED)
losses = np.array([0.5, GAMMA_1 - 0.1, GAMMA_1 + 0.1, (GAMMA_1 + GAMMA_2) / 2, GAMMA_2 - 1, GAMMA_2 + 4])
print("losses of the six pairs:", losses.round(2).tolist())

# %% [markdown]
# ## Six pairs by hand
#
# The paper weighs a pair by a quarter of a cosine wave: one at loss 0, zero at a threshold, and zero beyond it.
#
# $$w(\ell; \gamma) = \begin{cases} \cos(\frac{\pi}{2} \frac{\ell}{\gamma}) & \text{for } \ell < \gamma \\ 0 & \text{else} \end{cases} \qquad
# R(w; \gamma) = -\frac{2 \gamma}{\pi} ( w \arccos w - \sqrt{1 - w^2} )$$
#
# $\ell$ is the loss of the pair (`pair_loss`), $\gamma$ its threshold: $\gamma_1$ (`gamma_1`) for clean pairs, $\gamma_2$
# (`gamma_2`) for ambiguous ones; $w$ is its weight (`weight`). The regulariser $R$ (`regulariser`) is the price of a weight:
# it falls as the weight grows, so that counting a pair is worth something, and dropping all pairs is not the best answer.
# A noisy pair gets nothing from this part. (In the paper: multi-modal self-paced weights.)

# %%
from math import acos, cos, pi, sqrt

by_hand = []
for L in losses:
    gamma = GAMMA_1 if L < GAMMA_1 else GAMMA_2
    w = cos(pi / 2 * L / gamma) if L < gamma else 0.0
    R = -(2 * gamma / pi) * (w * acos(w) - sqrt(1 - w * w))
    kind = "clean" if L < GAMMA_1 else "ambiguous" if L < GAMMA_2 else "noisy"
    by_hand.append((w, R))
    print(f"loss {L:5.2f}  {kind:9}  gamma {gamma:4.1f}  weight {w:.3f}  price R {R:6.3f}  w L + R {w * L + R:6.3f}")

# %% [markdown]
# The same without a loop, and by the library, which takes one gamma for all pairs or one a pair. The assertions say
# that all three agree. Note that no gradient flows through the weight or through R: they are numbers that are computed
# from the loss and then held fixed while the encoders take their step. R therefore moves the reported value only. Below
# you will see why nothing is lost by that.

# %%
from rrsitr_lib.methods.rrsitr import regulariser, weight

gamma = np.where(losses < GAMMA_1, GAMMA_1, GAMMA_2)
matrix_form = np.where(losses < gamma, np.cos(pi / 2 * losses / gamma), 0.0)
w = weight(torch.tensor(losses), torch.tensor(gamma))
R = regulariser(w, torch.tensor(gamma))
np.testing.assert_allclose(matrix_form, [pair[0] for pair in by_hand], atol=1e-12)
np.testing.assert_allclose(w, matrix_form, atol=1e-12)
np.testing.assert_allclose(R, [pair[1] for pair in by_hand], atol=1e-12)
print("weights by the library:", w.numpy().round(3).tolist())

# %% [markdown]
# ## Why a cosine?
#
# R and the cosine belong together: the weight is the best answer to a question, which weight makes the loss and its price
# smallest together?
#
# $$w(\ell; \gamma) = \text{the } w \text{ in } [0, 1] \text{ with the smallest } w \, \ell + R(w; \gamma)$$
#
# Do not believe the formula, try all weights. For every loss we evaluate the sum on a fine grid of weights and take the
# place of its minimum. It must be the closed form, and the grid says so.

# %%
grid = np.linspace(0, 1, 10_001)
for L in (1.0, 6.0, 12.0, 17.0, 22.0):
    value = grid * L + regulariser(torch.tensor(grid), GAMMA_2).numpy()
    best = grid[value.argmin()]
    closed = float(weight(torch.tensor([L]), GAMMA_2))
    assert abs(best - closed) < 1e-3
    assert L < GAMMA_2 or value.min() == value[0], "counting the pair costs more than it saves"
    print(f"loss {L:4.1f}: best weight on the grid {best:.3f}, closed form {closed:.3f}")

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(6.8, 2.6), layout="tight")
for L, dash in zip([1.0, 6.0, 12.0, 17.0, 22.0], ["-", "--", "-.", ":", "-"], strict=True):
    value = grid * L + regulariser(torch.tensor(grid), GAMMA_2).numpy()
    line = axis.plot(grid, value, dash, label=f"loss {L:.0f}", color=plt.cm.cividis(L / 25))[0]
    axis.plot(grid[value.argmin()], value.min(), "o", color=line.get_color(), mec="black")
axis.set(xlabel="weight w", ylabel="w L + R(w)", ylim=(0, 24))
_ = axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)

# %% [markdown]
# **What to notice.** Every curve is a valley with one deepest point, the dot. For a small loss it lies at the right
# edge: count the pair. As the loss grows the dot wanders to the left, and for a loss beyond $\gamma$ it sticks at weight
# zero: counting the pair costs more than it saves. The dots are the cosine.
#
# ## The jump
#
# Now put both thresholds together. Just below `GAMMA_1` a pair is clean, and its wave, which ends at `GAMMA_1`, is
# nearly zero. Just above it the pair is ambiguous, and *its* wave, which ends only at `GAMMA_2`, has hardly begun to
# fall. Nothing joins the two. The effective weight, with the factor $\lambda_1$ (`lambda_1`) of ambiguous pairs, is
#
# $$\begin{cases} w(\ell; \gamma_1) & \text{for } \ell < \gamma_1 \\ \lambda_1 \, w(\ell; \gamma_2) & \text{for } \gamma_1 \leq \ell < \gamma_2 \\
# 0 & \text{else} \end{cases}$$

# %%
from rrsitr_lib.show.views.pacing import paced_weight

for L in (0.0, GAMMA_1 / 2, GAMMA_1 - 0.1, GAMMA_1, GAMMA_1 + 0.1, GAMMA_2 - 0.1, GAMMA_2):
    print(f"loss {L:5.2f}: effective weight {float(paced_weight(np.array([L]), GAMMA_1, GAMMA_2, LAMBDA_1)[0]):.3f}")
below, above = paced_weight(np.array([GAMMA_1 - 0.1, GAMMA_1 + 0.1]), GAMMA_1, GAMMA_2, LAMBDA_1)
print(f"a pair at {GAMMA_1 + 0.1:.1f} counts {above / below:.0f} times as much as one at {GAMMA_1 - 0.1:.1f}")
if LAMBDA_1 > 0.1 and GAMMA_1 < 0.8 * GAMMA_2:
    assert above > below, "a pair that is a little worse counts much"

# %%
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.style import CATEGORY_COLOURS, line_looks

figure, axis = plt.subplots(figsize=(6, 2.4), layout="tight")
ends = (0, GAMMA_1, GAMMA_2, 1.3 * GAMMA_2)
for low, high, name, colour, dash in zip(ends, ends[1:], CATEGORY_NAMES, CATEGORY_COLOURS, ("-", "--", "-."), strict=False):
    losses = np.linspace(low, high - 1e-9, 200)  # three curves, so that the jump is no line
    axis.plot(losses, paced_weight(losses, GAMMA_1, GAMMA_2, LAMBDA_1), dash, color="black", lw=2.5)
    axis.axvspan(low, high, color=colour, alpha=0.3, lw=0)
    axis.text((low + high) / 2, 1.12, name, ha="center", fontsize=9)
axis.axvline(GAMMA_1, color="black", ls=":", lw=1)
axis.annotate("the jump", (GAMMA_1, 0.4), (10, 0), textcoords="offset points", arrowprops={"arrowstyle": "->"})
_ = axis.set(xlabel="loss of the pair", ylabel="effective weight", xlim=(0, ends[-1]), ylim=(-0.03, 1.25))

# %% [markdown]
# **What to notice.** The weight falls over the clean losses, leaps up at `gamma_1`, and falls again over the
# ambiguous ones. So it does *not* simply fall with the loss: a pair that is nearly clean is all but ignored, and a pair
# that is a little worse counts much.
#
# What should that do to a true pair that learns? It is ambiguous, it counts, it improves, until its loss comes under the
# threshold: now it is called clean, and falls silent. It will move on only by what the other pairs teach, until they
# carry it on to where its weight grows again. By the formula the jump is a brake. Whether it brakes in
# training is a question to recorded runs, and this lesson asks them below.

# %% [markdown]
# ## What the step sees: the envelope theorem
#
# The reported value of a clean pair is the sum with the best weight put in,
#
# $$w \, \ell + R(w; \gamma) = \frac{2 \gamma}{\pi} \sin(\frac{\pi \ell}{2 \gamma})$$
#
# Its slope in $\ell$ should contain a term for the change of $w$. It does not: at the minimum, a small change of $w$ changes
# nothing. This is the envelope theorem, and it makes holding $w$ fixed exact. Finite differences agree.


# %%
def reported(L: float, gamma: float) -> float:
    w = weight(torch.tensor([L], dtype=torch.float64), gamma)
    return float(w * L + regulariser(w, gamma))


for L in (0.5, 2.0, 4.0, 4.9):
    slope = (reported(L + 1e-5, 5.0) - reported(L - 1e-5, 5.0)) / 2e-5
    w = float(weight(torch.tensor([L], dtype=torch.float64), 5.0))
    assert abs(slope - w) < 1e-6 and abs(reported(L, 5.0) - 10 / pi * np.sin(pi * L / 10)) < 1e-9
    print(f"loss {L}: reported value {reported(L, 5.0):.4f}, slope {slope:.4f}, weight {w:.4f}")

# %% [markdown]
# ## The family
#
# Other regularisers give other weights. Eight are in the library, and each is the argmin of its own sum, which a test
# checks on a grid. *Hard* drops a pair or keeps it. *Linear* and *logarithmic* doubt from the first bit of loss on;
# the *cosine*, the *polynomial* and the *mixture* keep easy pairs close to one; *logistic* is a soft step;
# *exponential* never gives a pair up entirely. None leaps *up*, as each uses one threshold only: the next cell checks that
# no weight grows with the loss. *Hard* falls off a cliff. The setting `pace` trains RRSITR with any of them, and the method
# `monotone` with one cosine for all pairs.

# %%
from rrsitr_lib.methods.rrsitr.self_paced import SELF_PACED

for pace in SELF_PACED:
    w = weight(torch.tensor([1.0, 6.0, 12.0, 17.0, 22.0]), GAMMA_2, pace)
    value = grid * 12.0 + regulariser(torch.tensor(grid), GAMMA_2, pace).numpy()
    assert abs(grid[value.argmin()] - w[2]) < 1e-3
    assert (np.diff(weight(torch.linspace(0, 30, 500), GAMMA_2, pace)) <= 1e-6).all(), "no weight grows with the loss"
    print(f"{pace:12}" + "".join(f"{one:7.3f}" for one in w))

# %%
figure, axes = plt.subplots(1, 2, figsize=(7, 2.5), sharey=True, layout="tight")
losses = np.linspace(0, 1.9 * GAMMA_2, 400)
for number, (pace, (colour, dash, _)) in enumerate(zip(SELF_PACED, line_looks(), strict=False)):
    axes[number // 4].plot(losses, weight(torch.tensor(losses), GAMMA_2, pace), dash, color=colour, lw=2, label=pace)
for axis in axes:
    axis.axvline(GAMMA_2, color="black", ls=":", lw=1)
    axis.set(xlabel="loss of the pair (dotted: gamma_2)")
    axis.legend(fontsize=7, loc="upper right")
_ = axes[0].set_ylabel("weight")
falls = -np.diff(weight(torch.tensor(losses), GAMMA_2))
assert abs(losses[falls.argmax()] / GAMMA_2 - 1) < 0.02, "it is steepest where it meets the dotted line"

# %% [markdown]
# **What to notice.** Left, *linear* and *logarithmic* fall from the first bit of loss on, *hard* not before the dotted line,
# where it is a cliff. Right, the cosine begins flat, so small losses are hardly told apart, and it is steepest where it
# meets the dotted line: doubt is decided there.
#
# ## Moving thresholds
#
# Self-paced learning often lets gamma grow: few pairs at first, more later. A schedule is a pure function of progress.
# The paper keeps its thresholds constant; the configuration offers the others as `gamma_schedule` and `gamma_start`.

# %%
from rrsitr_lib.show.views.pacing import scheduled
from rrsitr_lib.methods.rrsitr.gamma_schedules import GAMMA_SCHEDULES

for schedule in GAMMA_SCHEDULES:
    path = scheduled(schedule, 6, start=0.5, end=GAMMA_2)
    linear = [0.5 * GAMMA_2 + (GAMMA_2 - 0.5 * GAMMA_2) * epoch / 5 for epoch in range(6)]
    if schedule == "linear":
        np.testing.assert_allclose(path, linear)
    print(f"{schedule:10}" + "".join(f"{gamma:7.2f}" for gamma in path))

# %% [markdown]
# ## Thousands of pairs, epoch by epoch
#
# A run keeps a record, the *ledger*, of every pair in every epoch. The next cell trains one on drawn scenes, or finds
# the one that another lesson has trained. Then the map: a row is a group of pairs, a column an epoch, bright means
# that the pair counts. Above the dashed line are the true pairs, below it the mismatched ones, each sorted by the loss
# of the last epoch.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.config import RunConfig
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.static import static_twin
from rrsitr_lib.show.views.weights import weight_map, weights_figure
from rrsitr_lib.teach.lesson_run import lesson_run

config = RunConfig.build(
    encoder="tiny", scenes=SCENES, epochs=EPOCHS, noise_rate=NOISE_RATE, method="rrsitr", seed=SEED
)
record = RunReader.open(lesson_run(config, RUNS))
weights = weight_map(record.column("weight"), record.mismatched, record.column("loss"))
static_twin(weights_figure(weights, epoch=record.epochs))

# %% [markdown]
# **What to notice.** Above the dashed line there is much light, below it nearly all is dark: the method finds mismatched
# pairs without being told. The rows are sorted by the loss of the last epoch, so look at the last column from the top:
# bright, then fading to black, then suddenly bright again. This edge is the jump. The black wedge above it are true pairs
# just below the lower threshold, the silent ones; the large black part further down are true pairs that the method takes
# for noisy, a third of them. The bright stripe under the dashed line are mismatched pairs that it does not suspect. How
# many true pairs sit on either side of the jump?

# %% tags=["nbval-ignore-output"]
loss, true = record.column("loss"), ~record.mismatched
for epoch in sorted({1, record.epochs}):
    now = loss[epoch - 1, true]
    just_below = (now >= 0.8 * config.gamma_1) & (now < config.gamma_1)
    just_above = (now >= config.gamma_1) & (now < 1.2 * config.gamma_1)
    own = record.column("weight")[epoch - 1, true]
    for name, select in (("just below gamma_1", just_below), ("just above gamma_1", just_above)):
        mean = own[select].mean() if select.any() else float("nan")
        print(f"epoch {epoch}, {name}: {select.sum()} true pairs, mean weight {mean:.2f}")

# %% [markdown]
# ## Does the jump brake? What recorded runs say
#
# The lessons come with records of larger finished runs: 1,600 scenes, ten epochs, three seeds, every eighth pair. For every
# pair and epoch we take the loss $\ell$ and its change to the next epoch, sort by $\ell$, and take the median of the changes
# in bins of width one. The control is contrastive training on the very same pairs: there every pair counts, at any loss, so
# nothing can happen at $\gamma_1$. Bins with fewer than 50 values are left out.

# %%
from rrsitr_lib.teach.records import RECORDS
from rrsitr_lib.training.ledger import Ledger


def recorded_losses(method: str, rate: float, mismatched: bool = False) -> np.ndarray:
    books = [Ledger.open(folder) for folder in sorted(RECORDS.glob(f"{method}_{rate}_*"))]
    return np.stack([book.column("loss")[:, book.column("mismatched") == mismatched] for book in books], axis=1)


def median_change(losses: np.ndarray) -> list[float]:
    before, change = losses[:-1], np.diff(losses, axis=0)
    bins = [change[(before >= low) & (before < low + 1)] for low in range(20)]
    return [np.median(values) if len(values) >= 50 else np.nan for values in bins]


# %%
from rrsitr_lib.show.style import method_looks

figure, axes = plt.subplots(2, 3, figsize=(7, 3.1), sharex=True, sharey=True, layout="tight")
for row, kind in enumerate(("true", "mismatched")):
    for axis, rate in zip(axes[row], (0.0, 0.4, 0.6), strict=True):
        for method, (colour, dash, _) in method_looks(["rrsitr", "contrastive"]).items():
            values = median_change(recorded_losses(method, rate, kind == "mismatched"))
            axis.plot(np.arange(20) + 0.5, values, dash, color=colour, lw=1.2, label=method)
        axis.axvline(5, color="black", ls=":", lw=1)
        axis.axhline(0, color="black", lw=0.5)
        axis.set_title(f"{kind}, {rate:.0%} noise" * (kind == "true" or rate > 0), fontsize=9)
axes[1, 0].text(13, 1, "without noise\nnone is mismatched", ha="center", fontsize=8)
axes[0, 0].legend(fontsize=7)
figure.supxlabel("loss of the pair (dotted: gamma_1)", fontsize=9)
_ = figure.supylabel("median change to the next epoch", fontsize=9)

# %% [markdown]
# **What to notice.** First the part that is no brake. A pair with a small loss tends to rise, in both runs: its loss was
# measured in one batch, and who was lucky there will be unlucky elsewhere. This is *regression to the mean*. A rise below
# the dotted line is therefore no evidence. A brake would be a *step* at the line, in RRSITR and not in its control. How
# high is the step of the true pairs, from the bin just below the line to the one just above?


# %%
def step_at(losses: np.ndarray, place: int) -> float:
    before, change = losses[:-1], np.diff(losses, axis=0)
    below, above = (change[(before >= low) & (before < low + 1)] for low in (place - 1, place))
    return float(np.median(above) - np.median(below)) if min(len(below), len(above)) >= 50 else np.nan


steps, shown = {}, "{:.0%} noise: step {:+.2f} ({:+.2f} to {:+.2f}); elsewhere {:+.2f} at most; control {:.2f}"
for rate in (0.0, 0.4, 0.6):
    ours, plain = recorded_losses("rrsitr", rate), recorded_losses("contrastive", rate)
    draws = np.random.default_rng(0).integers(0, ours.shape[2], (200, ours.shape[2]))
    low, high = np.quantile([step_at(ours[:, :, draw], 5) for draw in draws], (0.025, 0.975))
    elsewhere = min(step_at(ours, place) for place in (3, 4, 6, 7, 8, 9, 10))
    steps[rate] = (step_at(ours, 5), low, high, elsewhere, step_at(plain, 5))
    print(shown.format(rate, *steps[rate]))

# %%
for rate in (0.0, 0.4, 0.6):
    ours = recorded_losses("rrsitr", rate)
    before, after = ours[:-1].ravel(), ours[1:].ravel()
    near, around = (before >= 4) & (before < 5), (before >= 3) & (before < 8)
    falls, rises = np.quantile((after - before)[near], (0.25, 0.75))
    stay, cross = ((after >= 4) & (after < 5))[near].mean(), ((after < 5) != (before < 5))[around].mean()
    print(
        f"{rate:.0%} noise, true pairs at 4 to 5: a quarter falls by {-falls:.1f} or more, a quarter rises by {rises:.1f} or more;"
    )
    print(f"   {stay:.0%} are there again an epoch later; of those at 3 to 8 {cross:.0%} cross gamma_1")

# %% [markdown]
# **What to notice.** Without noise and at 40 % there is a step of about half a unit; where the control can be measured, without
# noise, it has none. At 40 % no other place has a step as high, without noise one has, and at 60 % the step is no higher
# than elsewhere. <!-- printed --> And single pairs leap farther than the step is high. <!-- printed -->
#
# ## What that supports, and what not
#
# The intervals are over resampled pairs, a pair with all its seeds; `nan` stands where the control has too few pairs so far
# down. The records support a weak brake: at $\gamma_1$ the typical true pair loses some of its speed. They do not support a
# stall: of the pairs just below the line only a part is there again an epoch later; the others have moved on or gone back. They do not say
# whether the brake costs recall; the method `monotone`, trained beside, could. Of the mismatched pairs too few
# come near the line to tell a step from chance.
#
# ## Move it
#
# The explorer moves through this lesson's run. Its right panel shows one pair; choose pairs whose weight changes most. With
# another schedule the recorded losses are weighed anew, the training is not repeated. Click a row of the map or drag over
# the bars to see the pairs that count so. Predict, then move:
#
# 1. Set the thresholds to *linear*, starting at half. Which pairs lose weight in the first epochs, true or mismatched?
# 2. Take a true pair and step through the epochs. Where does it fall silent, and does it come back?
# 3. Sort by weight. Which share of the mismatched pairs counts more than a half in the last epoch?

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.explorers.weights import WeightsExplorer

explorer = WeightsExplorer(record)
explorer.view()

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.explorers.weights import most_changing_pairs

for schedule in ("as recorded", "linear"):
    explorer.move(epoch=1, schedule=schedule)
    print(f"{schedule}: {explorer.text.value}")
print("this view again:", explorer.state())
one = most_changing_pairs(record.column("weight"), record.mismatched)[0]
print(f"pair {one}, losses:  " + "".join(f"{value:6.1f}" for value in loss[:, one]))
print(f"pair {one}, weights: " + "".join(f"{value:6.2f}" for value in record.column("weight")[:, one]))
half = record.column("weight")[-1, record.mismatched] > 0.5
print(f"{half.sum()} of {half.size} mismatched pairs count more than a half in the last epoch")

# %% [markdown]
# <details><summary>Answer to 1</summary>
#
# Both, and the true pairs most, as they had most to lose: compare the two printed lines. At half their size the
# thresholds are 2.5 and 9, and in the first epoch hardly a loss lies below 9. In the last epoch the schedule has arrived,
# and nothing differs.
#
# </details>
#
# <details><summary>Answer to 2</summary>
#
# It falls silent in every epoch in which its loss lies just below `gamma_1`, and it comes back as soon as the loss is
# larger again, or a good deal smaller. The printed pair is one whose weight changes most; its losses leap, and its
# weights with them.
#
# </details>
#
# <details><summary>Answer to 3</summary>
#
# The last printed line counts them: a small part. The method believes these pairs as much as true ones.
# [Lesson 03](03_partition.ipynb) asked why: many are near misses, a caption of another image of the same kind.
#
# </details>

# %% [markdown]
# The second explorer needs no run: move the loss of one pair across the lower threshold and watch the diamond leap.
# Then raise `gamma_1` and lower `gamma_2` until they meet, at 12: the jump shrinks only because nothing is ambiguous any more. Set
# `lambda_1` to zero and see what is left of the second hill, and of the pairs that stand on it.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.explorers.pacing import PacingExplorer

pacing = PacingExplorer(gamma_1=GAMMA_1, gamma_2=GAMMA_2, lambda_1=LAMBDA_1)
pacing.view()

# %%
for L in (4.9, 5.0):
    pacing.move(loss=L)
    print(pacing.text.value)

# %% [markdown]
# **In the library.** A member of the family is a `SelfPaced`: its weight and its regulariser. During training
# `scheduled_gamma` says which thresholds hold, or `quantile_gammas` of the last losses. The explorers draw with
# `weights_figure`, from a `WeightMap`, and with `pacing_figure`.
#
# ## Exercises
#
# In [exercises/04_self_paced_weights.ipynb](exercises/04_self_paced_weights.ipynb), each with a check that hints:
# the weight of a pair (warm-up, 5 minutes), the height of the jump (core, 10 minutes), and a weight without a jump
# (stretch, 20 minutes).
#
# ## Related work
#
# - *Curriculum learning* (Bengio 2009) orders the examples from easy to hard beforehand; here the loss orders them anew in
#   every step.
# - *Self-paced learning* (Kumar 2010) has the weights 0 and 1, the member *hard*, and lets the threshold grow; RRSITR keeps it.
# - *Soft weights* (Jiang 2014) are the linear, the logarithmic and the mixture member; Jiang 2015 joins them with a
#   curriculum that is given. None of them gives two kinds of pairs two thresholds, so none leaps up.
# - *A bounded loss in disguise* (Meng 2017): with the best weight put in, the sum is a concave function of the loss that
#   ends flat. That is the sine above, and the reason why large losses do little harm.
#
# ## Summary
# - The weight is the best answer to a sum of loss and price; the paper's price makes it a quarter of a cosine wave.
# - Two waves, two thresholds: at `gamma_1` the weight leaps up. Recorded runs show a weak brake there, and no stall.
# - Weight and price carry no gradient, and need none: at the minimum the slope of the value is the weight itself.
#
# *References: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026;
# Bengio, Louradour, Collobert, Weston, Curriculum Learning, ICML 2009; Kumar, Packer, Koller, Self-Paced Learning for Latent
# Variable Models, NeurIPS 2010; Jiang, Meng, Mitamura, Hauptmann, Easy Samples First: Self-paced Reranking for Zero-Example
# Multimedia Search, ACM Multimedia 2014; Jiang, Meng, Zhao, Shan, Hauptmann, Self-Paced Curriculum Learning, AAAI 2015; Meng,
# Zhao, Jiang, A Theoretical Understanding of Self-Paced Learning, Information Sciences 2017.*

# %%
for rate, (own, _, high, _, _) in steps.items():
    assert high < 0, "RRSITR has a step at the threshold"
    assert rate == 0.6 or -0.7 < own < -0.4, "there is a step of about half a unit"
assert steps[0.0][4] > -0.2, "without noise, it has none"
assert steps[0.4][0] < steps[0.4][3], "no other place has a step as high"
assert steps[0.0][0] > steps[0.0][3] and steps[0.6][0] > steps[0.6][3], "elsewhere they have"

# %%
recorded = record.column("weight")
assert ((recorded >= 0) & (recorded <= 1)).all()
silent = (loss >= 0.95 * config.gamma_1) & (loss < config.gamma_1)
if silent.any():
    assert recorded[silent].max() < 0.08, "nearly clean pairs fall silent"
assert (recorded[loss >= config.gamma_2] == 0).all(), "noisy pairs have no weight"
if EPOCHS >= 5 and SCENES >= 600 and 0.2 <= NOISE_RATE <= 0.6:
    assert recorded[-1, true].mean() > 3 * recorded[-1, ~true].mean(), "true pairs count, mismatched ones hardly"
    assert (recorded[-1, ~true] == 0).mean() > 0.75, "nearly all is dark"
    assert 0.25 < (loss[-1, true] >= config.gamma_2).mean() < 0.45, (
        "true pairs that the method takes for noisy, a third of them"
    )
    assert half.mean() < 0.2, "a small part of the mismatched pairs is believed"
    assert (loss[0] < 9).mean() < 0.2, "in the first epoch hardly a loss lies below 9"
print("all assertions hold")
