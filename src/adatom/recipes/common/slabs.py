"""Flows over surfaces, written once. A code binds its jobs to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ase import Atoms

from adatom import flow, subflow
from adatom.atoms.adsorption import make_adsorption
from adatom.atoms.slabs import make_slabs
from adatom.recipes.common.code import unbound
from adatom.runners.checks import check_keywords

__all__ = ["bulk_to_slabs_flow", "slab_to_ads_flow"]


@flow
def bulk_to_slabs_flow(
    atoms: Atoms,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    run_static: bool = True,
    slab_kwargs: Mapping[str, Any] | None = None,
) -> dict[str, list[Any]]:
    """Relax all slabs of a crystal, then compute each once more as it is.

    Parameters
    ----------
    atoms
        The crystal. Miller indices refer to its cell as it is given.
    relax_job
        Relaxes a slab.
    static_job
        Computes a relaxed slab.
    run_static
        Whether there is a static calculation after each relaxation.
    slab_kwargs
        Arguments of `adatom.atoms.slabs.make_slabs`.

    Returns
    -------
    dict
        ``"relax"`` and, with `run_static`, ``"static"``: a result for each slab.
    """
    check_keywords(make_slabs, slab_kwargs or {})
    return relax_slabs(atoms, relax_job, static_job if run_static else None, dict(slab_kwargs or {}))


@flow
def slab_to_ads_flow(
    slab: Atoms,
    adsorbate: Atoms | str,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    run_static: bool = True,
    ads_kwargs: Mapping[str, Any] | None = None,
) -> dict[str, list[Any]]:
    """Relax a slab with an adsorbate on each kind of site, then compute each once more as it is.

    Parameters
    ----------
    slab
        The slab, its surface upwards.
    adsorbate
        The adsorbate, or the name of a molecule or element.
    relax_job
        Relaxes a slab with an adsorbate.
    static_job
        Computes a relaxed one.
    run_static
        Whether there is a static calculation after each relaxation.
    ads_kwargs
        Arguments of `adatom.atoms.adsorption.make_adsorption`.

    Returns
    -------
    dict
        ``"relax"`` and, with `run_static`, ``"static"``: a result for each site.
    """
    check_keywords(make_adsorption, ads_kwargs or {})
    return relax_adsorbates(slab, adsorbate, relax_job, static_job if run_static else None, dict(ads_kwargs or {}))


# Subflows: how many slabs and sites there are is known only once the structures are.


@subflow
def relax_slabs(atoms: Atoms, relax_job: Any, static_job: Any, slab_kwargs: dict[str, Any]) -> dict[str, list[Any]]:
    """Relax the slabs of a crystal that has been computed."""
    return _relax_each(make_slabs(atoms, **slab_kwargs), relax_job, static_job)


@subflow
def relax_adsorbates(
    slab: Atoms, adsorbate: Atoms | str, relax_job: Any, static_job: Any, ads_kwargs: dict[str, Any]
) -> dict[str, list[Any]]:
    """Relax an adsorbate on a slab that has been computed."""
    return _relax_each(make_adsorption(slab, adsorbate, **ads_kwargs), relax_job, static_job)


def _relax_each(structures: list[Atoms], relax_job: Any, static_job: Any) -> dict[str, list[Any]]:
    relaxed = [relax_job(structure) for structure in structures]
    if static_job is None:
        return {"relax": relaxed}
    return {"relax": relaxed, "static": [static_job(result["atoms"]) for result in relaxed]}
