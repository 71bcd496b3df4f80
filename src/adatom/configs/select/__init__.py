"""Choice of few structures out of many: each function returns the indices that ``ConfigSet.take`` takes."""

from adatom.configs.select.cur import cur, leverage_scores
from adatom.configs.select.farthest_points import farthest_points
from adatom.configs.select.flat_histogram import flat_histogram

__all__ = ["cur", "farthest_points", "flat_histogram", "leverage_scores"]
