# %% [markdown]
# # Exercises 06 · Does it work, all together?
#
# These belong to the [lesson](../06_training_end_to_end.ipynb). Write your answer where the stub says so, run the check
# below it, and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from math import pi, sin

from rrsitr_lib.methods.pair_loss import symmetric_cross_entropy
from rrsitr_lib.methods.rrsitr import regulariser
from rrsitr_lib.methods.partition import AMBIGUOUS, CLEAN, NOISY
from rrsitr_lib.model.similarity import cosine_similarity
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

# %% [markdown]
# ## 06.1 · What a pair contributes
#
# *core · 15 minutes*
#
# What does one pair add to the objective, before the mean? You are given its loss, its triplet loss (already computed),
# both thresholds and both factors. Clean and ambiguous pairs add weight times loss plus the price R of the weight; with
# the best weight put in, this sum is `(2 gamma / pi) sin(pi L / (2 gamma))`.


# %%
def contribution_of_pair(
    loss: float, triplet: float, gamma_1: float, gamma_2: float, lambda_1: float, lambda_2: float
) -> float:
    """What the mean of the objective is taken over."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    if loss < gamma_1:
        answer = 2 * gamma_1 / pi * sin(pi * loss / (2 * gamma_1))
    elif loss < gamma_2:
        answer = lambda_1 * 2 * gamma_2 / pi * sin(pi * loss / (2 * gamma_2))
    else:
        answer = lambda_2 * triplet
    ### END SOLUTION
    return answer


# %% tags=["grading"]
from math import cos

PAPER = {"gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 0.8, "lambda_2": 0.9}
PAIRS = [(0.0, 0.3), (2.0, 0.3), (4.9, 1.1), (5.0, 1.1), (12.0, 0.0), (18.0, 1.4)]
cases = [{"loss": loss, "triplet": triplet, **PAPER} for loss, triplet in PAIRS]
cases += [{"loss": 25.0, "triplet": 2.0, **PAPER, "lambda_2": 0.5}]
first_step = "Which of the three kinds is the pair? Write the three branches first, then what stands in each."
why = "One number a pair and one mean at the end: whatever you wonder about a run, you can ask every pair."


def without_price(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2):
    """the price R of the weight is missing. It carries no gradient, but it is part of the reported value: with it the
    value of a clean pair rises with its loss, without it it falls again towards gamma_1."""
    if loss >= gamma_2:
        return lambda_2 * triplet
    gamma, factor = (gamma_1, 1.0) if loss < gamma_1 else (gamma_2, lambda_1)
    return factor * cos(pi * loss / (2 * gamma)) * loss


def factor_everywhere(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2):
    """lambda_1 belongs to ambiguous pairs only; clean pairs have the factor 1."""
    found = contribution_of_pair(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2)
    return lambda_1 * found if loss < gamma_1 else found


def noisy_pays_both(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2):
    """a noisy pair leaves the self-paced sum altogether: with weight 0 its w L is gone, and so is the price R(0). Only
    the triplet loss is left."""
    found = contribution_of_pair(loss, triplet, gamma_1, gamma_2, lambda_1, lambda_2)
    return found + 2 * gamma_2 / pi if loss >= gamma_2 else found


# %%
checks.contribution_of_pair(contribution_of_pair)

# %%
check = checks.contribution_of_pair
contribution_of_pair = use(contribution_of_pair, fallback=check.solution, check=check)
losses = np.linspace(0, 24, 241)
values = [contribution_of_pair(loss, 1.5, 5.0, 18.0, 0.8, 0.9) for loss in losses]
plt.figure(figsize=(6, 2.6))
plt.plot(losses, values, ".", ms=3)
plt.xlabel("loss of the pair"), plt.ylabel("contribution")
plt.show()

# %% [markdown]
# ## 06.2 · How much of the gap is closed
#
# *research · 20 minutes*
#
# A method gains points over the contrastive control. How much is that? Measure it against what could be gained at all:
# 0 where it is as good as the control, 1 where it is as good as the oracle. Each argument is a list of mR, one entry a
# seed, in the same order. Think about what to average, and when. Then use it on runs of your own with three seeds.


# %%
def gap_closed(contrastive: list[float], method: list[float], oracle: list[float]) -> float:
    """Share of the gap between control and oracle that the method closes."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    low, high = np.mean(contrastive), np.mean(oracle)
    answer = (np.mean(method) - low) / (high - low)
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"contrastive": [38.0, 40.0, 39.0], "method": [44.0, 43.0, 45.0], "oracle": [47.0, 46.0, 48.0]},
    {"contrastive": [30.0, 39.0], "method": [36.0, 40.0], "oracle": [42.0, 40.0]},
    {"contrastive": [20.0], "method": [18.0], "oracle": [40.0]},
]
first_step = "Three means over the seeds. Where does the gap begin and end, and how far did the method come?"
why = """A gap closed by 0.7 says more than +5 points, and a negative one that the method does harm. It needs an
oracle row, which few papers print."""


