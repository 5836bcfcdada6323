"""What the weight would be: under another schedule of the thresholds, and by other self-paced functions."""

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.rrsitr.gamma_schedules import scheduled_gamma
from rrsitr_lib.methods.rrsitr.self_paced import SELF_PACED, Pace, weight
from rrsitr_lib.show.style import COLOURS, MODEBAR, PLOTLY_DASHES, method_looks, straight

LOSSES = np.linspace(0, 24, 241)


def paced_weight(
    loss: np.ndarray, gamma_1: np.ndarray, gamma_2: np.ndarray, lambda_1: float = 1.0, pace: Pace = "cosine"
) -> np.ndarray:
    """The weight of every pair with its factor lambda_1: one curve under gamma_1, another up to gamma_2, then 0.

    **Shape** loss (epochs, N) or (N,), thresholds broadcast to it, in the unit of the loss, gamma_1 <= gamma_2.
    This is the effective weight of a pair's cross-entropies, and where it jumps (quirks 2 and 9).
    Raises ``InputError`` for thresholds out of order.

    >>> paced_weight(np.array([4.9, 5.0, 18.0]), 5.0, 18.0, lambda_1=0.8).round(3)
    array([0.031, 0.725, 0.   ])
    """
    gamma_1, gamma_2 = np.asarray(gamma_1, dtype=float), np.asarray(gamma_2, dtype=float)
    if not ((gamma_1 > 0) & (gamma_1 <= gamma_2)).all():
        raise InputError(f"gamma_1 is {gamma_1} and gamma_2 is {gamma_2}: allowed is 0 < gamma_1 <= gamma_2")
    clean, factor = np.asarray(loss) < gamma_1, np.where(np.asarray(loss) < gamma_2, lambda_1, 0.0)
    gamma = torch.as_tensor(np.where(clean, gamma_1, gamma_2))
    return np.where(clean, 1.0, factor) * weight(torch.as_tensor(np.asarray(loss)), gamma, pace).numpy()


def family_weights(loss: np.ndarray, gamma: float) -> dict[str, np.ndarray]:
    """The weight of every pair by every self-paced function, by name; **Shape** loss (N,) -> (N,) each.

    >>> family_weights(np.array([2.5, 9.0]), gamma=5.0)["linear"]
    array([0.5, 0. ])
    """
    return {pace: weight(torch.as_tensor(loss), gamma, pace).numpy() for pace in SELF_PACED}


def scheduled(schedule: str, epochs: int, start: float, end: float) -> np.ndarray:
    """A threshold in every epoch, on its way from ``start`` times ``end`` to ``end``; **Shape** (epochs,).

    >>> scheduled("linear", 3, start=0.5, end=18.0).tolist()
    [9.0, 13.5, 18.0]
    """
    progress = [epoch / max(1, epochs - 1) for epoch in range(epochs)]
    return np.array([scheduled_gamma(schedule, one, start * end, end) for one in progress])


def pacing_figure(loss: float, gamma_1: float, gamma_2: float, lambda_1: float) -> go.Figure:
    """The effective weight over the loss with its jump, and the whole self-paced family at gamma_2.

    Traces: the paper's weight, one cosine up to gamma_2, the present loss, then the family.
    """
    figure = make_subplots(1, 2, horizontal_spacing=0.1, subplot_titles=("effective weight", "family, at gamma_2"))
    paper, here = (paced_weight(losses, gamma_1, gamma_2, lambda_1).round(3) for losses in (LOSSES, np.array([loss])))
    family = family_weights(LOSSES, gamma_2)
    looks = method_looks(["rrsitr", "monotone"]).values()  # the method of one cosine for all pairs
    named = zip(("RRSITR", "one cosine"), (paper, family["cosine"].round(3)), looks, ("solid", "dash"), strict=True)
    for name, values, (colour, *_), dash in named:
        line = {"color": colour, "dash": dash}
        figure.add_scatter(x=LOSSES, y=values, name=name, mode="lines", line=line, row=1, col=1)
    marker = {"size": 12, "symbol": "diamond", "color": "black"}
    figure.add_scatter(x=[loss], y=here, name="this pair", mode="markers", marker=marker, row=1, col=1)
    for number, (pace, values) in enumerate(family.items()):
        line = {"color": COLOURS[number % 4], "dash": PLOTLY_DASHES[number // 2], "width": 1.2 + 1.4 * (number % 2)}
        figure.add_scatter(x=LOSSES, y=values.round(3), name=pace, mode="lines", line=line, row=1, col=2)
    figure.update_xaxes(title="loss of the pair").update_yaxes(title="weight", range=[-0.03, 1.03])
    shapes = [straight(loss, panel, "dot", "grey") for panel in (1, 2)]
    return figure.update_layout(shapes=shapes, height=400, margin={"t": 50, "b": 50}, modebar=MODEBAR)
