"""The calculator of VASP for a structure, from tags, input sets and advice."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.vasp import create_input

from adatom.calculators.k_points import numbers_of
from adatom.calculators.vasp.advice import Facts, Mode, advised
from adatom.calculators.vasp.calculator import Vasp
from adatom.calculators.vasp.custodian import check_supervision
from adatom.calculators.vasp.divisions import DIVISIONS
from adatom.calculators.vasp.program import choose_program, name_potentials
from adatom.calculators.vasp.sets import arguments_of
from adatom.calculators.vasp.structure import right_handed, with_moments
from adatom.errors import InputError
from adatom.execution.context import current_job
from adatom.utils.merge import Remove

__all__ = ["k_grid", "layer", "make_vasp"]


def layer(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return parameters in a form in which those that are removed reach `make_vasp`, for which None is no tag.

    Parameters
    ----------
    parameters
        Some of the arguments of `make_vasp`; None: none of them.
    """
    return {key: None if value is Remove else value for key, value in (parameters or {}).items()}


def make_vasp(
    atoms: Atoms,
    *,
    input_set: str | None = None,
    bandgap: float | None = None,
    moments: Sequence[float] | None = None,
    bader: bool | None = None,
    chargemol: bool | None = None,
    incar_advice: Mode = "warn",
    explicit: Collection[str] = (),
    **calc_kwargs: Any,
) -> Vasp:
    """Return the calculator for a structure.

    Parameters
    ----------
    atoms
        Structure to compute, with three cell vectors. Initial magnetic moments become MAGMOM, initial charges NELECT.
    input_set
        Name of an input set of pymatgen, one of `adatom.calculators.vasp.sets.SETS`, that `calc_kwargs` override.
    bandgap
        Band gap in eV, by which some input sets choose the smearing and the distance of k points. None: not known.
    moments
        Magnetic moment of each atom, in Bohr magnetons, in place of its initial one. None: those of the structure, or
        those that the input set gives.
    bader
        Whether Bader's charges of the last structure become part of the result. True sets ``laechg`` and ``lcharg``.
        None: if the run leaves the densities, and the program ``bader`` is there.
    chargemol
        The same for charges, moments and bond orders by DDEC6, with the program ``chargemol`` and its densities of
        atoms.
    incar_advice
        What happens where tags do not go together: ``"off"``, ``"warn"``, or ``"correct"``, which changes them. See
        `adatom.calculators.vasp.advice.advised`.
    explicit
        Names of the arguments that are the user's own, which advice never changes.
    **calc_kwargs
        Arguments of ASE's ``Vasp``: tags of INCAR in lower case, ``xc``, ``setups``, ``kpts``, ``gamma``, ``charge``.
        None: the tag is left out.

    Raises
    ------
    InputError
        The cell, a potential, VASP or, if they are asked for, ``bader`` or ``chargemol`` is missing, initial magnetic
        moments are vectors in a collinear calculation, there is a band gap without an input set, or the settings name
        a handler or validator that does not exist.
    MissingExtraError
        custodian or a package with an input set is not installed.
    """
    if atoms.cell.rank < 3:
        raise InputError(
            f"VASP needs a cell of three vectors; that of {atoms.get_chemical_formula()} is "
            f"{atoms.cell.array.tolist()}. For a molecule: atoms.center(vacuum=8)."
        )
    noncollinear = bool(calc_kwargs.get("lnoncollinear") or calc_kwargs.get("lsorbit"))
    if np.ndim(atoms.get_initial_magnetic_moments()) == 2 and not noncollinear:
        raise InputError("The initial magnetic moments are vectors: set lnoncollinear=True, or give numbers.")
    if input_set is not None:
        calc_kwargs = {**arguments_of(input_set, atoms, bandgap), **calc_kwargs}
        of_set = calc_kwargs.pop("moments", None)
        moments = of_set if moments is None else moments
    elif bandgap is not None:
        raise InputError(f"bandgap is {bandgap!r}, which only input sets have a use for. Give a preset that is one.")
    check_supervision()
    divisions = {"bader": bader, "chargemol": chargemol}
    for program in [program for program, wanted in divisions.items() if wanted]:
        DIVISIONS[program].find(True)
        if off := [key for key in ("laechg", "lcharg") if key in explicit and not calc_kwargs.get(key)]:
            raise InputError(
                f"{program}=True needs the densities, and {off[0]} is {calc_kwargs.get(off[0])!r}. Leave it out."
            )
        calc_kwargs |= {"laechg": True, "lcharg": True}
    charge = float(atoms.get_initial_charges().sum())
    if charge and "charge" not in calc_kwargs:
        calc_kwargs["charge"] = charge
    advise = functools.partial(_advise, incar_advice, explicit, input_set is not None, bandgap)
    calc_kwargs, changes = advise(with_moments(atoms, moments), calc_kwargs)
    made = Vasp(choose_program(calc_kwargs, noncollinear), moments, **calc_kwargs)
    made.say(changes)
    made.advise, made.divisions = advise, divisions
    name_potentials()
    try:
        made.initialize(made.given(atoms))
    except RuntimeError as error:
        looked = re.search(r"Looking for (\S+)", str(error))
        raise InputError(
            f"There is no potential {looked[1] if looked else error}. Set ADATOM_DATA_DIRS__VASP to the directory "
            "with potpaw_PBE, or give setups, such as {'base': 'recommended'} or {'Cu': '_pv'}."
        ) from error
    return made


def _advise(
    mode: Mode,
    explicit: Collection[str],
    published: bool,
    bandgap: float | None,
    atoms: Atoms,
    calc_kwargs: Mapping[str, Any],
    relaxes: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Return arguments of ASE's ``Vasp`` after the changes of `advised`, and these in words."""
    known: Any = create_input.GenerateVaspInput.xc_defaults.get(str(calc_kwargs.get("xc")).lower(), {})
    kpts: Any = calc_kwargs.get("kpts")
    points = None
    if spacing := calc_kwargs.get("kspacing"):
        points = int(np.prod(numbers_of(right_handed(atoms), spacing)))
    elif np.shape(kpts) == (3,) or kpts is None:  # ASE's is one k point
        points = int(np.prod(1 if kpts is None else kpts))
    elif np.ndim(kpts) == 2:
        points = 0
    needs = current_job().resources
    facts = Facts({**known, **calc_kwargs}, atoms, points, needs.ranks if needs else None, bandgap, relaxes)
    changes, texts = advised(mode, facts, explicit, published)
    return {**calc_kwargs, **changes}, texts


def k_grid(atoms: Atoms, parameters: Mapping[str, Any], slab: Atoms | None = None) -> dict[str, Any]:
    """Return the numbers of k points that ``kspacing`` or an input set gives for a structure, in its place.

    Parameters
    ----------
    atoms
        Structure from whose cell the numbers follow.
    parameters
        Keyword arguments of `make_vasp`. Those with numbers of their own derive nothing.
    slab
        Slab with the same first two cell vectors, from whose cell the numbers along these follow. None: all numbers
        follow from `atoms`.
    """
    if name := parameters.get("input_set"):
        parameters = {**arguments_of(name, atoms, parameters.get("bandgap")), **parameters}
    if not (spacing := parameters.get("kspacing")):
        return {key: parameters[key] for key in ("kpts", "gamma") if key in parameters} if name else {}
    numbers = numbers_of(right_handed(atoms), spacing, slab and right_handed(slab))
    gamma = parameters.get("kgamma") in (None, True)
    return {"kpts": numbers, "gamma": gamma, "kspacing": None, "kgamma": None}
