"""Thermal expansion of a crystal in the quasi-harmonic approximation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ase import Atoms
from numpy.typing import ArrayLike

from adatom import Failure, job, subflow
from adatom.analysis import qha as analysis
from adatom.analysis.eos import LEAST_POINTS, check_eos
from adatom.analysis.qha import QuasiHarmonic
from adatom.atoms.deformations import scale_volume
from adatom.atoms.displacements import find_supercell, make_undisplaced
from adatom.calculations.pressure import warn_of_unit
from adatom.errors import AnalysisError
from adatom.recipes.common.code import effective, unbound
from adatom.recipes.common.docs import documented_by
from adatom.recipes.common.eos import eos_flow
from adatom.recipes.common.phonons import check_input, check_tensors, compute_tensors, phonon_flow
from adatom.recipes.common.same_settings import with_settings_of

__all__ = ["qha_flow"]


@subflow
@documented_by(phonon_flow, eos_flow, analysis.fit_qha)
def qha_flow(
    atoms: Atoms,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    dielectric_job: Callable[..., Any] | None = None,
    run_relax: bool = True,
    relax_ions: bool = True,
    fmax: float | None = None,
    strains: Sequence[float] = (-0.04, -0.02, 0.0, 0.02, 0.04, 0.06, 0.08, 0.10),
    equation: str = "birch_murnaghan",
    pressure: float = 0.0,
    supercell_matrix: Sequence[int] | Sequence[Sequence[int]] | None = None,
    min_length: float = 20.0,
    distance: float = 0.01,
    polar: bool = False,
    born_charges: ArrayLike | None = None,
    dielectric: ArrayLike | None = None,
    symprec: float = 1e-5,
    mesh: float | Sequence[int] = 100.0,
    t_min: float = 0.0,
    t_max: float = 1000.0,
    t_step: float = 10.0,
    ignore_imaginary: bool = False,
) -> dict[str, Any]:
    """Compute the thermal expansion, Gibbs energy and bulk modulus of a crystal from its phonons at several volumes.

    Parameters
    ----------
    {parameters}
    relax_job
        Job that relaxes the crystal and, at each volume, its ions; it takes `relax_cell` and `fmax`.
    static_job
        Job that computes the forces in a supercell; without `relax_ions`, the energy at a volume; and, with `polar`,
        the crystal that `dielectric_job` starts from.
    polar
        Whether Born charges and dielectric tensor are computed at each volume, for a non-analytical correction. Where
        `born_charges` and `dielectric` are given instead, they hold at all volumes.

    Returns
    -------
    dict
        ``"relax"``, with `run_relax`: a list with the result of the relaxation. ``"points"``: a result for each strain.
        ``"polar"``, with `polar`: for each strain, a list with the results of `static_job` and `dielectric_job`.
        ``"phonons"``: the value of `phonon_flow` for each strain. ``"qha"``: a `QuasiHarmonic` document, of the points
        that did not fail and have no imaginary modes.

    Raises
    ------
    InputError
        The input is bad, which is found before anything is computed.
    MissingExtraError
        phonopy is not installed.
    FlowFailure
        A job failed, or fewer than five points are left. If five are left, the value of the error has the document.
    """
    check_eos(equation, strains)
    scale_volume(atoms, strains)
    supercell = (supercell_matrix, min_length)
    settings = check_input(
        atoms, supercell, distance=distance, symprec=symprec, mesh=mesh, t_min=t_min, t_max=t_max, t_step=t_step
    )
    warn_of_unit(pressure)
    check_tensors(atoms, dielectric_job, polar, born_charges, dielectric, symprec)
    settings |= {"born_charges": born_charges, "dielectric": dielectric, "ignore_imaginary": ignore_imaginary}
    fmax = effective(relax_job, "fmax", fmax, 1e-3)
    relaxed = relax_job(atoms, relax_cell=True, fmax=fmax) if run_relax else None
    computed = compute_volumes(
        relaxed["atoms"] if relaxed is not None else atoms,
        relax_job if relax_ions else static_job,
        {"fmax": fmax} if relax_ions else {},
        list(strains),
        supercell,
        static_job,
        dielectric_job if polar else None,
        settings,
        {"equation": equation, "pressure": pressure},
    )
    kinds = ("points", *(["polar"] if polar else []), "phonons", "qha")
    return ({"relax": [relaxed]} if run_relax else {}) | {kind: computed[kind] for kind in kinds}


# This is a subflow, since the volumes are those of the relaxed crystal.
@subflow
def compute_volumes(
    atoms: Atoms,
    energy_job: Any,
    energy_kwargs: dict[str, Any],
    strains: list[float],
    supercell: Any,
    static_job: Any,
    dielectric_job: Any,
    settings: dict[str, Any],
    options: dict[str, Any],
) -> dict[str, Any]:
    """Compute a crystal and its phonons at several volumes."""
    matrix = find_supercell(atoms, *supercell).tolist()  # the same at all volumes
    energy_job = with_settings_of(energy_job, atoms)
    points = [energy_job(structure, **energy_kwargs) for structure in scale_volume(atoms, strains)]
    unit_job = with_settings_of(static_job, atoms)
    polar: list[tuple[list[Any], dict[str, Any]]] = [
        compute_tensors(point["atoms"], unit_job, dielectric_job) if dielectric_job else ([], {}) for point in points
    ]
    settings = {
        **settings,
        "run_relax": False,
        "supercell_matrix": matrix,
        "static_job": with_settings_of(static_job, make_undisplaced(atoms, matrix, settings["symprec"])),
    }
    phonons = [
        phonon_flow(point["atoms"], **{**settings, **tensors})
        for point, (_, tensors) in zip(points, polar, strict=True)
    ]
    documents = [each["phonons"] for each in phonons]
    return {
        "points": points,
        "polar": [runs for runs, _ in polar],
        "phonons": phonons,
        "qha": fit_qha(points, documents, strains, **options),
    }


@job(failed_inputs="take")
def fit_qha(points: Sequence[Any], phonons: Sequence[Any], strains: Sequence[float], **options: Any) -> QuasiHarmonic:
    """Fit the quasi-harmonic approximation to the volumes that did not fail and have no imaginary modes."""
    names = [f"{strain:+g}" for strain in strains]
    reasons = dict(zip(names, map(_missing, points, phonons), strict=True))
    failed = {name: why for name, why in reasons.items() if why}
    there = [(run, found) for name, run, found in zip(names, points, phonons, strict=True) if name not in failed]
    if len(there) < LEAST_POINTS:
        raise AnalysisError(
            f"{len(failed)} of {len(points)} volumes cannot be used, and {LEAST_POINTS} are needed: {failed}."
        )
    fit = analysis.fit_qha(
        [found["primitive"].get_volume() for _, found in there],
        [run["results"]["energy"] * len(found["primitive"]) / len(run["atoms"]) for run, found in there],
        [found["thermal_properties"] for _, found in there],
        **options,
    )
    return {**fit, "failed": failed | fit["failed"]}


def _missing(run: Any, phonons: Any) -> str | None:
    for found in (run, phonons):
        if isinstance(found, Failure):
            return found.in_short
    if phonons["thermal_properties"] is None:
        return f"{phonons['imaginary_modes']} modes are imaginary, the lowest at {phonons['lowest_frequency']:.2f} THz"
    return None
