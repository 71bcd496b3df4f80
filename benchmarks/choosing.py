"""Choices of structures against plain numpy, and descriptors against a plain loop.

The memory is that of arrays, as Python counts it, beyond the descriptors.
"""

import tracemalloc
from collections.abc import Callable

import numpy as np
from _measure import absolute, arguments, compare, report
from ase.build import bulk
from dscribe.descriptors import SOAP

from adatom.atoms.rattle import rattle
from adatom.configs import AutoparaInfo
from adatom.configs.describe import describe, descriptor_table
from adatom.configs.select import cur, farthest_points

OF_SOAP = {"species": ["Cu"], "r_cut": 5.0, "n_max": 6, "l_max": 4, "periodic": True, "average": "inner"}


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
    options = arguments(
        "Choices of structures against plain numpy", 7, structures={"type": int, "default": 10_000, "help": "of SOAP"}
    )
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

    cell = bulk("Cu", cubic=True) * (2, 1, 1)
    structures = [rattle(cell, 0.1, random) for _ in range(options.structures)]

    def describe_by_two() -> None:
        descriptor_table(describe(structures, None, {"kind": "SOAP", **OF_SOAP}, autopara_info=AutoparaInfo(workers=2)))

    def describe_in_a_loop() -> None:
        soap = SOAP(**OF_SOAP)
        np.array([soap.create(atoms) for atoms in structures])

    what = f"SOAP of {options.structures} structures of 8 atoms, 2 workers"
    found = [
        compare(what, 0.55, describe_by_two, describe_in_a_loop, min(options.repeats, 3), warm_up=False),
        compare("500 farthest of 10 000 points in 50 dimensions", 1.0, choose, choose_plainly, options.repeats),
        compare("CUR of 20 000 × 500", 1.2, decompose, decompose_whole, options.repeats),
        absolute("memory of CUR, in parts of the other's", 0.1, [peak(decompose) / peak(decompose_whole)], ""),
    ]
    report("Choices of structures", found, options.json)


if __name__ == "__main__":
    main()
