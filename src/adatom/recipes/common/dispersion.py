"""Dispersion correction for any code: DFT-D3 and DFT-D4, with the packages dftd3 and dftd4."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.data import chemical_symbols
from ase.stress import full_3x3_to_voigt_6_stress

from adatom.calculations.calculation import closed_after
from adatom.calculations.checks import check_elements
from adatom.errors import InputError, MissingExtraError, UnknownNameError
from adatom.execution.needs import Need

__all__ = ["WithDispersion", "dispersion_needs", "make_dispersion"]

MODELS = ("d3", "d4", "d4s")

# Damping functions of D3: the class in dftd3, and its name in dftd3's table of functionals.
DAMPINGS = {
    "d3bj": ("RationalDampingParam", "bj"),
    "d3bjm": ("ModifiedRationalDampingParam", "bjm"),
    "d3cso": ("CSODampingParam", "cso"),
    "d3op": ("OptimizedPowerDampingParam", "op"),
    "d3zero": ("ZeroDampingParam", "zero"),
    "d3zerom": ("ModifiedZeroDampingParam", "zerom"),
}

CUTOFFS = ("disp2", "disp3", "cn", "width2", "width3")

_ELEMENTS = chemical_symbols[1:104]  # heavier elements make dftd3 end the process


def make_dispersion(
    atoms: Atoms,
    *,
    model: str | None = None,
    method: str | None = None,
    damping: str | None = None,
    realspace_cutoff: Mapping[str, float] | None = None,
) -> Any:
    """Return the ASE calculator of dftd3 or dftd4.

    Parameters
    ----------
    atoms
        Structure that will be computed. D4 takes the sum of its initial charges as its charge.
    model
        ``"d3"``, Grimme et al., J. Chem. Phys. 132, 154104 (2010), without the three-body term; ``"d4"``, Caldeweyher
        et al., J. Chem. Phys. 150, 154122 (2019), with the three-body term; or ``"d4s"``, which is smoother.
    method
        Functional for which the parameters are, such as ``"PBE"``. It must be given, since the code does not tell it.
    damping
        Damping function of D3: one of `DAMPINGS`, most often ``"d3bj"``. None for D4, which has one only.
    realspace_cutoff
        Cutoffs in Å by the names of the packages: ``disp2`` of pairs, ``disp3`` of triples, ``cn`` of coordination
        numbers, and ``width2`` and ``width3``, over which the first two go to zero. The widths are 0 by default, so
        that the energy of a crystal jumps where an atom comes within the cutoff. None: the defaults of the package.

    Raises
    ------
    MissingExtraError
        The package is not installed.
    InputError
        A name is unknown, the functional has no parameters, or the package cannot compute the structure.
    """
    if model not in MODELS:
        raise UnknownNameError("dispersion model", model, MODELS)
    check_elements(atoms, _ELEMENTS, model.upper())
    if atoms.pbc.any() and atoms.cell.rank < 3:
        raise InputError(f"{model.upper()} of a periodic structure needs three cell vectors, not {atoms.cell.rank}.")
    if model != "d3" and atoms.pbc.any() and not atoms.pbc.all():
        raise InputError(
            f"The structure is periodic along {atoms.pbc.tolist()}, and {model.upper()} repeats it along all three. "
            "Set atoms.pbc = True, with vacuum in the cell where there is a surface, or take D3."
        )
    for key in realspace_cutoff or {}:
        if key not in CUTOFFS:
            raise UnknownNameError("dispersion cutoff", key, CUTOFFS)
    make = _find_d3(method, damping) if model == "d3" else _find_d4(model, method, damping)
    return make(method=method, realspace_cutoff=dict(realspace_cutoff or {}))


def dispersion_needs(given: Any) -> list[Need]:
    """Return the function that imports the package of a dispersion.

    Parameters
    ----------
    given
        Arguments of `make_dispersion`, by name. None: no dispersion.
    """
    if not isinstance(given, Mapping):
        return []
    return [_find_d3 if given.get("model") == "d3" else _find_d4]


def _find_d3(method: Any, damping: Any) -> Callable[..., Any]:
    if damping not in DAMPINGS:
        raise UnknownNameError("damping of D3", damping, DAMPINGS)
    try:
        from dftd3 import interface
        from dftd3.ase import DFTD3
        from dftd3.parameters import get_all_damping_params
    except ImportError as error:
        raise MissingExtraError("dftd3", "dispersion") from error
    kind, scheme = DAMPINGS[damping]
    _check_functional(f"D3 with {damping}", method, getattr(interface, kind), get_all_damping_params([scheme]))
    return partial(DFTD3, damping=damping)


def _find_d4(model: str, method: Any, damping: Any) -> Callable[..., Any]:
    if damping is not None:
        raise InputError(f"damping is {damping!r}, and D4 has one only. Leave it out.")
    try:
        from dftd4.ase import DFTD4
        from dftd4.interface import DampingParam
        from dftd4.parameters import get_all_damping_params
    except ImportError as error:
        raise MissingExtraError("dftd4", "dispersion") from error
    _check_functional("D4", method, DampingParam, get_all_damping_params())
    return partial(DFTD4, model=model)


def _check_functional(what: str, method: Any, load: Callable[..., Any], listed: Iterable[str]) -> None:
    def is_known(name: str) -> bool:
        try:
            load(method=name)
        except RuntimeError:
            return False
        return True

    if not isinstance(method, str) or not is_known(method):
        # The packages list some functionals that they cannot load.
        raise UnknownNameError(f"functional of {what}", method, filter(is_known, listed))


class WithDispersion(BaseCalculator):
    """Sum of a calculator and its dispersion.

    ASE's ``SumCalculator`` runs a code that is a program once for each property, and in the working directory. It also
    leaves out the properties that only the code computes.

    Parameters
    ----------
    calculator
        ASE calculator that nothing else uses.
    dispersion
        Calculator that `make_dispersion` returned.
    """

    def __init__(self, calculator: Any, dispersion: Any) -> None:
        super().__init__({**_described(calculator), "dispersion": _described(dispersion)})  # type: ignore[no-untyped-call]
        self.calculator, self.dispersion = calculator, dispersion
        self.implemented_properties = [
            name for name in calculator.implemented_properties if name not in _SHARES_OF_ATOMS
        ]

    @property
    def directory(self) -> str:
        """Directory in which the code runs."""
        return str(self.calculator.directory)

    @directory.setter
    def directory(self, directory: str) -> None:
        self.calculator.directory = directory

    @property
    def corrections(self) -> Any:
        """Corrections that custodian made in the runs of the code; None if it has none."""
        return getattr(self.calculator, "corrections", None)

    def entries(self, atoms: Atoms) -> dict[str, Any]:
        """Return what a result has besides the properties, by the code.

        Parameters
        ----------
        atoms
            Structure of the result.
        """
        entries = getattr(self.calculator, "entries", None)
        return entries(atoms) if entries else {}

    def close(self) -> None:
        """End the program that the code has running, if it has one."""
        with closed_after(self.calculator):
            pass

    def calculate(self, atoms: Atoms, properties: list[str], system_changes: list[str]) -> None:
        """Compute a structure. ASE calls this method of its calculators.

        Parameters
        ----------
        atoms
            Structure to compute, which is copied.
        properties
            Names of the properties to compute, as ASE calls them.
        system_changes
            Names of the quantities that differ from the previous structure.
        """
        self.atoms = atoms.copy()
        self.dispersion.calculate(atoms, ["energy", "forces", "stress"], system_changes)
        if system_changes:
            self.calculator.results.clear()  # they belong to the previous structure
        self.calculator.calculate(atoms, properties, system_changes)
        self.parameters |= _described(self.calculator)  # which a correction may have changed
        self.results = {
            name: _plus(value, self.dispersion.results[name]) if name in _CORRECTED else value
            for name, value in self.calculator.results.items()
            if name not in _SHARES_OF_ATOMS
        }


_CORRECTED = ("energy", "free_energy", "forces", "stress")
_SHARES_OF_ATOMS = ("energies", "stresses")  # the packages do not compute them


def _plus(value: Any, dispersion: Any) -> Any:
    full = np.shape(value) == (3, 3) and np.shape(dispersion) == (6,)  # some calculators give the stress as a matrix
    return (full_3x3_to_voigt_6_stress(value) if full else value) + dispersion


def _described(calculator: Any) -> dict[str, Any]:
    return {"name": type(calculator).__name__, **calculator.parameters}
