"""Fits of Gaussian approximation potentials."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import write
from ase.stress import voigt_6_to_full_3x3_stress

from adatom import get_settings, job
from adatom.atoms.results import get_result, without_results
from adatom.calculators.programs import Programs
from adatom.calculators.running import failure_of, run_program
from adatom.configs import ConfigSet
from adatom.errors import InputError
from adatom.execution.directories import run_directory
from adatom.schemas.fit import FitResult
from adatom.schemas.provenance import make_provenance
from adatom.schemas.readable import readable

__all__ = ["fit_gap_job"]

_PROGRAMS = Programs("gap", "gap_fit", "`pip install 'adatom[gap]'`")
_ENERGY, _FORCES, _VIRIAL = "fit_energy", "fit_forces", "fit_virial"  # in the file that gap_fit reads
# Options of gap_fit that come from the arguments of the job, or that the job relies on.
_OWN = {
    **dict.fromkeys(("at_file", "atoms_filename"), "structures"),
    **dict.fromkeys(("gap", "gap_str"), "descriptors"),
    **dict.fromkeys(("default_sigma", "default_kernel_regularisation"), "default_sigma"),
    **dict.fromkeys(("config_type_sigma", "config_type_kernel_regularisation"), "config_type_sigma"),
    **dict.fromkeys(("energy_parameter_name", "force_parameter_name", "virial_parameter_name"), "prefix"),
    **dict.fromkeys(("e0", "e0_method"), "e0"),
    "rnd_seed": "seed",
    **dict.fromkeys(("gp_file", "gap_file", "sparse_separate_file"), ""),
}


@job
def fit_gap_job(
    structures: Any,
    *,
    descriptors: Sequence[Mapping[str, Any]],
    default_sigma: Sequence[float],
    prefix: str = "REF_",
    e0: Mapping[str, float] | None = None,
    config_type_sigma: Mapping[str, Sequence[float]] | None = None,
    seed: int = 1,
    parameters: Mapping[str, Any] | None = None,
) -> FitResult:
    """Fit a Gaussian approximation potential [1]_ with gap_fit.

    Parameters
    ----------
    structures
        Structures with energies, forces and stresses under names that begin with `prefix`: a `ConfigSet`, or anything
        that it can be made of. Single atoms that are not periodic give the energies of isolated atoms.
    descriptors
        Descriptors of gap_fit, each a dictionary of its parameters with its name as ``kind``, such as ``{"kind":
        "soap", "cutoff": 5.0, "n_max": 8, "l_max": 4, "atom_sigma": 0.5, "zeta": 4, "covariance_type": "dot_product",
        "delta": 0.2, "n_sparse": 200, "sparse_method": "cur_points"}``; lengths in Å, energies in eV.
    default_sigma
        Expected errors of energies (eV per atom), forces (eV/Å), virials (eV per atom) and Hessians (eV/Å²).
    prefix
        Prefix of the names of the results to fit to, such as ``REF_energy``, ``REF_forces`` and ``REF_stress``.
    e0
        Energy in eV of an isolated atom by element, for those of which `structures` have none.
    config_type_sigma
        Other errors for structures by their ``info["config_type"]``, in the order of `default_sigma`.
    seed
        Seed of gap_fit's random numbers.
    parameters
        Further options of gap_fit by name.

    Returns
    -------
    FitResult
        Result, whose ``calculator`` is the potential for other recipes.

    Raises
    ------
    InputError
        A structure has nothing to fit to, an element has no energy of an isolated atom, an option is an argument's, or
        gap_fit is not installed.
    ProgramError
        gap_fit failed.

    References
    ----------
    .. [1] A. P. Bartók, M. C. Payne, R. Kondor, G. Csányi, Phys. Rev. Lett. 104, 136403 (2010),
       https://doi.org/10.1103/PhysRevLett.104.136403
    """
    for name in parameters or {}:
        if name in _OWN:
            other = f"Give the job's own argument {_OWN[name]}." if _OWN[name] else "The job sets it."
            raise InputError(f"parameters has the option {name}. {other}")
    known = list(structures if isinstance(structures, ConfigSet) else ConfigSet(structures))
    training = [_labelled(number, atoms, prefix) for number, atoms in enumerate(known) if not _is_isolated(atoms)]
    if not training:
        raise InputError("There are no structures to fit to. Give some besides isolated atoms.")
    energies = {**_isolated_energies(known, prefix), **(e0 or {})}
    elements = sorted({symbol for atoms in training for symbol in atoms.symbols})
    if missing := [symbol for symbol in elements if symbol not in energies]:
        raise InputError(
            f"There is no energy of an isolated atom of {', '.join(missing)}. Add the atom, alone and not periodic, "
            f"with its {prefix}energy to the structures, or give e0={{{missing[0]!r}: ...}}."
        )
    energies = {symbol: float(energies[symbol]) for symbol in elements}
    options = {
        "at_file": "train.xyz",
        "gap": _Descriptors(descriptors),
        "default_sigma": default_sigma,
        "e0": energies,
        "energy_parameter_name": _ENERGY,
        "force_parameter_name": _FORCES,
        "virial_parameter_name": _VIRIAL,
        "gp_file": "gap.xml",
        "sparse_separate_file": False,  # their names in the XML are relative to the working directory
        "do_copy_at_file": False,
        "rnd_seed": seed,
        **({"config_type_sigma": config_type_sigma} if config_type_sigma else {}),
        **(parameters or {}),
    }
    words = [f"{name}={_text(value)}" for name, value in options.items()]
    command = _command()
    start, clock = datetime.now(UTC), time.perf_counter()
    with run_directory("fit_gap") as directory:
        place = directory.path
        write(place / "train.xyz", training, format="extxyz")
        run_program("gap_fit", [*command, *words], place, output="gap_fit.out", errors="gap_fit.err")
        if not (place / "gap.xml").is_file():
            raise failure_of("gap_fit ended without a potential", place, "gap_fit.out", "gap_fit.err")
        file = directory.final / ("gap.xml.gz" if get_settings().gzip else "gap.xml")
        return {
            "name": "fit_gap",
            "calculator": f"gap:{file}",
            "files": [str(file)],
            "structures": len(training),
            "e0": energies,
            "parameters": readable({**options, "gap": list(descriptors)}),
            "dir_name": str(directory.final),
            "provenance": make_provenance(start, time.perf_counter() - clock),
        }


class _Descriptors(tuple[Mapping[str, Any], ...]):
    """Descriptors, for `_text`."""


def _command() -> list[str]:
    beside = Path(sys.executable).with_name("gap_fit")  # where pip puts it, which may not be on the PATH
    return _PROGRAMS.command(beside=beside)


def _is_isolated(atoms: Atoms) -> bool:
    return len(atoms) == 1 and not atoms.pbc.any()


def _isolated_energies(structures: Sequence[Atoms], prefix: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, atoms in enumerate(structures):
        if not _is_isolated(atoms):
            continue
        [symbol] = atoms.symbols
        energy = get_result(atoms, prefix, "energy")
        if energy is None or not np.isfinite(energy):
            raise InputError(f"Structure {number}, an isolated atom of {symbol}, has no {prefix}energy.")
        if abs(found.setdefault(symbol, float(energy)) - energy) > 1e-6:
            raise InputError(f"Isolated atoms of {symbol} have the energies {found[symbol]} and {energy} eV. Give one.")
    return found


def _labelled(number: int, atoms: Atoms, prefix: str) -> Atoms:
    """Return a structure with nothing but what gap_fit reads."""
    labels = {name: get_result(atoms, prefix, name) for name in ("energy", "forces", "stress", "virial")}
    if labels["energy"] is None and labels["forces"] is None:
        raise InputError(f"Structure {number} has no {prefix}energy and no {prefix}forces. Compute them, or drop it.")
    if bad := [name for name, value in labels.items() if value is not None and not np.isfinite(value).all()]:
        raise InputError(f"The {prefix}{bad[0]} of structure {number} is not finite. Compute it again, or drop it.")
    plain = without_results(atoms)
    kept = Atoms(plain.numbers, plain.positions, cell=plain.cell, pbc=plain.pbc)
    if "config_type" in plain.info:
        kept.info["config_type"] = plain.info["config_type"]
    if labels["energy"] is not None:
        kept.info[_ENERGY] = float(labels["energy"])
    if labels["forces"] is not None:
        kept.set_array(_FORCES, np.asarray(labels["forces"]))
    if labels["virial"] is not None:
        kept.info[_VIRIAL] = np.reshape(labels["virial"], (3, 3))
    elif labels["stress"] is not None:
        stress = np.asarray(labels["stress"])
        full = voigt_6_to_full_3x3_stress(stress) if stress.shape == (6,) else stress
        kept.info[_VIRIAL] = -full * plain.get_volume()
    return kept


def _text(value: Any) -> str:
    """Return a value as gap_fit reads it."""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, _Descriptors):
        return "{" + " : ".join(_descriptor(one) for one in value) + "}"
    if isinstance(value, Mapping):
        return "{" + ":".join(f"{name}:{_joined(one)}" for name, one in value.items()) + "}"
    if isinstance(value, str) or np.ndim(value) == 0:
        return str(value)
    return "{" + " ".join(map(_text, value)) + "}"


def _joined(value: Any) -> str:
    return ":".join(map(str, value)) if np.ndim(value) else str(value)


def _descriptor(parameters: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in parameters.items() if name != "kind"}
    if not isinstance(parameters.get("kind"), str):
        raise InputError(f"A descriptor is {dict(parameters)!r}. Give its name as kind, such as 'soap'.")
    return " ".join([parameters["kind"], *(f"{name}={_text(value)}" for name, value in rest.items())])
