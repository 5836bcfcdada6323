"""What every model of settings refuses: unknown fields, a value of another type, sizes beyond float32."""

import unicodedata
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

SMALLEST, LARGEST = 1.1754944e-38, 3.4028235e38  # of float32: normal, so that no processor takes it for 0


class StrictModel(BaseModel):
    """A frozen model that takes values as they are: ``true`` is no 1, ``"3"`` no 3, and 1e-300 no float32.

    >>> class Rates(StrictModel):
    ...     rate: float
    >>> Rates(rate=1).rate
    1.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    @field_validator("*")
    @classmethod
    def _usable(cls, value: Any) -> Any:
        if isinstance(value, str) and any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value):
            raise ValueError("allowed is text without control characters")
        if isinstance(value, float) and value and not SMALLEST <= abs(value) <= LARGEST:
            raise ValueError(f"allowed is a size of {SMALLEST:.2g} to {LARGEST:.2g}, as training computes in float32")
        return value
