"""Functions that tests apply to structures, where worker processes can import them."""

import os
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, FileIOCalculator
from ase.calculators.emt import EMT
from ase.io import write

from adatom.configs import autoparallelize


def strained(atoms: Atoms, factor: float = 1.01) -> Atoms:
    atoms.set_cell(atoms.cell * factor, scale_atoms=True)
    atoms.info["factor"] = factor
    return atoms


def rattled(atoms: Atoms, rng, stdev: float = 0.1) -> Atoms:
    atoms.positions += rng.normal(scale=stdev, size=atoms.positions.shape)
    return atoms


def sliced(atoms: Atoms):
    """As many structures as atoms; nothing of one atom; one structure of two."""
    match len(atoms):
        case 1:
            return None
        case 2:
            return atoms
        case _:
            return [atoms[:n] for n in range(1, len(atoms) + 1)]


def sliced_or_same(atoms: Atoms):
    """As many structures as atoms, if there are several."""
    return atoms if len(atoms) == 1 else [atoms[:n] for n in range(1, len(atoms) + 1)]


def failing_once(atoms: Atoms, symbol: str, folder: str) -> Atoms:
    failed = Path(folder, "failed")
    if atoms.symbols[0] == symbol and not failed.exists():
        failed.touch()
        raise ValueError(f"no {symbol}")
    return atoms


def refusing(atoms: Atoms, symbol: str = "Ag") -> Atoms:
    atoms.positions += 1  # before it fails: what is kept must not show it
    if atoms.symbols[0] == symbol:
        raise ValueError(f"no {symbol}")
    atoms.info["accepted"] = True
    return atoms


def exiting(atoms: Atoms) -> Atoms:
    raise SystemExit("as a program does")


def deadly(atoms: Atoms) -> Atoms:
    if atoms.symbols[0] == "Ag":
        os.kill(os.getpid(), 9)
    return atoms


def counted(atoms: Atoms, folder: str) -> Atoms:
    """Leaves a file for each call."""
    (Path(folder) / f"{atoms.info['number']}-{time.monotonic_ns()}").touch()
    return atoms


def slow(atoms: Atoms, seconds: float) -> Atoms:
    time.sleep(seconds)
    return atoms


def seen_at_work(atoms: Atoms, folder: str) -> Atoms:
    """Says which process is at work."""
    Path(folder, str(os.getpid())).touch()
    time.sleep(0.01)
    return atoms


def of_number(number: int) -> Atoms:
    return bulk("Cu", a=3.5 + number / 100)


def pair_length(pair: list[Atoms]) -> Atoms:
    first, second = pair
    first.info["both"] = f"{first.symbols}{second.symbols}"
    return first


def pid(atoms: Atoms) -> Atoms:
    atoms.info["pid"], atoms.info["threads"] = os.getpid(), os.environ.get("OMP_NUM_THREADS", "unset")
    return atoms


@autoparallelize
def many(structures, factor=2.0, wrong=None):
    if wrong == "length":
        return structures[1:]
    if any(atoms.symbols[0] == wrong for atoms in structures):
        raise ValueError(f"{wrong} among {len(structures)}")
    for atoms in structures:
        atoms.info["in_call"] = len(structures)
        atoms.info["factor"] = factor
    return structures


class Program(FileIOCalculator):
    """Runs a program, for a while, that counts the lines of its input."""

    implemented_properties = ("energy",)

    def __init__(self, **kwargs):
        super().__init__(command="sleep 0.1 && wc -l < atoms.xyz > lines", **kwargs)

    def write_input(self, atoms, properties=None, system_changes=None):
        super().write_input(atoms, properties, system_changes)
        write(Path(self.directory, "atoms.xyz"), atoms, format="xyz")

    def read_results(self):
        self.results = {"energy": float(Path(self.directory, "lines").read_text())}


class Traveller(EMT):
    """Leaves a file in a folder whenever it arrives somewhere."""

    def __init__(self, folder: str, load: bytes = b"") -> None:
        super().__init__()
        self.folder, self.load = folder, load

    def __reduce__(self):
        return arrived, (self.folder, self.load)


def arrived(folder: str, load: bytes) -> Traveller:
    (Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}").touch()
    return Traveller(folder, load)


def evaluated_as_given(atoms: Atoms) -> Atoms:
    atoms.info["energy"] = atoms.get_potential_energy()
    return atoms


def evaluated_all(structures: list[Atoms]) -> list[Atoms]:
    return [evaluated_as_given(atoms) for atoms in structures]


class Adjustable(Calculator):
    """Has the energy that it is told."""

    implemented_properties = ("energy", "stress")

    def __init__(self, epsilon: float = 0.0) -> None:
        super().__init__()
        self.epsilon = epsilon

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": self.epsilon, "stress": np.array([[1.0, 6, 5], [6, 2, 4], [5, 4, 3]])}


class Smeared(EMT):
    """EMT as a code with smeared occupations has it: its energy is extrapolated, its forces are of the free energy."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["energy"] = self.results["free_energy"] + 0.5 * len(self.atoms)
