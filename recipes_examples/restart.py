"""A campaign that is run again computes only what is missing, and explain says why a job would run."""

from ase.build import bulk

from adatom import change_settings, explain, flow
from adatom.recipes.emt import relax_job


@flow(label="lattice constants")
def campaign(symbols):
    return [relax_job(bulk(symbol), relax_cell=True) for symbol in symbols]


with change_settings(cache="on", cache_dir="cache"):  # or ADATOM_CACHE=on
    for symbols in (["Cu", "Ag"], ["Cu", "Ag", "Au", "Pt"]):
        results = campaign(symbols)
        found = ["cached_from" in result["provenance"] for result in results]
        print(f"{found.count(False)} computed, {found.count(True)} found")

    print("found" if explain(relax_job, bulk("Pt"), relax_cell=True).hit else "computed")
    for difference in explain(relax_job, bulk("Pt"), relax_cell=True, fmax=0.05).differences:
        print(difference)
