"""The whole objective: the authors' values, the loop over pairs, and the control."""

import math

import pytest
import torch
from drawn_batch import DRAW, PAIRS, assert_same, built, drawn_batch, drawn_leaves
from oracles import INPUTS, SETTINGS, draw_inputs, golden_cases, needs_golden, objective

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.contrastive import contrastive_objective
from rrsitr_lib.methods.rrsitr import Components, Rrsitr, rrsitr_objective
from rrsitr_lib.model.similarity import local_similarity

CASES = golden_cases()


def relative(value, expected):
    return abs(value.item() - expected) / abs(expected)


def evaluated(inputs, **settings):
    """The library's result and the gradient of its total with respect to the four inputs."""
    leaves = [values.detach().clone().requires_grad_() for values in inputs]
    result = rrsitr_objective(*leaves, **settings)
    return result, torch.autograd.grad(result.total, leaves, materialize_grads=True)


def golden_parameters(what=lambda case: True):
    cases = [pytest.param(case, id=f"seed {case['seed']}") for case in CASES if what(case)]
    return pytest.mark.parametrize("case", cases or [pytest.param(None, marks=needs_golden)])


@golden_parameters()
@pytest.mark.parametrize(
    ("precision", "value_bound", "gradient_bound"),
    [("float64", 1e-6, 1e-6), ("float32", 1e-4, 1e-4), ("bf16", 2e-3, 0.03)],
)
def test_authors_values(case, precision, value_bound, gradient_bound):
    """bf16 as training has it: features rounded by autocast, then the objective in float32."""
    inputs = draw_inputs(**case)
    if precision != "float64":
        inputs = [values.float() for values in inputs]
    if precision == "bf16":
        inputs = [values.bfloat16().float() for values in inputs]
    result, gradients = evaluated(inputs, **{name: case[name] for name in SETTINGS})
    assert result.total.dtype == inputs[0].dtype
    assert relative(result.total, case["total"]) < value_bound
    for name, gradient in zip(INPUTS, gradients, strict=True):
        assert relative(gradient.norm(), case["grad_norm"][name]) < gradient_bound, name
    if precision == "float64":
        assert torch.bincount(result.category, minlength=3).tolist() == case["counts"]
        expected = torch.tensor(case["loss_first5"] + case["loss_last5"], dtype=torch.float64)
        losses = torch.cat([result.pair_loss[:5], result.pair_loss[-5:]]).detach()
        torch.testing.assert_close(losses, expected, rtol=1e-6, atol=1e-12)
        corner = local_similarity(inputs[3][:2], inputs[2][:3]).tolist()
        torch.testing.assert_close(corner, case["local_eval_corner"], rtol=1e-6, atol=0)


@golden_parameters(lambda case: case["Lt"] < 77)
def test_authors_values_by_the_loop(case):
    """The oracle itself stands on the authors' numbers, so that agreement with it says something."""
    total, losses, counts = objective(*draw_inputs(**case), **{name: case[name] for name in SETTINGS})
    assert relative(total, case["total"]) < 1e-6 and counts == case["counts"]
    assert losses[-5:].tolist() == pytest.approx(case["loss_last5"], rel=1e-6)


def test_loop_over_pairs_gives_values_and_gradients():
    leaves = drawn_leaves()
    total, losses, counts = objective(*leaves)
    result = rrsitr_objective(*leaves)
    assert_same(result.total, total, leaves)
    torch.testing.assert_close(result.pair_loss, losses, rtol=1e-9, atol=1e-12)
    assert torch.bincount(result.category, minlength=3).tolist() == counts and min(counts) > 0


def effective_weight(loss_over_gamma_1):
    """The share of one pair's cross-entropy gradient that the objective passes on, gammas as 5 to 18."""
    image, *rest = draw_inputs(**DRAW)
    image.requires_grad_()
    losses = rrsitr_objective(image, *rest).pair_loss
    pair = int(((losses > 1) & (losses < 18)).nonzero()[0, 0])
    gamma_1 = float(losses[pair]) / loss_over_gamma_1
    result = rrsitr_objective(image, *rest, gamma_1=gamma_1, gamma_2=gamma_1 * 18 / 5)
    (plain,) = torch.autograd.grad(losses[pair], image)
    (paced,) = torch.autograd.grad(result.contribution[pair], image)
    share = float((paced * plain).sum() / (plain * plain).sum())
    torch.testing.assert_close(paced, share * plain, rtol=1e-8, atol=1e-12)
    return share


def test_effective_weight_jumps_from_0_031_to_0_725():
    below, above = effective_weight(4.9 / 5), effective_weight(1.0)
    assert below == pytest.approx(0.0314, abs=1e-4) and above == pytest.approx(0.7250, abs=1e-4)
    assert above / below == pytest.approx(23, abs=0.2)


def test_noisy_pairs_learn_by_the_triplet_alone():
    image, text, *tokens = draw_inputs(**DRAW)
    tokens = [values.requires_grad_() for values in tokens]
    result = rrsitr_objective(image, text, *tokens)
    noisy = result.category == 2
    torch.testing.assert_close(result.contribution[noisy], 0.9 * result.triplet.loss[noisy])
    assert (result.weight[noisy] == 0).all() and (result.weight[~noisy] > 0).all()
    gradients = torch.autograd.grad(result.contribution[noisy].sum(), tokens)
    assert all((gradient == 0).all() for gradient in gradients)


