"""GPAW: density-functional theory with the projector augmented-wave method, in a process of the Python that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from adatom.calculations.checks import check_crystal
from adatom.calculators.interpreters import InterpreterCalculator
from adatom.calculators.k_points import k_grid, numbers_or_spacing
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


def make_gpaw(
    *, mode: Any = None, xc: Any = "PBE", kpts: Any = None, kspacing: float | None = None, **calc_kwargs: Any
) -> Any:
    """Return the calculator.

    Parameters
    ----------
    mode
        GPAW's mode, as a name or a dictionary. None: plane waves up to 400 eV.
    xc
        Functional, by GPAW's name, or a dictionary.
    kpts, kspacing
        Numbers of k points, with Γ among them, or their spacing, as for all codes; or k points as GPAW takes them, as a
        dictionary or a list of points.
    **calc_kwargs
        Further arguments of GPAW, of numbers, text, lists and dictionaries. Initial charges of the atoms count where
        there is no ``charge``.
    """
    mode = mode or {"name": "pw", "ecut": 400}
    without = (mode["name"] if isinstance(mode, Mapping) else mode) in _WITHOUT_STRESS

    def arguments(atoms: Atoms) -> dict[str, Any]:
        found = {"mode": mode, "xc": xc, "txt": "gpaw.txt", "kpts": kpts, **calc_kwargs}
        if not _are_gpaws(kpts):
            found["kpts"] = {"size": numbers_or_spacing(atoms, {"kpts": kpts, "kspacing": kspacing}), "gamma": True}
        charge = float(atoms.get_initial_charges().sum())
        return found if "charge" in found or not charge else {**found, "charge": charge}

    made = InterpreterCalculator(
        "gpaw",
        "gpaw:GPAW",
        [name for name in _PROPERTIES if not (without and name == "stress")],
        arguments,
        more=["gpaw.txt"],
        advice="Raise maxiter, give a mixer, or occupations={'name': 'fermi-dirac', 'width': 0.1}.",
        anew="Broken symmetry!",  # GPAW holds the symmetry of the first structure
    )
    made.parameters.update(mode=mode, xc=xc, kpts=kpts, kspacing=kspacing, **calc_kwargs)
    return made


def _are_gpaws(kpts: Any) -> bool:
    """Return whether k points are in a form of GPAW's own."""
    return isinstance(kpts, Mapping) or np.ndim(kpts) == 2


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a structure without a cell, moments that are vectors, and k points that are missing, or do not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_crystal(atoms, "GPAW")
    if not calc_kwargs.get("kspacing") and _are_gpaws(calc_kwargs.get("kpts")):
        return
    numbers = numbers_or_spacing(atoms, calc_kwargs)
    if any(number > 1 and not periodic for number, periodic in zip(numbers, atoms.pbc, strict=True)):
        raise InputError(
            f"kpts is {numbers}, and the structure is periodic along {atoms.pbc.tolist()}. Give 1 where it is not "
            "periodic, or set atoms.pbc = True."
        )


gpaw = Code("GPAW", make_gpaw, parameters=PARAMETERS, check=check, derive=k_grid)

static_job = gpaw.job(jobs.static_job)
relax_job = gpaw.job(jobs.relax_job)
md_job = gpaw.job(jobs.md_job)
freq_job = gpaw.job(jobs.freq_job)
neb_job = gpaw.job(jobs.neb_job)
ts_job = gpaw.job(jobs.ts_job)
irc_job = gpaw.job(jobs.irc_job)

gpaw.bind_flows()
