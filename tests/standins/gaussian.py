"""Stands in for Gaussian, in the words of Gaussian 16 with `#P` and `nosymm`."""

import re
import sys
from pathlib import Path

from ase import Atoms

from tests.standins import asked_to_fail, electrons_fit, in_atomic_units, molecule

KNOWN = (
    r"b3lyp/6-31g\*|pbepbe/3-21g|force|nosymm|scf(\(.*\))?|guess(\(read\))?|iop\(.*\)|! ASE formatted method and basis"
)
LINE = " " + 69 * "-"
FAILS = {
    "memory": "Out-of-memory error in routine RdGeom-1 (IEnd=     1200000 MxCore=      786432)\n"
    " Use %mem=2MW to provide the minimum amount of memory required to complete this step.",
    "disk": "Erroneous write. Write -1 instead of 3648000.\n fd = 4\n writwa\n writwa: No space left on device",
    "scf": ">>>>>>>>>> Convergence criterion not met.\n"
    " SCF Done:  E(RB3LYP) =  -76.0000000000     A.U. after  129 cycles\n Convergence failure -- run terminated.",
}


def stop(text: str, link: str) -> int:
    print(f" {text}\n Error termination via Lnk1e in /opt/g16/{link}.exe at Wed Dec  2 12:00:00 2026.")
    return 1


def main(text: str) -> int:
    print(" Entering Gaussian System, Link 0=g16\n Gaussian 16, Revision C.01,")
    head, title, body = text.split("\n\n", 2)
    chk = next((Path(line[5:]) for line in head.splitlines() if line.startswith("%chk=")), None)
    route = "\n".join(line for line in head.splitlines() if not line.startswith("%"))
    print(f" {LINE}\n {route}\n {LINE}")
    words = route.replace("#P", "").replace(" ! ASE formatted method and basis", "").split()
    if unknown := [word for word in words if not re.fullmatch(KNOWN, word, re.IGNORECASE)]:
        marked = f'{unknown[0]}\n \'\n Last state= "GCL"\n TCursr=      3656 LCursr=         7'
        return stop(f"QPErr --- A syntax error was detected in the input line.\n {marked}", "l1")
    if "guess(read)" in words and not (chk and chk.exists()):
        return stop(f"FileIO operation on non-existent file.\n FileIO: IOper= 2 IFilNo(1)=  -997 {chk}", "l1")
    print(f" {title}")
    state, *rows = body.splitlines()
    charge, multiplicity = map(int, state.split())
    print(f" Charge = {charge:2d} Multiplicity = {multiplicity}")
    atoms = molecule(re.sub(r"\(.*?\)", " ", row) for row in rows)
    if not electrons_fit(atoms, charge, multiplicity):
        electrons = int(atoms.numbers.sum()) - charge
        impossible = f"The combination of multiplicity {multiplicity:2d} and {electrons:5d} electrons is impossible."
        return stop(impossible, "l301")
    table(atoms)
    if (failure := asked_to_fail()) in FAILS:
        return stop(FAILS[failure], "l502")
    energy, gradient = in_atomic_units(atoms, charge, multiplicity)
    print(f" SCF Done:  E(RB3LYP) = {energy:16.12f}     A.U. after    9 cycles")
    if failure == "truncated":
        return 0
    print(" Dipole moment (field-independent basis, Debye):")
    print("    X=              0.1000    Y=              0.2000    Z=              0.3000  Tot=              0.3742")
    if "force" in words:
        print(f" ***** Axes restored to original set *****\n{LINE[2:]}")
        print(" Center     Atomic                   Forces (Hartrees/Bohr)")
        print(f" Number     Number              X              Y              Z\n{LINE[2:]}")
        for i, (number, row) in enumerate(zip(atoms.numbers, -gradient, strict=True), 1):
            print(f" {i:6d} {number:8d}    {''.join(f'{x:15.9f}' for x in row)}")
        print(LINE[2:])
    if chk:
        chk.write_text("orbitals\n")
    print(" Normal termination of Gaussian 16 at Wed Dec  2 12:00:01 2026.")
    return 0


def table(atoms: Atoms) -> None:
    print(f"                          Input orientation:\n{LINE}")
    print(" Center     Atomic      Atomic             Coordinates (Angstroms)")
    print(f" Number     Number       Type             X           Y           Z\n{LINE}")
    for i, atom in enumerate(atoms, 1):
        print(f" {i:6d} {atom.number:10d} {0:11d}    {''.join(f'{x:12.6f}' for x in atom.position)}")
    print(LINE)


if __name__ == "__main__":
    sys.exit(main(sys.stdin.read()))
