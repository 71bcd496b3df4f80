"""Stands in for VASP, in the words of its version 6."""

import re
import sys
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.optimize import BFGS

from tests.standins import asked_to_fail, compute

VALENCE = {"H": 1, "C": 4, "N": 5, "O": 6, "Al": 3, "Ni": 10, "Cu": 11, "Pd": 10, "Ag": 11, "Pt": 10, "Au": 11}


def potcar(symbol: str) -> str:
    """The lines of a potential that VASP's users' tools look at."""
    return (
        f"  PAW_PBE {symbol} 01Jan2001\n   {VALENCE.get(symbol, 6):.14f}\n parameters from PSCTR are:\n"
        f"   TITEL  = PAW_PBE {symbol} 01Jan2001\n   LULTRA =        F    use ultrasoft PP ?\n"
        "   IUNSCR =        1    unscreen: 0-lin 1-nonlin 2-no\n   RPACOR =    2.000    partial core radius\n"
        f"   POMASS =   1.000; ZVAL   =   {VALENCE.get(symbol, 6):.3f}    mass and valenz\n"
        "   ENMAX  =  400.000; ENMIN  = 300.000 eV\n End of Dataset\n"
    )


def incar() -> dict[str, str]:
    found = {}
    for line in Path("INCAR").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found[name.strip().upper()] = value.strip()
    return found


def repeated(words: str) -> list[float]:
    """The numbers of a line such as ``2*0.6 0``."""
    numbers: list[float] = []
    for word in words.split():
        times, star, value = word.partition("*")
        numbers += [float(value)] * int(times) if star else [float(word)]
    return numbers


class Run:
    def __init__(self) -> None:
        self.tags, self.atoms = incar(), read("POSCAR", format="vasp")
        valence = [float(x) for x in re.findall(r"ZVAL\s+=\s+(\S+)", Path("POTCAR").read_text())]
        titles = [x.split("_")[0] for x in re.findall(r"TITEL\s+= \S+ (\S+)", Path("POTCAR").read_text())]
        assert set(titles) == set(self.atoms.symbols), (titles, self.atoms.symbols)
        electrons = sum(dict(zip(titles, valence, strict=True))[symbol] for symbol in self.atoms.symbols)
        self.charge = electrons - float(self.tags.get("NELECT", electrons))
        spins = repeated(self.tags.get("MAGMOM", "")) if self.tags.get("ISPIN") == "2" else []
        self.moments = spins or [0.0] * len(self.atoms)
        self.steps: list[str] = []
        self.outcar = [" vasp.6.4.2 20Jul23 (build Jan 01 2024) complex", "   EDIFF  = 0.1E-05   stopping-criterion"]
        self.outcar += [f"   TITEL  = PAW_PBE {title} 01Jan2001" for title in titles]
        self.outcar += ["   k-points           NKPTS =      1   number of bands    NBANDS=     16"]

    def step(self, atoms: Atoms) -> None:
        copy = atoms.copy()
        energy, forces = compute(copy, round(self.charge), 1 + round(sum(self.moments)))
        stress = copy.get_stress(voigt=False)
        self.steps.append(calculation(copy, energy, forces, stress, self.pressure))
        number = len(self.steps)
        print(f"{number:4d} F= {energy:.8E} E0= {energy:.8E}  d E ={0.0:.6E}")
        self.outcar += [
            f"--------------------------------------- Iteration {number:6d}(   9)  ---------------------------",
            "" if asked_to_fail() == "scf" else " aborting loop because EDIFF is reached",
            f" number of electron      12.0000000 magnetization {sum(self.moments):15.7f}",
            " E-fermi :   3.1415     XC(G=0):  -9.9999     alpha+bet : -9.9999",
            f"  free  energy   TOTEN  = {energy:18.8f} eV",
            f"  energy  without entropy= {energy:18.8f}  energy(sigma->0) = {energy:18.8f}",
            " magnetization (x)",
            "",
            "# of ion       s       p       d       tot",
            "------------------------------------------",
            *(f"{i:5d}     0.000   0.000   {m:6.3f}   {m:6.3f}" for i, m in enumerate(self.moments, 1)),
        ]

    @property
    def pressure(self) -> float:
        return float(self.tags.get("PSTRESS", 0)) * 0.1 * units.GPa

    def main(self) -> int:
        failure = asked_to_fail()
        if np.linalg.det(self.atoms.cell) < 0:
            print(" ERROR: the triple product of the basis vectors is negative exchange two basis vectors")
            return 1
        if failure in SAID:
            print(SAID[failure])
            return 1
        relaxed = False
        most = int(self.tags.get("NSW", 0))
        if most and int(self.tags.get("IBRION", -1)) in (1, 2, 3):
            moving = self.atoms.copy()
            compute(moving, 0, 1)
            what = FrechetCellFilter(moving, scalar_pressure=self.pressure) if self.tags.get("ISIF") == "3" else moving
            optimizer = BFGS(what, logfile=None)
            optimizer.attach(lambda: self.step(moving))
            relaxed = bool(optimizer.run(fmax=-float(self.tags["EDIFFG"]), steps=most - 1))
            self.atoms = moving
        else:
            self.step(self.atoms)
        if relaxed:
            self.outcar.append(" reached required accuracy - stopping structural energy minimisation")
        write("CONTCAR", self.atoms, format="vasp", direct=True)
        Path("vasprun.xml").write_text(document(read("POSCAR", format="vasp"), self.steps, self.pressure))
        if failure != "truncated":
            self.outcar.append(" General timing and accounting informations for this job:")
        Path("OUTCAR").write_text("\n".join(self.outcar) + "\n")
        return 0


