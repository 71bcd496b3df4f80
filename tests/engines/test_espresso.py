"""Programs that read one another's files run in order on every engine, and give the serial numbers."""

import pytest
from ase.build import bulk

from adatom import change_settings, flow
from adatom.recipes.espresso import bands_flow, dos_flow, grid_phonon_flow
from tests.codes import provide_code

ROUGH = {
    "preset": ["semiconductor", "lda"],
    "calc_kwargs": {"input_data": {"ecutwfc": 10, "ecutrho": 40}, "kpts": (2, 2, 2)},
}
STATIC = {"static_job": ROUGH}


@pytest.fixture(scope="session", autouse=True)
def espresso():
    provide_code("espresso")


@flow
def workflow(atoms):
    """Silicon: its density of states, bands and phonons."""
    return {
        "dos": dos_flow(atoms, job_params={**STATIC, "dos_job": {"input_data": {"deltae": 0.5}}})["dos"]["results"],
        "bands": bands_flow(
            atoms, run_bands_pp=False, job_params={**STATIC, "bands_pw_job": {"path": "GX", "npoints": 3}}
        )["bands_pw"]["results"],
        "phonons": grid_phonon_flow(
            atoms, grid=(2, 2, 2), job_params={**STATIC, "phonon_job": {"input_data": {"tr2_ph": 1e-12}}}
        )["phonon"]["results"],
    }


@pytest.fixture(scope="session")  # pytest comes to this module once for each engine
def serial(espresso, tmp_path_factory):
    with change_settings(workflow_engine="local", local_workers=1, results_dir=tmp_path_factory.mktemp("serial")):
        return workflow(bulk("Si"))


@pytest.mark.deep_but_on("dask", reason="programs are what a job runs, in whichever process an engine runs it")
def test_flows(engine, serial):
    found = workflow.with_options(runner=engine.runner)(bulk("Si"))
    assert found["dos"]["dos"] == pytest.approx(serial["dos"]["dos"], abs=1e-3)
    assert found["bands"]["eigenvalues"] == pytest.approx(serial["bands"]["eigenvalues"], abs=1e-5)
    assert found["phonons"]["frequencies"] == pytest.approx(serial["phonons"]["frequencies"], abs=0.01)
    assert found["phonons"]["irreps"] == [2, 4, 3]
