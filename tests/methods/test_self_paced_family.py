"""Every self-paced function is the argmin that it claims to be, and trains RRSITR as a loop over pairs says."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from drawn_batch import DRAW, assert_same, built, drawn_batch
from oracles import draw_inputs, pair_losses, triplet
from scipy.integrate import quad

from rrsitr_lib.methods.rrsitr import Components, Rrsitr, RrsitrSettings, regulariser, rrsitr_objective, weight
from rrsitr_lib.methods.rrsitr.self_paced import SELF_PACED, Pace

GRID = torch.linspace(0, 1, 20_001, dtype=torch.float64)
SHARES = torch.tensor([0.0, 0.05, 0.3, 0.49, 0.51, 0.8, 0.99, 1.2, 3.0], dtype=torch.float64)
ENDLESS = ("logistic", "exponential")
every_pace = pytest.mark.parametrize("pace", SELF_PACED)
BY_HAND = {
    "hard": lambda loss, gamma: 1.0 if loss < gamma else 0.0,
    "linear": lambda loss, gamma: max(0.0, 1 - loss / gamma),
    "logarithmic": lambda loss, gamma: math.log(0.9 * loss / gamma + 0.1) / math.log(0.1) if loss < gamma else 0.0,
    "polynomial": lambda loss, gamma: math.sqrt(1 - loss / gamma) if loss < gamma else 0.0,
    "mixture": lambda loss, gamma: 1.0 if loss <= gamma / 2 else max(0.0, gamma / loss - 1),
    "logistic": lambda loss, gamma: (1 + math.exp(-gamma)) / (1 + math.exp(loss - gamma)),
    "exponential": lambda loss, gamma: math.exp(-loss / gamma),
    "cosine": lambda loss, gamma: math.cos(math.pi / 2 * loss / gamma) if loss < gamma else 0.0,
}


def test_names_of_the_setting_are_those_of_the_functions():
    assert set(get_args(Pace)) == set(SELF_PACED) == set(BY_HAND) and RrsitrSettings().pace == "cosine"


@pytest.mark.parametrize("gamma", [0.7, 5.0, 18.0])
@every_pace
def test_weight_is_the_argmin_on_a_grid(pace, gamma):
    losses = SHARES * gamma
    value = GRID * losses[:, None] + regulariser(GRID, gamma, pace)
    torch.testing.assert_close(weight(losses, gamma, pace), GRID[value.argmin(dim=1)], rtol=0, atol=1e-3)


@pytest.mark.parametrize("gamma", [0.7, 5.0, 18.0])
@every_pace
def test_value_at_the_best_weight_is_the_area_under_the_weight(pace, gamma):
    """So R(1) = 0, a pair of loss 0 adds nothing, and the slope of the value is the weight (the envelope theorem)."""
    for loss in (SHARES * gamma).tolist():
        best = weight(torch.tensor([loss], dtype=torch.float64), gamma, pace)
        area, _ = quad(BY_HAND[pace], 0, loss, (gamma,), points=(gamma / 2, gamma))
        assert float(best) == pytest.approx(BY_HAND[pace](loss, gamma), abs=1e-12)
        assert float(best * loss + regulariser(best, gamma, pace)) == pytest.approx(area, abs=1e-7 * gamma)


@every_pace
def test_weight_falls_from_one_and_stays_in_range(pace):
    weights = weight(torch.linspace(0, 40, 400), 7.0, pace)
    assert float(weights[0]) == pytest.approx(1) and weights.min() >= 0 and weights.max() <= 1
    assert (weights.diff() <= 1e-6).all() and (weights[-1] > 0) == (pace in ENDLESS)
    assert float(weight(torch.tensor([-1e-6]), 7.0, pace)) == pytest.approx(1), "a loss may be rounded below zero"
    assert float(weight(torch.tensor([1e30]), 7.0, pace)) == 0


@every_pace
def test_one_gamma_a_pair_no_gradient_and_no_wait(pace):
    loss, gamma = torch.tensor([1.0, 1.0, 6.0], requires_grad=True), torch.tensor([5.0, 2.0, 9.0])
    weights = weight(loss, gamma, pace)
    expected = [float(weight(*pair, pace)) for pair in zip(loss.detach()[:, None], gamma.tolist(), strict=True)]
    assert weights.tolist() == pytest.approx(expected, abs=1e-6)
    assert not weights.requires_grad and not regulariser(weights.requires_grad_(), gamma, pace).requires_grad
    far = torch.empty(3, device="meta")  # a value that is asked for is an error there
    assert regulariser(weight(far, far, pace), far, pace).shape == weight(far, 5.0, pace).shape == (3,)


PUBLIC = {
    "linear": [0.9444444444, 0.7777777778, 0.5, 0.2222222222, 0.0555555556, 0.0],
    "logarithmic": [0.8239087409, 0.5228787453, 0.2596373105, 0.096910013, 0.0222763947, 0.0],
    "logistic": [0.9853964872, 0.9398526473, 0.8589066195, 0.7733798185, 0.7208632886, 0.5644737614],
}


@pytest.mark.parametrize("pace", PUBLIC)
def test_values_of_public_code(pace):
    """github.com/THUMNLab/CurML at 243722a, ``SelfPaced._data_weight`` at threshold 0.9, which is 1 - zeta."""
    losses = torch.tensor([0.05, 0.2, 0.45, 0.7, 0.85, 1.3], dtype=torch.float64)
    np.testing.assert_allclose(weight(losses, 0.9, pace), PUBLIC[pace], atol=1e-9)


# --- in RRSITR's objective ---


def by_the_loop(image, text, image_tokens, text_tokens, pace, gamma_1=5.0, gamma_2=18.0):
    """(total, weights): a pair that is not noisy adds the area under its weight, and its slope is the weight."""
    settings = RrsitrSettings()
    similarity, global_loss, local_loss = pair_losses(image, text, image_tokens, text_tokens, settings.scale)
    total, weights = 0, []
    for i, loss in enumerate(global_loss + local_loss):
        number, gamma = loss.item(), gamma_1 if loss < gamma_1 else gamma_2
        if loss >= gamma_2:
            total, w = total + settings.lambda_2 * triplet(similarity, i, settings.sigma), 0.0
        else:
            w = BY_HAND[pace](number, gamma)
            area, _ = quad(BY_HAND[pace], 0, number, (gamma,), points=(gamma / 2,))
            total = total + (1 if loss < gamma_1 else settings.lambda_1) * (area + w * (loss - number))
        weights.append(w)
    return total / len(image), weights


@every_pace
def test_loop_over_pairs_gives_value_and_gradient(pace):
    leaves, batch = drawn_batch()
    method = built(Rrsitr, pace=pace)
    method.begin_epoch(0, None)
    found = method.objective(batch)
    expected, weights = by_the_loop(*leaves, pace)
    assert torch.bincount(found.category, minlength=3).min() > 0, "every branch is reached"
    assert_same(found.total, expected, leaves, rtol=1e-7)
    np.testing.assert_allclose(found.weight, weights, atol=1e-9)


def test_hard_by_the_thresholds_is_no_pacing():
    """A clean loss lies under gamma_1 and an ambiguous one under gamma_2: only given categories can drop a pair."""
    inputs = draw_inputs(**DRAW)
    hard = rrsitr_objective(*inputs, components=Components(pace="hard"))
    none = rrsitr_objective(*inputs, components=Components(self_paced=False))
    assert hard.weight.tolist() == none.weight.tolist()
    torch.testing.assert_close(hard.total, none.total)
    clean = rrsitr_objective(*inputs, components=Components(pace="hard"), category=torch.zeros(24, dtype=torch.long))
    assert clean.weight.tolist() == (clean.pair_loss < 5).double().tolist()


@pytest.mark.parametrize("pace", ENDLESS)
def test_noisy_pairs_have_no_weight_where_the_function_has_no_end(pace):
    result = rrsitr_objective(*draw_inputs(**DRAW), components=Components(pace=pace))
    noisy = result.category == 2
    assert (result.weight[noisy] == 0).all() and (result.weight[~noisy] > 0.3).all()
    torch.testing.assert_close(result.contribution[noisy], 0.9 * result.triplet.loss[noisy])


@pytest.mark.parametrize("pace", SELF_PACED)
def test_a_pair_without_loss_that_is_called_clean_at_gamma_zero_has_a_weight(pace):
    eye = torch.eye(4)
    category = torch.zeros(4, dtype=torch.int64)
    found = rrsitr_objective(
        eye, eye, eye[:, None], eye[:, None], scale=200.0, gamma_1=0.0, category=category,
        components=Components(pace=pace),
    )  # fmt: skip
    assert (found.pair_loss == 0).all() and found.weight.isfinite().all() and found.total.isfinite()
