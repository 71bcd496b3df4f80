"""Phonons of a crystal from finite displacements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ase import Atoms
from numpy.typing import ArrayLike

from adatom import job, subflow
from adatom.analysis import phonons as analysis
from adatom.analysis.phonons import Phonons, check_phonons
from adatom.analysis.polar import check_polar
from adatom.atoms.displacements import find_supercell, make_displaced, make_undisplaced
from adatom.errors import InputError
from adatom.recipes.common.code import effective, unbound
from adatom.recipes.common.docs import documented_by
from adatom.workflow.step import Step

__all__ = ["phonon_flow"]


@subflow
@documented_by(find_supercell, make_displaced, check_polar, check_phonons, analysis.fit_phonons)
def phonon_flow(
    atoms: Atoms,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    dielectric_job: Callable[..., Any] | None = None,
    run_relax: bool = True,
    fmax: float | None = None,
    supercell_matrix: Sequence[int] | Sequence[Sequence[int]] | None = None,
    min_length: float = 20.0,
    distance: float = 0.01,
    subtract_residual: bool = False,
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
    """Compute the phonons of a crystal from the forces in supercells with one atom displaced, with phonopy.

    Parameters
    ----------
    {parameters}
    relax_job
        Job that relaxes the crystal; it takes `relax_cell` and `fmax`.
    static_job
        Job that computes the forces in a supercell and, with `polar`, the crystal that `dielectric_job` starts from.
    dielectric_job
        Job that computes, from the result of `static_job`, ``born_charges`` and ``dielectric``. None: the code has no
        such job.
    run_relax
        Whether the crystal and its cell are relaxed first.
    fmax
        Largest force in eV/Å that the relaxation leaves. None: the default of `relax_job` as set by `job_params`, else
        1e-3.
    subtract_residual
        Whether the supercell without a displacement is computed too, and its forces are subtracted from the others.
    polar
        Whether Born charges and dielectric tensor of the relaxed crystal are computed, for a non-analytical correction,
        before the supercells are. The alternative is to give `born_charges` and `dielectric`.

    Returns
    -------
    dict
        ``"relax"``, with `run_relax`: a list with the result of the relaxation. ``"static"``: a result for each
        displaced supercell. ``"residual"``, with `subtract_residual`: a list with the result of the supercell without a
        displacement. ``"polar"``, with `polar`: a list with the results of `static_job` and `dielectric_job`.
        ``"phonons"``: a `Phonons` document.

    Raises
    ------
    InputError
        The input is bad, which is found before anything is computed.
    MissingExtraError
        phonopy is not installed.
    """
    supercell = (supercell_matrix, min_length)
    settings = check_input(
        atoms, supercell, distance=distance, symprec=symprec, mesh=mesh, t_min=t_min, t_max=t_max, t_step=t_step
    )
    check_tensors(atoms, dielectric_job, polar, born_charges, dielectric, symprec)
    fmax = effective(relax_job, "fmax", fmax, 1e-3)
    relaxed = relax_job(atoms, relax_cell=True, fmax=fmax) if run_relax else None
    crystal = relaxed["atoms"] if relaxed is not None else atoms
    runs: dict[str, Any] = {"relax": [relaxed]} if run_relax else {}
    tensors: dict[str, Any] = {"born_charges": born_charges, "dielectric": dielectric}
    if polar:
        runs["polar"], tensors = compute_tensors(crystal, static_job, dielectric_job)
    settings |= {**tensors, "ignore_imaginary": ignore_imaginary}
    computed = compute_displaced(crystal, static_job, supercell, subtract_residual, settings)
    runs |= {"static": computed["static"]}
    runs |= {"residual": computed["residual"]} if subtract_residual else {}
    return {**runs, "phonons": computed["phonons"]}


def check_input(
    atoms: Atoms, supercell: tuple[Any, float], *, distance: float, symprec: float, **options: Any
) -> dict[str, Any]:
    """Check the input before the crystal is relaxed, and return all of it but the supercell.

    Parameters
    ----------
    atoms
        Crystal of the flow.
    supercell
        Arguments `supercell_matrix` and `min_length` of `adatom.atoms.displacements.find_supercell`.
    distance
        Displacement of an atom, in Å.
    symprec
        Tolerance of the symmetry search, in Å.
    **options
        Further arguments of `adatom.analysis.phonons.check_phonons`.

    Raises
    ------
    InputError
        A value is out of range or does not fit the crystal.
    """
    find_supercell(atoms, *supercell)
    make_displaced(atoms, [1, 1, 1], distance=distance, symprec=symprec)
    analysis.check_symmetry(atoms, [1, 1, 1], symprec)
    check_phonons(**options)
    return {"distance": distance, "symprec": symprec, **options}


def check_tensors(
    atoms: Atoms,
    dielectric_job: Callable[..., Any] | None,
    polar: bool,
    born_charges: ArrayLike | None,
    dielectric: ArrayLike | None,
    symprec: float,
) -> None:
    """Check what a flow is told of a polar crystal.

    Parameters
    ----------
    atoms, dielectric_job, polar, born_charges, dielectric, symprec
        Arguments of `phonon_flow`.

    Raises
    ------
    InputError
        Born charges and dielectric tensor are bad, both given and to be computed, or to be computed by a code that has
        no job for them.
    """
    given = check_polar(atoms, born_charges, dielectric, symprec)
    if polar and given is not None:
        raise InputError("polar is True, and born_charges and dielectric are given. Give the ones or the other.")
    if polar and dielectric_job is None:
        raise InputError(
            "polar is True, but this code has no dielectric_job. Give born_charges and dielectric, or a dielectric_job."
        )


def compute_tensors(atoms: Atoms, static_job: Any, dielectric_job: Any) -> tuple[list[Any], dict[str, Any]]:
    """Compute the Born charges and the dielectric tensor of a crystal.

    Parameters
    ----------
    atoms
        Crystal.
    static_job, dielectric_job
        Jobs of `phonon_flow`.

    Returns
    -------
    tuple
        List with the results of the two jobs, and the arguments `born_charges` and `dielectric` of `phonon_flow`.
    """
    static = static_job(atoms)
    found = (dielectric_job if isinstance(dielectric_job, Step) else job(dielectric_job))(static)
    return [static, found], {name: found["results"][name] for name in ("born_charges", "dielectric")}


# This is a subflow, since the number of supercells is known only once the crystal is relaxed.
@subflow
def compute_displaced(
    atoms: Atoms, static_job: Any, supercell: Any, subtract_residual: bool, settings: dict[str, Any]
) -> dict[str, Any]:
    """Compute the displaced supercells of a crystal, and fit its phonons."""
    options = dict(settings)
    distance, symprec = options.pop("distance"), options["symprec"]
    check_polar(atoms, options["born_charges"], options["dielectric"], symprec)  # also where they have been computed
    matrix = find_supercell(atoms, *supercell)
    displaced = make_displaced(atoms, matrix, distance=distance, symprec=symprec)
    analysis.check_symmetry(atoms, matrix, symprec)
    runs = {"static": [static_job(structure) for structure in displaced]}
    if subtract_residual:
        runs["residual"] = [static_job(make_undisplaced(atoms, matrix, symprec))]
    return {**runs, "phonons": fit_phonons(atoms, matrix, **runs, **options)}


@job
def fit_phonons(
    atoms: Atoms, supercell_matrix: Any, static: Sequence[Any], residual: Sequence[Any] = (), **options: Any
) -> Phonons:
    """Fit phonons to the forces in the displaced supercells."""
    return analysis.fit_phonons(
        atoms,
        supercell_matrix,
        [run["input_atoms"] for run in static],
        [run["results"]["forces"] for run in static],
        residual_forces=residual[0]["results"]["forces"] if residual else None,
        **options,
    )
