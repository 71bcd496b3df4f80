"""Time and memory of calls of a potential, against the number of atoms."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom import subflow
from adatom.analysis.scaling import Scaling, scaling
from adatom.arena.benchmark import Benchmark, Metric, Size
from adatom.arena.systems import crystals
from adatom.recipes.common.code import Code
from adatom.recipes.common.docs import documented_by
from adatom.recipes.mlip import mlip

__all__ = ["SPEED", "speed_job"]


@documented_by(Code.calculator)
def time_calls(
    code: Code,
    atoms: Atoms,
    *,
    repeats: Sequence[int] = (1, 2, 3, 4),
    calls: int = 3,
    calc_kwargs: Mapping[str, Any] | None = None,
) -> Scaling:
    """Time the energy and forces of supercells of a crystal.

    Parameters
    ----------
    {parameters}
    repeats
        Numbers of cells along each vector, ascending.
    calls
        Number of calls at each size, of which the shortest counts.

    Returns
    -------
    Scaling
        Time of a call and memory, by the number of atoms.
    """
    sizes, seconds = [], []
    for number in repeats:
        whole = atoms * (number, number, number)
        whole.calc = code.calculator(whole, calc_kwargs)
        whole.get_forces()  # which loads and compiles what is needed
        times = []
        for seed in range(calls):
            whole.rattle(0.01, seed=seed)
            start = time.perf_counter()
            whole.get_forces()
            times.append(time.perf_counter() - start)
        sizes.append(len(whole))
        seconds.append(min(times))
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return scaling(sizes, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


speed_job = mlip.job(time_calls, name="speed_job").with_options(cache="off")  # another time each time


@subflow
def speed_flow(atoms: Atoms, *, speed_job: Callable[..., Any] = speed_job) -> dict[str, Any]:
    """Time the calls of a potential for supercells of a crystal.

    Parameters
    ----------
    atoms
        Crystal.
    speed_job
        Job that times the calls.

    Returns
    -------
    dict
        ``"scaling"``: a `Scaling`.
    """
    return {"scaling": speed_job(atoms)}


def systems(size: Size, elements: Collection[str] | None) -> dict[str, Atoms]:
    """Return supercells of the small set of crystals, whatever the size; all of the elements that are given."""
    found = crystals("small", elements)
    return {name: atoms * (2, 2, 2) for name, atoms in found.items()}


SPEED = Benchmark(
    name="speed",
    title="Speed and memory",
    about="Energy and forces of crystals with 8 to 512 atoms and more. The time is that of the machine that ran the "
    "model, which the record names: compare only models that ran on the same.",
    systems=systems,
    flow=speed_flow,
    document="scaling",
    metrics=(
        Metric("seconds_per_atom", "time of a call by the number of atoms", 1e-5, 1e-1, "s", logarithmic=True),
        Metric("exponent", "exponent by which the time grows with the number of atoms", 1.0, 2.0),
    ),
    curves=(("atoms", "seconds"),),
    calls=lambda atoms: (16, 25 * len(atoms)),
)
