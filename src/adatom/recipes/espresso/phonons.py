"""Phonons with Quantum ESPRESSO: density-functional perturbation theory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom import flow, job, subflow
from adatom.calculations.copy_files import CopyFiles
from adatom.calculators.espresso.previous_run import PreviousRun
from adatom.calculators.espresso.reading import read_force_constants, read_matdyn, read_phonons
from adatom.calculators.espresso.running import DONE
from adatom.errors import InputError
from adatom.recipes.common.code import effective, unbound
from adatom.recipes.common.docs import documented_by
from adatom.recipes.espresso._files import SAVED, after
from adatom.schemas.results import ProgramResult

__all__ = ["grid_phonon_flow", "matdyn_job", "phonon_dos_flow", "phonon_job", "q2r_job"]

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
    """Phonons of an earlier SCF, at one q point or on a grid, by ph.x.

    {parameters}
    qpoint
        The q point, Cartesian, in 2π/alat.
    grid
        How many q points along each reciprocal vector, instead of one.
    piece
        Which q point and which irreducible representation to compute, counted from 1, instead of all; ``(0, 0)``: only
        find out how many there are.
    recover
        Whether to go on from what `copy_files` brings of ``_ph0``.

    Returns
    -------
    ProgramResult
        ``results`` has ``qpoints``, Cartesian, in 2π/alat, shape (Q, 3), and ``frequencies`` in cm⁻¹, shape (Q, 3N),
        imaginary ones negative, of those q points of which no two are equal by symmetry; and ``irreps``: how many
        irreducible representations each has.
    """
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
        done="" if piece == (0, 0) else DONE,  # where nothing is computed, ph.x leaves without a word
        copy_files=copy_files,
    )


@job
@documented_by(after)
def q2r_job(previous: PreviousRun, *, input_data: Mapping[str, Any] | None = None) -> ProgramResult:
    """Force constants of phonons on a grid, by q2r.x.

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
    """Phonons anywhere, from force constants, by matdyn.x.

    {parameters}
    grid
        How many q points along each reciprocal vector the density of states is made of.
    qpoints
        Instead of it: q points, Cartesian, in 2π/alat, shape (Q, 3).

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
    """The phonon density of states: an SCF, phonons on a grid, force constants, and matdyn.x.

    Parameters
    ----------
    atoms
        The crystal, relaxed.
    grid
        How many q points along each reciprocal vector; None: what `job_params` says for `phonon_job`, else (2, 2, 2).
    static_job
        Computes the SCF.
    phonon_job
        Computes the phonons.
    q2r_job
        Makes force constants of them.
    matdyn_job
        Makes the density of states of these.

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
    """Phonons on a grid, each q point and irreducible representation in a job of its own.

    Parameters
    ----------
    atoms
        The crystal, relaxed.
    grid
        How many q points along each reciprocal vector; None: what `job_params` says for `phonon_job`, else (2, 2, 2).
    static_job
        Computes the SCF.
    phonon_job
        Prepares, computes a piece, and puts the pieces together.

    Returns
    -------
    dict
        ``"static"``, ``"pieces"``, a list for each q point of results for each representation, and ``"phonon"``: all,
        as `phonon_job` would give it in one run.
    """
    static = static_job(atoms)
    grid = effective(phonon_job, "grid", grid, (2, 2, 2))
    prepared = phonon_job(static, grid=grid, piece=(0, 0))
    pieces = phonon_pieces(static, prepared, grid, phonon_job)
    phonon = recovered_phonons(static, prepared, pieces, grid, phonon_job)
    return {"static": static, "pieces": pieces, "phonon": phonon}


# Subflows: how many pieces there are is known only once they are prepared.


@subflow
def phonon_pieces(static: Any, prepared: Any, grid: Sequence[int], phonon_job: Any) -> list[list[Any]]:
    """The phonons of each q point and representation."""
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
    """The phonons of all q points, from what their pieces left."""
    files = [
        (piece, [f"{_PHSAVE}/dynmat.{qpoint}.{one}.xml" for one in ([0, 1] if irrep == 1 else [irrep])])
        for qpoint, irreps in enumerate(pieces, 1)
        for irrep, piece in enumerate(irreps, 1)
    ]
    return phonon_job(static, grid=grid, recover=True, copy_files=[(prepared, _PHSAVE), *files])
