"""Stands in for ORCA, in the words of its version 5."""

import re
import sys
from itertools import islice
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.units import Bohr, Hartree, kcal, mol

from tests.standins import asked_to_fail, descend, electrons_fit, in_atomic_units, molecule, optimize

KNOWN = {
    "b3lyp",
    "def2-tzvp",
    "pbe",
    "def2-svp",
    "engrad",
    "slowconv",
    "r2scan-3c",
    "tightscf",
    "defgrid3",
    "hf",
    "opt",
    "optts",
    "irc",
}


def frame(job: str, image: Atoms, charge: int, multiplicity: int) -> str:
    """A structure in a trajectory."""
    energy, _ = in_atomic_units(image, charge, multiplicity)
    rows = [f"  {a.symbol:<2}{''.join(f'{x:21.14f}' for x in a.position)}" for a in image]
    return "\n".join([str(len(image)), f"Coordinates from ORCA-job {job} E {energy:.12f}", *rows, ""])


def follow(path: Path, saddle: Atoms, charge: int, multiplicity: int, of: dict[str, str], failure: str) -> None:
    """Follow the path to both sides, as the words of the block `irc` want it."""
    assert of["Direction"] == "both"
    start, _ = in_atomic_units(saddle, charge, multiplicity)

    def row(image: Atoms) -> tuple[str, bool]:
        energy, gradient = in_atomic_units(image, charge, multiplicity)
        largest, mean = np.abs(gradient).max(), np.sqrt((gradient**2).mean())
        text = f"{energy:16.6f}  {(energy - start) * Hartree * mol / kcal:11.6f}    {largest:8.6f}  {mean:8.6f}"
        return text, largest < float(of["TolMaxG"]) and mean < float(of["TolRMSG"])

    sides = []
    for name, sign in (("FORWARD", 1), ("BACKWARD", -1)):
        print(f"\n         {61 * '*'}\n         *{name + ' IRC':>37}{'*':>23}\n         {61 * '*'}\n")
        print("Iteration    E(Eh)      dE(kcal/mol)  max(|G|)   RMS(G) ")
        print(f"Convergence thresholds                {float(of['TolMaxG']):8.6f}  {float(of['TolRMSG']):8.6f}")
        images = []
        for image in islice(descend(saddle, sign), int(of["MaxIter"])):
            images.append(image)
            text, ended = row(image)
            print(f"{len(images) - 1:5d} {text}")
            if ended:
                print(f"\n{22 * ' '}***********************HURRAY********************")
                print(f"{22 * ' '}***            THE IRC HAS CONVERGED          ***")
                print(f"{22 * ' '}*************************************************\n")
                break
        else:
            print(f"\n         {61 * '*'}")
            print("         *  MAXIMUM NUMBER OF ITERATIONS REACHED - STOPPING IRC RUN  *")
            print(f"         {61 * '*'}\n")
        letter = name[0]
        text = [frame(f"{path.stem}_IRC_{letter}", image, charge, multiplicity) for image in images]
        path.with_name(f"{path.stem}_IRC_{letter}_trj.xyz").write_text("".join(text))
        path.with_name(f"{path.stem}_IRC_{letter}.xyz").write_text(text[-1])
        sides.append(images)
    whole = [*reversed(sides[1]), saddle, *sides[0]]
    kept = whole[1:] if failure == "trajectory" else whole
    text = "".join(frame(f"{path.stem}_IRC_Full", image, charge, multiplicity) for image in kept)
    path.with_name(f"{path.stem}_IRC_Full_trj.xyz").write_text(text)
    line = 63 * "-"
    print(f"{line}\n                       IRC PATH SUMMARY              \n{line}\nAll gradients are in Eh/Bohr.\n")
    print("Step        E(Eh)      dE(kcal/mol)  max(|G|)   RMS(G) ")
    for number, image in enumerate(whole, 1):
        print(f"{number:4d}  {row(image)[0]}{' <= TS' if image is saddle else ''}")
    print("\n\nTimings for individual modules:\n")


