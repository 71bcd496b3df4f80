"""Benchmarks that are made of a file of structures with reference energies and forces."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from adatom import job, subflow
from adatom.analysis import reference_errors as analysis
from adatom.analysis.reference_errors import ReferenceErrors
from adatom.arena.benchmark import Benchmark, Metric, Size
from adatom.arena.systems import of_elements
from adatom.atoms.results import get_result, without_results
from adatom.errors import InputError
from adatom.recipes import mlip
from adatom.schemas.results import ScanPoints

__all__ = ["reference_benchmark"]


def reference_benchmark(
    file: str | Path,
    *,
    name: str | None = None,
    title: str | None = None,
    prefix: str = "REF_",
    energy: tuple[float, float] = (1e-3, 1e-1),
    forces: tuple[float, float] = (1e-2, 1.0),
    citation: str = "",
) -> Benchmark:
    """Make a benchmark of a file of structures with reference energies and forces.

    Structures of one composition are one system, named by their formula. Their energies are compared relative to their
    mean, since the zero of energy of a model is another.

    Parameters
    ----------
    file
        File of extended XYZ, or of another format that ASE reads.
    name
        Name of the benchmark. None: that of the file, without its ending.
    title
        Title for people. None: the name.
    prefix
        Prefix of the names of the reference, such as ``"REF_"`` of ``REF_energy`` and ``REF_forces``. A structure
        without an energy under such a name has one under the name alone.
    energy, forces
        Mean absolute errors with the scores 1 and 0, in eV per atom and in eV/Å; in between, the score is linear in the
        logarithm.
    citation
        Source of the reference.

    Raises
    ------
    InputError
        The file is not there, or a structure has no energy.
    """
    from adatom.configs import ConfigSet

    path = Path(file)
    structures = [_labelled(number, atoms, prefix, path) for number, atoms in enumerate(ConfigSet(path))]
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in structures:
        groups.setdefault(one["atoms"].get_chemical_formula(), []).append(one)

    def systems(size: Size, elements: Collection[str] | None) -> dict[str, Any]:
        """Return the structures by composition; the same for all sizes."""
        if elements is None:
            return groups
        wanted = of_elements({key: group[0]["atoms"] for key, group in groups.items()}, elements)
        return {key: groups[key] for key in wanted}

    known = name or path.name.removesuffix("".join(path.suffixes[-2:])) or path.stem
    return Benchmark(
        name=known,
        title=title or known,
        about=f"{len(structures)} structures with reference energies"
        f"{' and forces' if any(one['forces'] is not None for one in structures) else ''}, from {path.name}.",
        systems=systems,
        flow=reference_flow,
        document="reference_errors",
        metrics=(
            Metric("energy_mae", "mean absolute error of relative energies", *energy, "eV/atom", logarithmic=True),
            Metric("force_mae", "mean absolute error of components of forces", *forces, "eV/Å", logarithmic=True),
        ),
        curves=(("reference", "predicted"),),
        calls=lambda group: (len(group), len(group[0]["atoms"])),
        parameters={"digest": hashlib.sha256(path.read_bytes()).hexdigest()[:16]},
        citation=citation,
    )


def _labelled(number: int, atoms: Atoms, prefix: str, path: Path) -> dict[str, Any]:
    energy = next((found for key in (prefix, "") if (found := get_result(atoms, key, "energy")) is not None), None)
    if energy is None or not np.isfinite(energy):
        raise InputError(f"Structure {number} of {path} has no {prefix}energy. Give the prefix of its names.")
    forces = next((found for key in (prefix, "") if (found := get_result(atoms, key, "forces")) is not None), None)
    return {"atoms": without_results(atoms), "energy": float(energy), "forces": forces}


@subflow
def reference_flow(
    structures: Sequence[dict[str, Any]], *, scan_job: Callable[..., Any] = mlip.scan_job, digest: str = ""
) -> dict[str, Any]:
    """Compute structures of one composition, and compare their energies and forces with the reference.

    Parameters
    ----------
    structures
        ``atoms``, ``energy`` in eV and ``forces`` in eV/Å, or None, of each structure.
    scan_job
        Job that computes the structures.
    digest
        Digest of the file, by which protocols differ.

    Returns
    -------
    dict
        ``"scan"``: the result of the scan. ``"errors"``: a `ReferenceErrors`.
    """
    scan = scan_job([one["atoms"] for one in structures])
    return {"scan": scan, "errors": measure(structures, scan["points"])}


@job
def measure(structures: Sequence[dict[str, Any]], points: ScanPoints) -> ReferenceErrors:
    """Compare energies and forces with the reference."""
    return analysis.reference_errors(
        [one["energy"] for one in structures],
        points["energies"],
        [one["forces"] for one in structures],
        points["forces"],
        len(structures[0]["atoms"]),
    )