def mean_of_ratios(contrastive, method, oracle):
    """the mean of the seeds' ratios: a seed in which oracle and control lie close together divides by nearly nothing
    and decides the mean. Average first, divide afterwards."""
    return np.mean([(own - low) / (high - low) for low, own, high in zip(contrastive, method, oracle, strict=True)])


def share_of_the_oracle(contrastive, method, oracle):
    """the share of the oracle's recall, not of the gap: a method that is no better than the control would still get
    most of it."""
    return np.mean(method) / np.mean(oracle)


def gain_in_points(contrastive, method, oracle):
    """this is the gain in points. How much of what could be gained at all is it?"""
    return np.mean(method) - np.mean(contrastive)


# %%
checks.gap_closed(gap_closed)

# %%
gap_closed = use(gap_closed, fallback=checks.gap_closed.solution, check=checks.gap_closed)
print(f"an invented example: {gap_closed([38.0, 40.0], [43.0, 42.0], [47.0, 45.0]):.2f} of the gap is closed")

# %% [markdown]
# ## 06.3 · When is fine-tuning pointless?
#
# *research · 25 minutes*
#
# A curve of validation recalls begins before training: entry 0 is the start. Most programs return the best of the epochs
# that they trained, and never ask whether the start was better. Ask it: name the entry whose weights you would keep. A
# validation set cannot tell apart what lies closer together than `resolution` points, and weights that cost no training
# are kept unless an epoch beats them by more than that. Among the epochs that do, keep the best, the earliest of equals.


