"""Stands in for VASP, in the words of its version 6.

``STANDIN_MOMENTS`` is the part of the initial moments that is left in the end.
"""

import os
import re
import sys
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.optimize import BFGS

from tests.standins import asked_to_fail, compute, install
from tests.standins.vasp_bands import Electrons
from tests.standins.vasp_density import CORE, WIDTH, density, electrons_of
from tests.standins.vasp_density import write as write_density
from tests.standins.vasp_faults import end_of, hang, left
from tests.standins.vasp_xml import DEFAULTS, calculation, document

MOMENTS = "STANDIN_MOMENTS"
VALENCE = {"H": 1, "C": 4, "N": 5, "O": 6, "Al": 3, "Ni": 10, "Cu": 11, "Pd": 10, "Ag": 11, "Pt": 10, "Au": 11}


def potcar(symbol: str) -> str:
    """The lines of a potential that VASP's users' tools look at."""
    valence = VALENCE.get(symbol.partition("_")[0], 6)
    return (
        f"  PAW_PBE {symbol} 01Jan2001\n   {valence:.14f}\n parameters from PSCTR are:\n"
        f"   VRHFIN ={symbol.partition('_')[0]}: s1\n   LEXCH  = PE\n"
        f"   TITEL  = PAW_PBE {symbol} 01Jan2001\n   LULTRA =        F    use ultrasoft PP ?\n"
        "   IUNSCR =        1    unscreen: 0-lin 1-nonlin 2-no\n   RPACOR =    2.000    partial core radius\n"
        f"   POMASS =   1.000; ZVAL   =   {valence:.3f}    mass and valenz\n"
        "   ENMAX  =  400.000; ENMIN  = 300.000 eV\n   END of PSCTR-controll parameters\n"
        " local part\n   70.0  0.5  0.25\n End of Dataset\n"
    )


