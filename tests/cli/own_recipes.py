"""A user's own recipes."""

import sys
import time
from pathlib import Path
from typing import Literal

from ase.calculators.emt import EMT

from adatom import flow, job
from adatom.errors import InputError


@job
def energy(
    atoms, scale: float = 1.0, *, tag: Literal["a", "b"] = "a", count: int = 1, on: bool = False, sizes: list[int] = ()
):
    """Energy of a structure.

    Parameters
    ----------
    atoms
        The structure.
    scale
        A factor,
        without unit.
    """
    print("energy of", atoms.get_chemical_formula())
    atoms = atoms.copy()
    atoms.calc = EMT()
    return {"energy": float(scale * atoms.get_potential_energy()), "given": [scale, tag, count, on, list(sizes)]}


@job
def document(atoms, fail: bool = False, refuse: bool = False):
    """What a result looks like."""
    if refuse:
        raise InputError("refused")
    if fail or "Al" in atoms.symbols:
        raise ValueError("no such luck")
    calculated = atoms.copy()
    calculated.calc = EMT()
    return {
        "name": "document",
        "atoms": atoms,
        "results": {"energy": calculated.get_potential_energy(), "forces": calculated.get_forces()},
        "dir_name": f"/runs/{atoms.get_chemical_formula()}",
        "converged": True,
        "steps": 7,
    }


@flow
def pair(atoms, document=document, n: int = 2, label: str = ""):
    """Documents of a structure and of larger ones."""
    return {"first": document(atoms), "rest": [document(atoms * (i + 2, 1, 1)) for i in range(n)], "label": label}


@flow
def unused_failure(atoms):
    document(atoms, fail=True)
    return document(atoms)


@flow
def needs_failed(atoms):
    return {"good": document(atoms), "after": energy(document(atoms, fail=True)["atoms"])}


@flow
def broken_body(atoms):
    raise RuntimeError("the body is broken")


@flow
def any_keywords(atoms, **more):
    return sorted(more.items())


@job
def unsaveable(atoms):
    return {"thing": object}


@job
def slow(atoms, seconds: float = 60):
    print("asleep", flush=True)
    time.sleep(seconds)


@job
def until(atoms, path):
    while not Path(path).exists():
        time.sleep(0.02)


@flow
def slow_and_quick(atoms, slow=slow, document=document):
    return [slow(atoms), document(atoms)]


@job
def up_to(n, limit: float = 0, *, unit: str = "eV"):
    if n > limit:
        raise ValueError(f"{n} is more than {limit} {unit}")
    return n


@job
def needs_file(name):
    return open(name).read()


@job(retries=1)
def second_time(name):
    print("tried")
    try:
        with open(name, "x"):
            raise ValueError("the first time")
    except FileExistsError:
        return name


@job
def talk(atoms):
    time.sleep(0.3)  # the progress line is there by now
    print("said of", atoms.get_chemical_formula(), flush=True)
    print("warned of", atoms.get_chemical_formula(), file=sys.stderr, flush=True)


@flow
def without_structure():
    return 1


@flow
def two_structures(atoms, other: str):
    return other


def plain_function(atoms):
    return 1
