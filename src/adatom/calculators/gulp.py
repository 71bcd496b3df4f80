"""GULP as an ASE calculator, with forces and stresses of crystals in the frame and the units of ASE."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import FileIOCalculator
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress
from numpy.typing import NDArray

from adatom.calculators.bare import bare
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.running import failure_of
from adatom.errors import InputError

__all__ = ["Gulp", "check"]

PROGRAM = ProgramProfile(
    Programs("gulp", "gulp", "https://gulp.curtin.edu.au, which is free for academic use"),
    output="gulp.got",
    done="Job Finished at",
)
# GULP knows a keyword by its beginning. With these it moves atoms, or its energy is not that of the structure.
_MOVING = r"opti|forc|fit|tran|neb|cineb|rfo|mont|md$|pred|gene|anne|free|shel|brea|cell|noene|noflag"
# Without the last, the forces on one atom are printed as zero.
_KEYWORDS = {"grad": "gradients", "unfi": "unfix"}


class Gulp(FileIOCalculator):
    """Calculator of GULP.

    Parameters
    ----------
    keywords
        Keywords of the first line. Those for forces, and for crystals the stress, are added.
    options
        Further lines of the input, such as those of a potential.
    library
        Path of a library of potentials, which is copied to the directory of the calculation; or its name in the
        directory of libraries.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012
    discard_results_on_any_change = True
    default_parameters = {"keywords": "conp", "options": (), "library": None}  # noqa: RUF012
    fileio_rules = FileIOCalculator.ruleset(stdin_name="{prefix}.gin")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="gulp", profile=PROGRAM.check(), **kwargs)  # type: ignore[no-untyped-call]
        self._library = _library(self.parameters)

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the input, with a crystal turned to the frame in which GULP has its vectors."""
        super().write_input(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        given, periodic = bare(atoms), bool(atoms.pbc.all())
        words = self.parameters["keywords"].split()
        words += [
            long for short, long in _KEYWORDS.items() if not any(word.lower().startswith(short) for word in words)
        ]
        charges = given.get_initial_charges()
        if charges.any():
            words.append("preserve_Q")  # else those of a library count
        if periodic:
            words.append("stress_out")
        lines = [" ".join(words), "title", "by adatom", "end"]
        self._cell, (turned, self._turn) = given.cell.array, given.cell.standard_form()
        lines += ["vectors", *map(_row, turned.array), "frac"] if periodic else ["cart"]
        places = given.get_scaled_positions(wrap=False) if periodic else given.positions
        for symbol, place, charge in zip(given.symbols, places, charges, strict=True):
            lines.append(f"{symbol} core {_row(place)}{f' {charge:.6f}' if charges.any() else ''}")
        directory = Path(self.directory)
        if self._library:
            lines.append(f"library {self._library.name}")
            shutil.copyfile(self._library, directory / self._library.name)
        lines += self.parameters["options"]
        (directory / "gulp.gin").write_text("\n".join(lines) + "\n")
        self._count = len(atoms)

    def read_results(self) -> None:
        """Read the energy, the forces and, of a crystal, the stress."""
        place = Path(self.directory)
        text = (place / PROGRAM.output).read_text(errors="replace")
        energies = re.findall(r"Total lattice energy\s*=\s*(\S+)\s*eV", text)
        if not energies or (gradient := self._gradient(text)) is None:
            raise failure_of("GULP has printed no energy, or not the forces on all atoms", place, PROGRAM.output)
        self.results["energy"] = self.results["free_energy"] = float(energies[-1])
        self.results["forces"] = -gradient
        if found := re.search(r"Final stress tensor components \(GPa\)[^x]*((?:.*\n){3})", text):
            # The columns are xx and yz, yy and xz, zz and xy.
            numbers = np.array([line.split()[1::2] for line in found[1].splitlines()], dtype=float)
            stress = self._turn.T @ voigt_6_to_full_3x3_stress(numbers.T.ravel()) @ self._turn
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress) * units.GPa

    def _gradient(self, text: str) -> NDArray[np.float64] | None:
        """Return the derivatives of the energy with respect to the positions, if they are there for all atoms."""
        tables = re.findall(r"Final (?:internal|Cartesian) derivatives :\n((?:.*\n)*?) *Maximum abs", text)
        rows = re.findall(r"^ *\d+ +\S+ +(b?[cs])(?=[ -])(.*)$", tables[-1], re.MULTILINE) if tables else []
        if any("s" in kind for kind, _ in rows):
            raise InputError(
                "GULP has added shells, and a calculation of forces leaves them on their cores. Take a potential "
                "without shells, or the keyword noaddshells."
            )
        # Columns of long numbers touch.
        found = np.array([[float(x) for x in re.findall(r"-?\d+\.\d{6}", numbers)[:3]] for _, numbers in rows])
        if found.shape != (self._count, 3):
            return None
        # Those of a crystal belong to fractional coordinates, which the unit tells.
        return found @ np.linalg.inv(self._cell).T if "(eV) " in tables[-1] else found


def _row(numbers: NDArray[np.float64]) -> str:
    return " ".join(f"{round(number, 12) + 0.0:.12f}" for number in numbers)  # no minus sign before a zero


def _library(parameters: Mapping[str, Any]) -> Path | None:
    """Return the path of the library of potentials, or None where none is asked for."""
    if not (name := parameters.get("library")):
        return None
    if (path := Path(name).expanduser().absolute()).is_file():
        return path
    path = PROGRAM.programs.data_dir(os.environ.get("GULP_LIB"), key="libraries") / name
    if not path.is_file():
        raise InputError(
            f"There is no library {name} here or in {path.parent}. Give its path, or set ADATOM_DATA_DIRS__GULP to the "
            "directory Libraries that comes with GULP."
        )
    return path


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a potential that is not there, structures that GULP would take for others, and keywords that move atoms.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of `Gulp`, by name.
    """
    if atoms.pbc.any() and not atoms.pbc.all():
        raise InputError(
            f"{atoms.get_chemical_formula()} is periodic along {atoms.pbc.tolist()}; these recipes of GULP are for "
            "crystals and molecules. Set atoms.pbc = True, with enough vacuum, or take another code."
        )
    if isinstance(calc_kwargs.get("options"), str):
        raise InputError(f"options is {calc_kwargs['options']!r}. Give a list of lines.")
    if not isinstance(words := calc_kwargs.get("keywords", ""), str):
        raise InputError(f"keywords is {words!r}. Give one text, such as 'conp qok'.")
    for word in words.split():
        if re.match(_MOVING, word.lower()):
            raise InputError(
                f"keywords has {word!r}, with which GULP computes something else than the energy and the forces of the "
                "structure. Leave it out, and use relax_job, md_job, neb_job, ts_job or freq_job."
            )
    if not calc_kwargs.get("library") and not calc_kwargs.get("options"):
        raise InputError("Which potential? Give a library, such as calc_kwargs={'library': 'catlow.lib'}, or options.")
    _library(calc_kwargs)
