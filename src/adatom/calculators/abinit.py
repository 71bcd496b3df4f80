"""ABINIT as an ASE calculator: ASE's input and output, with the pseudopotentials' functional, and any cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ase import Atoms
from ase.calculators.abinit import AbinitTemplate
from ase.calculators.genericfileio import GenericFileIOCalculator
from ase.io.abinit import get_ppp_list

from adatom.calculators.bare import bare
from adatom.calculators.k_points import numbers_or_spacing
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import charge_of
from adatom.errors import InputError

__all__ = ["GRIDS", "PROGRAM", "Abinit", "pseudopotentials", "write_for_socket"]

PROGRAM = ProgramProfile(
    Programs("abinit", "abinit", "`apt-get install abinit abinit-data`, or conda's package abinit"),
    output="abinit.log",
    done="Calculation completed",
    unconverged="was not enough SCF cycles to converge",
    advice="Give a larger nstep, which is 100, more smearing, or other initial moments.",
    takes_input=True,
)
GRIDS = ("ngkpt", "kptrlatt", "kpt")  # ABINIT's own ways to give k points
_TOLERANCES = ("toldfe", "toldff", "tolrff", "tolvrs", "tolwfr")
_DEFAULTS = {"pps": "psp8", "nstep": 100, "chksymbreak": 0, "chksymtnons": 0}  # the checks stop at harmless symmetries
_OVER_SOCKET = {"ionmov": 28, "ntime": 100_000}  # by the protocol of i-PI, for as many structures
_OCCUPATIONS = ("smearing", "occopt", "tsmear")


class Abinit(GenericFileIOCalculator):
    """Calculator of ABINIT, with ASE's input and output.

    Parameters
    ----------
    pps
        Kind of the pseudopotentials, from which ASE finds the files: ``"psp8"``, ``"hgh"``, ``"pspnc"``, ``"pawxml"``.
    xc
        Functional, by ASE's name. None: that of the pseudopotentials.
    charge
        Charge in e. None: the sum of the initial charges of the atoms.
    kpts, kspacing
        Numbers of k points, with Γ among them, or their spacing, as for all codes.
    **kwargs
        Further parameters of ASE's calculator and variables of ABINIT, of which ``ecut`` (in eV) must be given.
        ``nstep`` is 100, ``tolvrs`` 1e-10, and ``smearing`` ``("gaussian", 0.05)`` otherwise; None leaves these out.
    """

    def __init__(self, **kwargs: Any) -> None:
        given = {**_DEFAULTS, **kwargs}
        if not any(name in given for name in _TOLERANCES):
            given["tolvrs"] = 1e-10
        if not any(name in given for name in _OCCUPATIONS):
            given["smearing"] = ("gaussian", 0.05)  # fixed occupations would make an insulator of a metal
        super().__init__(template=_Template(), profile=PROGRAM.check(), directory=".", parameters=given)  # type: ignore[no-untyped-call]


class _Template(AbinitTemplate):
    """ASE's template, for any periodicity, with k points around Γ, and with the functional of the pseudopotentials."""

    def write_input(self, profile: Any, directory: Any, atoms: Any, parameters: Any, properties: Any) -> None:
        given = {name: value for name, value in parameters.items() if value is not None}
        files = pseudopotentials(atoms, given)
        if not any(name in given for name in GRIDS):
            given |= {"ngkpt": numbers_or_spacing(atoms, parameters), "nshiftk": 1, "shiftk": [0, 0, 0]}
        if charge := charge_of(atoms, given.pop("charge", None)):
            given["cellcharge"] = charge
        if "xc" not in given and "ixc" not in given and given["pps"] != "pawxml":  # ABINIT reads the last from the file
            given["ixc"] = _functional(files)
        given = {name: value for name, value in given.items() if name not in ("kpts", "kspacing")}
        paths = SimpleNamespace(pp_paths=_places())
        super().write_input(paths, directory, bare(atoms, periodic=True), given, properties)  # type: ignore[no-untyped-call]

    def read_results(self, directory: Any) -> dict[str, Any]:
        results = dict(super().read_results(directory))  # type: ignore[no-untyped-call]
        text = (Path(directory) / f"{self._label}o_EIG").read_text()
        if spins := re.search(r"Total spin up = +(\S+) +Total spin down = +(\S+)", text):
            results["magmom"] = float(spins[1]) - float(spins[2])  # ABINIT prints its absolute value beside them
        return results


def write_for_socket(calculator: Abinit, atoms: Atoms, properties: list[str], socket: str) -> Sequence[str]:
    """Write the input of a program that takes structures over a socket, and return the words of its command.

    Parameters
    ----------
    calculator, atoms, properties, socket
        Same as in `adatom.calculators.over_socket.SocketClient`.
    """
    # Unless it is asked for, no density: ABINIT would write a file for each structure.
    parameters = {"prtden": 0, **calculator.parameters, **_OVER_SOCKET}
    calculator.template.write_input(calculator.profile, Path(calculator.directory), atoms, parameters, properties)
    return [*PROGRAM.programs.command(), calculator.template.inputname, "--ipi", f"{socket}:UNIX"]


def pseudopotentials(atoms: Atoms, parameters: Mapping[str, Any]) -> list[str]:
    """Return the files of pseudopotentials, ordered by atomic number.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    parameters
        Arguments of the calculator, by name.

    Raises
    ------
    InputError
        The directory or a file is missing.
    """
    kind, places = parameters.get("pps", "psp8"), parameters.get("pp_paths") or _places()
    try:
        return get_ppp_list(atoms, sorted({*atoms.numbers}), True, parameters.get("xc") or "LDA", kind, places)
    except RuntimeError as error:
        raise InputError(
            f"{error}. Give another kind of file, such as pps='hgh', or set ADATOM_DATA_DIRS__ABINIT to the directory "
            "of your pseudopotentials, such as those of pseudo-dojo.org."
        ) from error


def _places() -> list[str]:
    """Return the directories of pseudopotentials, of which ASE's configuration can name several, one a line."""
    key = "pp_paths"
    if len(lines := (PROGRAM.programs.configured(key) or "").split()) > 1:
        return lines
    return [str(PROGRAM.programs.data_dir("/usr/share/abinit/psp", key=key))]


def _functional(files: Sequence[str]) -> int:
    """Return ABINIT's number of the functional for which pseudopotentials were made."""
    found = {file: Path(file).read_text(errors="replace").splitlines()[2].split()[1] for file in files}
    if len({*found.values()}) > 1:
        raise InputError(f"The pseudopotentials are for several functionals, by ABINIT's numbers: {found}. Give xc.")
    return int(next(iter(found.values())))
