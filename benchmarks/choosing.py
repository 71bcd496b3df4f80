"""Choices of structures against plain numpy: farthest points with a running minimum, and CUR by all singular vectors.

The memory is that of arrays, as Python counts it, beyond the descriptors.
"""

import tracemalloc
from collections.abc import Callable

import numpy as np
from _measure import absolute, arguments, compare, report

from adatom.configs.select import cur, farthest_points


def running_minimum(rows: np.ndarray, n: int) -> list[int]:
    """The same choice, with the distances of all rows to each that is chosen."""
    chosen = [int(np.square(rows - rows.mean(axis=0)).sum(axis=1).argmax())]
    squares = np.einsum("ij,ij->i", rows, rows)
    lowest = np.full(len(rows), np.inf)
    while len(chosen) < n:
        last = chosen[-1]
        distances = rows @ rows[last]
        distances *= -2
        distances += squares + squares[last]
        np.minimum(lowest, distances, out=lowest)
        lowest[last] = -np.inf
        chosen.append(int(lowest.argmax()))
    return chosen


def whole_decomposition(rows: np.ndarray, n: int) -> np.ndarray:
    """CUR by numpy's singular vectors."""
    vectors, _, _ = np.linalg.svd(rows, full_matrices=False)
    return np.argsort(-np.square(vectors[:, : n // 2]).sum(axis=1), kind="stable")[:n]


def peak(function: Callable[[], None]) -> float:
    """The most memory that a call has at once, in MB."""
    tracemalloc.start()
    function()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def main() -> None:
    options = arguments("Choices of structures against plain numpy", 7)
    random = np.random.default_rng(0)
    points = random.normal(size=(10_000, 50))
    rows = random.normal(size=(20_000, 500)) * np.exp(-np.arange(500) / 60)
    if farthest_points(points, 500).tolist() != running_minimum(points, 500):
        raise SystemExit("The choices differ.")

    def choose() -> None:
        farthest_points(points, 500)

    def choose_plainly() -> None:
        running_minimum(points, 500)

    def decompose() -> None:
        cur(rows, 200)

    def decompose_whole() -> None:
        whole_decomposition(rows, 200)

    found = [
        compare("500 farthest of 10 000 points in 50 dimensions", 1.0, choose, choose_plainly, options.repeats),
        compare("CUR of 20 000 × 500", 1.2, decompose, decompose_whole, options.repeats),
        absolute("memory of CUR, in parts of the other's", 0.1, [peak(decompose) / peak(decompose_whole)], ""),
    ]
    report("Choices of structures", found, options.json)


if __name__ == "__main__":
    main()
