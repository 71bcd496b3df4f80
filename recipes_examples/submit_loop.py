"""Futures in a loop, without a flow: submit, wait, and look at each result or failure."""

from ase.build import bulk

from adatom import Failure, wait
from adatom.recipes.emt import relax_job

symbols = ["Cu", "Ag", "Fe", "Au"]  # EMT has no parameters for iron
relax = relax_job.with_options(retries=1)

futures = [relax.submit(bulk(symbol), relax_cell=True) for symbol in symbols]
wait(futures)

for symbol, future in zip(symbols, futures, strict=True):
    result = future.result(raise_on_failure=False)
    if isinstance(result, Failure):
        print(f"{symbol} failed: {result.kind}")
    else:
        print(f"{symbol} {result['results']['energy']:.6f} eV")