def provide(directory: Path, *symbols: str) -> dict[str, str]:
    """Put the programs and potentials in a directory, and return the variables that name them."""
    place = directory / "bin"
    place.mkdir(parents=True)
    for name in ("vasp_std", "vasp_gam", "vasp_ncl"):
        install(name, place, "vasp")
    for symbol in symbols or VALENCE:
        for version in ("", ".54", ".64"):
            folder = directory / "potentials" / f"potpaw_PBE{version}" / symbol
            folder.mkdir(parents=True)
            (folder / "POTCAR").write_text(potcar(symbol))
    return {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}", "VASP_PP_PATH": str(directory / "potentials")}


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
        text = Path("POTCAR").read_text()
        self.valences = [float(x) for x in re.findall(r"ZVAL\s+=\s+(\S+)", text)]
        self.titles = [x.strip() for x in re.findall(r"TITEL\s+= (.+)", text)]
        titles = [x.split("_")[0] for x in re.findall(r"TITEL\s+= \S+ (\S+)", text)]
        assert set(titles) == set(self.atoms.symbols), (titles, self.atoms.symbols)
        neutral = sum(dict(zip(titles, self.valences, strict=True))[symbol] for symbol in self.atoms.symbols)
        self.number = float(self.tags.get("NELECT", neutral))
        self.charge = neutral - self.number
        spins = repeated(self.tags.get("MAGMOM", "")) if self.tags.get("ISPIN") == "2" else []
        kept = float(os.environ.get(MOMENTS, 1))
        self.moments = [kept * moment for moment in spins] or [0.0] * len(self.atoms)
        self.steps: list[str] = []
        self.fault, self.oszicar = "", list[str]()
        self.outcar = [" vasp.6.4.2 20Jul23 (build Jan 01 2024) complex", " running on    1 total cores"]
        self.outcar += [f"   TITEL  = {title}" for title in self.titles]
        self.outcar += ["   EDIFF  = 0.1E-05   stopping-criterion"]
        if asked_to_fail() != "no_tbdyn" and "MDALGO" in self.tags:
            self.outcar += [f"   MDALGO = {int(self.tags['MDALGO']):6d}"]
        self.outcar += [
            f"   {tag} = {self.tags.get(tag, DEFAULTS[tag]):>6}" for tag in ("ISPIN", "NSW", "IBRION", "ISIF")
        ]

    def step(self, atoms: Atoms) -> None:
        copy = atoms.copy()
        energy, forces = compute(copy, round(self.charge), 1 + round(sum(self.moments)))
        stress = copy.get_stress(voigt=False)
        number = len(self.steps) + 1
        most = int(self.tags.get("NELM", 60))
        cycles = most if self.fault in ("scf", "slow") else 9
        self.steps.append(calculation(copy, energy, forces, stress, self.pressure, cycles))
        shown = {"high": 12.0, "climbs": 100.0 * len(atoms) * (number - 1)}.get(self.fault, energy)
        self.oszicar += ["       N       E                     dE             d eps       ncg     rms          rms(c)"]
        self.oszicar += [
            f"DAV: {i:3d}    {shown:18.12E}   -0.10000E+02   -0.20000E+01   320   0.100E+01"
            for i in range(1, cycles + 1)
        ]
        self.oszicar += [f"{number:4d} F= {shown:.8E} E0= {shown:.8E}  d E ={shown if number > 1 else 0:.6E}"]
        if self.fault == "climbs" and number == 2:
            self.write_oszicar()
            hang()
        print(f"{number:4d} F= {energy:.8E} E0= {energy:.8E}  d E ={0.0:.6E}")
        self.outcar += [
            f"--------------------------------------- Iteration {number:6d}(   9)  ---------------------------",
            f"  EENTRO  entropy T*S    EENTRO =  {-0.1 if self.fault == 'entropy' else -0.00001:16.8f}",
            "" if self.fault == "scf" else " aborting loop because EDIFF is reached",
            f" number of electron {self.number:15.7f} magnetization {sum(self.moments):15.7f}",
            f"  free  energy   TOTEN  = {energy:18.8f} eV",
            f"  energy  without entropy= {energy:18.8f}  energy(sigma->0) = {energy:18.8f}",
            " magnetization (x)",
            "",
            "# of ion       s       p       d       tot",
            "------------------------------------------",
            *(f"{i:5d}     0.000   0.000   {m:6.3f}   {m:6.3f}" for i, m in enumerate(self.moments, 1)),
            "    total drift:                                0.000000      0.000000      0.000000",
        ]

    @property
    def pressure(self) -> float:
        return float(self.tags.get("PSTRESS", 0)) * 0.1 * units.GPa

    def main(self) -> int:
        failure = self.fault = left(asked_to_fail(), self.tags)
        if np.linalg.det(self.atoms.cell) < 0:
            print(" ERROR: the triple product of the basis vectors is negative exchange two basis vectors")
            return 1
        if (status := end_of(failure)) is not None:
            return status
        if failure == "frozen":
            hang()
        if Path("WAVECAR").exists():
            print(" found WAVECAR, reading the header")
        if int(self.tags.get("ICHARG", 2)) >= 10 and "augmentation" not in open_or_empty("CHGCAR"):
            print(" ERROR: charge density could not be read from file CHGCAR for ICHARG>10")
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
        if failure == "endless":
            wanted = hang(until="STOPCAR")
            self.outcar += [f"{'hard' if 'LABORT' in wanted else 'soft'} stop encountered!  aborting job ..."]
            Path("STOPCAR").unlink()
        write("CONTCAR", self.atoms, format="vasp", direct=True)
        electrons = Electrons(self.tags, self.atoms, self.number, sum(self.moments))
        self.write(electrons)
        points, bands = electrons.energies.shape[1:]
        self.outcar += [
            f"   k-points           NKPTS = {points:6d}   k-points in BZ     NKDIM = {points:6d}   "
            f"number of bands    NBANDS= {bands:6d}",
            "   dimension x,y,z NGX =    20 NGY =   20 NGZ =   20",
            "   support grid    NGXF=    40 NGYF=   40 NGZF=   40",
            "   total plane-waves  NPLWV =   8000",
            f" E-fermi : {electrons.fermi:8.4f}     XC(G=0):  -9.9999     alpha+bet : -9.9999",
        ]
        if failure != "truncated":
            self.outcar += [
                " General timing and accounting informations for this job:",
                "                  Total CPU time used (sec):        1.000",
                "                         Elapsed time (sec):        1.000",
            ]
        Path("OUTCAR").write_text("\n".join(self.outcar) + "\n")
        return 0

    def write_oszicar(self) -> None:
        Path("OSZICAR").write_text("\n".join(self.oszicar) + "\n")

    def write(self, electrons: Electrons) -> None:
        """The files that other programs and later runs read."""
        first = read("POSCAR", format="vasp")
        text = document(first, self.atoms, self.steps, self.tags, electrons, self.titles, self.valences)
        Path("vasprun.xml").write_text(text[: len(text) // 2] if self.fault == "vasprun" else text)
        if self.fault != "no_oszicar":
            self.write_oszicar()
        if "F" not in self.tags.get("LWAVE", "T").upper():
            Path("WAVECAR").write_bytes(electrons.energies.tobytes())
        if "F" not in self.tags.get("LCHARG", "T").upper():
            self.write_densities(len(electrons.energies))

    def write_densities(self, spins: int) -> None:
        """CHGCAR, and those of the cores and of all electrons."""
        structure = Path("CONTCAR").read_text()
        titles = [title.split()[1].partition("_")[0] for title in self.titles]
        valence = dict(zip(titles, self.valences, strict=True))
        valences = [valence[symbol] for symbol in self.atoms.symbols]
        total = density(self.atoms, electrons_of(self.atoms, valences, self.charge), WIDTH)
        blocks = [total, density(self.atoms, self.moments, WIDTH)][:spins]
        write_density("CHGCAR", structure, blocks, augmented=True)
        if "T" in self.tags.get("LAECHG", "F").upper():
            cores = density(self.atoms, self.atoms.numbers - valences, CORE)
            write_density("AECCAR0", structure, [cores], augmented=False)
            write_density("AECCAR2", structure, [total], augmented=False)


def open_or_empty(name: str) -> str:
    return Path(name).read_text() if Path(name).exists() else ""


if __name__ == "__main__":
    sys.exit(Run().main())
