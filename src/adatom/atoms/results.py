"""Results that a structure carries, under names such as ``REF_energy``."""

from __future__ import annotations

from typing import Any

from ase import Atoms

__all__ = ["get_result", "prefixes_of", "without_results"]

#: What is kept in ``info``, and what in ``arrays``, with a prefix before it; longer names before their own endings.
_OF_STRUCTURE = ("free_energy", "energy", "stress", "virial", "dipole", "magmom")
_OF_ATOMS = ("forces", "stresses", "charges", "magmoms", "energies")
#: Of these, what shows that there are results: other programs use the names of the others for what they are given.
_TELLING = {"energy", "stress", "virial", "forces"}


def prefixes_of(atoms: Atoms) -> list[str]:
    """The prefixes under which a structure has an energy, forces, a stress or a virial, sorted.

    Parameters
    ----------
    atoms
        The structure. ``""`` stands for its calculator, and for names without a prefix.
    """
    found = set()
    for where, properties in ((atoms.info, _OF_STRUCTURE), (atoms.arrays, _OF_ATOMS)):
        for key in where:
            name = next((name for name in properties if isinstance(key, str) and key.endswith(name)), None)
            if name in _TELLING:
                found.add(key.removesuffix(name))
    if atoms.calc is not None and any(get_result(atoms, "", name) is not None for name in ("energy", "forces")):
        found.add("")
    return sorted(found)


def get_result(atoms: Atoms, prefix: str, name: str) -> Any:
    """A result that a structure carries, or None. Nothing is computed.

    Parameters
    ----------
    atoms
        The structure.
    prefix
        As ``"REF_"``; ``""``: what its calculator knows of this very structure, and else the name without a prefix.
    name
        A property of ASE's, or ``"virial"``.
    """
    if not prefix and atoms.calc is not None and name != "virial":
        known = getattr(atoms.calc, "results", {})
        if known.get(name) is not None and not _has_changed(atoms):
            return known[name]
    return (atoms.arrays if name in _OF_ATOMS else atoms.info).get(prefix + name)


def without_results(atoms: Atoms) -> Atoms:
    """A copy of a structure without results: what is made of it has others.

    Parameters
    ----------
    atoms
        The structure; it is not changed.

    Returns
    -------
    Atoms
        Without a calculator, and without what is under each of `prefixes_of`, ``PREFIX_failed`` too.
    """
    copy: Atoms = atoms.copy()
    for prefix in prefixes_of(atoms):
        for name in (*_OF_STRUCTURE, "failed", "error"):
            copy.info.pop(prefix + name, None)
        for name in _OF_ATOMS:
            copy.arrays.pop(prefix + name, None)
    return copy


def _has_changed(atoms: Atoms) -> bool:
    # Not calc.get_property: a calculator forgets its results where the structure is another one.
    check = getattr(atoms.calc, "check_state", None)
    return bool(check(atoms)) if check else False
