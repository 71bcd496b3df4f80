"""Point defects of a crystal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from ase import Atoms

from adatom import job, subflow
from adatom.analysis.defects import FormationEnergies, formation_energy
from adatom.atoms.defects import make_defects
from adatom.atoms.supercells import make_cubic_supercell
from adatom.calculations.checks import check_keywords
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.common.code import unbound
from adatom.recipes.common.energies import energy_of, reference_energy

__all__ = ["bulk_to_defects_flow"]


@subflow
def bulk_to_defects_flow(
    atoms: Atoms,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    run_static: bool = True,
    defect_kwargs: Mapping[str, Any] | None = None,
    supercell_kwargs: Mapping[str, Any] | None = None,
    charges: Mapping[int, Mapping[str, Any]] | None = None,
    chemical_potentials: Mapping[str, float] | None = None,
    fermi_energy: float | None = None,
) -> dict[str, Any]:
    """Relax the point defects of a crystal in a supercell, compute each once more, and find the formation energies.

    Parameters
    ----------
    atoms
        Relaxed crystal. The supercell keeps its shape.
    relax_job
        Job that relaxes a supercell.
    static_job
        Job that computes a relaxed supercell as it is.
    run_static
        Whether a static calculation follows each relaxation.
    defect_kwargs
        Arguments of `adatom.atoms.defects.make_defects`, which choose the defects, by name. None: the vacancies.
    supercell_kwargs
        Arguments of `adatom.atoms.supercells.make_cubic_supercell`, by name. None: its defaults.
    charges
        Arguments of the jobs by charge of the defect in elementary charges, such as
        ``{0: {}, 1: {"calc_kwargs": {"charge": 1}}}``. None: all defects are neutral.
    chemical_potentials
        Chemical potentials in eV per atom, by element. The default for a crystal of one element is its own energy per
        atom.
    fermi_energy
        Energy of an electron in eV, on the scale of the code, for the formation energies of charged defects. None: no
        formation energies of charged defects.

    Returns
    -------
    dict
        ``"bulk"``: the result of the perfect supercell. ``"relax"`` and, with `run_static`, ``"static"``: a result for
        each defect in each charge. ``"formation_energies"``: a `FormationEnergies`, in eV.

    Raises
    ------
    FlowFailure
        A defect failed. In the value of the error, ``"formation_energies"`` has the energies of the other defects.
    """
    defect_kwargs, supercell_kwargs = defect_kwargs or {}, supercell_kwargs or {}
    states, potentials = charges or {0: {}}, dict(chemical_potentials or {})
    check_keywords(make_defects, defect_kwargs)
    check_keywords(make_cubic_supercell, supercell_kwargs)
    _check_energies(potentials, fermi_energy)
    _check_charges(states)
    supercell = make_cubic_supercell(atoms, **supercell_kwargs)
    defects = list(product(make_defects(atoms, supercell, **defect_kwargs), states))

    structures = [supercell, *(defect for defect, _ in defects)]
    arguments = [{}, *(states[charge] for _, charge in defects)]
    relaxed = _run_each(relax_job, structures, arguments)
    runs = {"relax": relaxed}
    if run_static:
        runs["static"] = _run_each(static_job, [run["atoms"] for run in relaxed], arguments)
    bulk, *last = [*runs.values()][-1]
    energies = find_formation_energies(supercell, bulk, defects, last, potentials, fermi_energy)
    return {"bulk": bulk, **{kind: each[1:] for kind, each in runs.items()}, "formation_energies": energies}


def _run_each(
    calculate: Callable[..., Any], structures: Sequence[Any], arguments: Sequence[Mapping[str, Any]]
) -> list[Any]:
    return [calculate(structure, **more) for structure, more in zip(structures, arguments, strict=True)]


@job(failed_inputs="take")
def find_formation_energies(
    supercell: Atoms,
    bulk: Any,
    defects: Sequence[tuple[Atoms, int]],
    runs: Sequence[Any],
    chemical_potentials: dict[str, float],
    fermi_energy: float | None,
) -> FormationEnergies:
    """Compare the energies of defects with the energy of the perfect supercell."""
    perfect = reference_energy(bulk, "the perfect supercell")
    elements = set(supercell.symbols)
    if len(elements) == 1:
        chemical_potentials = {elements.pop(): perfect / len(supercell), **chemical_potentials}
    found = [
        formation_energy(
            defect,
            *energy_of(run),
            supercell,
            perfect,
            chemical_potentials,
            charge=charge,
            fermi_energy=fermi_energy,
        )
        for (defect, charge), run in zip(defects, runs, strict=True)
    ]
    return {
        "name": "formation_energies",
        "chemical_potentials": chemical_potentials,
        "fermi_energy": fermi_energy,
        "defects": found,
    }


def _check_energies(chemical_potentials: Mapping[str, float], fermi_energy: float | None) -> None:
    from ase.data import chemical_symbols

    for symbol in chemical_potentials:
        if symbol not in chemical_symbols[1:]:
            raise UnknownNameError("element", symbol, chemical_symbols[1:])
    for what, energy in (*chemical_potentials.items(), ("fermi_energy", 0.0 if fermi_energy is None else fermi_energy)):
        if isinstance(energy, str) or not math.isfinite(energy):
            raise InputError(f"The energy of {what} is {energy!r}. Give a number in eV.")


def _check_charges(charges: Mapping[int, Mapping[str, Any]]) -> None:
    for charge, told in charges.items():
        if not isinstance(charge, int) or not isinstance(told, Mapping):
            raise InputError(
                f"charges has {charge!r}: {told!r}. Give what the jobs need to be told by charge, as in "
                '{1: {"calc_kwargs": {"charge": 1}}}.'
            )
