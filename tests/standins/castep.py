"""Stands in for CASTEP, in the words of its version 23. How it names an unknown keyword is not known."""

import re
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.units import GPa

from tests.standins import asked_to_fail, compute, moments_given, stop_for_memory

KNOWN = {
    *(
        "task",
        "xc_functional",
        "charge",
        "calculate_stress",
        "spin_polarized",
        "spin",
        "cut_off_energy",
        "basis_precision",
    ),
    *("max_scf_cycles", "mix_charge_amp", "sedc_apply", "sedc_scheme", "elec_energy_tol", "kpoint_mp_grid"),
    *("kpoint_mp_offset", "lattice_cart", "positions_abs", "species_pot", "symmetry_generate"),
}
DISPERSION = -0.125  # eV per atom


def words_of(text: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Keywords, and the lines of blocks."""
    block = re.compile(r"^%BLOCK (\w+)\n(.*?)^%ENDBLOCK \1\n", re.MULTILINE | re.DOTALL | re.IGNORECASE)
    blocks = {name.lower(): lines.splitlines() for name, lines in block.findall(text)}
    rest = [re.split(r"\s*[:=]\s*", line, maxsplit=1) for line in block.sub("", text).splitlines() if line.strip()]
    return {name.lower(): value.strip() for name, value in rest}, blocks


def stop(seed: str, *said: str) -> int:
    trace = ["Current trace stack:", " io_abort", " castep"]
    Path(f"{seed}.0001.err").write_text("\n".join([*said, *trace]) + "\n")
    return 1


def main(seed: str) -> int:
    failure = asked_to_fail()
    if failure == "licence":
        print(
            "Failed to check out a licence.\nCannot connect to license server system.\nFlexNet Licensing error:-15,570"
        )
        return 1
    cell, blocks = words_of(Path(f"{seed}.cell").read_text())
    param, _ = words_of(Path(f"{seed}.param").read_text())
    if unknown := [word for word in (*cell, *blocks, *param) if word not in KNOWN]:
        return stop(seed, f"Error: keyword {unknown[0]} is unknown")
    if failure == "memory":
        return stop_for_memory()
    rows = [line.split() for line in blocks["positions_abs"][1:]]
    lattice = [[float(x) for x in line.split()] for line in blocks["lattice_cart"][1:]]
    atoms = Atoms([row[0] for row in rows], [[float(x) for x in row[1:4]] for row in rows], cell=lattice, pbc=True)
    atoms = atoms[np.argsort(atoms.numbers, kind="stable")]  # as CASTEP does
    polarized = param.get("spin_polarized") == "true"
    spin = moments_given(blocks["positions_abs"], "SPIN=") if polarized else 0
    out = ["\n | Welcome to Academic Release CASTEP version 23.1 |\n", " *********** Title ***********\n"]
    out += [" ***** General Parameters *****", " type of calculation                            : single point energy"]
    out += [
        f" stress calculation                             : {'on' if param['calculate_stress'] == 'true' else 'off'}"
    ]
    out += [" *******************************************************************************"]
    out += ["                                      Unit Cell", "        Real Lattice(A)        Reciprocal Lattice(1/A)"]
    pairs = zip(atoms.cell.array, 2 * np.pi * atoms.cell.reciprocal().array, strict=True)
    out += ["".join(f"{x:14.7f}" for x in a) + "   " + "".join(f"{x:15.9f}" for x in b) for a, b in pairs]
    out += ["\n                                     Cell Contents"]
    out += [f"                         Total number of ions in cell = {len(atoms):4d}\n"]
    line = "            " + "x" * 60
    out += [line, "            x  Element    Atom        Fractional coordinates of atoms  x"]
    out += ["            x            Number           u          v          w      x"]
    out += [f"            x{'-' * 58}x"]
    count = numbered(atoms)
    for atom, number, place in zip(atoms, count, atoms.get_scaled_positions(wrap=False), strict=True):
        out.append(f"            x  {atom.symbol:<3}{number:12d}    {''.join(f'{x:11.6f}' for x in place)}   x")
    out += [f"{line}\n", f"                       MP grid size for SCF calculation is {cell['kpoint_mp_grid']}"]
    energy, forces = compute(atoms, float(param["charge"]), 1 + spin)
    if failure == "scf":
        out += [" *Warning* max. SCF cycles performed but system has not reached the groundstate."]
        out += [" Warning: electronic minimisation did not converge when finding ground state."]
    if failure != "truncated":
        out += [
            "",
            f"Final energy, E             = {energy:18.10f}     eV",
            f"Final free energy (E-TS)    = {energy:18.10f}     eV",
        ]
        out += [
            "(energies not corrected for finite basis set)\n",
            f"NB est. 0K energy (E-0.5TS)      = {energy:18.10f}     eV\n",
        ]
        if param.get("sedc_apply") == "true":
            total = energy + DISPERSION * len(atoms)
            out += [f"Dispersion corrected final energy*, Ecor          = {total:18.10f}     eV"]
            out += [f"Dispersion corrected final free energy* (Ecor-TS) = {total:18.10f}     eV"]
            out += [f"NB dispersion corrected est. 0K energy* (Ecor-0.5TS) = {total:18.10f}     eV"]
        out += [
            " ************************************** Forces **************************************",
            f" *{' ' * 82}*",
        ]
        out += [" *                           Cartesian components (eV/A)                            *"]
        out += [
            f" * {'-' * 80} *",
            " *                         x                    y                    z              *",
        ]
        out += [f" *{' ' * 82}*"]
        for atom, number, row in zip(atoms, count, forces, strict=True):
            out.append(f" * {atom.symbol:<3}{number:14d} {''.join(f'{x:21.5f}' for x in row)}         *")
        out += [f" *{' ' * 82}*", f" {'*' * 84}\n"]
        if param["calculate_stress"] == "true":
            out += [" ***************** Stress Tensor *****************", f" *{' ' * 47}*"]
            out += [" *          Cartesian components (GPa)           *", f" * {'-' * 45} *"]
            out += [" *             x             y             z     *", f" *{' ' * 47}*"]
            stress = atoms.get_stress(voigt=False) / GPa
            out += [
                f" *  {name} {''.join(f'{x:14.6f}' for x in row)}  *" for name, row in zip("xyz", stress, strict=True)
            ]
            out += [
                f" *{' ' * 47}*",
                f" *  Pressure: {-np.trace(stress) / 3:9.4f}                          *",
                f" {'*' * 49}\n",
            ]
        if polarized:
            out += ["     Atomic Populations (Mulliken)", "     -----------------------------"]
            out += ["Species          Ion Spin      s       p       d       f      Total   Charge(e)   Spin(hbar/2)"]
            out += ["=" * 94]
            moments = np.full(len(atoms), spin / len(atoms))
            for atom, number, moment in zip(atoms, count, moments, strict=True):
                orbitals = "      0.2     0.3     4.5     0.0     5.0"
                out.append(f"  {atom.symbol:<3}{number:14d} up:{orbitals}      0.000  {moment:10.3f}")
                out.append(f"  {'':<3}{number:14d} dn:{orbitals}")
            out += ["=" * 94]
        out += ["", "Initialisation time =      1.97 s", "Calculation time    =      1.03 s"]
        out += ["Finalisation time   =      0.12 s", "Total time          =      3.12 s"]
    with Path(f"{seed}.castep").open("a") as file:
        file.write("\n".join(out) + "\n")
    return 0


def numbered(atoms: Atoms) -> list[int]:
    """The number of each atom among those of its element."""
    return [1 + int((atoms.numbers[:place] == number).sum()) for place, number in enumerate(atoms.numbers)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
