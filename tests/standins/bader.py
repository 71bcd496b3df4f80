"""Stands in for the Henkelman group's bader: its ascent on the grid, its arguments and its ACF.dat."""

import sys
from itertools import product
from pathlib import Path

import numpy as np
from ase.calculators.vasp import VaspChargeDensity

from tests.standins import asked_to_fail

LINE = " " + 80 * "-"


def basins(density: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """For each point of the grid the number of the maximum that the steepest ascent ends at."""
    numbers = np.arange(density.size).reshape(density.shape)
    best, to = np.zeros(density.shape), numbers.copy()
    for step in product((-1, 0, 1), repeat=3):
        if any(step):
            length = np.linalg.norm((np.array(step) / density.shape) @ cell)
            slope = (np.roll(density, step, (0, 1, 2)) - density) / length
            steeper = slope > best + 1e-12
            best[steeper], to[steeper] = slope[steeper], np.roll(numbers, step, (0, 1, 2))[steeper]
    ends = to.ravel()
    while (further := ends[ends]).tolist() != ends.tolist():
        ends = further
    return ends


def main() -> int:
    failure = asked_to_fail()
    density, flag, reference = sys.argv[1:]
    assert flag == "-ref"
    print("\n  GRID BASED BADER ANALYSIS  (Version 1.05 08/19/23)\n")
    if failure == "bader":
        print(" ERROR: CHARGE AND REFERENCE GRIDS DIFFER")
        return 1
    given, by = VaspChargeDensity(density), VaspChargeDensity(reference)
    atoms = by.atoms[0]
    values, volume = given.chg[0] * atoms.get_volume(), atoms.get_volume()
    ends = basins(by.chg[0], atoms.cell.array)
    maxima, of = np.unique(ends, return_inverse=True)
    places = np.array(np.unravel_index(maxima, values.shape)).T / values.shape
    apart = places[:, None] - atoms.get_scaled_positions()[None]
    nearest = np.linalg.norm((apart - np.round(apart)) @ atoms.cell.array, axis=2).argmin(axis=1)[of]
    electrons = np.bincount(nearest, values.ravel(), len(atoms)) / values.size
    volumes = np.bincount(nearest, minlength=len(atoms)) * volume / values.size
    rows = [
        f"{i:5d}" + "".join(f"{x:12.6f}" for x in (*atoms.positions[i - 1], electrons[i - 1], 1.0, volumes[i - 1]))
        for i in range(1, len(atoms) + 1)
    ]
    head = "    #         X           Y           Z       CHARGE      MIN DIST   ATOMIC VOL"
    sums = {"VACUUM CHARGE:": 0, "VACUUM VOLUME:": 0, "NUMBER OF ELECTRONS:": electrons.sum()}
    ends_with = [f"    {name:22s}{value:14.4f}" for name, value in sums.items()]
    rows = rows[:-1] if failure == "acf" else rows
    Path("ACF.dat").write_text("\n".join([head, LINE, *rows, LINE, *ends_with]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
