"""Results that a structure carries, under names such as ``REF_energy``."""

from __future__ import annotations

from typing import Any

from ase import Atoms

__all__ = ["get_result", "prefixes_of", "without_results"]

#: Results kept in ``info`` and in ``arrays``, under names with a prefix. A name stands before those that it ends in.
_OF_STRUCTURE = ("free_energy", "energy", "stress", "virial", "dipole", "magmom")
_OF_ATOMS = ("forces", "stresses", "charges", "magmoms", "energies")
#: Names that show that there are results. Other programs use the remaining ones for input, such as ``REF_magmoms``.
_TELLING = {"energy", "stress", "virial", "forces"}


def prefixes_of(atoms: Atoms) -> list[str]:
    """Return the prefixes under which a structure has an energy, forces, a stress or a virial, sorted.

    Parameters
    ----------
    atoms
        Structure with results. ``""`` stands for its calculator, and for names without a prefix.
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
    """Return a result that a structure carries, or None if it has none. Nothing is computed.

    Parameters
    ----------
    atoms
        Structure that may carry results.
    prefix
        Prefix of the name, such as ``"REF_"``. ``""``: the result that its calculator has of this very structure, and
        if there is none that under the name without a prefix.
    name
        Property of ASE, such as ``"energy"``, or ``"virial"``.
    """
    if not prefix and atoms.calc is not None and name != "virial":
        known = getattr(atoms.calc, "results", {})
        if known.get(name) is not None and not _has_changed(atoms):
            return known[name]
    return (atoms.arrays if name in _OF_ATOMS else atoms.info).get(prefix + name)


def without_results(atoms: Atoms) -> Atoms:
    """Return a copy of a structure without results, as a start for another structure.

    Parameters
    ----------
    atoms
        Structure with results; it is not changed.

    Returns
    -------
    Atoms
        Copy without a calculator, without the results under each of `prefixes_of`, and without ``PREFIX_failed`` and
        ``PREFIX_error``.
    """
    copy: Atoms = atoms.copy()
    for prefix in prefixes_of(atoms):
        for name in (*_OF_STRUCTURE, "failed", "error"):
            copy.info.pop(prefix + name, None)
        for name in _OF_ATOMS:
            copy.arrays.pop(prefix + name, None)
    return copy


def _has_changed(atoms: Atoms) -> bool:
    # Not calc.get_property: a calculator drops its results if the structure is another one.
    check = getattr(atoms.calc, "check_state", None)
    return bool(check(atoms)) if check else False
