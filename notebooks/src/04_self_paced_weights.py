# %% [markdown]
# # How much should a pair count?
#
# *About a minute and a half on two CPU cores · no GPU needed · no download · 3 exercises · two widgets.*
#
# **You will** weigh six pairs by hand, see that the weight is the best answer to a small question, find the place where
# it jumps, and explain what the jump does to a pair that learns. **You should know** the loss of a pair and the three
# categories ([lesson 03](03_partition.ipynb)). **In the paper**: multi-modal self-paced weights.
#
# A teacher gives the easy examples first. Self-paced learning lets the loss decide what is easy: a pair with a small
# loss counts much, a pair with a large loss counts little or not at all.

# %% tags=["parameters"]
SEED = 3  # 0 to 2**31 - 1; seed of the recorded run
NOISE_RATE = 0.4  # 0 to 1; nominal share of rows with a wrong caption
GAMMA_1 = 5.0  # above 0, at most GAMMA_2; pairs below are clean; loss units
GAMMA_2 = 18.0  # above 0; pairs from here on are noisy; loss units
LAMBDA_1 = 0.8  # 0 or more; factor of ambiguous pairs
SCENES = 400  # 40 or more; drawn training scenes of the recorded run
EPOCHS = 8  # 1 or more; epochs of the recorded run
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
# The paper weighs a pair by a quarter of a cosine wave: one at loss 0, zero at a threshold gamma, and zero beyond it.
# Clean pairs use the lower threshold, ambiguous pairs the upper one; a noisy pair gets nothing from this part. The
# regulariser R is the price of a weight: it falls as the weight grows, so that counting a pair is worth something, and
# dropping all pairs is not the best answer.

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
# Nobody chose the cosine. What was chosen is R, and the weight is the best answer to the question: which `w` between 0
# and 1 makes `w L + R(w)` smallest? Do not believe the formula, try all weights. For every loss we evaluate the sum on
# a fine grid of weights and take the place of its minimum. It must be the closed form, and the grid says so.

# %%
grid = np.linspace(0, 1, 10_001)
for L in (1.0, 6.0, 12.0, 17.0, 22.0):
    value = grid * L + regulariser(torch.tensor(grid), GAMMA_2).numpy()
    best = grid[value.argmin()]
    closed = float(weight(torch.tensor([L]), GAMMA_2))
    assert abs(best - closed) < 1e-3
    print(f"loss {L:4.1f}: best weight on the grid {best:.3f}, closed form {closed:.3f}")

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(7.5, 3.2))
for L, dash in zip([1.0, 6.0, 12.0, 17.0, 22.0], ["-", "--", "-.", ":", "-"], strict=True):
    value = grid * L + regulariser(torch.tensor(grid), GAMMA_2).numpy()
    line = axis.plot(grid, value, dash, label=f"loss {L:.0f}", color=plt.cm.cividis(L / 25))[0]
    axis.plot(grid[value.argmin()], value.min(), "o", color=line.get_color(), mec="black")
axis.set(xlabel="weight w", ylabel="w L + R(w)", ylim=(0, 24))
_ = axis.legend(loc="upper left")

# %% [markdown]
# **What to notice.** Every curve is a valley with one deepest point, the dot. For a small loss it lies at the right
# edge: count the pair. As the loss grows the dot wanders to the left, and for a loss beyond gamma it sticks at weight
# zero: counting the pair costs more than it saves. The dots are the cosine.
#
# ## The jump
#
# Now put both thresholds together. Just below `GAMMA_1` a pair is clean, and its wave, which ends at `GAMMA_1`, is
# nearly zero. Just above it the pair is ambiguous, and *its* wave, which ends only at `GAMMA_2`, has hardly begun to
# fall. Nothing joins the two. The next cell prints the effective weight, with the factor `LAMBDA_1` of ambiguous pairs.

# %%
from rrsitr_lib.show.views.pacing import paced_weight

for L in (0.0, GAMMA_1 / 2, GAMMA_1 - 0.1, GAMMA_1, GAMMA_1 + 0.1, GAMMA_2 - 0.1, GAMMA_2):
    print(f"loss {L:5.2f}: effective weight {float(paced_weight(np.array([L]), GAMMA_1, GAMMA_2, LAMBDA_1)[0]):.3f}")
below, above = paced_weight(np.array([GAMMA_1 - 0.1, GAMMA_1 + 0.1]), GAMMA_1, GAMMA_2, LAMBDA_1)
print(f"a pair at {GAMMA_1 + 0.1:.1f} counts {above / below:.0f} times as much as one at {GAMMA_1 - 0.1:.1f}")

# %%
figure, axis = plt.subplots(figsize=(7.5, 3.2), layout="tight")
pieces = ((0, GAMMA_1, "clean", "-"), (GAMMA_1, GAMMA_2, "ambiguous", "--"), (GAMMA_2, 1.3 * GAMMA_2, "noisy", "-."))
for low, high, name, dash in pieces:  # three curves, so that the jump is no line
    losses = np.linspace(low, high - 1e-9, 200)
    axis.plot(losses, paced_weight(losses, GAMMA_1, GAMMA_2, LAMBDA_1), dash, lw=2.5, label=name)
axis.axvline(GAMMA_1, color="black", ls=":", lw=1)
axis.annotate("the jump", (GAMMA_1, 0.4), (10, 0), textcoords="offset points", arrowprops={"arrowstyle": "->"})
axis.set(xlabel="loss of the pair", ylabel="effective weight", ylim=(-0.03, 1.05))
_ = axis.legend()

