"""LAMMPS as an ASE calculator: each calculation is one run of the program on files in the calculator's directory."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import FileIOCalculator
from ase.calculators.lammps.coordinatetransform import calc_reduced_cell, calc_rotated_cell
from ase.data import atomic_masses, atomic_numbers
from ase.geometry import complete_cell
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.running import failure_of
from adatom.errors import InputError, UnknownNameError

__all__ = ["Lammps", "check"]

PROGRAM = ProgramProfile(
    Programs("lammps", "lmp", "`apt-get install lammps`, or conda's package lammps"),
    output="lammps.log",
    done="Total wall time",
    causes={"Neighbor list overflow": "Give model_post=['neigh_modify one 10000 page 100000'], or a shorter cutoff."},
)
# The energy in eV, the length in Å, and the number by which LAMMPS itself multiplies an energy per volume to print a
# pressure, from older constants than ASE's.
UNITS = {
    "metal": (1.0, 1.0, 1.6021765e6),
    "real": (units.kcal / units.mol, 1.0, 68568.415),
    "electron": (units.Hartree, units.Bohr, 2.94210108e13),
}
_STYLES = ("atomic", "charge")
_MOVING = {"run", "minimize", "rerun", "read_data", "create_box", "clear", "units", "boundary", "velocity"}
_FILE = re.compile(r"[^\s\"']*\.[A-Za-z][^\s\"']*")  # a word with a suffix; numbers and names of styles have none
_MARGIN = 1.0  # Å between the atoms and a wall that nothing feels


class Lammps(FileIOCalculator):
    """Calculator of LAMMPS.

    Parameters
    ----------
    pair_style
        Argument of the command `pair_style`, such as ``"eam/alloy"``.
    pair_coeff
        Arguments of commands `pair_coeff`, such as ``["* * CuNi.eam.alloy Cu Ni"]``. Files are named without directory.
    files
        Paths of the files that `pair_style` and `pair_coeff` name; they are copied to the directory of the calculation.
        Files in the directory of potentials that comes with LAMMPS need no path.
    specorder
        Chemical symbols in the order of LAMMPS's atom types. None: the order at the end of a `pair_coeff` for ``* *``,
        else the alphabetic one.
    units
        One of `UNITS`, in which `pair_coeff` and the files are.
    atom_style
        ``"atomic"`` or ``"charge"``. None: the latter if the atoms have initial charges.
    pair_modify, special_bonds, kspace_style, neighbor, newton
        Arguments of the commands of these names. None: LAMMPS's defaults.
    package
        Arguments of commands `package`.
    model_init, model_post
        Further commands, before the atoms are read and after the potential.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012
    discard_results_on_any_change = True
    default_parameters = {  # noqa: RUF012
        "pair_style": None,
        "pair_coeff": (),
        "files": (),
        "specorder": None,
        "units": "metal",
        "atom_style": None,
        "pair_modify": None,
        "special_bonds": None,
        "kspace_style": None,
        "neighbor": None,
        "newton": None,
        "package": (),
        "model_init": (),
        "model_post": (),
    }
    fileio_rules = FileIOCalculator.ruleset(extend_argv=["-in", "lammps.in", "-log", "none", "-echo", "screen"])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="lammps", profile=PROGRAM.check(), **kwargs)  # type: ignore[no-untyped-call]
        self._files = _files(self.parameters)

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the commands and the structure, and copy the files of the potential."""
        super().write_input(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        given, place = self.parameters, Path(self.directory)
        for name, source in self._files.items():
            if not (place / name).exists():
                shutil.copyfile(source, place / name)
        self._box = _Box(atoms)
        style = given["atom_style"] or _STYLES[bool(atoms.get_initial_charges().any())]
        (place / "lammps.data").write_text(
            _data(atoms, self._box, _order(atoms, given), style, UNITS[given["units"]][1])
        )
        later = ("pair_modify", "special_bonds", "kspace_style", "neighbor")
        lines = [
            f"units {given['units']}",
            f"atom_style {style}",
            f"boundary {' '.join('fp'[int(one)] for one in atoms.pbc)}",
            *([] if given["newton"] is None else [f"newton {given['newton']}"]),
            *(f"package {one}" for one in given["package"]),
            "box tilt large",
            "atom_modify sort 0 0.0",
            *map(str.rstrip, given["model_init"]),
            "read_data lammps.data",
            f"pair_style {given['pair_style']}",
            *(f"pair_coeff {one}" for one in given["pair_coeff"]),
            *(f"{name} {given[name]}" for name in later if given[name] is not None),
            *map(str.rstrip, given["model_post"]),
            "thermo_style custom step pe pxx pyy pzz pyz pxz pxy",
            "thermo_modify norm no line one format float %.17g",
            "dump forces all custom 1 lammps.dump id type x y z fx fy fz",
            "dump_modify forces sort id format float %.17g",
            "run 0",
        ]
        (place / "lammps.in").write_text("\n".join(lines) + "\n")

    def read_results(self) -> None:
        """Read the energy and the stress that LAMMPS printed, and the forces that it dumped."""
        energy, length, pressure = UNITS[self.parameters["units"]]
        place, box = Path(self.directory), self._box
        tables = re.findall(
            r"^\s*Step\s+PotEng\s.*\n(?:WARNING.*\n)*(.*)$", (place / PROGRAM.output).read_text(), re.MULTILINE
        )
        rows = np.loadtxt(place / "lammps.dump", skiprows=9, ndmin=2)
        if len(rows) != len(box.positions):
            said = f"LAMMPS has dumped {len(rows)} of {len(box.positions)} atoms"
            raise failure_of(said, place, PROGRAM.output)
        found = np.array(tables[-1].split(), dtype=float)
        self.results["energy"] = self.results["free_energy"] = found[1] * energy
        self.results["forces"] = rows[:, 5:8] @ box.rotation.T * energy / length
        if box.shrunk:
            xx, yy, zz, yz, xz, xy = found[2:]
            stress = box.rotation @ -np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ box.rotation.T
            in_ase = energy / length**3 / pressure / box.shrunk
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress * in_ase)


class _Box:
    """The box of LAMMPS, whose vectors are the rows of a lower triangular matrix, around a structure.

    Attributes
    ----------
    cell
        Box in Å. It has the lattice of the structure, and room for the atoms along directions that are not periodic.
    rotation
        Proper rotation: a row of coordinates is multiplied by it to come to the frame of LAMMPS.
    positions
        Positions in Å in that frame.
    shrunk
        Volume of the structure's own cell over that of the box, by which LAMMPS divides; 0 without a cell of three
        vectors.
    """

    def __init__(self, atoms: Atoms) -> None:
        lattice = complete_cell(atoms.cell.array * atoms.pbc[:, None])
        lattice *= np.sign(np.linalg.det(lattice))  # the reversed vectors have the same lattice
        box = calc_rotated_cell(lattice)
        self.rotation: NDArray[np.float64] = np.linalg.solve(lattice, box)
        self.positions: NDArray[np.float64] = atoms.positions @ self.rotation
        self.cell: NDArray[np.float64] = calc_reduced_cell(box, atoms.pbc)
        for axis in np.flatnonzero(~atoms.pbc):  # orthogonal to the others
            self.positions[:, axis] -= self.positions[:, axis].min() - _MARGIN
            self.cell[axis, axis] = self.positions[:, axis].max() + _MARGIN
        self.shrunk = atoms.get_volume() / np.linalg.det(self.cell) if atoms.cell.rank == 3 else 0.0


def _data(atoms: Atoms, box: _Box, order: Sequence[str], style: str, length: float) -> str:
    """Return the text of a data file, in the unit of length of LAMMPS."""
    (x, _, _), (xy, y, _), (xz, yz, z) = box.cell / length
    lines = ["by adatom", "", f"{len(atoms)} atoms", f"{len(order)} atom types", ""]
    lines += [f"0 {value:.17g} {axis}lo {axis}hi" for axis, value in (("x", x), ("y", y), ("z", z))]
    lines += [f"{xy:.17g} {xz:.17g} {yz:.17g} xy xz yz"]
    masses = [f"{i} {atomic_masses[atomic_numbers[symbol]]:.10g}  # {symbol}" for i, symbol in enumerate(order, 1)]
    lines += ["", "Masses", "", *masses, "", f"Atoms  # {style}", ""]
    for i, (symbol, charge, place) in enumerate(
        zip(atoms.symbols, atoms.get_initial_charges(), box.positions / length, strict=True), 1
    ):
        words = [str(i), str(order.index(symbol) + 1), *([f"{charge:.17g}"] if style == "charge" else [])]
        lines.append(" ".join([*words, *(f"{value:.17g}" for value in place)]))
    return "\n".join(lines) + "\n"


def _order(atoms: Atoms, parameters: Mapping[str, Any]) -> list[str]:
    """Return the chemical symbols of the atom types."""
    present = sorted(set(atoms.symbols))
    if (given := parameters.get("specorder")) is not None:
        source, order = "specorder", [*given]
    else:
        source, order = "pair_coeff", _named(parameters.get("pair_coeff", ())) or present
    if missing := [symbol for symbol in present if symbol not in order]:
        raise InputError(f"{source} has {' '.join(order)}, and the structure has {' '.join(missing)} besides.")
    if len(set(order)) < len(order):
        raise InputError(f"{source} has {' '.join(order)}: each symbol once, for these recipes have one type for each.")
    return order


def _named(pair_coeff: Sequence[str]) -> list[str]:
    """Return the symbols at the end of the lines for all pairs of types, if these are the same in all such lines."""
    found = []
    for line in pair_coeff:
        words = line.split()
        if words[:2] == ["*", "*"]:
            count = next((n for n, word in enumerate(reversed(words)) if word not in atomic_numbers), len(words))
            found += [words[len(words) - count :]] if count else []
    # MEAM's line has the symbols twice, around a file; those at the end are the types.
    return found[0] if found and all(one == found[0] for one in found) else []


def _files(parameters: Mapping[str, Any]) -> dict[str, Path]:
    """Return the absolute paths of the files of a potential by their names."""
    files = [Path(one).expanduser().absolute() for one in parameters.get("files", ())]
    found: dict[str, Path] = {}
    for path in files:
        if not path.is_file():
            raise InputError(f"files has {path}, and there is no such file.")
        if path.name in found:
            raise InputError(f"files has {found[path.name]} and {path}. Give files of different names.")
        found[path.name] = path
    style, lines = parameters.get("pair_style") or "", [*parameters.get("pair_coeff", ())]
    if style.split()[:1] == ["python"]:  # whose words are modules
        return found
    for word in [word for line in (style, *lines) for word in _FILE.findall(line)]:
        if "/" in word:
            raise InputError(
                f"pair_coeff or pair_style has the path {word}. Give it in `files`, and {Path(word).name} there."
            )
        if word not in found:
            found[word] = _in_library(word)
    return found


def _in_library(name: str) -> Path:
    """Return the path of a file that comes with LAMMPS."""
    places = os.environ.get("LAMMPS_POTENTIALS"), "/usr/share/lammps/potentials"
    try:
        path = PROGRAM.programs.data_dir(*places, key="potentials") / name
    except InputError:
        path = None
    if path is None or not path.is_file():
        raise InputError(
            f"There is no file {name} in `files`{f' or in {path.parent}' if path else ''}. Give its path there, or "
            "set ADATOM_DATA_DIRS__LAMMPS to the directory of the potentials that come with LAMMPS."
        )
    return path


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a potential that is not there, and what the input would leave out.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of `Lammps`, by name.
    """
    for name in ("pair_coeff", "files", "specorder", "package", "model_init", "model_post"):
        if isinstance(calc_kwargs.get(name), str):
            raise InputError(f"{name} is {calc_kwargs[name]!r}. Give a list.")
    if not calc_kwargs.get("pair_style"):
        raise InputError(
            "Which potential? Give calc_kwargs={'pair_style': 'lj/cut 10', 'pair_coeff': ['* * 0.4 2.3']}."
        )
    if (given := calc_kwargs.get("units", "metal")) not in UNITS:
        raise UnknownNameError("units of LAMMPS", given, UNITS)
    style = calc_kwargs.get("atom_style")
    if style is not None and style not in _STYLES:
        raise UnknownNameError("atom_style", style, _STYLES)
    if style == "atomic" and atoms.get_initial_charges().any():
        raise InputError("The atoms have initial charges, and atom_style is 'atomic'. Leave it out, or the charges.")
    for line in (*calc_kwargs.get("model_init", ()), *calc_kwargs.get("model_post", ())):
        if line.split()[:1] and line.split()[0] in _MOVING:
            raise InputError(
                f"model_init or model_post has {line!r}: the structure and the run are those of the job. Leave it out."
            )
    _order(atoms, calc_kwargs)
    _files(calc_kwargs)
