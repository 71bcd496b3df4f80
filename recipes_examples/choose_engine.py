"""The engine is a setting: of the environment (ADATOM_WORKFLOW_ENGINE=dask python choose_engine.py) or of a block."""

from ase.build import bulk

from adatom import change_settings, flow
from adatom.recipes.emt import relax_job


@flow
def workflow(symbols):
    return [relax_job(bulk(symbol), relax_cell=True) for symbol in symbols]


def show(results):
    energies = ", ".join(f"{result['results']['energy']:.6f}" for result in results)
    print(f"{results[0]['provenance']['engine']}: {energies} eV")


show(workflow(["Cu", "Ag", "Au"]))

with change_settings(workflow_engine="local", local_workers=2):  # two processes of this machine
    show(workflow(["Cu", "Ag", "Au"]))