# %% [markdown]
# **What to notice.** The weight falls twice: from one to zero over the clean losses, then again from its second height
# to zero over the ambiguous ones. At the lower threshold it leaps up. So the weight does *not* simply fall with the loss. A pair that
# is nearly clean is the one the method ignores, and a pair that is a little worse is one of those that it pushes most.
#
# Follow one true pair as it learns. Its loss is 12, it is ambiguous, it counts about half, it improves. It comes down
# to 5.1 and counts as much as ambiguous pairs can. One more step and it is at 4.9: it is called clean, and falls silent. It will move on only
# by what the other pairs teach, until they carry it to smaller losses, where its weight grows again. A mismatched pair
# that is pulled below the upper threshold takes the same road, and stalls at the same place: the jump is a
# brake, whether it was meant as one or not.

# %% [markdown]
# ## What the step sees: the envelope theorem
#
# The reported value of a clean pair is `w L + R(w)` with the best `w` put in, which is `(2 gamma / pi) sin(pi L / (2
# gamma))`. Its slope in L should contain a term for the change of `w`. It does not: at the minimum, a small change of
# `w` changes nothing. This is the envelope theorem, and it makes holding `w` fixed exact. Finite differences agree.

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
# *exponential* never gives a pair up entirely. None of them jumps, because each uses one threshold only.

# %%
from rrsitr_lib.show.views.self_paced_family import SELF_PACED, self_paced_weight

for kind in SELF_PACED:
    w = self_paced_weight(kind, np.array([1.0, 6.0, 12.0, 17.0, 22.0]), GAMMA_2)
    value = grid * 12.0 + SELF_PACED[kind].regulariser(grid, GAMMA_2)
    assert abs(grid[value.argmin()] - w[2]) < 1e-3
    print(f"{kind:12}" + "".join(f"{one:7.3f}" for one in w))

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.2), sharey=True, layout="tight")
losses = np.linspace(0, 1.4 * GAMMA_2, 300)
for number, kind in enumerate(SELF_PACED):
    dash = ("-", "--", "-.", ":")[number % 4]
    axes[number // 4].plot(losses, self_paced_weight(kind, losses, GAMMA_2), dash, lw=2, label=kind)
for axis in axes:
    axis.axvline(GAMMA_2, color="black", ls=":", lw=1)
    axis.set(xlabel="loss of the pair (dotted: gamma_2)")
    axis.legend()
_ = axes[0].set_ylabel("weight")

# %% [markdown]
# **What to notice.** Left, the curves bend downward at once, or not before gamma: *hard* is a cliff. Right, the cosine begins flat,
# so small losses are hardly told apart, and is steepest at gamma, where doubt is decided.
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
# **What to notice.** Above the dashed line most rows are bright, below it nearly all are dark: the method has found the
# mismatched pairs without being told. The rows are sorted by the loss of the last epoch, so look at the last column
# from the top: bright, then fading to black, then suddenly bright again. This edge is the jump. The black wedge above
# it are true pairs just below the lower threshold, the silent ones; the black stripe further down are true pairs that
# the method takes for noisy. The bright stripe under the dashed line are mismatched pairs that fit by accident. How
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
# The explorer moves through this record. Its right panel shows one pair; choose pairs whose weight changes most. With
# another schedule the recorded losses are weighed anew, the training is not repeated. Predict, then move:
#
# 1. Set the thresholds to *linear*, starting at half. Which pairs lose weight in the first epochs, true or mismatched?
# 2. Take a true pair and step through the epochs. Where does it fall silent, and does it come back?
# 3. Sort by weight. Which share of the mismatched pairs counts more than a half in the last epoch?

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.explorers.weights import WeightsExplorer

explorer = WeightsExplorer(record)
explorer.view()

# %% tags=["nbval-ignore-output"]
for schedule in ("as recorded", "linear"):
    explorer.move(epoch=1, schedule=schedule)
    print(f"{schedule}: {explorer.text.value}")
print("this view again:", explorer.state())

# %% [markdown]
# The second explorer needs no run: move the loss of one pair across the lower threshold and watch the diamond leap.
# Then raise `gamma_1` until it meets `gamma_2`: the jump shrinks only because nothing is ambiguous any more. Set
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
# ## Summary
# - The weight is the best answer to a sum of loss and price; the paper's price makes it a quarter of a cosine wave.
# - Two waves, two thresholds: at `gamma_1` the weight leaps from about zero to about 0.7, and nearly clean pairs fall silent.
# - Weight and price carry no gradient, and need none: at the minimum the slope of the value is the weight itself.
#
# *Reference: Song, Xie, Sun, Dian, Kang, Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026.*

# %%
recorded = record.column("weight")
assert ((recorded >= 0) & (recorded <= 1)).all()
silent = (loss >= 0.95 * config.gamma_1) & (loss < config.gamma_1)
if silent.any():
    assert recorded[silent].max() < 0.08, "nearly clean pairs fall silent"
assert (recorded[loss >= config.gamma_2] == 0).all(), "noisy pairs have no weight"
if EPOCHS >= 5 and SCENES >= 200 and 0.2 <= NOISE_RATE <= 0.6:
    assert recorded[-1, true].mean() > 3 * recorded[-1, ~true].mean(), "true pairs count, mismatched ones hardly"
print("all assertions hold")
