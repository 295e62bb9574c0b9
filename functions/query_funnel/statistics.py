"""Whether groups convert differently from all others, or only seem to."""

import math
from collections.abc import Sequence

SIGNIFICANT_BELOW = 0.05


def two_proportions(converted: int, entered: int, others_converted: int, others_entered: int) -> float | None:
    """The p-value of two proportions being equal (two-sided, pooled z); None where nothing can be compared."""
    if not entered or not others_entered:
        return None
    pooled = (converted + others_converted) / (entered + others_entered)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / entered + 1 / others_entered))
    if not spread:
        return None
    z = (converted / entered - others_converted / others_entered) / spread
    return math.erfc(abs(z) / math.sqrt(2))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for being several (Holm 1979): each as large as it has to be for all to hold together."""
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    largest = 0.0
    for rank, (value, place) in enumerate(known):
        largest = max(largest, min(1.0, value * (len(known) - rank)))
        corrected[place] = largest
    return corrected
