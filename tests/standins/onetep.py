"""Stands in for ONETEP, in the words of its version 6. How it names an unknown keyword is not known."""

import re
import sys
from pathlib import Path

import numpy as np
from ase import Atoms

from tests.standins import asked_to_fail, compute, moments_given, stop_for_memory
from tests.standins.castep import numbered, words_of

HARTREE, BOHR = 27.2116529, 1 / 1.889726134583548707935  # those of ONETEP, in eV and Å
KNOWN = {
    *("task", "xc_functional", "charge", "spin", "spin_polarized", "edft", "cutoff_energy", "paw", "output_detail"),
    *("write_forces", "forces_output_detail", "pseudo_path", "maxit_ngwf_cg", "species", "species_pot"),
    *("positions_abs", "lattice_cart", "species_atomic_set"),
}


def stop(*said: str) -> int:
    print("\n".join(["", *said, "", "Error: ONETEP stops here."]))
    return 1


def main(path: Path) -> int:
    failure, text = asked_to_fail(), path.read_text()
    words, blocks = words_of("".join(f"{line}\n" for line in text.splitlines() if line.strip() and line[0] != "!"))
    print(" +---------------------------------------------------------------+")
    print(" |        Linear-Scaling Ab Initio Total Energy Program          |")
    print(
        " +---------------------------------------------------------------+\n\nJob started: 11-07-2023 08:06 (+0100)\n"
    )
    if unknown := [word for word in (*words, *blocks) if word not in KNOWN]:
        return stop(f"Error: keyword {unknown[0]} is unknown")
    if failure == "memory":
        return stop_for_memory()
    kinds = {row.split()[0]: row.split()[1] for row in blocks["species"]}
    for row in blocks["species_pot"]:
        if not (Path(words["pseudo_path"]) / row.split()[1]).exists():
            return stop(f'Error: file "{row.split()[1]}" is not there')
    assert [row.split()[0] for row in blocks["species_pot"]] == [*kinds], "one potential for each species"
    rows = [line.split() for line in blocks["positions_abs"][1:]]
    lattice = [[float(x) for x in line.split()] for line in blocks["lattice_cart"][1:]]
    places = [[float(x) for x in row[1:4]] for row in rows]
    atoms = Atoms([kinds[row[0]] for row in rows], places, cell=lattice, pbc=True)
    print("---------------------------------- INPUT FILE ----------------------------------\n")
    print(re.sub(r"^!.*\n?", "", text, flags=re.MULTILINE))
    print("-------------------------------- END INPUT FILE --------------------------------\n")
    scaled = atoms.get_scaled_positions(wrap=False)
    if np.any(scaled < -1e-6) or np.any(scaled > 1 + 1e-6):
        outside = int(np.flatnonzero(np.any((scaled < -1e-6) | (scaled > 1 + 1e-6), axis=1))[0]) + 1
        return stop(f"Error in parallel_strategy_check_atoms: atom number{outside:6d} is not in simulation cell.")
    spin = float(words["spin"]) if words.get("spin_polarized") == "T" else 0
    if spin:
        known = {row.split()[0]: moments_given([row], "SPIN=") for row in blocks["species_atomic_set"]}
        assert abs(sum(known[row[0]] for row in rows) - spin) < 1e-6, "initial spins that add up to the total one"
    energy, forces = compute(atoms, float(words["charge"]), 1 + spin)
    if failure == "truncated":
        return 0
    if failure == "scf":
        print("WARNING: maximum number of NGWF CG iterations (  60) exceeded!")
    else:
        print("           |         *** NGWF optimisation converged ***          |")
    print(f"           | Total                      : {energy / HARTREE:22.14f} |\n")
    unit, blank, edge = HARTREE / BOHR, f"*{' ' * 56}*", "*" * 58
    print(f"{'*' * 25} Forces {'*' * 25}\n{blank}\n* Element  Atom         Cartesian components (Eh/a)      *")
    print(f"* {'-' * 54} *\n*                       x            y            z      *\n{blank}")
    for atom, number, row in zip(atoms, numbered(atoms), forces, strict=True):
        print(f"* {atom.symbol:>4} {number:7d}   {''.join(f'{x / unit:13.8f}' for x in row)} *")
    total = np.sum(forces, axis=0) / unit
    print(f"{blank}\n{edge}\n* TOTAL:         {''.join(f'{x:13.8f}' for x in total)} *\n{edge}\n")
    print("------------------------------ TIMING INFORMATION ------------------------------")
    print("Job completed: 11-07-2023 08:08 (+0100)")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
