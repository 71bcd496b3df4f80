"""Documents of emmet-core, from the files that the program that stands in for VASP writes."""

from pathlib import Path

import pytest
from ase.build import bulk
from emmet.core.tasks import TaskDoc
from emmet.core.vasp.calc_types import RunType, TaskType

from adatom.errors import InputError
from adatom.recipes.vasp import mp_gga_relax_flow, non_scf_job, relax_job, static_job
from adatom.schemas.vasp import vasp_material, vasp_task
from tests.standins.vasp import provide

pytestmark = pytest.mark.filterwarnings("ignore")  # of pymatgen's and emmet-core's own
FEW = {"kspacing": 0.5, "lcharg": True}


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    for name, value in provide(tmp_path / "vasp", "Al", "Cu", "Cu_pv", "Ni").items():
        monkeypatch.setenv(name, value)


def test_the_document_of_a_static():
    nickel = bulk("Ni")
    nickel.set_initial_magnetic_moments([0.6])
    result = static_job(nickel, calc_kwargs=FEW)
    task = vasp_task(result, tags=["mine"])
    assert isinstance(task, TaskDoc)
    assert (task.task_type, task.run_type, task.state.value) == (TaskType.Static, RunType.PBE, "successful")
    assert (task.formula_pretty, task.symmetry.number, task.tags) == ("Ni", 225, ["mine"])
    assert task.output.energy == pytest.approx(result["results"]["energy"])
    assert task.output.structure.site_properties["magmom"] == [0.6]
    assert task.input.parameters["NELECT"] == 10
    assert task.input.potcar == ["Ni"]
    assert task.output.bandgap == 0
    assert task.model_dump(mode="json")["output"]["energy"] == task.output.energy


def test_the_document_of_a_relaxation():
    result = relax_job(bulk("Al", a=4.2), relax_cell=True, calc_kwargs=FEW)
    task = vasp_task(result)
    assert task.task_type == TaskType.Structure_Optimization
    assert len(task.calcs_reversed[0].output.ionic_steps) == result["steps"] + 1
    before, after = result["input_atoms"].cell.volume, result["atoms"].cell.volume
    assert after - before < -1
    assert task.analysis.delta_volume == pytest.approx(after - before)
    assert task.output.structure.volume == pytest.approx(after)


def test_the_documents_of_bands():
    static = static_job(bulk("Al"), calc_kwargs=FEW)
    grid, line = non_scf_job(static, optics=True), non_scf_job(static, mode="line", npoints=8)
    task = vasp_task(grid)
    assert task.task_type == TaskType.NSCF_Uniform
    assert len(task.calcs_reversed[0].output.frequency_dependent_dielectric.energy) == 2001
    assert vasp_task(line).task_type == TaskType.NSCF_Line


def test_a_material_of_several_runs():
    runs = list(mp_gga_relax_flow(bulk("Cu", a=3.7)).values())
    material = vasp_material(runs, task_ids=["mp-7", "mp-8", "mp-9"])
    assert material.formula_pretty == "Cu"
    assert str(material.material_id) == "mp-7"
    assert material.entries.GGA.energy == pytest.approx(runs[-1]["results"]["energy"])
    assert material.structure.volume == pytest.approx(runs[-1]["atoms"].cell.volume)
    assert set(material.task_types.values()) == {TaskType.Structure_Optimization, TaskType.Static}


def test_what_is_no_document(tmp_path):
    with pytest.raises(InputError, match=r"There is no vasprun.xml in .* Give the result of a job with VASP"):
        vasp_task({"dir_name": str(tmp_path)})
    static = static_job(bulk("Cu"), calc_kwargs={"kspacing": 0.5})
    with pytest.raises(InputError, match="no material of runs of these kinds: PBE Static"):
        vasp_material([static])
    with pytest.raises(InputError, match="1 runs and 2 task_ids"):
        vasp_material([static], task_ids=["a", "b"])
    assert (Path(static["dir_name"]) / "vasprun.xml").exists()
