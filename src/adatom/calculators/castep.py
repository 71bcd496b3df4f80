"""CASTEP as an ASE calculator: keywords as they are in its input, and ASE's reader of its output.

ASE's own calculator runs the program to learn its keywords and chooses a directory by itself, and its reader leaves out
the energy of dispersion.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.castep import _get_indices_to_sort_back
from ase.calculators.genericfileio import CalculatorTemplate, GenericFileIOCalculator
from ase.io.castep import read_castep_castep

from adatom.calculators.bare import bare
from adatom.calculators.k_points import numbers_or_spacing
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import charge_of
from adatom.errors import InputError

__all__ = ["PROGRAM", "Castep", "potentials"]

_SEED = "castep"
PROGRAM = ProgramProfile(
    Programs("castep", "castep", "https://www.castep.org, which is free for academic use", named=r"castep\..*"),
    output="castep.out",
    done="Finalisation time",
    unconverged="system has not reached the groundstate|electronic minimisation did not converge",
    advice="Raise max_scf_cycles in `param`, or lower mix_charge_amp.",
    takes_input=True,
    more=(f"{_SEED}.castep", f"{_SEED}.0001.err"),
)
_FILES = (".usp", ".uspcc", ".recpot", ".upf")
_PER_ATOM = ("forces", "charges", "magmoms", "hirshfeld_charges", "hirshfeld_magmoms", "hirshfeld_volume_ratios")
# Names of ASE's reader for energies with dispersion, in the order in which they replace the energy and the free energy.
_DISPERSION = {
    "energy": ("energy_zero_with_dispersion_correlation", "energy_with_dispersion_correlation"),
    "free_energy": ("free_energy_with_dispersion_correlation", "energy_with_dispersion_correlation"),
}


class Castep(GenericFileIOCalculator):
    """Calculator of CASTEP.

    Parameters
    ----------
    param
        Keywords of the param file. The functional is PBE unless given.
    cell
        Keywords and blocks of the cell file: the lines of a block are a list of texts.
    species_pot
        Pseudopotential of each element: a file, absolute or in the data directory of the code, or the name of one of
        CASTEP's libraries, such as ``"C19"``. A text: the library for all elements. None: those that CASTEP makes.
    kpts
        Numbers of k points, on a grid with Γ.
    kspacing
        Largest distance of k points in Å⁻¹, with 2π, instead of `kpts`.
    charge
        Charge in e. None: the sum of the initial charges of the atoms.
    """

    def __init__(
        self,
        param: Mapping[str, Any] | None = None,
        cell: Mapping[str, Any] | None = None,
        species_pot: str | Mapping[str, str] | None = None,
        kpts: Sequence[int] | None = None,
        kspacing: float | None = None,
        charge: float | None = None,
    ) -> None:
        given: dict[str, Any] = {"param": param or {}, "cell": cell or {}, "species_pot": species_pot}
        given |= {"kpts": kpts, "kspacing": kspacing, "charge": charge}
        super().__init__(template=_Template(), profile=PROGRAM.check(), directory=".", parameters=given)  # type: ignore[no-untyped-call]


class _Template(CalculatorTemplate):
    def __init__(self) -> None:
        super().__init__(_SEED, ["energy", "free_energy", "forces", "stress", "charges", "magmoms"])
        self._asked: set[str] = set()
        self._symbols: list[str] = []

    def write_input(self, profile: Any, directory: Path, atoms: Atoms, parameters: Any, properties: Any) -> None:
        given, moments = bare(atoms, periodic=True), atoms.get_initial_magnetic_moments()
        self._symbols = [*atoms.symbols]
        self._asked |= {*properties}  # a property asked for once is computed in later steps, too
        cell: dict[str, Any] = {"lattice_cart": ["ang", *(_numbers(row) for row in given.cell.array)]}
        ends = [f" SPIN={moment:.6f}" if moment else "" for moment in moments]
        cell["positions_abs"] = [
            "ang",
            *(f"{a} {_numbers(row)}{e}" for a, row, e in zip(given.symbols, given.positions, ends, strict=True)),
        ]
        if not {"kpoint_list", "kpoints_list"} & {word.lower() for word in parameters["cell"]}:
            grid = numbers_or_spacing(atoms, parameters)
            cell |= {"kpoint_mp_grid": grid, "kpoint_mp_offset": [0 if one % 2 else 0.5 / one for one in grid]}
        if chosen := potentials(atoms, parameters["species_pot"]):
            cell["species_pot"] = chosen
        param: dict[str, Any] = {"task": "singlepoint", "xc_functional": "PBE"}
        param |= {"charge": charge_of(atoms, parameters["charge"]), "calculate_stress": "stress" in self._asked}
        if moments.any():
            param |= {"spin_polarized": True, "spin": round(float(moments.sum()), 6)}
        for suffix, words in (
            ("cell", {**cell, **_lower(parameters["cell"])}),
            ("param", {**param, **_lower(parameters["param"])}),
        ):
            (directory / f"{_SEED}.{suffix}").write_text("".join(map(_line, words, words.values())))

    def execute(self, directory: Path, profile: Any) -> None:
        for file in (directory / f"{_SEED}.castep", *directory.glob(f"{_SEED}.*.err")):
            file.unlink(missing_ok=True)  # CASTEP appends to its output, and errors of an earlier step would be read
        profile.run(directory, _SEED, PROGRAM.output)

    def read_results(self, directory: Any) -> dict[str, Any]:
        read = read_castep_castep(directory / f"{_SEED}.castep")
        results = dict(read.calc.results)
        for name, names in _DISPERSION.items():  # which ASE looks for by other names than it reads them by
            results[name] = next((results[one] for one in names if one in results), results[name])
        order = _get_indices_to_sort_back(self._symbols, [*read.symbols])
        return results | {name: results[name][order] for name in _PER_ATOM if name in results}

    def load_profile(self, cfg: Any, **kwargs: Any) -> Any:
        return PROGRAM


def potentials(atoms: Atoms, species_pot: str | Mapping[str, str] | None) -> list[str]:
    """Return the lines of the block ``species_pot``.

    Parameters
    ----------
    atoms
        Structure whose elements need potentials.
    species_pot
        Same as in `Castep`.

    Raises
    ------
    InputError
        A file does not exist.
    """
    if species_pot is None or isinstance(species_pot, str):
        return [species_pot] if species_pot else []
    named = {symbol: species_pot[symbol] for symbol in dict.fromkeys(atoms.symbols) if symbol in species_pot}
    return [f"{symbol} {_found(name) if name.lower().endswith(_FILES) else name}" for symbol, name in named.items()]


def _found(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_absolute():
        path = (
            PROGRAM.programs.data_dir(os.environ.get("CASTEP_PP_PATH"), os.environ.get("PSPOT_DIR"), key="pp_path")
            / path
        )
    if not path.is_file():
        raise InputError(
            f"There is no pseudopotential {path}. Set ADATOM_DATA_DIRS__CASTEP to the directory of the files, or name "
            "one of CASTEP's libraries, species_pot='C19'."
        )
    return path


def _lower(words: Mapping[str, Any]) -> dict[str, Any]:
    return {word.lower(): value for word, value in words.items() if value is not None}


def _numbers(row: Any) -> str:
    return " ".join(f"{x:.12f}" for x in row)


def _line(word: str, value: Any) -> str:
    """Return a keyword of CASTEP's input, or a block if the value is a list of texts."""
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return f"%BLOCK {word}\n" + "".join(f"{one}\n" for one in value) + f"%ENDBLOCK {word}\n"
    if isinstance(value, list | tuple | np.ndarray):
        value = " ".join(map(str, value))
    return f"{word} : {str(value).lower() if isinstance(value, bool) else value}\n"
