"""Nudged elastic bands."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.mep import NEB

from adatom.analysis.path import path_points
from adatom.atoms.bands import check_same_atoms, unwrapped
from adatom.calculations.calculation import calculation, independent_copy
from adatom.calculations.checks import check_atoms, check_calculator, check_count, check_positive
from adatom.calculations.converge import converge
from adatom.calculations.optimize import OPTIMIZERS
from adatom.calculations.steps import PreviousRun, Steps
from adatom.calculations.tables import find_class
from adatom.errors import ConvergenceError, InputError
from adatom.schemas.results import PathResult

__all__ = ["BAND_OPTIMIZERS", "run_neb"]

#: Optimizers that use forces only: the forces of a band are not the gradient of an energy.
BAND_OPTIMIZERS = {name: OPTIMIZERS[name] for name in ("BFGS", "FIRE", "FIRE2", "LBFGS", "MDMin", "ODE12r")}


def run_neb(
    images: Sequence[Atoms],
    calculators: Sequence[Any],
    *,
    climb: bool = True,
    fmax: float = 0.05,
    max_steps: int = 1000,
    optimizer: str | type[Any] = "FIRE",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    neb_kwargs: Mapping[str, Any] | None = None,
    threads: int = 1,
    allow_unconverged: bool = False,
    name: str = "neb",
    resume_from: PreviousRun | None = None,
) -> PathResult:
    """Find the path of lowest energy between two structures, as a nudged elastic band.

    Parameters
    ----------
    images
        Band: the two ends, which stay as they are, and the structures between them; none is changed.
    calculators
        One ASE calculator for each image, each used by nothing else.
    climb
        Whether the highest image climbs to the saddle point.
    fmax
        Largest force that may remain on an atom of any image, in eV/Å, after the projection of the band.
    max_steps
        Largest number of steps of the optimizer.
    optimizer
        Name in `BAND_OPTIMIZERS`, or a class such as those of ``ase.optimize``. Other optimizers than FIRE may take
        half the steps, or not converge: the forces of a band are not the gradient of an energy.
    optimizer_kwargs
        Further arguments of the optimizer.
    neb_kwargs
        Further arguments of ``ase.mep.NEB``, such as ``k``, the spring constant in eV/Å², and ``method``, by which ASE
        finds the tangent, here ``"improvedtangent"`` by default.
    threads
        Number of images that are computed at the same time. Threads help with codes that run as separate programs, each
        of which then takes its part of the job's cores.
    allow_unconverged
        Whether a band that ran out of steps gives a result with ``converged: False``, and a file ``UNCONVERGED`` in its
        directory, instead of an error.
    name
        Name of the run and stem of its files.
    resume_from
        Directory or result of an earlier run of this calculation that has steps left to make. Only `max_steps`, `fmax`,
        `threads` and `allow_unconverged` may differ; `max_steps` counts the steps of both runs. An interrupted job
        needs no `resume_from`: run again, it continues.

    Returns
    -------
    PathResult
        ``points`` has the energies along the band, from which `adatom.analysis.path.reaction_path` computes barriers;
        ``atoms`` is the highest image, with `climb` the saddle point, and ``results`` has its properties. Each step
        adds all images to the trajectory.

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    IncompleteError
        The time of the process ran out: see the setting `walltime`.
    ConvergenceError
        Forces above `fmax` remain after `max_steps`, or an energy or a force is not a number.

    Notes
    -----
    G. Henkelman, B. P. Uberuaga, H. Jónsson, J. Chem. Phys. 113, 9901 (2000) and, for the tangents, G. Henkelman and H.
    Jónsson, J. Chem. Phys. 113, 9978 (2000).
    """
    check_positive(fmax=fmax)
    check_count(max_steps=max_steps, threads=threads)
    make_optimizer = find_class("optimizer of bands", optimizer, BAND_OPTIMIZERS)
    _check(images, calculators)
    settings = {
        "climb": climb,
        "optimizer": make_optimizer.__name__,
        "optimizer_kwargs": optimizer_kwargs or {},
        "neb_kwargs": neb_kwargs or {},
    }
    positions = np.array([image.positions for image in images])
    steps = Steps(name, max_steps, resume_from, images[0], calculators[0], images=positions, **settings)
    with calculation(name, images[0], calculators[0], needs=("energy", "forces")) as run:
        band = unwrapped([run.atoms, *(independent_copy(image) for image in images[1:])])
        for number, (image, calculator) in enumerate(zip(band, calculators, strict=True)):
            image.calc = calculator
            calculator.directory = run.directory.path / f"image-{number}"
        neb = _Band(band, climb, threads, neb_kwargs or {})
        steps.enter(run, neb)
        relaxation, converged = converge(run, steps, make_optimizer, neb, fmax, optimizer_kwargs, allow_unconverged)
        energies = [image.get_potential_energy() for image in band]
        points = path_points(band, energies, [image.get_forces() for image in band])
        highest = int(np.argmax(energies))
        run.atoms, run.calculator = band[highest], calculators[highest]
        results = run.properties()
        document = run.result(converged=converged, images=len(images), fmax=fmax, max_steps=max_steps, **settings)
        return cast(PathResult, {**document, "results": results, "points": points, "steps": int(relaxation.nsteps)})


def _check(images: Sequence[Atoms], calculators: Sequence[Any]) -> None:
    if isinstance(images, Atoms) or len(images) < 3:
        raise InputError(
            f"A band is a list of three structures or more; this is {images!r}. Make one with adatom.atoms.bands."
        )
    for image in images:
        check_atoms(image)
        check_same_atoms(images[0], image)
    if len({id(calculator) for calculator in calculators}) != len(images) or len(calculators) != len(images):
        raise InputError(f"{len(images)} images need a calculator each, and {len(calculators)} are given.")
    for calculator in calculators:
        check_calculator(calculator, "energy", "forces")


class _Band(NEB):
    """Band whose images are computed in threads, and whose positions `Steps` can set like those of atoms.

    ASE's own threads are as many as the images, and ASE continues without images that failed.
    """

    arrays: dict[str, Any] = {}  # noqa: RUF012  # no momenta

    def __init__(self, images: list[Atoms], climb: bool, threads: int, kwargs: Mapping[str, Any]) -> None:
        self.threads = threads
        try:
            super().__init__(  # type: ignore[no-untyped-call]
                images, climb=climb, **{"method": "improvedtangent", **kwargs}
            )
        except (TypeError, NotImplementedError, ValueError) as error:
            raise InputError(f"neb_kwargs do not fit ase.mep.NEB: {error}.") from error

    def get_forces(self) -> Any:
        """Return the forces of the band on the M images between the ends, in eV/Å, shape (M N, 3)."""
        if self.threads > 1:  # so that ASE's own loop finds the forces computed
            with ThreadPoolExecutor(self.threads) as pool:
                run = [pool.submit(contextvars.copy_context().run, image.get_forces) for image in self.images]
            for each in run:
                each.result()
        forces = super().get_forces()  # type: ignore[no-untyped-call]
        if not np.isfinite(forces).all():
            raise ConvergenceError("A force of the band is not a number. Are atoms at the same place?")
        return forces

    @property
    def positions(self) -> Any:
        return self.get_positions()  # type: ignore[no-untyped-call]

    @property
    def cell(self) -> Any:
        return self.images[0].cell

    @property
    def constraints(self) -> Any:
        return self.images[0].constraints

    def set_cell(self, cell: Any, **kwargs: Any) -> None:
        """Do nothing, as the cell of a band stays."""

    def set_positions(self, positions: Any, *args: Any, **kwargs: Any) -> None:
        """Move the images between the ends."""
        kwargs.pop("apply_constraint", None)  # positions of an earlier run obey the constraints
        super().set_positions(positions, *args, **kwargs)  # type: ignore[no-untyped-call]
