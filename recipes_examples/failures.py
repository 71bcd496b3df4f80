"""Failures are data: what can be finished is, and each failure says which job, where its files are, and why."""

from pathlib import Path

from ase.build import bulk

from adatom import Failure, FlowFailure, flow
from adatom.recipes.emt import relax_job, static_job


@flow
def energies_flow(symbols):
    relaxed = [relax_job(bulk(symbol), relax_cell=True) for symbol in symbols]
    return [static_job(result["atoms"]) for result in relaxed]


symbols = ["Cu", "Fe", "Ag"]  # EMT has no parameters for iron

try:
    energies_flow(symbols)
except FlowFailure as error:
    for failure in error.failures:
        print(failure.describe(short=True).splitlines()[0])
    directory = Path(error.failures[0].directory)
    print(f"{directory.name.rpartition('-')[0]} has {sorted(path.name for path in directory.iterdir())}")

results = energies_flow.with_options(on_failure="return")(symbols)
for symbol, result in zip(symbols, results, strict=True):
    print(symbol, "failed" if isinstance(result, Failure) else f"{result['results']['energy']:.4f} eV")
