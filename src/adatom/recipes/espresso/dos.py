"""Densities of states with Quantum ESPRESSO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ase import Atoms

from adatom import flow, job
from adatom.calculators.espresso.previous_run import PreviousRun
from adatom.calculators.espresso.reading import read_dos, read_pdos
from adatom.recipes.common.code import unbound
from adatom.recipes.common.docs import documented_by
from adatom.recipes.espresso._files import CHARGE, SAVED, after
from adatom.schemas.results import ProgramResult

__all__ = ["dos_flow", "dos_job", "projwfc_flow", "projwfc_job"]


@job
@documented_by(after)
def dos_job(previous: PreviousRun, *, input_data: Mapping[str, Any] | None = None) -> ProgramResult:
    """Compute the density of states of an earlier run with dos.x.

    {parameters}

    Returns
    -------
    ProgramResult
        ``results`` has ``energies`` in eV, shape (E,), ``dos`` in states/eV, shape (spins, E), ``integrated_dos``,
        shape (E,), and ``fermi_energy`` in eV.
    """
    return after(
        previous, "dos.x", CHARGE, read_dos, defaults={"fildos": "dos.dat", "deltae": 0.02}, input_data=input_data
    )


@job
@documented_by(after)
def projwfc_job(previous: PreviousRun, *, input_data: Mapping[str, Any] | None = None) -> ProgramResult:
    """Compute the density of states of an earlier run, projected on atomic wave functions, with projwfc.x.

    {parameters}

    Returns
    -------
    ProgramResult
        ``results`` has ``energies`` in eV, shape (E,), ``dos`` and its ``projected`` part in states/eV, shape (spins,
        E), and ``projections``: for each atomic wave function ``atom`` and ``shell`` (from 0), ``symbol``, ``l`` (a
        letter), ``ldos``, shape (spins, E), and ``pdos`` by m, shape (2l + 1, spins, E). It also has the Löwdin
        ``charges`` of atoms in electrons, shape (N,), and the ``spilling``.
    """
    return after(
        previous, "projwfc.x", SAVED, read_pdos, defaults={"filpdos": "pwscf", "deltae": 0.02}, input_data=input_data
    )


@flow
def dos_flow(
    atoms: Atoms,
    *,
    static_job: Callable[..., Any] = unbound,
    non_scf_job: Callable[..., Any] = unbound,
    dos_job: Callable[..., Any] = unbound,
) -> dict[str, Any]:
    """Compute the density of states: an SCF, bands on a denser grid of k points, and dos.x.

    Parameters
    ----------
    atoms
        Crystal that is computed as it is.
    static_job
        Job that computes the potential.
    non_scf_job
        Job that computes the bands.
    dos_job
        Job that computes the density of states from the bands.

    Returns
    -------
    dict
        Results by job: ``"static"``, ``"non_scf"`` and ``"dos"``.
    """
    static = static_job(atoms)
    non_scf = non_scf_job(static)
    return {"static": static, "non_scf": non_scf, "dos": dos_job(non_scf)}


@flow
@documented_by(dos_flow)
def projwfc_flow(
    atoms: Atoms,
    *,
    static_job: Callable[..., Any] = unbound,
    non_scf_job: Callable[..., Any] = unbound,
    projwfc_job: Callable[..., Any] = unbound,
) -> dict[str, Any]:
    """Compute the projected density of states: an SCF, bands on a denser grid of k points, and projwfc.x.

    {parameters}
    projwfc_job
        Job that computes the projected density of states from the bands.

    Returns
    -------
    dict
        Results by job: ``"static"``, ``"non_scf"`` and ``"projwfc"``.
    """
    static = static_job(atoms)
    non_scf = non_scf_job(static)
    return {"static": static, "non_scf": non_scf, "projwfc": projwfc_job(non_scf)}