SAID = {
    "zbrent": " ZBRENT: fatal error in bracketing\n     please rerun with smaller EDIFF, or copy CONTCAR to POSCAR",
    "edddav": " Error EDDDAV: Call to ZHEGV failed. Returncode =  15 3 16",
    "brmix": " BRMIX: very serious problems\n  the old and the new charge density differ",
    "memory": "forrtl: severe (41): insufficient virtual memory",
}


def vectors(name: str, rows: np.ndarray, digits: int = 16) -> str:
    inside = "".join(f"<v>{' '.join(f'{x:.{digits}f}' for x in row)}</v>\n" for row in np.asarray(rows))
    return f'<varray name="{name}">\n{inside}</varray>\n'


def structure(atoms: Atoms, name: str = "") -> str:
    label = f' name="{name}"' if name else ""
    crystal = f"<crystal>\n{vectors('basis', atoms.cell.array)}</crystal>\n"
    return f"<structure{label}>\n{crystal}{vectors('positions', atoms.get_scaled_positions())}</structure>\n"


def energies(free: float, energy: float) -> str:
    rows = {"e_fr_energy": free, "e_wo_entrp": energy, "e_0_energy": energy}
    return "<energy>" + "".join(f'<i name="{name}">{value:.12f}</i>' for name, value in rows.items()) + "</energy>\n"


def calculation(atoms: Atoms, energy: float, forces: list[list[float]], stress: np.ndarray, pressure: float) -> str:
    enthalpy = energy + pressure * atoms.get_volume()
    return (
        f"<calculation>\n<scstep>{energies(energy, energy)}</scstep>\n{structure(atoms)}"
        f"{vectors('forces', np.array(forces))}{vectors('stress', -stress / (0.1 * units.GPa))}"
        f'{energies(enthalpy, enthalpy)}<dos><i name="efermi">3.1415</i></dos>\n</calculation>\n'
    )


def document(atoms: Atoms, steps: list[str], pressure: float) -> str:
    species = "".join(f"<rc><c>{symbol:<2}</c><c>   1</c></rc>\n" for symbol in atoms.symbols)
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n'
        '<generator><i name="program" type="string">vasp </i><i name="version" type="string">6.4.2  </i></generator>\n'
        f"<kpoints>{vectors('kpointlist', np.zeros((1, 3)))}{vectors('weights', np.ones((1, 1)))}</kpoints>\n"
        f'<parameters><i name="PSTRESS">{pressure / (0.1 * units.GPa):.8f}</i></parameters>\n'
        f'<atominfo><atoms>{len(atoms)}</atoms><array name="atoms"><set>\n{species}</set></array></atominfo>\n'
        f"{structure(atoms, 'initialpos')}{''.join(steps)}{structure(atoms, 'finalpos')}</modeling>\n"
    )


if __name__ == "__main__":
    sys.exit(Run().main())
