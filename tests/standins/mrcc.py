"""Stands in for MRCC, in the words of its releases from 2022 on."""

import sys
from pathlib import Path

from tests.standins import asked_to_fail, electrons_fit, in_atomic_units, molecule

KNOWN = {"calc", "basis", "scfmaxit", "mem", "mpitasks", "dens", "symm", "qmmm", "unit", "charge", "mult", "geom"}
STARS = " " + 70 * "*"


def end(text: str) -> None:
    print(f"\n {24 * '*'} 2026-12-02 12:00:00 {25 * '*'}\n                      {text}\n{STARS}")


def stop(program: str, text: str = "") -> int:
    print(f" {text}\n\n Fatal error in {program}.\n Program will stop.")
    end("Error at the termination of mrcc.")
    return 1


def main(lines: list[str]) -> int:
    print(f"{STARS}\n                          MRCC program system\n{STARS}\n")
    given, blocks = {}, {}
    while lines:
        name, equals, value = lines.pop(0).partition("=")
        if name == "geom" and value == "xyz":
            given[name] = value
            count = int(lines.pop(0))
            lines.pop(0)
            blocks["geom"], lines = lines[:count], lines[count:]
        elif name == "pointcharges":
            blocks["charges"] = lines.pop(0)
        elif equals:
            given.setdefault(name, value)  # the first one counts
    if unknown := given.keys() - KNOWN:
        return stop("minp", f"Unknown keyword: {' '.join(unknown)}")
    charge, multiplicity, atoms = int(given["charge"]), int(given["mult"]), molecule(blocks["geom"])
    if not electrons_fit(atoms, charge, multiplicity):
        return stop("integ", "Wrong multiplicity")
    if given["basis"] not in ("def2-TZVP", "3-21G"):
        return stop("integ", f"Basis set {given['basis']} is not found")
    failure = asked_to_fail()
    if failure == "memory":
        return stop("integ", "Insufficient memory!")
    if failure == "disk":
        return stop("scf", "forrtl: No space left on device")
    if failure == "scf":
        print(" THE SCF ITERATION HAS NOT CONVERGED,\n IN MAXIMAL NUMBER OF STEPS SET BY USER!")
        return stop("scf")
    energy, gradient = in_atomic_units(atoms, charge, multiplicity)
    print(
        f"\n SUCCESS...\n THE SCF ITERATION HAS CONVERGED!\n\n ***FINAL HARTREE-FOCK ENERGY: {energy + 0.2:27.16f} [AU]"
    )
    if failure == "truncated":
        return 0
    print(f" Total {given['calc']} energy [au]: {energy:30.12f}")
    data = ["  Final QM energy [AU]:", f"{energy:25.16f}", "  Self energy of the point charges [AU]:", f"{0:25.16f}"]
    if given.get("dens") == "2" and given["calc"] != "CCSD(T)":
        fixed = blocks.get("charges") == "0" and given.get("qmmm") == "amber"
        axes = [0, 1, 2] if fixed else [2, 0, 1]  # of its own
        data += [" Forces on QM atoms [AU]:", *("".join(f"{row[i]:25.16f}" for i in axes) for row in gradient)]
    Path("mrcc_job.dat").write_text("\n".join(data) + "\n")
    end("Normal termination of mrcc.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path("MINP").read_text().splitlines()))
