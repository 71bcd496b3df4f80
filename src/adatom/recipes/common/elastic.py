"""Elastic constants of a crystal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms

from adatom import Failure, job, subflow
from adatom.analysis import elastic as analysis
from adatom.analysis.elastic import Elasticity
from adatom.atoms.deformations import check_crystal, independent_strains, make_strains, strain_crystal
from adatom.atoms.symmetry import point_group
from adatom.calculations.checks import check_positive
from adatom.errors import AnalysisError
from adatom.recipes.common.code import unbound
from adatom.recipes.common.same_settings import with_settings_of

__all__ = ["elastic_tensor_flow"]


@subflow
def elastic_tensor_flow(
    atoms: Atoms,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    run_relax: bool = True,
    relax_ions: bool = True,
    run_static: bool = False,
    norm_strains: Sequence[float] = (-0.01, -0.005, 0.005, 0.01),
    shear_strains: Sequence[float] = (-0.01, -0.005, 0.005, 0.01),
    symmetry: bool = True,
    symprec: float = 0.01,
) -> dict[str, Any]:
    """Compute the stresses of a crystal under small strains, and its elastic tensor from them.

    Settings that a code derives from a structure, such as a grid of k points, are those of the crystal without strain.

    Parameters
    ----------
    atoms
        Crystal with any cell and in any orientation.
    relax_job
        Job that relaxes the crystal with its cell, and then the ions at each strain.
    static_job
        Job that computes a strained crystal as it is: without `relax_ions`, or with `run_static`.
    run_relax
        Whether the crystal and its cell are relaxed first. The tensor is defined for a crystal without stress.
    relax_ions
        Whether ions are relaxed at a strain. Otherwise they follow the strain ("clamped").
    run_static
        Whether a static calculation follows each relaxation at a strain and gives the stress, for codes that give no
        stress where they relax ions.
    norm_strains
        Green-Lagrange strains along x, y and z.
    shear_strains
        Green-Lagrange strains in the planes yz, xz and xy: components of the tensor, half the engineering shear.
    symmetry
        Whether strains that are equal by a symmetry of the crystal are computed once, and the tensor has that symmetry.
    symprec
        Largest distance in Å between an atom and its place in the symmetric crystal.

    Returns
    -------
    dict
        ``"bulk"``, with `run_relax`: the result of the crystal. ``"relax"``, with `relax_ions`, and ``"static"``,
        without it or with `run_static`: a result for the crystal without strain and for each strain.
        ``"elasticity"``: an `Elasticity`, with the tensor and the moduli in GPa.

    Raises
    ------
    FlowFailure
        A strain failed. In the value of the error, ``"elasticity"`` is fitted to the other strains, if they determine
        the tensor.
    """
    check_crystal(atoms)
    check_positive(symprec=symprec)
    strains = make_strains(norm_strains, shear_strains)
    jobs = {
        **({"relax": relax_job} if relax_ions else {}),
        **({"static": static_job} if run_static or not relax_ions else {}),
    }
    if not run_relax:
        return strained_flow(atoms, strains, symprec if symmetry else None, jobs)
    bulk = relax_job(atoms, relax_cell=True)
    strained = strained_flow(bulk["atoms"], strains, symprec if symmetry else None, jobs)
    return {"bulk": bulk, **{key: strained[key] for key in (*jobs, "elasticity")}}


@subflow
def strained_flow(
    atoms: Atoms, strains: Mapping[str, Any], symprec: float | None, jobs: Mapping[str, Callable[..., Any]]
) -> dict[str, Any]:
    """Compute the strains of a crystal that is relaxed, and fit its elastic tensor."""
    rotations = None if symprec is None else point_group(atoms, symprec)
    if rotations is not None:
        strains = independent_strains(strains, rotations)
    strains = {"none": np.zeros((3, 3)), **strains}
    jobs = {kind: with_settings_of(one, atoms) for kind, one in jobs.items()}
    structures, runs = strain_crystal(atoms, strains), {}
    if "relax" in jobs:
        runs["relax"] = [jobs["relax"](structure) for structure in structures]
        structures = [run["atoms"] for run in runs["relax"]]
    if "static" in jobs:
        wanted = ["energy", "forces", "stress"]
        runs["static"] = [jobs["static"](structure, properties=wanted) for structure in structures]
    return {**runs, "elasticity": fit_elastic_tensor(atoms, strains, [*runs.values()][-1], rotations)}


@job(failed_inputs="take")
def fit_elastic_tensor(atoms: Atoms, strains: Mapping[str, Any], runs: Sequence[Any], rotations: Any) -> Elasticity:
    """Fit an elastic tensor to the stresses of the strains that did not fail."""
    failed = {name: run.in_short for name, run in zip(strains, runs, strict=True) if isinstance(run, Failure)}
    there = {name: run for name, run in zip(strains, runs, strict=True) if name not in failed}
    for name, run in there.items():
        if "stress" not in run["results"]:
            raise AnalysisError(
                f"The {run['name']} calculation of strain {name} gives no stress, but {', '.join(run['results'])}. "
                "Set run_static=True."
            )
    stresses = [run["results"]["stress"] for run in there.values()]
    try:
        fit = analysis.fit_elastic_tensor(atoms, [strains[name] for name in there], stresses, rotations)
    except AnalysisError as error:
        raise AnalysisError(f"{error} These failed: {failed or 'none'}.") from error
    return {**fit, "failed": failed}
