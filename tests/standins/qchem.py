"""Stands in for Q-Chem, in the words of its version 5."""

import re
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.units import Bohr

from tests.standins import asked_to_fail, descend, electrons_fit, in_atomic_units, molecule, optimize

KNOWN = {
    *("jobtype", "method", "basis", "sym_ignore", "max_scf_cycles", "scf_algorithm", "mem_total", "solvent_method"),
    *("scf_guess", "geom_opt_hessian", "geom_opt_max_cycles", "geom_opt_tol_gradient"),
    *("rpath_direction", "rpath_max_cycles", "rpath_tol_displacement"),
}
BASES = {"def2-tzvp", "3-21g"}


@dataclass
class Before:
    """What the parts of an input leave to the next one."""

    molecule: str = ""
    hessian: bool = False


def stop(out: list[str], module: str, text: str) -> int:
    out += [
        f"\n Q-Chem fatal error occurred in module {module}, line 1340:\n\n {text}\n",
        " Wed Dec  2 12:00:00 2026\n",
    ]
    return 0  # so that nothing but the output tells


def run(given: str, out: list[str], before: Before) -> int:
    sections = {name.lower(): text.strip() for name, text in re.findall(r"^\$(\w+)\n(.*?)^\$end", given, re.M | re.S)}
    out += ["                  Welcome to Q-Chem", "", "-" * 62, "User input:", "-" * 62, given, "-" * 62]
    rem = dict(line.lower().split(None, 1) for line in sections["rem"].splitlines())
    if unknown := rem.keys() - KNOWN:
        out += [f"Unrecognized $rem variable: {name}" for name in sorted(unknown)]
        return stop(out, "0", "The Q-Chem input file has failed to pass inspection")
    failure = asked_to_fail()
    if failure == "second part" and before.molecule:
        return stop(out, "drvman/cleanup.C", "Cannot open a scratch file")
    if rem.get("scf_guess") == "read" and not before.molecule:
        return stop(out, "scfman/scf_guess.C", "There are no orbitals to read")
    before.molecule = before.molecule if sections["molecule"] == "read" else sections["molecule"]
    state, *rows = before.molecule.splitlines()
    (charge, multiplicity), atoms = map(int, state.split()), molecule(rows)
    if not electrons_fit(atoms, charge, multiplicity):
        return stop(
            out, "qchem/main/input.C", f"Charge {charge} and multiplicity {multiplicity} do not fit the molecule"
        )
    if rem["basis"] not in BASES:
        return stop(out, "forms1/BasisType.C", "Basis not supported for the above atom.")
    if failure == "licence":
        return stop(out, "stream_info", "Unable to validate license")
    if failure == "memory":
        return stop(out, "libqints", "Not enough memory. Please increase MEM_TOTAL")
    if failure == "disk":
        return stop(out, "libfile/FileMan.C", "FileMan error: write failed: No space left on device")
    structure(out, atoms)
    if failure == "scf":
        out += ["  100     -76.2762335150      5.69E-02  00000    Convergence failure"]
        return stop(out, "scfman/scfman.C", "SCF failed to converge")

    def point(image: Atoms, forces: bool) -> tuple[float, np.ndarray]:
        return computed(out, image, charge, multiplicity, rem, forces, failure)

    job = rem["jobtype"]
    if job in ("sp", "force", "freq"):
        point(atoms, job == "force")
        if failure == "truncated":
            return 0
        before.hessian |= job == "freq"
    elif job in ("opt", "ts"):
        if job == "ts" and not (before.hessian and rem["geom_opt_hessian"] == "read"):
            return stop(out, "optimize/optimize.f", "There is no Hessian")
        found = re.search(r"^FIXED\n(.*?)^ENDFIXED", sections.get("opt", ""), re.M | re.S)
        fixed = [int(line.split()[0]) - 1 for line in found[1].splitlines() if line.endswith(" XYZ")] if found else []
        bound, cycles = int(rem["geom_opt_tol_gradient"]) * 1e-6, int(rem["geom_opt_max_cycles"])
        images, converged = optimize(atoms, bound, cycles - 1, job == "ts", fixed)
        for cycle, image in enumerate(images, 1):
            if cycle > 1:
                structure(out, image)
            energy, gradient = point(image, True)
            out += ["   Searching for a Transition State" if job == "ts" else "   Searching for a Minimum", ""]
            out += [f"   Optimization Cycle: {cycle:3d}", "", "                       Coordinates (Angstroms)"]
            out += ["     ATOM                X               Y               Z"]
            for i, a in enumerate(image, 1):
                out += [f"{i:7d}  {a.symbol:<2}  {''.join(f'{x:16.10f}' for x in a.position)}"]
            out += [f"   Energy is   {energy:.9f}", "", "                             Maximum     Tolerance    Cnvgd?"]
            largest = np.abs(gradient).max()
            met = "YES" if largest < bound else " NO"
            out += [f"         Gradient      {largest:13.6f}      {bound:8.6f}     {met}"]
        word = "TRANSITION STATE" if failure == "new optimizer" else "OPTIMIZATION"
        if converged:
            out += ["", f" {30 * '*'}", f" **  {word} CONVERGED  **", f" {30 * '*'}", ""]
        else:
            out += ["", f" {43 * '*'}", " **  MAXIMUM OPTIMIZATION CYCLES REACHED  **", f" {43 * '*'}", ""]
            return stop(out, "0", "Maximum optimization cycles reached")
    elif job == "rpath":
        if not before.hessian:
            return stop(out, "rpath/rpath.f", "There is no Hessian")
        before.hessian = False  # the worst that may happen
        side, last = int(rem["rpath_direction"]), atoms
        out += [f" Starting direction for rxn path = {side}"]
        energy, gradient = point(atoms, True)
        step(out, 1, energy, gradient)
        tolerance = int(rem.get("rpath_tol_displacement", 5000)) * 1e-6 * Bohr
        for number, image in enumerate(islice(descend(atoms, side), int(rem["rpath_max_cycles"])), 2):
            structure(out, Atoms(image.symbols, image.positions + 0.01))  # of the predictor
            point(image, True)
            structure(out, image)
            energy, gradient = point(image, True)
            out += [" IRC --- Status = 4.  Checking bisector search."]
            step(out, number, energy, gradient)
            if np.linalg.norm(image.positions - last.positions) < tolerance:
                out += ["  IRC -- convergence criterion reached."]
                break
            last = image
        else:
            out += ["  IRC -- maximum number of cycles reached."]
        structure(out, atoms)
        out += [" Here is where we should summarize the reaction path"]
    out += ["        *  Thank you very much for using Q-Chem.  Have a nice day.  *"]
    return 0


