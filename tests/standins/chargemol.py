"""Stands in for Chargemol: its input, its files, and electrons that go to the nearest atom."""

import re
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.vasp import VaspChargeDensity
from ase.neighborlist import neighbor_list
from ase.units import Bohr

from tests.standins import asked_to_fail

FILES = "DDEC6_even_tempered_{}.xyz"


def job_control() -> dict[str, str]:
    text = Path("job_control.txt").read_text()
    return {key: value.strip() for key, value in re.findall(r"<([^/>]+)>\n(.*?)\n</\1>", text, re.DOTALL)}


def shares(values: np.ndarray, atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """The sum over the points that are nearest to each atom, and its first moment about the atom."""
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in values.shape), indexing="ij"), -1).reshape(-1, 3)
    apart = points[:, None] - atoms.get_scaled_positions()[None]
    vectors = (apart - np.round(apart)) @ atoms.cell.array
    nearest = np.linalg.norm(vectors, axis=2).argmin(axis=1)
    weights = values.ravel() * atoms.get_volume() / values.size
    of_nearest = vectors[np.arange(len(points)), nearest] * weights[:, None]
    first = [np.bincount(nearest, component, len(atoms)) for component in of_nearest.T]
    return np.bincount(nearest, weights, len(atoms)), np.array(first).T


def table(atoms: Atoms, values: np.ndarray, more: str = "") -> str:
    rows = [
        f"{symbol} {x:12.6f} {y:12.6f} {z:12.6f} {value:12.6f}"
        for symbol, (x, y, z), value in zip(atoms.symbols, atoms.positions, values, strict=True)
    ]
    return "\n".join([f"{len(atoms)}", "Nonperiodic or unit cell", *rows, "", more, ""])


def multipoles(atoms: Atoms, charges: np.ndarray, dipoles: np.ndarray) -> str:
    rows = [
        " ".join([str(number), symbol, *(f"{x:.6f}" for x in (*position, charge, *dipole, np.linalg.norm(dipole)))])
        for number, (symbol, position, charge, dipole) in enumerate(
            zip(atoms.symbols, atoms.positions, charges, dipoles, strict=True), 1
        )
    ]
    head = " The following XYZ coordinates are in angstroms. The atomic dipoles and quadrupoles are in atomic units."
    return "\n".join([head, "atomic symbol, x, y, z, net_charge, dipole_x, dipole_y, dipole_z, dipole_mag", *rows])


def bonds(atoms: Atoms) -> tuple[np.ndarray, str]:
    """Orders that decay with the distance, of the neighbours in a crystal."""
    first, second, lengths, cells = neighbor_list("ijdS", atoms, 3.2)
    orders = np.exp(-lengths)
    lines = []
    for one, symbol in enumerate(atoms.symbols):
        lines.append(f" Printing BOs for ATOM #    {one + 1} ( {symbol} ) in the reference unit cell.")
        lines += [
            f" Bonded to the ( {cell[0]}, {cell[1]}, {cell[2]}) translated image of atom number   {other + 1} "
            f"( {atoms.symbols[other]} ) with bond order = {order:12.6f} "
            "The average spin polarization of this bonding =   0.0000"
            for other, cell, order in zip(second[first == one], cells[first == one], orders[first == one], strict=True)
        ]
        lines.append(f" The sum of bond orders for this atom is SBO = {orders[first == one].sum():12.6f}")
    return np.bincount(first, orders, len(atoms)), "\n".join(lines)


def main() -> int:
    failure, said = asked_to_fail(), job_control()
    print(" Starting Chargemol version 3.5, September 26, 2017.")
    place = Path(said["atomic densities directory complete path"])
    potcar = Path("POTCAR").read_text()
    if failure == "chargemol" or not (place / "c2_001_001_000_500_100.txt").exists() or "SHA256" in potcar:
        print(" Could not find a suitable reference density. Program will terminate.", file=sys.stderr)
        return 1
    assert said["charge type"] == "DDEC6"
    assert said["periodicity along A, B, and C vectors"].split() == [".true."] * 3
    given = VaspChargeDensity("CHGCAR")
    atoms = given.atoms[0]
    valences = [float(value) for value in re.findall(r"ZVAL\s*=\s*([\d.]+)", potcar)]
    counts = np.unique(atoms.numbers, return_index=True)[1]
    kinds = sorted(counts)  # where each species begins
    neutral = np.array([valences[sum(begin <= i for begin in kinds) - 1] for i in range(len(atoms))])
    electrons, first = shares(given.chg[0], atoms)
    charges = neutral - electrons
    assert abs(charges.sum() - float(said["net charge"])) < 1e-2, "the net charge is that of the density"
    assert Path("AECCAR0").exists()
    assert Path("AECCAR2").exists()
    whole = charges[:-1] if failure == "short" else charges
    net = table(atoms[: len(whole)], whole, multipoles(atoms, charges, -first / Bohr))
    Path(FILES.format("net_atomic_charges")).write_text(net)
    if len(given.chgdiff) == 1:
        spins = table(atoms, shares(given.chgdiff[0], atoms)[0])
        Path(FILES.format("atomic_spin_moments")).write_text(spins)
    if said["compute BOs"] == ".true.":
        Path(FILES.format("bond_orders")).write_text(table(atoms, *bonds(atoms)))
    print(" Finished chargemol in    1 seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
