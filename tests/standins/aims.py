"""Stands in for FHI-aims, in the words of its versions of 2021 to 2023."""

import re
import sys
from pathlib import Path

import numpy as np
from ase import Atoms

from tests.standins import asked_to_fail, compute, follow, stop_for_memory

KNOWN = {
    *(
        "xc",
        "relativistic",
        "spin",
        "charge",
        "k_grid",
        "k_offset",
        "sc_iter_limit",
        "charge_mix_param",
        "occupation_type",
    ),
    *("compute_forces", "compute_analytical_stress", "output", "default_initial_moment", "species", "use_pimd_wrapper"),
}


def control() -> dict[str, list[str]]:
    """Keywords before the species, whose basis follows."""
    head = re.split(r"^\s*species\s", Path("control.in").read_text(), maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.split() for line in head.splitlines() if line.split() and not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def geometry() -> tuple[Atoms, list[float]]:
    cell, symbols, places, moments, fractional = [], [], [], [], False
    for row in (line.split() for line in Path("geometry.in").read_text().splitlines()):
        if row[:1] == ["lattice_vector"]:
            cell.append([float(x) for x in row[1:4]])
        elif row[:1] in (["atom"], ["atom_frac"]):
            fractional = row[0] == "atom_frac"
            symbols.append(row[4])
            places.append([float(x) for x in row[1:4]])
            moments.append(0.0)
        elif row[:1] == ["initial_moment"]:
            moments[-1] = float(row[1])
    positions = np.array(places) @ np.array(cell) if fractional else np.array(places)
    return Atoms(symbols, positions, cell=cell or None, pbc=bool(cell)), moments


def header(atoms: Atoms, spins: int, grid: list[str] | None) -> None:
    print("------------------------------------------------------------\n          Invoking FHI-aims ...\n")
    print(
        f"  | Number of atoms                   : {len(atoms):8d}\n  | Number of spin channels           : {spins:8d}"
    )
    print(f"  The structure contains {len(atoms):8d} atoms,  and a total of {atoms.numbers.sum():14.3f} electrons.\n")
    print("  Input geometry:")
    if grid:
        print("  | Unit cell:")
        for row in atoms.cell.array:
            print("  |" + "".join(f"{x:17.8f}" for x in row))
    else:
        print("  | No unit cell requested.")
    print("  | Atomic structure:\n  |       Atom                x [A]            y [A]            z [A]")
    for number, atom in enumerate(atoms, 1):
        print(f"  |{number:5d}: Species {atom.symbol:<3}" + "".join(f"{x:17.8f}" for x in atom.position))
    print("  Reducing total number of  Kohn-Sham states to        7.")
    if grid:
        print(f"  | Number of k-points                             : {np.prod([int(x) for x in grid]):9d}")
    print("------------------------------------------------------------")
    print("          Begin self-consistency loop: Initialization.\n")
    print(
        "Convergence:    q app. |  density  | eigen (eV) | Etot (eV) | forces (eV/A) |       CPU time |     Clock time"
    )
    print(
        "  SCF    1 : -0.33E-13 |  0.30E+00 |   0.49E+01 |  0.45E+00 |             . |        0.038 s |        0.038 s"
    )
    # Runs that converge print this, too, where the mixer starts again.
    print("  Self-consistency cycle not yet converged - restarting mixer to attempt better convergence.\n")
    print("  No geometry change - only restart of scf mixer after initial iterations.\n")
    print("          Begin self-consistency loop: Re-initialization.\n")


def main() -> int:
    words, failure = control(), asked_to_fail()
    for word in words:
        if word not in KNOWN:
            print(f" Syntax error reading 'control.in' (unknown keyword)\n line: '{word} {' '.join(words[word])}'")
            print("\n*** Error: An error led to a call to aims_stop.")
            return 1
    atoms, moments = geometry()
    if failure == "memory":
        return stop_for_memory()
    spin = sum(moments) if words.get("spin") == ["collinear"] else 0
    header(atoms, 1 + (words.get("spin") == ["collinear"]), words.get("k_grid"))
    if failure == "scf" or int(words.get("sc_iter_limit", ["1000"])[0]) < 5:
        print("  ***************************************************************************")
        print("  * WARNING! SELF-CONSISTENCY CYCLE DID NOT CONVERGE")
        print("  * USING YOUR PRESELECTED ACCURACY CRITERIA.")
        print("  * DO NOT RELY ON ANY FINAL DATA WITHOUT FURTHER CHECKS.")
        print("  ***************************************************************************")
        print("  *** scf_solver: SCF cycle not converged.")
        return 0
    if failure == "truncated":
        print("  Self-consistency cycle converged.\n")
        return 0
    if "use_pimd_wrapper" in words:
        host, port = words["use_pimd_wrapper"]
        assert host.startswith("UNIX:")
        assert int(port)
        stress = words.get("compute_analytical_stress") == [".true."]
        follow(host.removeprefix("UNIX:"), atoms, stress, lambda atoms: step(atoms, words, spin))
    else:
        step(atoms, words, spin)
    print("\n          Have a nice day.\n------------------------------------------------------------")
    return 0


def step(atoms: Atoms, words: dict[str, list[str]], spin: float) -> tuple[float, list[list[float]]]:
    """Energy and forces of a structure, which are printed, too."""
    energy, forces = compute(atoms, float(words["charge"][0]), 1 + spin)
    print("  Self-consistency cycle converged.\n")
    if words.get("spin") == ["collinear"]:
        print(f"  Current spin moment of the entire structure :\n  | N = N_up - N_down :  {spin:6.2f}")
    if words.get("compute_analytical_stress") == [".true."]:
        edge = f"  +{'-' * 67}+"
        print(f"{edge}\n  |              Analytical stress tensor - Symmetrized               |")
        print("  |                  Cartesian components [eV/A**3]                   |")
        print(f"{edge}\n  |                x                y                z                |\n  |{' ' * 67}|")
        for name, row in zip("xyz", atoms.get_stress(voigt=False), strict=True):
            print(f"  |  {name} " + "".join(f"{x:17.8f}" for x in row) + "           |")
        print(edge)
    print("  Energy and forces in a compact form:")
    for name in ("Total energy uncorrected      ", "Total energy corrected        ", "Electronic free energy        "):
        print(f"  | {name}:      {energy:24.15E} eV")
    if words.get("compute_forces") == [".true."]:
        print("  Total atomic forces (unitary forces cleaned) [eV/Ang]:")
        for number, row in enumerate(forces, 1):
            print(f"  |{number:5d}" + "".join(f"{x:31.15E}" for x in row))
    sys.stdout.flush()
    return energy, forces


if __name__ == "__main__":
    sys.exit(main())
