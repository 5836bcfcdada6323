"""The weight of one pair: the paper's with its jump, and the self-paced family beside it; needs no run."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.controls import Control, Slider
from rrsitr_lib.show.views.pacing import LOSSES, family_weights, paced_weight, pacing_figure

ON_PAGE = (0.0, 1.0, 2.0, 2.9, 3.0, 4.0, 4.9, 5.0, 6.0, 7.9, 8.0, 10.0, 11.9, 12.0, 15.0, 17.9, 18.0, 21.0, 24.0)


class PacingExplorer(Explorer):
    """Move the loss of a pair and the thresholds, and read its weight."""

    title = "Self-paced functions"

    def controls(self) -> Sequence[Control]:
        return (
            Slider("loss", "loss of the pair", 0.0, float(LOSSES[-1]), 0.1, 4.9, on_page=ON_PAGE),
            Slider("gamma_1", "gamma_1", 0.5, 12.0, 0.5, 5.0, "loss", on_page=(3.0, 5.0, 8.0)),
            Slider("gamma_2", "gamma_2", 12.0, 24.0, 0.5, 18.0, "loss", on_page=(12.0, 18.0, 24.0)),
            Slider("lambda_1", "lambda_1", 0.0, 1.0, 0.1, 0.8, on_page=(0.4, 0.8, 1.0)),
        )

    def draw(self, loss: float, gamma_1: float, gamma_2: float, lambda_1: float) -> go.Figure:
        return pacing_figure(loss, gamma_1, gamma_2, lambda_1)

    def say(self, loss: float, gamma_1: float, gamma_2: float, lambda_1: float) -> str:
        here = float(paced_weight(np.array([loss]), gamma_1, gamma_2, lambda_1)[0])
        kind = "clean" if loss < gamma_1 else "ambiguous" if loss < gamma_2 else "noisy"
        weights = family_weights(np.array([loss]), gamma_2)
        family = ", ".join(f"{pace} {weight[0]:.2f}" for pace, weight in weights.items())
        own = f"This pair is {kind}: loss {loss:.1f}, effective weight {here:.3f}"
        return f"{own}. At gamma_2 the family gives: {family}."
