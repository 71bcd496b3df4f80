"""A code that is a program runs on every engine: slabs by the program that stands in for VASP."""

from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom.recipes.vasp import bulk_to_slabs_flow

SMALL = {"min_slab_size": 4, "min_vacuum_size": 8, "min_length_width": None, "flip_asymmetric": False}


@pytest.mark.deep_but_on("dask", reason="programs are what a job runs, in whichever process an engine runs it")
def test_slabs(engine, tmp_path):
    flow = bulk_to_slabs_flow.with_options(runner=engine.runner)
    rough = {"all": {"calc_kwargs": {"kspacing": 1.0}}, "relax_job": {"fmax": 0.05}}
    result = flow(bulk("Cu"), slab_kwargs=SMALL, job_params=rough)
    relaxed, others = result["relax"], [*result["static"], *result["oriented"], result["bulk"]]
    runs = [*relaxed, *others]
    for run in runs:
        atoms = run["atoms"].copy()
        atoms.calc = EMT()
        assert run["results"]["energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        assert run["provenance"]["engine"] == engine.engine
    by_vasp = ["IBRION = 2" in (Path(run["dir_name"]) / "INCAR").read_text() for run in runs]
    assert by_vasp == [True] * len(relaxed) + [False] * len(others) == [True] * 4 + [False] * 9
    for run in result["oriented"]:  # which has the slab's numbers of k points in the plane
        assert (Path(run["dir_name"]) / "KPOINTS").read_text().splitlines()[2] == "Gamma"
    assert len({run["dir_name"] for run in runs}) == len(list((tmp_path / "results").rglob("JOB-*"))) == 13
    assert all(1 < surface["surface_energy"] < 2 for surface in result["surface_energies"]["surfaces"])
