"""GPAW: density-functional theory with the projector augmented-wave method, in a process of the Python that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from adatom.calculators.interpreters import InterpreterCalculator
from adatom.calculators.k_points import numbers_of, spacing_of
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

PARAMETERS = (
    *("mode", "xc", "kpts", "kspacing", "charge", "occupations", "setups", "basis", "h", "gpts", "nbands", "spinpol"),
    *("hund", "mixer", "poissonsolver", "eigensolver", "convergence", "maxiter", "symmetry", "parallel", "random"),
    *("dtype", "background_charge", "experimental", "soc", "reuse_wfs_method", "verbose"),
)
_PROPERTIES = ("energy", "free_energy", "forces", "stress", "dipole", "magmom", "magmoms")
_WITHOUT_STRESS = ("fd", "lcao")


def make_gpaw(*, mode: Any = None, xc: Any = "PBE", kspacing: float | None = None, **calc_kwargs: Any) -> Any:
    """Return the calculator.

    Parameters
    ----------
    mode
        GPAW's mode, as a name or a dictionary. None: plane waves up to 400 eV.
    xc
        Functional, by GPAW's name, or a dictionary.
    kspacing
        Same as `spacing` in `adatom.calculators.k_points.numbers_of`, for a grid that contains Γ.
    **calc_kwargs
        Further arguments of GPAW, of numbers, text, lists and dictionaries. Initial charges of the atoms count where
        there is no ``charge``.
    """
    mode = mode or {"name": "pw", "ecut": 400}
    without = (mode["name"] if isinstance(mode, Mapping) else mode) in _WITHOUT_STRESS

    def arguments(atoms: Atoms) -> dict[str, Any]:
        found = {"mode": mode, "xc": xc, "txt": "gpaw.txt", **calc_kwargs}
        if kspacing:
            found["kpts"] = k_grid(atoms, {"kspacing": kspacing})["kpts"]
        charge = float(atoms.get_initial_charges().sum())
        return found if "charge" in found or not charge else {**found, "charge": charge}

    made = InterpreterCalculator(
        "gpaw",
        "gpaw:GPAW",
        [name for name in _PROPERTIES if not (without and name == "stress")],
        arguments,
        more=["gpaw.txt"],
        advice="Raise maxiter, give a mixer, or occupations={'name': 'fermi-dirac', 'width': 0.1}.",
    )
    made.parameters.update(mode=mode, xc=xc, kspacing=kspacing, **calc_kwargs)
    return made


def k_grid(atoms: Atoms, parameters: Mapping[str, Any], slab: Atoms | None = None) -> dict[str, Any]:
    """Return the k points that ``kspacing`` gives for a structure, in its place; nothing without a spacing.

    Parameters
    ----------
    atoms, slab
        Same as in `adatom.calculators.k_points.numbers_of`.
    parameters
        Arguments of `make_gpaw`.
    """
    if (spacing := spacing_of(parameters)) is None:
        return {}
    return {"kpts": {"size": numbers_of(atoms, spacing, slab), "gamma": True}, "kspacing": None}


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a structure without a cell, moments that are vectors, and two k grids.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    if atoms.cell.rank < 3:
        raise InputError(
            f"GPAW needs a cell of three vectors; that of {atoms.get_chemical_formula()} is "
            f"{atoms.cell.array.tolist()}. For a molecule: atoms.center(vacuum=5)."
        )
    if np.ndim(atoms.get_initial_magnetic_moments()) == 2:
        raise InputError("The initial magnetic moments are vectors, and GPAW's are collinear here. Give numbers.")
    spacing_of(calc_kwargs)


gpaw = Code("GPAW", make_gpaw, parameters=PARAMETERS, check=check, derive=k_grid)

static_job = gpaw.job(jobs.static_job)
relax_job = gpaw.job(jobs.relax_job)
md_job = gpaw.job(jobs.md_job)
freq_job = gpaw.job(jobs.freq_job)
neb_job = gpaw.job(jobs.neb_job)
ts_job = gpaw.job(jobs.ts_job)
irc_job = gpaw.job(jobs.irc_job)

gpaw.bind_flows()
