"""Quantum ESPRESSO as a code, and its jobs with pw.x and pp.x that start from an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getfullargspec
from typing import Any

from adatom import Remove, job
from adatom.calculations.program import run_on_files
from adatom.calculators.espresso.previous_run import PreviousRun, directory_of, empty_bands, settings_of, structure_of
from adatom.calculators.espresso.pw import layer, make_espresso
from adatom.calculators.espresso.reading import read_plot
from adatom.calculators.espresso.socket import CLIENT
from adatom.calculators.k_points import k_grid
from adatom.errors import InputError
from adatom.recipes.common.docs import documented_by
from adatom.recipes.common.preset_code import PresetCode
from adatom.recipes.espresso._files import CHARGE, SAVED, after
from adatom.schemas.results import ProgramResult
from adatom.utils.merge import merge

__all__ = ["espresso", "fixed_potential", "non_scf_job", "post_processing_job"]

espresso = PresetCode(
    "Quantum ESPRESSO",
    make_espresso,
    parameters=(*getfullargspec(make_espresso).kwonlyargs,),
    package="espresso",
    preset="metal",  # the small smearing does a semiconductor no harm
    layer=layer,
    derive=k_grid,
    socket=CLIENT,
)


@job
@documented_by(after, PresetCode.calculator)
def non_scf_job(previous: PreviousRun, *, calc_kwargs: Mapping[str, Any] | None = None) -> ProgramResult:
    """Compute the bands on a grid of k points, in the potential of an earlier SCF, for a density of states.

    The settings are those of the earlier run, overridden by `calc_kwargs`, with three exceptions: the grid of k points
    is twice as dense, tetrahedra replace the smearing, and there are enough bands for some to be empty.

    {parameters}

    Returns
    -------
    ProgramResult
        ``results`` has ``kpoints``, in fractions of the reciprocal cell, shape (K, 3), their ``weights``, shape (K,),
        ``eigenvalues`` in eV, shape (spins, K, bands), and ``fermi_energy`` in eV.
    """
    own = dict(calc_kwargs or {})
    if not {"kpts", "kspacing"} & set(own):
        own |= denser(previous)
    return fixed_potential(previous, "nscf", own, _TETRAHEDRA)


@job
@documented_by(after)
def post_processing_job(previous: PreviousRun, *, input_data: Mapping[str, Any] | None = None) -> ProgramResult:
    """Write a quantity on a grid with pp.x: the charge density to a cube file, unless `input_data` selects another.

    {parameters}

    Returns
    -------
    ProgramResult
        ``results["files"]``: names of the files in ``dir_name``, of which `ase.io.read` reads ``pp.cube``.
    """
    return after(previous, "pp.x", SAVED, read_plot, defaults=_CUBE, input_data=input_data)


_TETRAHEDRA = {"system": {"occupations": "tetrahedra", "smearing": Remove, "degauss": Remove}}
_CUBE = {
    "inputpp": {"plot_num": 0, "filplot": "pp.dat"},
    "plot": {"iflag": 3, "output_format": 6, "fileout": "pp.cube"},
}


def fixed_potential(
    previous: PreviousRun, calculation: str, calc_kwargs: Mapping[str, Any], defaults: Mapping[str, Any]
) -> ProgramResult:
    """Run pw.x in the potential of an earlier SCF.

    Parameters
    ----------
    previous
        Result or directory of the earlier run.
    calculation
        Calculation of pw.x: ``"nscf"`` or ``"bands"``.
    calc_kwargs
        Arguments of `make_espresso` that differ from the earlier run.
    defaults
        Keywords of pw.x that the job sets, which `calc_kwargs` overrides.
    """
    atoms, settings = structure_of(previous), settings_of(previous)
    espresso.check_parameters(calc_kwargs)
    system = {"nbnd": empty_bands(previous, settings["input_data"]["system"].get("noncolin", False))}
    layers = [settings, {"input_data": {"system": system}}, {"input_data": defaults}, layer(calc_kwargs)]
    made = make_espresso(atoms, calculation, **merge(*layers))
    return run_on_files(atoms, made, name=calculation, copy_files=[(directory_of(previous), CHARGE)])


def denser(previous: PreviousRun) -> dict[str, Any]:
    """Return the arguments of a grid of k points that is twice as dense as the grid of an earlier run.

    Parameters
    ----------
    previous
        Result or directory of the earlier run.

    Raises
    ------
    InputError
        The k points of the earlier run are no grid.
    """
    settings = settings_of(previous)
    if settings.get("kspacing"):
        return {"kspacing": settings["kspacing"] / 2}
    kpts = settings.get("kpts")
    if isinstance(kpts, list | tuple) and len(kpts) == 3 and all(isinstance(k, int) for k in kpts):
        return {"kpts": [2 * k for k in kpts]}
    raise InputError(
        f"What k points? Those of the earlier run, {kpts!r}, are no grid. Give calc_kwargs={{'kpts': ...}}."
    )
