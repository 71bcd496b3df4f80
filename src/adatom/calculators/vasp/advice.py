"""Advice on tags of INCAR that do not go together, by the manual of VASP: one rule a function."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from ase import Atoms

from adatom.errors import UnknownNameError

__all__ = ["Facts", "Mode", "advised"]

Mode = Literal["off", "warn", "correct"]

_SMEARED = {"ismear": 0, "sigma": 0.05}
_D = {*range(21, 31), *range(39, 49), *range(72, 81), *range(104, 113)}
_F = {*range(57, 72), *range(89, 104)}
_SMALL = 16  # atoms
_NO_MOMENT = 0.02  # Bohr magnetons


@dataclass(frozen=True)
class Facts:
    """Facts of a calculation that the rules look at.

    Attributes
    ----------
    tags
        Arguments of ASE's ``Vasp``, with the tags that its ``xc`` stands for; None counts as none.
    atoms
        Structure, with the moments that VASP gets.
    points
        Number of k points of the grid, not reduced by symmetry; 0 for a list of points, None if it is not known.
    ranks
        Number of ranks of the job; None if it asks for none.
    bandgap
        Band gap in eV; None if it is not known.
    relaxes
        Whether the advice is for a relaxation by VASP, whose tags were looked at before as those of a static.
    """

    tags: Mapping[str, Any]
    atoms: Atoms
    points: int | None = None
    ranks: int | None = None
    bandgap: float | None = None
    relaxes: bool = False

    def has(self, tag: str) -> bool:
        """Return whether a tag is there and not false."""
        return bool(self.tags.get(tag))

    @property
    def algo(self) -> str:
        """Value of ALGO as its first letter, on which alone VASP looks; that of ``"Normal"`` without the tag."""
        given = str(self.tags.get("algo", "normal")).lower()
        return "e" if given == "exact" else given[:1]

    @property
    def metagga(self) -> bool:
        """True for a meta-GGA."""
        return str(self.tags.get("metagga", "none")).lower() not in ("none", "--")

    @property
    def hybrid(self) -> bool:
        """True with exact exchange."""
        return self.has("lhfcalc")

    @property
    def plus_u(self) -> bool:
        """True with a +U."""
        return self.has("ldau") or self.has("ldau_luj")

    @property
    def ismear(self) -> int:
        """Value of ISMEAR, with the default of VASP."""
        return int(self.tags.get("ismear", 1))


@dataclass(frozen=True)
class Advice:
    """Other values of tags, of which the first gives the advice its name; the reason, and the tags that it is about."""

    changes: Mapping[str, Any]
    reason: str
    about: Collection[str] = ()


Rule = Callable[[Facts], Advice | None]


def _algo_of_hybrids(facts: Facts) -> Advice | None:
    if facts.hybrid and facts.algo in "fv":
        algo = "All" if facts.ismear >= 0 else "Normal"
        return Advice({"algo": algo}, "Fast and VeryFast are not for exact exchange", ("lhfcalc", "xc"))
    return None


def _algo_of_meta_ggas(facts: Facts) -> Advice | None:
    if facts.metagga and facts.ismear >= 0 and facts.algo in "nfv":
        return Advice({"algo": "All"}, "meta-GGAs converge best with it", ("metagga",))
    return None


def _algo_of_tetrahedra(facts: Facts) -> Advice | None:
    if facts.ismear <= -4 and facts.algo in "acd" and not facts.metagga:
        return Advice({"algo": "Normal"}, "All and Damped tend to fail with tetrahedra (ISMEAR = -5)", ("ismear",))
    return None


def _tetrahedra_need_points(facts: Facts) -> Advice | None:
    if facts.ismear <= -4 and facts.points is not None and facts.points < 4:
        there = f"there are {facts.points}" if facts.points else "these are on lines"
        return Advice(_SMEARED, f"tetrahedra need a grid of at least 4 k points, and {there}", ("kpts", "kspacing"))
    return None


def _tetrahedra_in_relaxations(facts: Facts) -> Advice | None:
    if facts.ismear <= -4 and not facts.bandgap:
        return Advice(_SMEARED, "forces with tetrahedra are wrong in metals, and no band gap is known")
    return None


def _smearing_of_insulators(facts: Facts) -> Advice | None:
    if facts.ismear > 0 and facts.bandgap:
        why = f"Methfessel and Paxton's smearing is for metals, and there is a band gap of {facts.bandgap:g} eV"
        return Advice(_SMEARED, why, ("bandgap",))
    return None


def _lmaxmix(facts: Facts) -> Advice | None:
    numbers = set(facts.atoms.numbers)
    least = 6 if numbers & _F else 4 if numbers & _D else 2
    if (facts.plus_u or int(facts.tags.get("icharg", 2)) >= 10) and int(facts.tags.get("lmaxmix", 2)) < least:
        why = f"with +U or a fixed density, also in the run that writes it, {'df'[least > 4]} electrons are mixed, too"
        return Advice({"lmaxmix": least}, why, ("ldau", "ldau_luj", "icharg"))
    return None


def _lasph(facts: Facts) -> Advice | None:
    kinds = {
        "a meta-GGA": facts.metagga,
        "exact exchange": facts.hybrid,
        "+U": facts.plus_u,
        "a van der Waals functional": facts.has("luse_vdw"),
    }
    if not facts.has("lasph") and (found := [name for name, there in kinds.items() if there]):
        why = f"{' and '.join(found)} needs what is not spherical inside the spheres"
        return Advice({"lasph": True}, why, ("metagga", "lhfcalc", "xc", "ldau", "ldau_luj", "luse_vdw"))
    return None


def _lreal(facts: Facts) -> Advice | None:
    if str(facts.tags.get("lreal", False)).lower()[:1] in "aot" and facts.atoms.pbc.all() and len(facts.atoms) < _SMALL:
        why = f"projection in real space saves no time in a crystal of {len(facts.atoms)} atoms, and costs accuracy"
        return Advice({"lreal": False}, why)
    return None


def _lorbit(facts: Facts) -> Advice | None:
    if facts.atoms.get_initial_magnetic_moments().any() and int(facts.tags.get("lorbit", 0)) < 10:
        return Advice({"lorbit": 11}, "without it VASP prints no moments of atoms")
    return None


def _no_moments(facts: Facts) -> Advice | None:
    moments = np.abs(facts.atoms.get_initial_magnetic_moments())
    spin = facts.tags.get("ispin", 2 if moments.any() else 1) == 2
    if spin and moments.any() and moments.max() < _NO_MOMENT and not facts.has("lsorbit"):
        why = f"no initial moment is above {_NO_MOMENT} μB: a run with spin takes twice the time, and stays without"
        return Advice({"ispin": 1}, why)
    return None


def _kpar(facts: Facts) -> Advice | None:
    kpar = int(facts.tags.get("kpar", 1))
    most = min(x for x in (facts.points, facts.ranks, kpar) if x)
    ranks = facts.ranks or most
    best = max(x for x in range(1, most + 1) if ranks % x == 0)
    if best < kpar:
        said = [f"{facts.points} k points" if facts.points else "", f"{facts.ranks} ranks" if facts.ranks else ""]
        return Advice(
            {"kpar": best}, f"each group needs its own of the {' and '.join(filter(None, said))}", ("kpts", "kspacing")
        )
    return None


def _ncore(facts: Facts) -> Advice | None:
    ncore, each = int(facts.tags.get("ncore", 1)), (facts.ranks or 0) // int(facts.tags.get("kpar", 1))
    if each and each % ncore:
        best = max(x for x in range(1, min(ncore, each) + 1) if each % x == 0)
        return Advice({"ncore": best}, f"it has to divide the {each} ranks that work on a k point", ("kpar",))
    return None


def _npar(facts: Facts) -> Advice | None:
    if facts.has("npar") and facts.has("ncore"):
        return Advice({"npar": None}, "it says the same as NCORE, which is there, too", ("ncore",))
    return None


def _response(facts: Facts) -> Advice | None:
    if (facts.has("lcalceps") or facts.has("lpead")) and int(facts.tags.get("ncore", 1)) > 1:
        return Advice({"ncore": 1}, "the response to a field (PEAD) works with no other", ("lcalceps", "lpead"))
    return None


#: In the order in which they are asked: a later one sees what an earlier one has changed.
RULES: tuple[Rule, ...] = (
    _tetrahedra_need_points,
    _smearing_of_insulators,
    _algo_of_hybrids,
    _algo_of_meta_ggas,
    _algo_of_tetrahedra,
    _lmaxmix,
    _lasph,
    _lreal,
    _lorbit,
    _no_moments,
    _npar,
    _kpar,
    _ncore,
    _response,
)
OF_RELAXATIONS: tuple[Rule, ...] = (_tetrahedra_in_relaxations,)


def advised(
    mode: Mode, facts: Facts, explicit: Collection[str] = (), published: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Return the tags that advice changes, and say what could be better.

    Parameters
    ----------
    mode
        ``"off"``: nothing is looked at. ``"warn"``: advice is a warning. ``"correct"``: tags are changed, but for those
        that the user gave, of which there is a warning.
    facts
        Tags, and what they are for.
    explicit
        Tags that the user gave.
    published
        Whether the other tags are those of a published input set. Advice is then given only on what the user gave, and
        on what does not go together with it.

    Returns
    -------
    changes : dict
        New values by tag; None: the tag is removed.
    texts : list of str
        What was changed, and why.

    Raises
    ------
    UnknownNameError
        There is no such mode.
    """
    if mode not in get_args(Mode):
        raise UnknownNameError("incar_advice", mode, get_args(Mode))
    changes: dict[str, Any] = {}
    texts = []
    for advice in _advice(facts, changes) if mode != "off" else ():
        tag = next(iter(advice.changes))
        if published and not {tag, *advice.about} & set(explicit):
            continue
        better = {key: value for key, value in advice.changes.items() if key == tag or key not in explicit}
        said = (
            f"{_line(tag, {**facts.tags, **changes}.get(tag))}, better {', '.join(_line(*x) for x in better.items())}"
        )
        if mode == "correct" and tag not in explicit:
            changes |= better
            texts.append(f"{said}: {advice.reason}")
        else:
            more = "" if mode == "correct" else ", or incar_advice='correct' where the tag is not one of them"
            warnings.warn(f"INCAR: {said}: {advice.reason}. Change it in calc_kwargs{more}.", stacklevel=3)
    return changes, texts


def _advice(facts: Facts, changes: Mapping[str, Any]) -> Iterator[Advice]:
    for rule in OF_RELAXATIONS if facts.relaxes else RULES:
        tags = {key: value for key, value in {**facts.tags, **changes}.items() if value is not None}
        if advice := rule(replace(facts, tags=tags)):
            yield advice


def _line(tag: str, value: Any) -> str:
    return f"no {tag.upper()}" if value is None else f"{tag.upper()} = {value}"
