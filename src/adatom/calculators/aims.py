"""FHI-aims as an ASE calculator: ASE's input and output, with k points, charge and spin of the structure."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.aims import AimsTemplate
from ase.calculators.genericfileio import GenericFileIOCalculator
from ase.data import atomic_numbers

from adatom.calculators.bare import bare
from adatom.calculators.k_points import numbers_or_spacing
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import charge_of
from adatom.errors import InputError

__all__ = ["PROGRAM", "Aims", "species_directory", "write_for_socket"]

PROGRAM = ProgramProfile(
    Programs("aims", "aims.x", "https://fhi-aims.org, with a licence", named=r"aims\..*"),
    output="aims.out",
    done="Have a nice day.",
    # Not "cycle not yet converged - restarting mixer", which runs that go on print, too.
    unconverged="SELF-CONSISTENCY CYCLE DID NOT CONVERGE|SCF cycle not converged",
    advice="Raise sc_iter_limit, or lower charge_mix_param.",
    causes={
        "Ill-conditioned overlap matrix": "The basis is too large for the structure: see override_illconditioning."
    },
)


class Aims(GenericFileIOCalculator):
    """Calculator of FHI-aims.

    Parameters
    ----------
    xc
        Density functional.
    relativistic
        Treatment of relativity.
    species_dir
        Directory of the species' defaults, absolute or in the data directory of the code: ``"light"``.
    kpts
        Numbers of k points, on a grid with Γ.
    kspacing
        Largest distance of k points in Å⁻¹, with 2π, instead of `kpts`.
    charge
        Charge in e. None: the sum of the initial charges of the atoms.
    **keywords
        Keywords of control.in.
    """

    def __init__(
        self,
        xc: str = "pbe",
        relativistic: Sequence[str] = ("atomic_zora", "scalar"),
        species_dir: str | Path | None = None,
        kpts: Sequence[int] | None = None,
        kspacing: float | None = None,
        charge: float | None = None,
        **keywords: Any,
    ) -> None:
        given: dict[str, Any] = {"xc": xc, "relativistic": relativistic, **keywords}
        given |= {"kpts": kpts, "kspacing": kspacing, "charge": charge, "species_dir": str(_directory(species_dir))}
        super().__init__(template=_Template(), profile=PROGRAM.check(), directory=".", parameters=given)  # type: ignore[no-untyped-call]


class _Template(AimsTemplate):
    """ASE's template, with the state of the structure, and with forces and stress where they are needed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._asked: set[str] = set()

    def write_input(self, profile: Any, directory: Any, atoms: Any, parameters: Any, properties: Any) -> None:
        words = {name: value for name, value in parameters.items() if value is not None}
        words["charge"] = charge_of(atoms, parameters["charge"])
        if atoms.pbc.any() and "k_grid" not in words:
            words["k_grid"] = numbers_or_spacing(atoms, words)
        words = {name: value for name, value in words.items() if name not in ("kpts", "kspacing")}
        if atoms.get_initial_magnetic_moments().any():
            words.setdefault("spin", "collinear")
        self._asked |= {*properties}  # a property asked for once is computed in later steps, too
        with _without_advertisement():
            super().write_input(profile, directory, bare(atoms), words, self._asked)  # type: ignore[no-untyped-call]

    def read_results(self, directory: Any) -> Any:
        with _without_advertisement():
            return super().read_results(directory)  # type: ignore[no-untyped-call]


def write_for_socket(calculator: Aims, atoms: Atoms, properties: list[str], socket: str) -> Sequence[str]:
    """Write the input of a program that takes structures over a socket, and return the words of its command.

    Parameters
    ----------
    calculator, atoms, properties, socket
        Same as in `adatom.calculators.over_socket.SocketClient`.
    """
    # A port has to be there, though the file of the socket has none.
    parameters = {**calculator.parameters, "use_pimd_wrapper": (f"UNIX:{socket}", 31415)}
    calculator.template.write_input(calculator.profile, Path(calculator.directory), atoms, parameters, properties)
    return PROGRAM.programs.command()


@contextmanager
def _without_advertisement() -> Iterator[None]:
    """Leave out the warnings of ASE that another package will have its reader and writer one day."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "FHI-aims IO is moving", FutureWarning)
        yield


def species_directory(atoms: Atoms, given: str | Path | None) -> Path:
    """Return the directory of the species' defaults.

    Parameters
    ----------
    atoms
        Structure whose elements need defaults.
    given
        Same as `species_dir` in `Aims`.

    Raises
    ------
    InputError
        The directory is not known, or an element has no file there.
    """
    directory = _directory(given)
    for symbol in dict.fromkeys(atoms.symbols):
        file = directory / f"{atomic_numbers[symbol]:02}_{symbol}_default"
        if not file.is_file():
            raise InputError(
                f"There is no file {file}. Set ADATOM_DATA_DIRS__AIMS to a directory of species, such as "
                "species_defaults/defaults_2020/light, or give species_dir."
            )
    return directory


def _directory(given: str | Path | None) -> Path:
    path = Path(given or "").expanduser()
    if path.is_absolute():
        return path
    return PROGRAM.programs.data_dir(os.environ.get("AIMS_SPECIES_DIR"), key="default_species_directory") / path