def main(path: Path) -> int:
    text = path.read_text()
    print("                                 *****************\n                                 * O   R   C   A *")
    print("                                 *****************\n\n                         Program Version 5.0.4")
    words = " ".join(re.findall(r"^!(.*)$", text, re.MULTILINE)).split()
    if unknown := [word for word in words if word.lower() not in KNOWN]:
        print(f"\nUNRECOGNIZED OR DUPLICATED KEYWORD(S) IN SIMPLE INPUT LINE\n  {' '.join(unknown)}\n")
        return 1
    found = re.search(r"^\*\s*xyz\s+(-?\d+)\s+(\d+)\s*\n(.*?)^\*", text, re.MULTILINE | re.DOTALL)
    charge, multiplicity = int(found[1]), int(found[2])
    atoms = molecule(found[3].splitlines())
    if not electrons_fit(atoms, charge, multiplicity):
        electrons = int(atoms.numbers.sum()) - charge
        even, odd = ("even", "odd")[electrons % 2], ("even", "odd")[multiplicity % 2]
        print(f"Error : multiplicity ({multiplicity}) is {odd} and number of electrons ({electrons}) is {even}")
        print(" -> impossible")
        return 1
    print("\n---------------------------------\nCARTESIAN COORDINATES (ANGSTROEM)\n---------------------------------")
    for atom in atoms:
        print(f"  {atom.symbol:<2}{atom.x:14.6f}{atom.y:14.6f}{atom.z:14.6f}")
    print(f"\nNumber of atoms                             ...{len(atoms):7d}")
    failure = asked_to_fail()
    if failure == "memory":
        print("Error  (ORCA_SCF): Not enough memory available!\nPlease increase MaxCore to more than: 289 MB")
        return 1
    if failure == "scf":
        print("               *****************************************************")
        print("               *                     ERROR                         *")
        print("               *           SCF NOT CONVERGED AFTER 125 CYCLES      *")
        print("               *****************************************************")
        return 0  # as it does for an energy alone
    if moves := {word.lower() for word in words} & {"opt", "optts"}:
        geom = re.search(r"^%geom\n(.*?)^end", text, re.MULTILINE | re.DOTALL)[1]
        of = dict(re.findall(r"^  (MaxIter|TolMaxG|Calc_Hess) (\S+)$", geom, re.MULTILINE))
        saddle = moves == {"optts"}
        if saddle and of.get("Calc_Hess") != "true":
            print("The Hessian has no negative eigenvalue")
            return 1
        fixed = [int(i) for i in re.findall(r"\{ C (\d+) C \}", geom)]
        images, converged = optimize(atoms, float(of["TolMaxG"]), int(of["MaxIter"]), saddle, fixed)
        frames = [frame(path.stem, image, charge, multiplicity) for image in images]
        path.with_name(f"{path.stem}_trj.xyz").write_text("".join(frames))
        path.with_suffix(".xyz").write_text(frames[-1])
        atoms = images[-1]
        if converged:
            print("                    ***        THE OPTIMIZATION HAS CONVERGED     ***")
        else:
            print("    The optimization did not converge but reached the maximum number of optimization cycles.")
    if "irc" in {word.lower() for word in words}:
        blocks = re.findall(r"^%irc\n(.*?)^end", text, re.MULTILINE | re.DOTALL)
        of = dict(re.findall(r"^  (\w+) (\S+)$", "".join(blocks), re.MULTILINE))
        follow(path, atoms, charge, multiplicity, of, failure)
    energy, gradient = in_atomic_units(atoms, charge, multiplicity)
    print("               *****************************************************")
    print("               *                     SUCCESS                       *")
    print("               *           SCF CONVERGED AFTER  12 CYCLES          *")
    print("               *****************************************************")
    if failure == "truncated":
        return 0
    print("\n-------------------------   --------------------")
    print(f"FINAL SINGLE POINT ENERGY {energy:23.12f}")
    print("-------------------------   --------------------")
    if "engrad" in {word.lower() for word in words}:
        print("------------------\nCARTESIAN GRADIENT\n------------------\n")
        for number, (atom, row) in enumerate(zip(atoms, gradient, strict=True), 1):
            print(f"{number:4d}   {atom.symbol:<2}  :" + "".join(f"{x:15.9f}" for x in row))
        lines = ["#", "# Number of atoms", "#", f" {len(atoms)}", "#", "# The current total energy in Eh", "#"]
        lines += [f"{energy:23.12f}", "#", "# The current gradient in Eh/bohr", "#"]
        lines += [f"{x:23.12f}" for row in gradient for x in row]
        lines += ["#", "# The atomic numbers and current coordinates in Bohr", "#"]
        lines += [f"{atom.number:4d}" + "".join(f"{x / Bohr:14.7f}" for x in atom.position) for atom in atoms]
        path.with_suffix(".engrad").write_text("\n".join(lines) + "\n")
    dipole = (atoms.numbers / atoms.numbers.sum()) @ atoms.positions  # of charges that nobody would believe
    print(f"Total Dipole Moment    : {''.join(f'{x:15.9f}' for x in dipole)}")
    print("\n                             ****ORCA TERMINATED NORMALLY****")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