# %%
def entry_to_keep(validation: list[float], resolution: float) -> int:
    """0 for the start, else the number of the epoch."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    best = int(np.argmax(validation))
    answer = best if validation[best] > validation[0] + resolution else 0
    ### END SOLUTION
    return answer


# %% tags=["grading"]
cases = [
    {"validation": [20.0, 26.0, 31.0, 30.0], "resolution": 2.0},
    {"validation": [58.0, 54.0, 37.0, 48.0], "resolution": 2.0},
    {"validation": [40.0, 41.0, 39.0], "resolution": 2.0},
    {"validation": [40.0, 43.0, 43.0], "resolution": 2.0},
    {"validation": [40.0, 38.0, 43.0, 42.5], "resolution": 2.5},
]
first_step = "Which epoch is the best one, and by how much does it beat entry 0?"
why = """A start may be worth more than all that a small or noisy set can teach it. The row before training says so in
every table, and who leaves it out cannot know."""


def best_of_the_trained(validation, resolution):
    """this is the best of the trained epochs, whatever the start was worth. Entry 0 is a candidate too."""
    return 1 + int(np.argmax(validation[1:]))


def any_gain_counts(validation, resolution):
    """a gain within the resolution of the validation set is no gain: the start is free, so it is kept."""
    return int(np.argmax(validation))


def first_that_beats_it(validation, resolution):
    """the first epoch that beats the start is not the best one."""
    better = [number for number, value in enumerate(validation) if value > validation[0] + resolution]
    return better[0] if better else 0


# %%
checks.entry_to_keep(entry_to_keep)

# %% [markdown]
# Now on real curves: the weak start of the lessons with 1,600 scenes, from the records, and the strong start
# `tiny-strong`, trained here for two epochs on 200 scenes. Both see 60 % noise, both are trained plainly. Then try more:
# clean pairs (`noise_rate=0`), 1,600 scenes, `method="rrsitr"`. From which number of scenes on is the strong start worth
# training? The lesson's table says what is left to win.

# %%
import tempfile

import pandas as pd

from rrsitr_lib.config import RunConfig
from rrsitr_lib.teach.records import RECORDS
from rrsitr_lib.training.run import train

entry_to_keep = use(entry_to_keep, fallback=checks.entry_to_keep.solution, check=checks.entry_to_keep)
with tempfile.TemporaryDirectory() as folder:
    train(RunConfig.build(encoder="tiny-strong", scenes=200, epochs=2, noise_rate=0.6, method="contrastive"), folder)
    strong = pd.read_csv(f"{folder}/metrics.csv")["val_mR"].tolist()
weak = pd.read_csv(RECORDS / "contrastive_0.6_3" / "metrics.csv")["val_mR"].tolist()
for name, curve in {"strong start": strong, "weak start": weak}.items():
    print(
        f"{name}: before {curve[0]:.1f}, epochs {[round(one, 1) for one in curve[1:]]}: keep {entry_to_keep(curve, 2.0)}"
    )

# %% [markdown]
# ## 06.4 · The objective of a batch
#
# *core · 15 minutes*
#
# Put the parts together: the one number that a step makes smaller. For every pair of a batch you are given its loss, its
# category (`CLEAN`, `AMBIGUOUS` or `NOISY`), its weight and its triplet loss, four tensors of shape (B,). A clean pair adds
# weight times loss plus the price of the weight, `regulariser(weight, gamma_1)`; an ambiguous pair adds the same with
# `gamma_2`, times `lambda_1`; a noisy pair adds `lambda_2` times its triplet loss. Return the mean over the batch.


# %%
def objective_of_batch(
    loss: torch.Tensor, category: torch.Tensor, weight: torch.Tensor, triplet: torch.Tensor,
    gamma_1: float, gamma_2: float, lambda_1: float, lambda_2: float,
) -> torch.Tensor:  # fmt: skip
    """One number, shape ()."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    clean = weight * loss + regulariser(weight, gamma_1)
    ambiguous = lambda_1 * (weight * loss + regulariser(weight, gamma_2))
    parts = torch.where(category == CLEAN, clean, torch.where(category == AMBIGUOUS, ambiguous, lambda_2 * triplet))
    answer = parts.mean()
    ### END SOLUTION
    return answer


