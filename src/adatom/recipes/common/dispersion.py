"""Dispersion beside any code: DFT-D3 and DFT-D4, of the packages dftd3 and dftd4."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.data import chemical_symbols
from ase.stress import full_3x3_to_voigt_6_stress

from adatom.calculations.checks import check_elements
from adatom.errors import InputError, MissingExtraError, UnknownNameError

__all__ = ["WithDispersion", "make_dispersion"]

MODELS = ("d3", "d4", "d4s")

# The damping functions of D3: dftd3's class, and what its table of functionals calls it.
DAMPINGS = {
    "d3bj": ("RationalDampingParam", "bj"),
    "d3bjm": ("ModifiedRationalDampingParam", "bjm"),
    "d3cso": ("CSODampingParam", "cso"),
    "d3op": ("OptimizedPowerDampingParam", "op"),
    "d3zero": ("ZeroDampingParam", "zero"),
    "d3zerom": ("ModifiedZeroDampingParam", "zerom"),
}

CUTOFFS = ("disp2", "disp3", "cn", "width2", "width3")

_ELEMENTS = chemical_symbols[1:104]  # for some that are heavier dftd3 ends the process


def make_dispersion(
    atoms: Atoms,
    *,
    model: str | None = None,
    method: str | None = None,
    damping: str | None = None,
    realspace_cutoff: Mapping[str, float] | None = None,
) -> Any:
    """The calculator that dftd3 or dftd4 has for ASE.

    Parameters
    ----------
    atoms
        The structure. D4 takes the sum of its initial charges as its charge.
    model
        ``"d3"``, Grimme et al., J. Chem. Phys. 132, 154104 (2010), without the three-body term; ``"d4"``, Caldeweyher
        et al., J. Chem. Phys. 150, 154122 (2019), with it; or ``"d4s"``, which is smoother.
    method
        The functional that the parameters are for, such as ``"PBE"``: nothing tells it from the code.
    damping
        Of D3, which has several: one of `DAMPINGS`, most often ``"d3bj"``.
    realspace_cutoff
        In Å, as the packages call them: ``disp2`` of pairs, ``disp3`` of triples, ``cn`` of coordination numbers, and
        ``width2`` and ``width3``, over which the first two go to zero. These are 0 by default, so that the energy of a
        crystal jumps where an atom comes into reach.

    Raises
    ------
    MissingExtraError
        The package is not installed.
    InputError
        A name that is unknown, a functional without parameters, or a structure that the package cannot compute.
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
        # The packages list some that they do not load.
        raise UnknownNameError(f"functional of {what}", method, filter(is_known, listed))


class WithDispersion(BaseCalculator):
    """A calculator and its dispersion, as one.

    ASE's ``SumCalculator`` would do but for codes that are programs: it runs them once for each property, and in the
    working directory. It leaves out what only the code computes, too.

    Parameters
    ----------
    calculator
        A calculator that nothing else uses.
    dispersion
        What `make_dispersion` gave.
    """

    def __init__(self, calculator: Any, dispersion: Any) -> None:
        super().__init__({**_described(calculator), "dispersion": _described(dispersion)})  # type: ignore[no-untyped-call]
        self.calculator, self.dispersion = calculator, dispersion
        self.implemented_properties = [
            name for name in calculator.implemented_properties if name not in _SHARES_OF_ATOMS
        ]

    @property
    def directory(self) -> str:
        """Where the code runs."""
        return str(self.calculator.directory)

    @directory.setter
    def directory(self, directory: str) -> None:
        self.calculator.directory = directory

    def calculate(self, atoms: Atoms, properties: list[str], system_changes: list[str]) -> None:
        """Compute a structure, as ASE asks its calculators to.

        Parameters
        ----------
        atoms
            The structure.
        properties
            What to compute, under ASE's names.
        system_changes
            What differs from the structure before.
        """
        self.atoms = atoms.copy()
        self.dispersion.calculate(atoms, ["energy", "forces", "stress"], system_changes)
        if system_changes:
            self.calculator.results.clear()  # of the structure before
        self.calculator.calculate(atoms, properties, system_changes)
        self.results = {
            name: _plus(value, self.dispersion.results[name]) if name in _CORRECTED else value
            for name, value in self.calculator.results.items()
            if name not in _SHARES_OF_ATOMS
        }


_CORRECTED = ("energy", "free_energy", "forces", "stress")
_SHARES_OF_ATOMS = ("energies", "stresses")  # which the packages do not say


def _plus(value: Any, dispersion: Any) -> Any:
    full = np.shape(value) == (3, 3) and np.shape(dispersion) == (6,)  # the stress of some calculators
    return (full_3x3_to_voigt_6_stress(value) if full else value) + dispersion


def _described(calculator: Any) -> dict[str, Any]:
    return {"name": type(calculator).__name__, **calculator.parameters}
