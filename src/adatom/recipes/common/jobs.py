"""Jobs of all codes, as functions whose first parameter is the code: ``Code.job`` makes jobs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.irc import Direction, run_irc
from adatom.calculations.md import run_md
from adatom.calculations.native_irc import run_native_irc
from adatom.calculations.native_relax import run_native_relax
from adatom.calculations.neb import run_neb
from adatom.calculations.optimize import run_optimize
from adatom.calculations.pressure import Pressure
from adatom.calculations.ramp import Knots
from adatom.calculations.saddle import run_saddle
from adatom.calculations.scan import run_scan
from adatom.calculations.static import run_static
from adatom.calculations.steps import PreviousRun
from adatom.recipes.common.code import Code
from adatom.recipes.common.docs import documented_by
from adatom.recipes.common.freq import freq_job
from adatom.recipes.common.widom import widom_job
from adatom.schemas.results import MDResult, PathResult, RelaxResult, ScanResult, StaticResult

__all__ = [
    "freq_job",
    "irc_job",
    "md_job",
    "native_irc_job",
    "native_relax_job",
    "native_ts_job",
    "neb_job",
    "relax_job",
    "scan_job",
    "static_job",
    "ts_job",
    "widom_job",
]


@documented_by(run_static, Code.calculator)
def static_job(
    code: Code,
    atoms: Atoms,
    *,
    properties: Sequence[str] = ("energy", "forces"),
    calc_kwargs: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
) -> StaticResult:
    """Compute the energy and forces of a structure as it is.

    {parameters}

    Returns
    -------
    StaticResult
        ``results["energy"]`` in eV, ``results["forces"]`` in eV/Å, shape (N, 3).
    """
    calculator = code.calculator(atoms, calc_kwargs)
    return run_static(atoms, calculator, properties=properties, copy_files=copy_files)


@documented_by(run_scan, Code.calculator)
def scan_job(
    code: Code,
    structures: Sequence[Atoms],
    *,
    properties: Sequence[str] = ("energy", "forces"),
    calc_kwargs: Mapping[str, Any] | None = None,
) -> ScanResult:
    """Compute the energies and forces of many structures in one job; one that fails leaves a gap.

    {parameters}

    Returns
    -------
    ScanResult
        ``points["energies"]`` in eV, shape (P,), and ``points["forces"]`` in eV/Å, of shape (N, 3) for each structure;
        ``missing`` says which structures failed, and why. ``atoms`` is the structure with the lowest energy.
    """
    return run_scan(structures, code.calculators(structures, calc_kwargs), properties=properties)


@documented_by(run_optimize, Code.calculator)
def relax_job(
    code: Code,
    atoms: Atoms,
    *,
    relax_cell: bool = False,
    pressure: Pressure = 0.0,
    fmax: float = 0.01,
    max_steps: int = 1000,
    optimizer: str | type[Any] = "BFGS",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    cell_filter: str | type[Any] = "FrechetCellFilter",
    allow_unconverged: bool = False,
    calc_kwargs: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
    resume_from: PreviousRun | None = None,
) -> RelaxResult:
    """Relax the atoms, and with `relax_cell` the cell.

    {parameters}

    Returns
    -------
    RelaxResult
        ``atoms`` is the relaxed structure, ``results["energy"]`` its energy in eV.
    """
    calculator = code.calculator(atoms, calc_kwargs)
    return run_optimize(
        atoms,
        calculator,
        relax_cell=relax_cell,
        pressure=pressure,
        fmax=fmax,
        max_steps=max_steps,
        optimizer=optimizer,
        optimizer_kwargs=optimizer_kwargs,
        cell_filter=cell_filter,
        allow_unconverged=allow_unconverged,
        copy_files=copy_files,
        resume_from=resume_from,
    )


@documented_by(run_native_relax, Code.calculator)
def native_relax_job(
    code: Code,
    atoms: Atoms,
    *,
    relax_cell: bool = False,
    pressure: float = 0.0,
    fmax: float = 0.01,
    max_steps: int = 1000,
    allow_unconverged: bool = False,
    calc_kwargs: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
) -> RelaxResult:
    """Relax the atoms, and with `relax_cell` the cell, by the code's own optimizer.

    {parameters}

    Returns
    -------
    RelaxResult
        ``atoms`` is the relaxed structure, ``results["energy"]`` its energy in eV.
    """
    calculator = code.calculator(atoms, calc_kwargs)
    return run_native_relax(
        atoms,
        calculator,
        relax_cell=relax_cell,
        pressure=pressure,
        fmax=fmax,
        max_steps=max_steps,
        allow_unconverged=allow_unconverged,
        copy_files=copy_files,
    )


@documented_by(run_native_relax, Code.calculator)
def native_ts_job(
    code: Code,
    atoms: Atoms,
    *,
    fmax: float = 0.01,
    max_steps: int = 1000,
    allow_unconverged: bool = False,
    calc_kwargs: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
) -> RelaxResult:
    """Find the transition state near a structure by the code's own optimizer.

    {parameters}

    Returns
    -------
    RelaxResult
        ``atoms`` is the saddle point, ``results["energy"]`` its energy in eV. `freq_job` tells whether it has one
        imaginary mode.
    """
    calculator = code.calculator(atoms, calc_kwargs)
    return run_native_relax(
        atoms,
        calculator,
        fmax=fmax,
        max_steps=max_steps,
        saddle=True,
        allow_unconverged=allow_unconverged,
        name="ts",
        copy_files=copy_files,
    )


@documented_by(run_native_irc, Code.calculator)
def native_irc_job(
    code: Code,
    atoms: Atoms,
    *,
    fmax: float = 0.05,
    max_steps: int = 200,
    allow_unconverged: bool = False,
    calc_kwargs: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
) -> PathResult:
    """Follow the reaction path from a transition state down to both sides by the code itself.

    {parameters}

    Returns
    -------
    PathResult
        ``points`` has the energies in eV from the end of the reverse side over the transition state to that of the
        forward side; ``ends`` are the structures of both ends, near minima; ``atoms`` is the transition state. On the
        forward side the first coordinate that changes at all increases, as in `irc_job`.
    """
    calculator = code.calculator(atoms, calc_kwargs)
    return run_native_irc(
        atoms,
        calculator,
        fmax=fmax,
        max_steps=max_steps,
        allow_unconverged=allow_unconverged,
        copy_files=copy_files,
    )


@documented_by(run_md, Code.calculator)
def md_job(
    code: Code,
    atoms: Atoms,
    *,
    dynamics: str = "NVE",
    steps: int = 1000,
    timestep: float = 1.0,
    temperature: Knots | None = None,
    pressure: Knots = 0.0,
    keep_velocities: bool = False,
    seed: int = 0,
    interval: int = 10,
    dynamics_kwargs: Mapping[str, Any] | None = None,
    calc_kwargs: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
    resume_from: PreviousRun | None = None,
) -> MDResult:
    """Run molecular dynamics.

    {parameters}

    Returns
    -------
    MDResult
        ``atoms`` is the last structure with its velocities. ``results`` also has ``temperature`` in K, and ``averages``
        cover the whole run.
    """
    calculator = code.calculator(atoms, calc_kwargs)
    return run_md(
        atoms,
        calculator,
        dynamics=dynamics,
        steps=steps,
        timestep=timestep,
        temperature=temperature,
        pressure=pressure,
        keep_velocities=keep_velocities,
        seed=seed,
        interval=interval,
        dynamics_kwargs=dynamics_kwargs,
        copy_files=copy_files,
        resume_from=resume_from,
    )


@documented_by(run_neb, Code.calculator)
def neb_job(
    code: Code,
    images: Sequence[Atoms],
    *,
    climb: bool = True,
    fmax: float = 0.05,
    max_steps: int = 1000,
    optimizer: str | type[Any] = "FIRE",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    neb_kwargs: Mapping[str, Any] | None = None,
    threads: int = 1,
    allow_unconverged: bool = False,
    calc_kwargs: Mapping[str, Any] | None = None,
    resume_from: PreviousRun | None = None,
) -> PathResult:
    """Relax a band of structures to the path of lowest energy between its ends.

    {parameters}

    Returns
    -------
    PathResult
        ``points`` has the energies along the band in eV; ``atoms`` is the highest image, with `climb` the saddle
        point.
    """
    calculators = [code.calculator(image, calc_kwargs) for image in images]
    return run_neb(
        images,
        calculators,
        climb=climb,
        fmax=fmax,
        max_steps=max_steps,
        optimizer=optimizer,
        optimizer_kwargs=optimizer_kwargs,
        neb_kwargs=neb_kwargs,
        threads=threads,
        allow_unconverged=allow_unconverged,
        resume_from=resume_from,
    )


@documented_by(run_saddle, Code.calculator)
def ts_job(
    code: Code,
    atoms: Atoms,
    *,
    fmax: float = 0.01,
    max_steps: int = 1000,
    sella_kwargs: Mapping[str, Any] | None = None,
    allow_unconverged: bool = False,
    calc_kwargs: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
    resume_from: PreviousRun | None = None,
) -> RelaxResult:
    """Find the transition state near a structure: a saddle point of first order.

    {parameters}

    Returns
    -------
    RelaxResult
        ``atoms`` is the saddle point, ``results["energy"]`` its energy in eV. `freq_job` tells whether it has one
        imaginary mode.
    """
    calculator = code.calculator(atoms, calc_kwargs)
    return run_saddle(
        atoms,
        calculator,
        fmax=fmax,
        max_steps=max_steps,
        sella_kwargs=sella_kwargs,
        allow_unconverged=allow_unconverged,
        copy_files=copy_files,
        resume_from=resume_from,
    )


@documented_by(run_irc, Code.calculator)
def irc_job(
    code: Code,
    atoms: Atoms,
    *,
    direction: Direction = "forward",
    fmax: float = 0.05,
    max_steps: int = 1000,
    irc_kwargs: Mapping[str, Any] | None = None,
    allow_unconverged: bool = False,
    calc_kwargs: Mapping[str, Any] | None = None,
    resume_from: PreviousRun | None = None,
) -> PathResult:
    """Follow the intrinsic reaction coordinate from a transition state down to one side.

    {parameters}

    Returns
    -------
    PathResult
        ``points`` has the energies from the transition state on, in eV; ``atoms`` is the end of the path, near a
        minimum.
    """
    calculator = code.calculator(atoms, calc_kwargs)
    return run_irc(
        atoms,
        calculator,
        direction=direction,
        fmax=fmax,
        max_steps=max_steps,
        irc_kwargs=irc_kwargs,
        allow_unconverged=allow_unconverged,
        resume_from=resume_from,
    )
