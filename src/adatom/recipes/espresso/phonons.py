"""Phonons with Quantum ESPRESSO: density-functional perturbation theory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom import flow, job, subflow
from adatom.calculations.copy_files import CopyFiles
from adatom.calculators.espresso.previous_run import PreviousRun
from adatom.calculators.espresso.reading_phonons import read_dielectric, read_force_constants, read_matdyn, read_phonons
from adatom.calculators.espresso.running import DONE
from adatom.errors import InputError
from adatom.recipes.common.code import effective, unbound
from adatom.recipes.common.docs import documented_by
from adatom.recipes.espresso._files import SAVED, after
from adatom.schemas.results import ProgramResult

__all__ = ["dielectric_job", "grid_phonon_flow", "matdyn_job", "phonon_dos_flow", "phonon_job", "q2r_job"]

_PHSAVE = "_ph0/pwscf.phsave"


@job
@documented_by(after)
def phonon_job(
    previous: PreviousRun,
    *,
    qpoint: Sequence[float] = (0, 0, 0),
    grid: Sequence[int] | None = None,
    piece: tuple[int, int] | None = None,
    recover: bool = False,
    input_data: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
) -> ProgramResult:
    """Compute the phonons of an earlier SCF, at one q point or on a grid, with ph.x.

    {parameters}
    qpoint
        Cartesian q point in 2π/alat.
    grid
        Number of q points along each reciprocal vector. None: the phonons at `qpoint` only.
    piece
        Numbers of the q point and of the irreducible representation to compute, from 1. None: all of them are computed.
        ``(0, 0)``: none is computed, and the result says how many there are.
    recover
        Whether the run continues from the files in ``_ph0`` that `copy_files` brings.

    Returns
    -------
    ProgramResult
        ``results`` has ``qpoints``, Cartesian, in 2π/alat, shape (Q, 3), and ``frequencies`` in cm⁻¹, shape (Q, 3N),
        imaginary ones negative. No two of the q points are equal by symmetry. ``irreps`` is the number of irreducible
        representations of each q point. With Γ on a grid, or ``epsil`` among `input_data`, there are ``born_charges``
        and ``dielectric`` of an insulator, as of `dielectric_job`.
    """
    _check_masses(previous)
    defaults: dict[str, Any] = {"fildyn": "dyn", "tr2_ph": 1e-14}
    if grid is not None:
        if len(grid) != 3:
            raise InputError(f"grid is {grid!r}. Give three numbers of q points.")
        defaults |= {"ldisp": True, **{f"nq{i}": int(n) for i, n in enumerate(grid, 1)}}
    if recover:
        defaults["recover"] = True
    if piece is not None:
        which, irrep = piece
        defaults |= {"start_irr": irrep, "last_irr": irrep}
        if which:
            defaults |= {"start_q": which, "last_q": which}
    return after(
        previous,
        "ph.x",
        SAVED,
        read_phonons,
        defaults=defaults,
        input_data=input_data,
        cards="{} {} {}".format(*map(float, qpoint)) if grid is None else "",
        done="" if piece == (0, 0) else DONE,  # ph.x prints no last line if it computes nothing
        copy_files=copy_files,
    )


@job
@documented_by(after)
def dielectric_job(previous: PreviousRun, *, input_data: Mapping[str, Any] | None = None) -> ProgramResult:
    """Compute the Born charges and the dielectric tensor of an insulator from an earlier SCF, with ph.x.

    {parameters}

    Returns
    -------
    ProgramResult
        ``results`` has ``born_charges``, the Born effective charges in e, shape (N, 3, 3), with the electric field as
        first index and the force as second, and ``dielectric``, the electronic dielectric tensor, shape (3, 3), both
        Cartesian: what `phonon_flow` takes.
    """
    defaults = {"epsil": True, "trans": False, "tr2_ph": 1e-14}
    return after(
        previous, "ph.x", SAVED, read_dielectric, defaults=defaults, input_data=input_data, cards="0.0 0.0 0.0"
    )


@job
@documented_by(after)
def q2r_job(previous: PreviousRun, *, input_data: Mapping[str, Any] | None = None) -> ProgramResult:
    """Compute the force constants from phonons on a grid, with q2r.x.

    {parameters}

    Returns
    -------
    ProgramResult
        ``results["force_constants"]`` in eV/Å², shape (N, N, 3, 3, n1, n2, n3).
    """
    defaults = {"fildyn": "dyn", "flfrc": "q2r.fc", "zasr": "crystal"}
    return after(previous, "q2r.x", "dyn*", read_force_constants, defaults=defaults, input_data=input_data)


@job
@documented_by(after)
def matdyn_job(
    previous: PreviousRun,
    *,
    grid: Sequence[int] | None = (20, 20, 20),
    qpoints: Sequence[Sequence[float]] | None = None,
    input_data: Mapping[str, Any] | None = None,
) -> ProgramResult:
    """Compute the phonons at any q points from force constants, with matdyn.x.

    {parameters}
    grid
        Number of q points along each reciprocal vector, for the density of states. None: `qpoints` are given.
    qpoints
        Cartesian q points in 2π/alat, shape (Q, 3), which replace the grid. None: the grid is computed.

    Returns
    -------
    ProgramResult
        ``results`` has ``qpoints``, Cartesian, in 2π/alat, shape (Q, 3), and ``frequencies`` in cm⁻¹, shape (Q, 3N),
        imaginary ones negative; on a grid also ``dos_frequencies`` in cm⁻¹, shape (F,), and ``dos`` in states per cm⁻¹,
        shape (F,), 3N in all.
    """
    defaults: dict[str, Any] = {"flfrc": "q2r.fc", "asr": "crystal", "flfrq": "matdyn.freq"}
    cards = ""
    if qpoints is not None:
        lines = ["{} {} {}".format(*map(float, point)) for point in qpoints]
        cards = "\n".join([str(len(lines)), *lines])
    elif grid is not None:
        defaults |= {"dos": True, "fldos": "matdyn.dos", **{f"nk{i}": int(n) for i, n in enumerate(grid, 1)}}
    else:
        raise InputError("matdyn.x has no q points. Give grid or qpoints.")
    return after(previous, "matdyn.x", "q2r.fc", read_matdyn, defaults=defaults, input_data=input_data, cards=cards)


@flow
def phonon_dos_flow(
    atoms: Atoms,
    *,
    grid: Sequence[int] | None = None,
    static_job: Callable[..., Any] = unbound,
    phonon_job: Callable[..., Any] = unbound,
    q2r_job: Callable[..., Any] = unbound,
    matdyn_job: Callable[..., Any] = unbound,
) -> dict[str, Any]:
    """Compute the phonon density of states: an SCF, phonons on a grid, force constants, and matdyn.x.

    Parameters
    ----------
    atoms
        Relaxed crystal, which is computed as it is.
    grid
        Number of q points along each reciprocal vector. None: the default of `phonon_job` as set by `job_params`, else
        (2, 2, 2).
    static_job
        Job that computes the SCF.
    phonon_job
        Job that computes the phonons.
    q2r_job
        Job that computes force constants from the phonons.
    matdyn_job
        Job that computes the density of states from the force constants.

    Returns
    -------
    dict
        Results by job: ``"static"``, ``"phonon"``, ``"q2r"`` and ``"matdyn"``.
    """
    static = static_job(atoms)
    phonon = phonon_job(static, grid=effective(phonon_job, "grid", grid, (2, 2, 2)))
    q2r = q2r_job(phonon)
    return {"static": static, "phonon": phonon, "q2r": q2r, "matdyn": matdyn_job(q2r)}


@flow
def grid_phonon_flow(
    atoms: Atoms,
    *,
    grid: Sequence[int] | None = None,
    static_job: Callable[..., Any] = unbound,
    phonon_job: Callable[..., Any] = unbound,
) -> dict[str, Any]:
    """Compute the phonons on a grid, each q point and irreducible representation in a job of its own.

    Parameters
    ----------
    atoms
        Relaxed crystal, which is computed as it is.
    grid
        Number of q points along each reciprocal vector. None: the default of `phonon_job` as set by `job_params`, else
        (2, 2, 2).
    static_job
        Job that computes the SCF.
    phonon_job
        Job that prepares the phonons, computes a piece, and puts the pieces together.

    Returns
    -------
    dict
        ``"static"``: the result of the SCF. ``"pieces"``: for each q point, a list with a result for each
        representation. ``"phonon"``: the result with all phonons, the same as of `phonon_job` in one run.
    """
    static = static_job(atoms)
    grid = effective(phonon_job, "grid", grid, (2, 2, 2))
    prepared = phonon_job(static, grid=grid, piece=(0, 0))
    pieces = phonon_pieces(static, prepared, grid, phonon_job)
    phonon = recovered_phonons(static, prepared, pieces, grid, phonon_job)
    return {"static": static, "pieces": pieces, "phonon": phonon}


# These are subflows, since the number of pieces is known only once the phonons are prepared.


@subflow
def phonon_pieces(static: Any, prepared: Any, grid: Sequence[int], phonon_job: Any) -> list[list[Any]]:
    """Compute the phonons of each q point and representation."""
    start = (prepared, _PHSAVE)
    return [
        [
            phonon_job(static, grid=grid, piece=(qpoint, irrep), recover=True, copy_files=start)
            for irrep in range(1, irreps + 1)
        ]
        for qpoint, irreps in enumerate(prepared["results"]["irreps"], 1)
    ]


@subflow
def recovered_phonons(static: Any, prepared: Any, pieces: list[list[Any]], grid: Sequence[int], phonon_job: Any) -> Any:
    """Put together the phonons of all q points from the files of their pieces."""
    files = [
        (piece, [f"{_PHSAVE}/dynmat.{qpoint}.{one}.xml" for one in ([0, 1] if irrep == 1 else [irrep])])
        for qpoint, irreps in enumerate(pieces, 1)
        for irrep, piece in enumerate(irreps, 1)
    ]
    return phonon_job(static, grid=grid, recover=True, copy_files=[(prepared, _PHSAVE), *files])


def _check_masses(previous: PreviousRun) -> None:
    """Refuse isotopes that the input of pw.x, and with it ph.x, does not tell apart."""
    if not isinstance(previous, Mapping) or not isinstance(atoms := previous.get("atoms"), Atoms):
        return
    species: dict[tuple[str, float], float] = {}
    for symbol, moment, mass in zip(
        atoms.symbols, atoms.get_initial_magnetic_moments(), atoms.get_masses(), strict=True
    ):
        known = species.setdefault((symbol, float(moment)), mass)
        if abs(known - mass) > 1e-3:
            raise InputError(
                f"Atoms of {symbol} have masses of {known:g} and {mass:g} u, and the input of pw.x has one mass for "
                "all atoms of one element and initial magnetic moment. Give them one mass, or take phonon_flow, which "
                "knows the mass of each atom."
            )
