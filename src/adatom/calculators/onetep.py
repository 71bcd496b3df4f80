"""ONETEP as an ASE calculator: ASE's input and output, with all that a structure carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.genericfileio import GenericFileIOCalculator
from ase.calculators.onetep import OnetepTemplate
from ase.io import read, write

from adatom.calculators.bare import bare
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import charge_of
from adatom.errors import InputError

__all__ = ["PROGRAM", "Onetep", "potentials", "spin_of"]

PROGRAM = ProgramProfile(
    Programs("onetep", "onetep", "https://onetep.org, with a licence", named=r"onetep[._].*"),
    output="onetep.out",
    done="Job completed:",
    unconverged=r"maximum number of NGWF CG iterations \( *\d+\) *exceeded",
    advice="Raise maxit_ngwf_cg in `keywords`; for a metal, set edft=True.",
    takes_input=True,
)
_SUFFIXES = (".usp", ".recpot", ".upf", ".paw", ".abinit", ".psp", ".pspnc")


class Onetep(GenericFileIOCalculator):
    """Calculator of ONETEP.

    Parameters
    ----------
    keywords
        Keywords of the input; the lines of a block are a list of texts.
    pseudopotentials
        File of each element, in the data directory of the code. One that is left out is found by its name, which begins
        with the element.
    charge
        Charge in e. None: the sum of the initial charges of the atoms.
    **kwargs
        Further arguments of ASE's calculator: ``xc``, ``edft``, ``ngwf_count``, ``ngwf_radius``.
    """

    def __init__(
        self,
        keywords: Mapping[str, Any] | None = None,
        pseudopotentials: Mapping[str, str] | None = None,
        charge: float | None = None,
        **kwargs: Any,
    ) -> None:
        given = {"keywords": keywords, "pseudopotentials": pseudopotentials, "charge": charge, **kwargs}
        super().__init__(template=_Template(), profile=PROGRAM.check(), directory=".", parameters=given)  # type: ignore[no-untyped-call]


class _Template(OnetepTemplate):
    """ASE's template, with the state of the structure, all its digits, and all its atoms in the cell."""

    def __init__(self) -> None:
        super().__init__(append=False)  # type: ignore[no-untyped-call]
        self.implemented_properties = self.implemented_properties - {"stress"}  # which ASE does not read

    def write_input(self, profile: Any, directory: Any, atoms: Any, parameters: Any, properties: Any) -> None:
        given, moments = bare(atoms, periodic=True), atoms.get_initial_magnetic_moments()
        given.wrap()  # ONETEP refuses atoms outside the cell
        given.set_tags(_kinds(atoms))
        species = [f"{symbol}{tag or ''}" for symbol, tag in zip(given.symbols, given.get_tags(), strict=True)]
        words: dict[str, Any] = {
            "charge": charge_of(atoms, parameters["charge"]),
            "lattice_cart": ["ang", *map(_numbers, given.cell.array)],
            "positions_abs": ["ang", *(f"{a} {_numbers(x)}" for a, x in zip(species, given.positions, strict=True))],
            "pseudo_path": str(_directory()),
        }
        if moments.any():
            initial = dict(zip(species, moments, strict=True))
            words |= {"spin_polarized": True, "spin": spin_of(atoms)}
            words["species_atomic_set"] = [f'{one} "SOLVE INIT SPIN={moment:g}"' for one, moment in initial.items()]
        words |= {name.lower(): value for name, value in (parameters["keywords"] or {}).items()}
        files = potentials(atoms, parameters["pseudopotentials"])
        rest = {name: value for name, value in parameters.items() if name != "charge" and value is not None}
        rest["pseudopotentials"] = {one: files[symbol] for one, symbol in zip(species, given.symbols, strict=True)}
        if isinstance(rest.get("ngwf_radius"), int):
            rest["ngwf_radius"] = float(rest["ngwf_radius"])  # ASE takes no other number
        write(directory / self.inputname, given, format="onetep-in", **{**rest, "keywords": words})

    def execute(self, directory: Any, profile: Any) -> None:
        profile.run(directory, self.inputname, self.outputname)

    def read_results(self, directory: Any) -> dict[str, Any]:
        found: Any = read(directory / self.outputname, format="onetep-out")
        results = found.calc.results
        return {**results, "forces": results["forces"].reshape(-1, 3)}  # those of one atom are a row for ASE


def _kinds(atoms: Atoms) -> list[int]:
    """Return a number for each atom, by which those of an element with different moments are different species."""
    moments = atoms.get_initial_magnetic_moments()
    of = {symbol: [*dict.fromkeys(moments[atoms.symbols == symbol])] for symbol in {*atoms.symbols}}
    pairs = zip(atoms.symbols, moments, strict=True)
    return [of[symbol].index(moment) + 1 if len(of[symbol]) > 1 else 0 for symbol, moment in pairs]


def spin_of(atoms: Atoms) -> float:
    """Return the sum of the initial magnetic moments in Bohr magnetons, an integer if it is one.

    Parameters
    ----------
    atoms
        Structure.
    """
    total = round(float(atoms.get_initial_magnetic_moments().sum()), 6)
    return int(total) if total.is_integer() else total


def potentials(atoms: Atoms, given: Mapping[str, str] | None) -> dict[str, str]:
    """Return the name of the file of each element.

    Parameters
    ----------
    atoms
        Structure whose elements need pseudopotentials.
    given
        Same as `pseudopotentials` in `Onetep`.

    Raises
    ------
    InputError
        The directory is not known, or an element has no file there, or several.
    """
    directory, found = _directory(), {}
    for symbol in dict.fromkeys(atoms.symbols):
        files = [given[symbol]] if given and symbol in given else _files(directory, symbol)
        if len(files) > 1:
            raise InputError(
                f"Which pseudopotential of {symbol}? {directory} has {', '.join(files)}. Give "
                f"pseudopotentials={{{symbol!r}: {files[0]!r}}}."
            )
        if not files or not (directory / files[0]).is_file():
            raise InputError(
                f"There is no pseudopotential {directory / (files[0] if files else f'{symbol}*')}. Set "
                f"ADATOM_DATA_DIRS__ONETEP to the directory of the files, or give pseudopotentials={{{symbol!r}: ...}}."
            )
        found[symbol] = files[0]
    return found


def _files(directory: Path, symbol: str) -> list[str]:
    names = sorted(file.name for file in directory.iterdir() if file.suffix.lower() in _SUFFIXES)
    return [name for name in names if re.split(r"[-_.:= ]", name)[0].title() == symbol]


def _directory() -> Path:
    return PROGRAM.programs.data_dir(key="pseudo_path")


def _numbers(row: Any) -> str:
    return " ".join(f"{x:.12f}" for x in row)
