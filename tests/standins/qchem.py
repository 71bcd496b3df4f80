"""Stands in for Q-Chem, in the words of its version 5."""

import re
import sys
from pathlib import Path

import numpy as np

from tests.standins import asked_to_fail, electrons_fit, in_atomic_units, molecule

KNOWN = {"jobtype", "method", "basis", "sym_ignore", "max_scf_cycles", "scf_algorithm", "mem_total", "solvent_method"}
BASES = {"def2-tzvp", "3-21g"}


def stop(out: list[str], module: str, text: str) -> int:
    out += [
        f"\n Q-Chem fatal error occurred in module {module}, line 1340:\n\n {text}\n",
        " Wed Dec  2 12:00:00 2026\n",
    ]
    return 0  # so that nothing but the output tells


def run(given: str, out: list[str]) -> int:
    sections = {name.lower(): text.strip() for name, text in re.findall(r"^\$(\w+)\n(.*?)^\$end", given, re.M | re.S)}
    out += ["                  Welcome to Q-Chem", "", "-" * 62, "User input:", "-" * 62, given, "-" * 62]
    rem = dict(line.lower().split(None, 1) for line in sections["rem"].splitlines())
    if unknown := rem.keys() - KNOWN:
        out += [f"Unrecognized $rem variable: {name}" for name in sorted(unknown)]
        return stop(out, "0", "The Q-Chem input file has failed to pass inspection")
    state, *rows = sections["molecule"].splitlines()
    (charge, multiplicity), atoms = map(int, state.split()), molecule(rows)
    if not electrons_fit(atoms, charge, multiplicity):
        return stop(
            out, "qchem/main/input.C", f"Charge {charge} and multiplicity {multiplicity} do not fit the molecule"
        )
    if rem["basis"] not in BASES:
        return stop(out, "forms1/BasisType.C", "Basis not supported for the above atom.")
    out += ["             Standard Nuclear Orientation (Angstroms)"]
    out += ["    I     Atom           X                Y                Z", " " + 64 * "-"]
    out += [f"{i:5d}      {a.symbol:<2}{''.join(f'{x:17.10f}' for x in a.position)}" for i, a in enumerate(atoms, 1)]
    out += [" " + 64 * "-", " Nuclear Repulsion Energy =           9.1900000000 hartrees"]
    failure = asked_to_fail()
    if failure == "licence":
        return stop(out, "stream_info", "Unable to validate license")
    if failure == "memory":
        return stop(out, "libqints", "Not enough memory. Please increase MEM_TOTAL")
    if failure == "disk":
        return stop(out, "libfile/FileMan.C", "FileMan error: write failed: No space left on device")
    if failure == "scf":
        out += ["  100     -76.2762335150      5.69E-02  00000    Convergence failure"]
        return stop(out, "scfman/scfman.C", "SCF failed to converge")
    energy, gradient = in_atomic_units(atoms, charge, multiplicity)
    reference = energy + (0.2 if rem["method"] == "mp2" else 0)
    of_basis = "" if failure == "version 6.1" else "in the final basis set "
    out += [f" {name:<5} energy {of_basis}={reference:20.10f}" for name in ("SCF", "Total")]
    if rem["method"] == "mp2":
        name = "CCSD" if failure == "other method" else "MP2"
        out += [f"        {name:<11} total energy = {energy:18.10f} au"]
    if failure == "truncated":
        return 0
    if rem["jobtype"] == "force":
        of_mp2 = rem["method"] == "mp2"
        out += [" Full Analytical Gradient of MP2 Energy (in au.)" if of_mp2 else " Gradient of SCF Energy"]
        for start in range(0, len(atoms), 6):
            columns = np.arange(start, min(start + 6, len(atoms)))
            out += ["    " + "".join(f"{i + 1:12d}" for i in columns)]
            out += [f"{i + 1:5d}{''.join(f'{x:12.7f}' for x in gradient[columns, i])}" for i in range(3)]
        out += [" Gradient time:  CPU 0.10 s  wall 0.10 s"] if of_mp2 else [" Max gradient component =       1.0E-03"]
    out += ["        *  Thank you very much for using Q-Chem.  Have a nice day.  *"]
    return 0


def main(*words: str) -> int:
    out: list[str] = []
    *_, given, output = words
    try:
        return run(Path(given).read_text(), out)
    finally:
        Path(output).write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