# %% tags=["grading"]
_PAPER = {"gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 0.8, "lambda_2": 0.9}


def _batch(kinds: list[int], seed: int, **changed: float) -> dict:
    drawn = torch.from_numpy(np.random.default_rng(seed).random((3, len(kinds))))
    category = torch.tensor(kinds)
    loss = 5 * drawn[0] + 10 * (category == AMBIGUOUS) + 20 * (category == NOISY)
    weight = torch.where(category == NOISY, 0.0, drawn[1])
    return {"loss": loss, "category": category, "weight": weight, "triplet": 2 * drawn[2], **_PAPER, **changed}


cases = [
    _batch([CLEAN, AMBIGUOUS, NOISY, NOISY, CLEAN, NOISY], 0),
    _batch([AMBIGUOUS, AMBIGUOUS, CLEAN], 1, lambda_1=0.5),
    _batch([NOISY, NOISY], 2, lambda_2=0.3),
]
first_step = (
    "Three tensors of shape (B,), what each pair would add as one of its kind; torch.where chooses, one mean ends it."
)
why = """Everything stays a tensor of one value a pair until the last mean. So the same code that trains can say, for any
pair, what it added."""


def _parts(loss, category, weight, triplet, gamma_1, gamma_2, lambda_1, lambda_2):
    gamma = torch.where(category == CLEAN, gamma_1, gamma_2)
    factor = torch.where(category == AMBIGUOUS, lambda_1, 1.0)
    return torch.where(category == NOISY, lambda_2 * triplet, factor * (weight * loss + regulariser(weight, gamma)))


def sum_of_the_batch(**case):
    """this is the sum over the batch. With a sum, twice the batch size would mean steps twice as large."""
    return _parts(**case).sum()


def mean_of_each_kind(**case):
    """you take a mean within each category and add the means. Then a single clean pair counts as much as all noisy ones
    together. There is one mean, over all pairs of the batch."""
    parts, category = _parts(**case), case["category"]
    return sum(parts[category == kind].mean() for kind in (CLEAN, AMBIGUOUS, NOISY) if (category == kind).any())


def price_left_out(**case):
    """the price of the weight is missing for clean and ambiguous pairs. No gradient flows through it, but the reported
    value has it."""
    weight, gamma = case["weight"], torch.where(case["category"] == CLEAN, case["gamma_1"], case["gamma_2"])
    factor = torch.where(case["category"] == AMBIGUOUS, case["lambda_1"], 1.0)
    return torch.where(
        case["category"] == NOISY, _parts(**case), _parts(**case) - factor * regulariser(weight, gamma)
    ).mean()


def triplet_for_everyone(**case):
    """you add the triplet loss to every pair. Only noisy pairs have it; the others keep their cross-entropies."""
    others = case["category"] != NOISY
    return (_parts(**case) + others * case["lambda_2"] * case["triplet"]).mean()


def one_threshold(**case):
    """you price the weight of an ambiguous pair with gamma_1. Its weight was chosen with gamma_2, and so is its price."""
    return _parts(**case | {"gamma_2": case["gamma_1"]}).mean()


# %%
checks.objective_of_batch(objective_of_batch)

# %% [markdown]
# The library's objective of a batch of real features does the same: put its own losses, categories, weights and triplet
# losses into your function, and its total must come out.

# %%
from rrsitr_lib.methods.rrsitr import rrsitr_objective

check = checks.objective_of_batch
objective_of_batch = use(objective_of_batch, fallback=check.solution, check=check)
generator = torch.Generator().manual_seed(0)
image, text = torch.randn(2, 8, 16, generator=generator)
theirs = rrsitr_objective(image, text, image[:, None], text[:, None])
parts = (theirs.pair_loss, theirs.category, theirs.weight, theirs.triplet.loss)
print(f"yours {float(objective_of_batch(*parts, 5.0, 18.0, 0.8, 0.9)):.4f}, the library's {float(theirs.total):.4f}")

# %% [markdown]
# ## 06.5 · A training step
#
# *core · 15 minutes*
#
# Write the loop of training, bare. `images[k]` and `captions[k]` are what batch k is made of. For every batch: forget the
# gradients of the step before, compute the loss, `loss_of(model, image, caption)`, let it flow back, clip the norm of all
# gradients together at `largest_norm` (`torch.nn.utils.clip_grad_norm_`), and let the optimizer take its step. Return the
# model. The check has two small linear towers and three batches, and compares the parameters after the third step.

# %%
from collections.abc import Callable


def train_on(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, captions: torch.Tensor,
    loss_of: Callable, largest_norm: float,
) -> torch.nn.Module:  # fmt: skip
    """The model after one step a batch."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    for image, caption in zip(images, captions, strict=True):
        optimizer.zero_grad()
        loss = loss_of(model, image, caption)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), largest_norm)
        optimizer.step()
    answer = model
    ### END SOLUTION
    return answer


# %% tags=["grading"]
from torch.nn.utils import clip_grad_norm_, clip_grad_value_


def _loss_of(model, image, caption):
    return symmetric_cross_entropy(5 * cosine_similarity(model["image"](image), model["text"](caption))).mean()


def _case(seed: int, largest_norm: float) -> dict:
    generator = torch.Generator().manual_seed(seed)
    towers = torch.nn.ModuleDict({"image": torch.nn.Linear(4, 3), "text": torch.nn.Linear(5, 3)})
    with torch.no_grad():
        for parameter in towers.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    images, captions = (torch.randn(3, 6, size, generator=generator) for size in (4, 5))
    optimizer = torch.optim.SGD(towers.parameters(), lr=0.1)
    fixed = {"loss_of": _loss_of, "largest_norm": largest_norm}
    return {"model": towers, "optimizer": optimizer, "images": images, "captions": captions, **fixed}


cases = [_case(0, 0.5), _case(1, 1.0)]
first_step = (
    "Five lines in a loop over the batches: zero_grad, loss_of, backward, clip_grad_norm_, step. Return the model."
)
why = """Five lines, and each has its place: what is not forgotten piles up, and what is clipped after the step was not
clipped. All that this project's training loop adds is when to do it and what to write down."""


def measure(found, **case):
    """All parameters, one after another."""
    if not isinstance(found, torch.nn.Module):
        raise TypeError(f"it returns a {type(found).__name__}; the model is what is compared")
    return torch.cat([parameter.detach().ravel() for parameter in found.parameters()])


def _trained(
    model, optimizer, images, captions, loss_of, largest_norm, forget=True, step=True, clip="before", norm=True
):
    for image, caption in zip(images, captions, strict=True):
        if forget:
            optimizer.zero_grad()
        loss_of(model, image, caption).backward()
        if clip == "before":
            (clip_grad_norm_ if norm else clip_grad_value_)(model.parameters(), largest_norm)
        if step:
            optimizer.step()
    return model


def nothing_is_forgotten(**case):
    """the gradients pile up: without zero_grad every backward adds to those of the steps before, so that the third step
    also follows the first two batches."""
    return _trained(**case, forget=False)


def clipped_too_late(**case):
    """the steps are as long as if nothing were clipped. Clip after backward, which makes the gradients, and before step,
    which uses them."""
    return _trained(**case, clip="late")


def no_step(**case):
    """the parameters are as they were: gradients alone change nothing. Whose job is it to use them?"""
    return _trained(**case, step=False)


def clipped_by_value(**case):
    """every number of the gradients is cut by itself, which turns their direction. Clip the norm of all together, and the
    direction stays."""
    return _trained(**case, norm=False)


# %%
checks.train_on(train_on)

# %%
train_on = use(train_on, fallback=checks.train_on.solution, check=checks.train_on)
generator = torch.Generator().manual_seed(0)
seen = torch.randn(40, 6, generator=generator)  # an image and its caption are two views of the same six numbers
image, caption = seen + 0.3 * torch.randn(2, 40, 6, generator=generator)
towers = torch.nn.ModuleDict({"image": torch.nn.Linear(6, 4), "text": torch.nn.Linear(6, 4)})


def loss_of(model: torch.nn.Module, image: torch.Tensor, caption: torch.Tensor) -> torch.Tensor:
    scaled = 5 * cosine_similarity(model["image"](image), model["text"](caption))
    return symmetric_cross_entropy(scaled).mean()


before = float(loss_of(towers, image, caption))
optimizer = torch.optim.AdamW(towers.parameters(), lr=0.05)
train_on(towers, optimizer, image.expand(100, 40, 6), caption.expand(100, 40, 6), loss_of, 1.0)
print(f"loss before {before:.2f}, after a hundred steps {float(loss_of(towers, image, caption)):.2f}")
