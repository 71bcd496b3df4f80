"""Bands and optics with VASP, in the density of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from adatom import job
from adatom.analysis.band_path import path_axis
from adatom.calculations.program import run_on_files
from adatom.calculators.vasp.bands import FixedDensity, denser, fermi_energy, more_bands, settings_of
from adatom.calculators.vasp.structure import right_handed
from adatom.errors import InputError
from adatom.recipes.common.docs import documented_by
from adatom.recipes.common.preset_code import PresetCode
from adatom.recipes.vasp._code import vasp
from adatom.schemas.results import ProgramResult

__all__ = ["non_scf_job"]

_FIXED = {"icharg": 11, "nsw": 0, "lorbit": 11, "lwave": False, "lcharg": False}
_ON: dict[str, dict[str, Any]] = {
    "uniform": {"ismear": -5, "nedos": 2001},
    "line": {"ismear": 0, "sigma": 0.05},  # there are no tetrahedra on a line
}
_OPTICS = {"loptics": True, "lreal": False}  # the matrix elements are of reciprocal space


@job
@documented_by(PresetCode.calculator)
def non_scf_job(
    previous: Mapping[str, Any],
    *,
    mode: Literal["uniform", "line"] = "uniform",
    optics: bool = False,
    path: str | None = None,
    npoints: int = 100,
    calc_kwargs: Mapping[str, Any] | None = None,
) -> ProgramResult:
    """Compute the bands on a grid of k points or along a path, in the density of an earlier run.

    The settings are those of the earlier run, overridden by `calc_kwargs`, but for these: the grid of k points is twice
    as dense and around Γ, with tetrahedra, or there is a path of k points; and there are a fifth more bands, with
    `optics` twice as many.

    {parameters}
    previous
        Result of the earlier run, whose directory has CHGCAR: run it with ``calc_kwargs={"lcharg": True}``.
    mode
        Where the k points are: ``"uniform"``, on a grid, or ``"line"``, on a path.
    optics
        Whether the dielectric function is computed too, on the grid, without local fields (``LOPTICS``).
    path
        Special points by ASE's names, such as ``"GXWKGL,UX"``, for ``"line"``. None: the usual path of the cell's
        Bravais lattice, by Setyawan and Curtarolo, Comput. Mater. Sci. 49, 299 (2010).
    npoints
        Number of k points on the path.

    Raises
    ------
    InputError
        The earlier run has no CHGCAR, a functional that the density does not determine, or k points that are no grid.

    Returns
    -------
    ProgramResult
        ``results`` has ``kpoints``, in fractions of the reciprocal cell, shape (K, 3), their ``weights``, shape (K,),
        ``eigenvalues`` in eV, shape (spins, K, bands), and ``fermi_energy`` in eV: on a grid as VASP has it for these
        points, on a path that of the earlier run. On a path there are ``path``, the ``distances`` along it in 1/Å with
        the factor 2π, shape (K,), and ``labels``: pairs of a distance and the special point there. With `optics`,
        ``dielectric_function`` has ``energies`` in eV, shape (E,), and the tensors ``real`` and ``imaginary``, shape
        (E, 3, 3).
    """
    if mode not in _ON:
        raise InputError(f"mode is {mode!r}. Give 'uniform' or 'line'.")
    if optics and mode == "line":
        raise InputError("optics needs a grid of k points. Give mode='uniform'.")
    own = dict(vasp.layer(calc_kwargs or {}))
    vasp.check_parameters(own)
    settings, atoms, directory = settings_of(previous), previous["atoms"].copy(), Path(previous["dir_name"])
    started = previous.get("input_atoms", atoms)  # by whose moments the earlier run found its symmetry
    atoms.set_initial_magnetic_moments(
        started.get_initial_magnetic_moments() if started.has("initial_magmoms") else None
    )
    along: dict[str, Any] = {}
    if mode == "line":
        band_path = right_handed(atoms).cell.bandpath(path, npoints=npoints, pbc=atoms.pbc)
        points: dict[str, Any] = {"kpts": band_path.kpts.tolist(), "reciprocal": True}
        distances, places, names = path_axis(band_path)
        labels = [(float(place), name) for place, name in zip(places, names, strict=True)]
        along = {"path": band_path.path, "distances": distances, "labels": labels}
        along["fermi_energy"] = fermi_energy(directory)
    else:
        points = {} if {"kpts", "kspacing"} & set(own) else denser(previous)
    bands = more_bands(directory, 2 if optics else 1.2)
    # The earlier run has had its advice.
    layers = {
        "incar_advice": "off",
        **settings,
        **_FIXED,
        **_ON[mode],
        **(_OPTICS if optics else {}),
        "nbands": bands,
        **points,
        **own,
    }
    result = run_on_files(
        atoms,
        FixedDensity(vasp.make(atoms, **layers, explicit=tuple(own))),
        name="non_scf",
        copy_files=_density_of(directory, settings),
        linked=("CHGCAR", "TAUCAR"),
    )
    return {**result, "results": {**result["results"], **along}}


def _density_of(directory: Path, settings: Mapping[str, Any]) -> list[Any]:
    """Return the files to start from, and say what makes those that are not there."""
    names = ["CHGCAR", "TAUCAR"] if settings.get("metagga") else ["CHGCAR"]
    for name in names:
        if not any((directory / file).exists() for file in (name, f"{name}.gz")):
            more = ", and VASP 6.6 or later, which writes the kinetic energy density" if name == "TAUCAR" else ""
            raise InputError(
                f"The earlier run has no {name} in {directory}. Run it with calc_kwargs={{'lcharg': True}}{more}."
            )
    return [(str(directory), names)]
