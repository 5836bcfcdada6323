"""Monotone: RRSITR without its jump, a variant that the paper does not have.

Paper: Song et al., Robust Remote Sensing Image-Text Retrieval with Noisy Correspondence, CVPR 2026.
It weighs clean pairs by gamma_1 and ambiguous ones by gamma_2, so that the weight leaps up at gamma_1, from 0 to
cos(pi gamma_1 / (2 gamma_2)). Here one weight with gamma_2 serves both: it only falls as the loss grows. The rest is
RRSITR's, its settings too. Ambiguous pairs keep their factor lambda_1: at gamma_1 what a pair counts falls to lambda_1
of what it was, and it never rises; lambda_1 = 1 leaves no step. gamma_1 only says where this factor begins.
Taught in: lesson 10.
"""

from typing import ClassVar

from pydantic import Field

from rrsitr_lib.methods import register
from rrsitr_lib.methods.rrsitr.method import Rrsitr, RrsitrSettings


class MonotoneSettings(RrsitrSettings):
    """RRSITR's, with an upper bound for lambda_1: above 1 the weight would leap up at gamma_1 again."""

    lambda_1: float = Field(0.8, ge=0, le=1, description="factor of ambiguous pairs; 1: no step at gamma_1")


@register("monotone")
class Monotone(Rrsitr):
    """RRSITR with one gamma, and no jump."""

    Settings = MonotoneSettings
    jump: ClassVar[bool] = False