def test_category_given_replaces_the_thresholds():
    inputs = draw_inputs(**DRAW)
    found = rrsitr_objective(*inputs)
    assert rrsitr_objective(*inputs, category=found.category).total == found.total
    noisy = rrsitr_objective(*inputs, category=torch.full((24,), 2))
    torch.testing.assert_close(noisy.total, 0.9 * noisy.triplet.loss.mean())
    ambiguous = rrsitr_objective(*inputs, category=torch.ones(24, dtype=torch.long))
    expected = torch.cos(math.pi / 36 * ambiguous.pair_loss) * (ambiguous.pair_loss < 18)
    torch.testing.assert_close(ambiguous.weight, expected)


def test_control_is_the_plain_mean_and_its_records_carry_no_gradient():
    leaves = drawn_leaves()
    result, rrsitr = contrastive_objective(*leaves), rrsitr_objective(*leaves)
    _, losses, counts = objective(*leaves)
    torch.testing.assert_close(result.total, losses.mean(), rtol=1e-10, atol=0)
    assert (result.weight == 1).all() and torch.bincount(result.category).tolist() == counts
    torch.testing.assert_close(result.triplet.loss, rrsitr.triplet.loss, rtol=1e-12, atol=0)
    assert not result.triplet.loss.requires_grad and not result.category.requires_grad


@pytest.mark.parametrize(("local", "level"), [(True, 4 * math.log(24)), (False, 2 * math.log(24))])
def test_thresholds_by_chance_are_shares_of_the_loss_of_a_guess(local, level):
    _, batch = drawn_batch()
    found = []
    for unit, gammas in (("chance", (0.4, 0.9)), ("loss", (0.4 * level, 0.9 * level))):
        method = built(Rrsitr, gamma_unit=unit, gamma_1=gammas[0], gamma_2=gammas[1], local_loss=local)
        method.begin_epoch(0, None)
        assert method.thresholds == pytest.approx((0.4 * level, 0.9 * level))
        found.append(method.objective(batch))
    assert torch.bincount(found[0].category, minlength=3).min() > 0, "every branch is reached"
    torch.testing.assert_close(found[0].contribution, found[1].contribution)
    assert found[0].category.tolist() == found[1].category.tolist()


# --- parts switched off ---


@pytest.mark.parametrize("triplet", ["dynamic", "fixed", "off"])
@pytest.mark.parametrize("self_paced", [True, False])
@pytest.mark.parametrize("local", [True, False])
def test_each_part_can_be_switched_off(local, self_paced, triplet):
    thresholds = {"gamma_1": 9.0, "gamma_2": 14.0} if local else {"gamma_1": 4.5, "gamma_2": 7.0}
    inputs = draw_inputs(**DRAW)
    expected, losses, counts = objective(*inputs, **thresholds, local=local, paced=self_paced, margins=triplet)
    result, gradients = evaluated(inputs, **thresholds, components=Components(local, self_paced, triplet))
    assert min(counts) > 0, "every branch is reached"
    torch.testing.assert_close(result.total, expected)
    torch.testing.assert_close(result.pair_loss, losses)
    assert (gradients[2].norm() > 0) == local, "tokens learn from the local loss only"


def test_oracle_counts_only_the_pairs_it_is_told():
    inputs = draw_inputs(**DRAW)
    included = torch.arange(PAIRS) % 3 > 0
    plain, oracle = contrastive_objective(*inputs), contrastive_objective(*inputs, include=included)
    torch.testing.assert_close(oracle.total, plain.pair_loss[included].sum() / PAIRS)
    assert oracle.weight.tolist() == included.tolist()
    torch.testing.assert_close(oracle.pair_loss, plain.pair_loss)
    without = contrastive_objective(*inputs, local=False)
    torch.testing.assert_close(without.total, plain.global_loss.mean())


def test_ablation_turns_the_weights_round_or_draws_them():
    inputs = draw_inputs(**DRAW)
    thresholds = {"gamma_1": 0.0, "gamma_2": 1e3}  # one gamma for all: no jump
    easy = rrsitr_objective(*inputs, **thresholds)
    hard = rrsitr_objective(*inputs, **thresholds, components=Components(weight_order="hard"))
    draws = torch.linspace(0, 1, PAIRS, dtype=torch.float64)
    drawn = rrsitr_objective(*inputs, **thresholds, components=Components(weight_order="random"), draws=draws)
    assert easy.weight.min() > 0, "the inputs hold no noisy pair"
    torch.testing.assert_close(hard.weight, 1 - easy.weight)
    order = easy.pair_loss.argsort()
    assert (hard.weight[order].diff() >= 0).all(), "a higher loss counts more"
    torch.testing.assert_close(drawn.weight, draws)
    with pytest.raises(InputError, match="draws must be given, of shape"):
        rrsitr_objective(*inputs, **thresholds, components=Components(weight_order="random"))


@pytest.mark.parametrize("weight_order", ["hard", "random"])
def test_noisy_pairs_keep_weight_zero_in_every_order(weight_order):
    order = {"components": Components(weight_order=weight_order), "draws": torch.ones(PAIRS)}
    result = rrsitr_objective(*draw_inputs(**DRAW), gamma_1=0.0, gamma_2=1e-12, **order)
    assert (result.category == 2).all() and (result.weight == 0).all()