def structure(out: list[str], atoms: Atoms) -> None:
    out += [f" {64 * '-'}", "             Standard Nuclear Orientation (Angstroms)"]
    out += ["    I     Atom           X                Y                Z", " " + 64 * "-"]
    out += [f"{i:5d}      {a.symbol:<2}{''.join(f'{x:17.10f}' for x in a.position)}" for i, a in enumerate(atoms, 1)]
    out += [" " + 64 * "-", " Nuclear Repulsion Energy =           9.1900000000 hartrees"]


def step(out: list[str], number: int, energy: float, gradient: np.ndarray) -> None:
    out += [f" {72 * '-'}", " Reaction path following.  The coordinates are cartesian              "]
    out += [f" Step {number:3d} E={energy:15.6f} |G|={np.linalg.norm(gradient):10.6f} S_lin= 0.0000 S_tot= 0.0000"]
    out += [f" {72 * '-'}"]


def computed(
    out: list[str], atoms: Atoms, charge: int, multiplicity: int, rem: dict[str, str], forces: bool, failure: str
) -> tuple[float, np.ndarray]:
    energy, gradient = in_atomic_units(atoms, charge, multiplicity)
    of_mp2, solvent = rem["method"] == "mp2", "solvent_method" in rem
    reference = energy + (0.2 if of_mp2 else 0)
    of_basis = "" if failure == "version 6.1" else "in the final basis set "
    out += [f" {name:<5} energy {of_basis}={reference:20.10f}" for name in ("SCF", "Total")]
    if of_mp2:
        name = "CCSD" if failure == "other method" else "MP2"
        out += [f"        {name:<11} total energy = {energy:18.10f} au"]
    if forces and failure != "truncated":
        out += [" Full Analytical Gradient of MP2 Energy (in au.)" if of_mp2 else " Gradient of SCF Energy"]
        for start in range(0, len(atoms), 6):
            columns = np.arange(start, min(start + 6, len(atoms)))
            shown = gradient + 0.01 if solvent else gradient  # without the part of the solvent
            out += ["    " + "".join(f"{i + 1:12d}" for i in columns)]
            out += [f"{i + 1:5d}{''.join(f'{x:12.7f}' for x in shown[columns, i])}" for i in range(3)]
        if solvent:
            line = 51 * "-"
            out += [" Updating gradient with PCM contributions..."]
            out += [" -- total gradient after adding PCM contribution --", line]
            out += ["  Atom         X              Y              Z     ", line]
            out += [*(f"{i:4d}{''.join(f'{x:15.6f}' for x in row)}" for i, row in enumerate(gradient, 1)), line]
        out += [" Gradient time:  CPU 0.10 s  wall 0.10 s"] if of_mp2 else [" Max gradient component =       1.0E-03"]
    return energy, gradient


def main(*words: str) -> int:
    out: list[str] = []
    *_, given, output = words
    before = Before()
    try:
        parts = Path(given).read_text().split("@@@")
        for number, part in enumerate(parts, 1):
            if number > 1:
                out += ["", f"User input: {number} of {len(parts)}"]
            status = run(part, out, before)
            if "Thank you" not in out[-1]:
                break
        return status
    finally:
        Path(output).write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
