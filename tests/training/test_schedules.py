"""Schedules are pure functions: their ends, their middles, their shapes."""

import math

import numpy as np
import pytest
import torch

from rrsitr_lib.methods import RunFacts
from rrsitr_lib.methods.rrsitr.gamma_schedules import GAMMA_SCHEDULES, quantile_gammas, scheduled_gamma
from rrsitr_lib.methods.rrsitr.method import Rrsitr, RrsitrSettings
from rrsitr_lib.training.optimizer import warmup_cosine

PAPER = (200, 193 * 50)  # 19,305 RSITMD pairs in batches of 100, 50 epochs


def test_warmup_is_linear_and_reaches_the_peak():
    shares = [warmup_cosine(step, *PAPER) for step in range(201)]
    assert shares[:2] == [1 / 200, 2 / 200] and shares[199] == shares[200] == 1.0
    np.testing.assert_allclose(np.diff(shares[:200]), 1 / 200, atol=1e-12)


def test_cosine_falls_to_zero_and_stays():
    warmup, total = PAPER
    steps = np.arange(warmup, total + 1)
    shares = np.array([warmup_cosine(step, warmup, total) for step in steps])
    np.testing.assert_allclose(shares, np.cos(np.pi / 2 * (steps - warmup) / (total - warmup)) ** 2, atol=1e-12)
    assert (np.diff(shares) < 0).all() and shares[-1] == pytest.approx(0, abs=1e-12)
    assert warmup_cosine(total + 100, warmup, total) == pytest.approx(0, abs=1e-12)
    assert shares.mean() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(("warmup", "total"), [(0, 1), (0, 10), (10, 10), (20, 10), (5, 6)])
def test_short_runs_have_positive_finite_rates(warmup, total):
    shares = [warmup_cosine(step, warmup, total) for step in range(total)]
    assert all(0 < share <= 1 for share in shares)


@pytest.mark.parametrize("name", GAMMA_SCHEDULES)
@pytest.mark.parametrize(("start", "end"), [(2.5, 5.0), (36.0, 18.0), (5.0, 5.0)])
def test_gammas_run_from_start_to_end(name, start, end):
    values = np.array([scheduled_gamma(name, progress, start, end) for progress in np.linspace(0, 1, 51)])
    assert values[-1] == pytest.approx(end) and values[0] == pytest.approx(end if name == "constant" else start)
    assert (np.diff(values) * np.sign(end - start) >= -1e-12).all(), "never turns back"


@pytest.mark.parametrize(
    ("name", "quarter"),
    [("constant", 16), ("linear", 7), ("cosine", 16 - 12 * (1 + math.sqrt(0.5)) / 2), ("geometric", 4 * 2**0.5)],
)
def test_a_quarter_of_the_way(name, quarter):
    assert scheduled_gamma(name, 0.25, 4.0, 16.0) == pytest.approx(quarter)


@pytest.mark.parametrize(("clean", "noisy"), [(0.5, 0.3), (0.2, 0.2), (0.0, 1.0), (0.9, 0.1)])
def test_quantile_gammas_would_have_given_their_shares(clean, noisy):
    losses = np.random.default_rng(0).gamma(2, 5, 5000)
    gamma_1, gamma_2 = quantile_gammas(losses, clean, noisy)
    assert (losses < gamma_1).mean() == pytest.approx(clean, abs=1e-3)
    assert (losses >= gamma_2).mean() == pytest.approx(noisy, abs=1e-3)
    assert gamma_1 <= gamma_2 and type(gamma_1) is float


@pytest.mark.parametrize(("clean", "noisy"), [(0.2, 0.8), (0.1, 0.9), (0.45, 0.55)])
@pytest.mark.parametrize("pairs", [205, 1600, 8000])
def test_quantile_gammas_never_cross(clean, noisy, pairs):
    gamma_1, gamma_2 = quantile_gammas(np.random.default_rng(0).random(pairs) * 20, clean, noisy)
    assert gamma_1 == gamma_2


def test_a_schedule_begins_after_the_warm_up():
    facts = RunFacts(8, 8, 10, 3, torch.device("cpu"), warmup_epochs=4)
    method = Rrsitr(RrsitrSettings(gamma_schedule="linear", gamma_start=0.5), facts)
    found = []
    for epoch in (4, 9):
        method.begin_epoch(epoch, None)
        found.append(method.thresholds)
    assert found == [(2.5, 9.0), (5.0, 18.0)]
