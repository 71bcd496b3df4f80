"""Stands in for GULP, in the words of its version 5: input on standard input, with the potential in a library."""

import sys
from pathlib import Path

import numpy as np
from ase import Atoms, units

from tests.standins import asked_to_fail, compute

RULE = "-" * 80
BANG = "!" * 80


def failed(message: str, routine: str) -> int:
    print(f"\n\n{BANG}\n!! ERROR : {message}\n{BANG}\n\n Program terminated by processor     0 in {routine:>20}\n")
    print("STOP GULP terminated with an error", file=sys.stderr)
    return 0


def numbers(line: str) -> list[float]:
    return [float(word) for word in line.split()]


def derivatives(atoms: Atoms, gradient: np.ndarray, fixed: bool) -> None:
    crystal = atoms.pbc.any()
    print(f"\n  Final {'internal' if crystal else 'Cartesian'} derivatives :\n\n{RULE}")
    if crystal:
        print("   No.  Atomic          a             b             c           Radius")
        print("        Label          (eV)          (eV)          (eV)        (eV/Angs)")
    else:
        print("   No.  Atomic          x             y             z           Radius")
        print("        Label       (eV/Angs)     (eV/Angs)    (eV/Angs)      (eV/Angs)")
    print(RULE)
    if fixed:
        gradient[0] = 0
    for number, (symbol, row) in enumerate(zip(atoms.symbols, gradient, strict=True), 1):
        print(f"{number:7d} {symbol:<5} c {''.join(f'{x:14.6f}' for x in row)}{0:14.6f}")
        if asked_to_fail() == "shells":
            print(f"{number:7d} {symbol:<5} s {''.join(f'{x:14.6f}' for x in row)}{0:14.6f}")
    largest = "".join(f"{x:14.6f}" for x in [*np.abs(gradient).max(axis=0), 0.0])
    print(f"{RULE}\n  Maximum abs   {largest}\n{RULE}\n")


def main() -> int:
    lines = [line.strip() for line in sys.stdin.read().splitlines()]
    keywords = lines[0].lower().split()
    print("*" * 80 + "\n*                       GENERAL UTILITY LATTICE PROGRAM                        *\n" + "*" * 80)
    failure = asked_to_fail()
    vectors, places, symbols, charges, library = None, [], [], [], ""
    kind = ""
    for number, line in enumerate(lines[1:], 1):
        words = line.split()
        if line == "vectors":
            vectors = [numbers(row) for row in lines[number + 1 : number + 4]]
        elif line in ("frac", "cart"):
            kind = line
        elif words[1:2] == ["core"]:
            symbols.append(words[0])
            places.append([float(x) for x in words[2:5]])
            charges += [float(x) for x in words[5:]]
        elif words[:1] == ["library"]:
            library = words[1]
    assert Path(library).is_file(), library
    if {"save", "restore"} <= {*keywords}:
        return failed("save and restore cannot both be specified", "outkey")
    atoms = Atoms(symbols, places, cell=vectors, pbc=vectors is not None)
    if kind == "frac":
        assert np.allclose(np.triu(vectors, 1), 0), "GULP's own vectors are lower triangular"
        atoms.set_scaled_positions(places)
    energy, forces = compute(atoms, round(sum(charges)) if "preserve_q" in keywords else 0, 1)
    print(f"\n  Components of energy : \n\n{RULE}\n  Interatomic potentials     = {energy:20.8f} eV\n{RULE}")
    print(f"  Total lattice energy       = {energy:20.8f} eV\n{RULE}")
    print(f"  Total lattice energy       = {energy / units.kJ * units.mol:20.4f} kJ/(mole unit cells)\n{RULE}\n")
    if any(word.startswith("grad") for word in keywords) and failure != "silent":
        gradient = -np.array(forces)
        derivatives(atoms, gradient @ atoms.cell.array.T if vectors else gradient, "unfix" not in keywords)
    if "stress_out" in keywords and vectors:
        xx, yy, zz, yz, xz, xy = atoms.get_stress() / units.GPa
        print(f"  Final stress tensor components (GPa):\n\n{RULE}")
        for one, first, other, second in (("xx", xx, "yz", yz), ("yy", yy, "xz", xz), ("zz", zz, "xy", xy)):
            print(f"       {one}  {first:14.6f}    {other}  {second:14.6f}")
        print(f"{RULE}\n")
    if failure == "truncated":
        return 0
    print("  Job Finished at 15:00.14  6th May        2024\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
