"""Surfaces of a crystal, and adsorbates on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

from ase import Atoms

from adatom import flow, job, subflow
from adatom.analysis.surfaces import AdsorptionEnergies, SurfaceEnergies, adsorption_energy, surface_energy
from adatom.atoms.adsorption import make_adsorbate, make_adsorption
from adatom.atoms.oriented import oriented_crystal
from adatom.atoms.slabs import make_slabs
from adatom.calculations.checks import check_keywords, check_positive
from adatom.recipes.common.code import unbound
from adatom.recipes.common.energies import energy_of, reference_energy
from adatom.recipes.common.same_settings import with_settings_of

__all__ = ["bulk_to_slabs_flow", "slab_to_ads_flow"]


@flow
def bulk_to_slabs_flow(
    atoms: Atoms,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    run_static: bool = True,
    run_bulk: bool = True,
    slab_kwargs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Relax all slabs of a crystal, compute each once more as it is, and find the surface energies.

    Parameters
    ----------
    atoms
        Crystal of the slabs. Miller indices refer to its conventional cell, unless ``slab_kwargs["miller_cell"]`` says
        otherwise.
    relax_job
        Job that relaxes a slab.
    static_job
        Job that computes a relaxed slab as it is.
    run_static
        Whether a static calculation follows each relaxation.
    run_bulk
        Whether the crystal is computed too, as it is or, without `run_static`, with its ions relaxed.
    slab_kwargs
        Arguments of `adatom.atoms.slabs.make_slabs`, by name. None: its defaults.

    Returns
    -------
    dict
        ``"relax"`` and, with `run_static`, ``"static"``: a result for each slab. With `run_bulk`, ``"bulk"``: the
        result of the crystal; ``"surface_energies"``: a `SurfaceEnergies`, in J/m², each the mean of a slab's two
        surfaces. Where a code derives settings from a structure, such as a grid of k points, there is also
        ``"oriented"``: for each slab the result of the crystal in a cell with the slab's vectors and settings in the
        plane, with which the slab is compared.

    Raises
    ------
    FlowFailure
        A slab failed. In the value of the error, ``"surface_energies"`` has the energies of the other slabs.
    """
    check_keywords(make_slabs, slab_kwargs or {})
    return relax_slabs(atoms, relax_job, static_job if run_static else None, run_bulk, dict(slab_kwargs or {}))


@flow
def slab_to_ads_flow(
    slab: Atoms,
    adsorbate: Atoms | str,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    run_static: bool = True,
    run_parts: bool = True,
    box: float | None = None,
    ads_kwargs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Relax a slab with an adsorbate on each kind of site, compute each once more as it is, and compare with its parts.

    Parameters
    ----------
    slab
        Slab with its surface upwards.
    adsorbate
        Structure of the adsorbate, or the name of a molecule or element.
    relax_job
        Job that relaxes a slab with an adsorbate.
    static_job
        Job that computes a relaxed slab with an adsorbate as it is.
    run_static
        Whether a static calculation follows each relaxation.
    run_parts
        Whether the slab and the adsorbate are computed alone too, in the same way, for the adsorption energies.
    box
        Least distance in Å between the isolated adsorbate and the faces of a periodic box. None: the isolated adsorbate
        is not periodic.
    ads_kwargs
        Arguments of `adatom.atoms.adsorption.make_adsorption`, by name. None: its defaults.

    Returns
    -------
    dict
        ``"relax"`` and, with `run_static`, ``"static"``: a result for each site. With `run_parts`, ``"slab"`` and
        ``"adsorbate"``: the results of the parts; ``"adsorption_energies"``: an `AdsorptionEnergies`, in eV.

    Raises
    ------
    FlowFailure
        A site failed. In the value of the error, ``"adsorption_energies"`` has the energies of the other sites.
    """
    check_keywords(make_adsorption, ads_kwargs or {})
    if box is not None:
        check_positive(box=box)
    return relax_adsorbates(
        slab, adsorbate, relax_job, static_job if run_static else None, run_parts, box, dict(ads_kwargs or {})
    )


# These are subflows, since the numbers of slabs and sites are known only once the structures are.


@subflow
def relax_slabs(
    atoms: Atoms, relax_job: Any, static_job: Any, run_bulk: bool, slab_kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Relax the slabs of a crystal whose structure is known."""
    slabs = make_slabs(atoms, **slab_kwargs)
    runs = _relax_each(slabs, relax_job, static_job)
    if not run_bulk:
        return runs
    crystal_job = static_job or relax_job
    bulk = crystal_job(atoms)
    oriented = _in_cells_of(slabs, atoms, crystal_job)
    energies = find_surface_energies(oriented or [bulk], slabs, _last(runs))
    return {**runs, "bulk": bulk, **({"oriented": oriented} if oriented else {}), "surface_energies": energies}


@subflow
def relax_adsorbates(
    slab: Atoms,
    adsorbate: Atoms | str,
    relax_job: Any,
    static_job: Any,
    run_parts: bool,
    box: float | None,
    ads_kwargs: dict[str, Any],
) -> dict[str, Any]:
    """Relax an adsorbate on the sites of a slab whose structure is known."""
    structures = make_adsorption(slab, adsorbate, **ads_kwargs)
    runs = _relax_each(structures, relax_job, static_job)
    if not run_parts:
        return runs
    alone, molecule = _last(_relax_each([slab, make_adsorbate(adsorbate, box)], relax_job, static_job))
    energies = find_adsorption_energies(alone, molecule, structures, _last(runs))
    return {**runs, "slab": alone, "adsorbate": molecule, "adsorption_energies": energies}


@job(failed_inputs="take")
def find_surface_energies(crystals: Sequence[Any], slabs: Sequence[Atoms], runs: Sequence[Any]) -> SurfaceEnergies:
    """Compare the energy of each slab with that of its crystal, or of the one crystal."""
    references = [(reference_energy(crystal, "the crystal"), crystal["atoms"]) for crystal in crystals]
    surfaces = [
        surface_energy(slab, *energy_of(run), crystal, reference)
        for slab, run, (reference, crystal) in zip(slabs, runs, cycle(references), strict=False)
    ]
    return {"name": "surface_energies", "surfaces": surfaces}


@job(failed_inputs="take")
def find_adsorption_energies(
    slab: Any, adsorbate: Any, structures: Sequence[Atoms], runs: Sequence[Any]
) -> AdsorptionEnergies:
    """Compare the energies of a slab with an adsorbate with the energies of its parts."""
    parts = reference_energy(slab, "the slab") + reference_energy(adsorbate, "the adsorbate")
    sites = [adsorption_energy(both, *energy_of(run), parts) for both, run in zip(structures, runs, strict=True)]
    return {"name": "adsorption_energies", "adsorbate": adsorbate["atoms"].get_chemical_formula(), "sites": sites}


def _in_cells_of(slabs: list[Atoms], atoms: Atoms, crystal_job: Any) -> list[Any]:
    """Compute the crystal in the cell of each slab with its settings in the plane; nothing where the code has none."""
    if with_settings_of(crystal_job, atoms) is crystal_job:
        return []
    runs: dict[str, Any] = {}
    for slab in slabs:
        if (plane := str(slab.info["in_plane"])) not in runs:
            crystal = oriented_crystal(atoms, slab.info["in_plane"])
            runs[plane] = with_settings_of(crystal_job, crystal, slab)(crystal)
    return [runs[str(slab.info["in_plane"])] for slab in slabs]


def _relax_each(structures: list[Atoms], relax_job: Any, static_job: Any) -> dict[str, Any]:
    relaxed = [relax_job(structure) for structure in structures]
    if static_job is None:
        return {"relax": relaxed}
    return {"relax": relaxed, "static": [static_job(result["atoms"]) for result in relaxed]}


def _last(runs: dict[str, Any]) -> Any:
    return [*runs.values()][-1]
