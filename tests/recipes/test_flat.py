"""A code is one module: its jobs and flows have the same names in Python and on the command line."""

import inspect
import pydoc
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from adatom.errors import InputError
from adatom.recipes.common import eos
from adatom.recipes.registry import codes, find_recipe, recipes_of
from tests.interpreter import run

# Which take dozens of energies in one job, or thousands.
OF_POTENTIALS = {"diatomic_flow", "energy_volume_flow", "scan_job", "widom_job"}
JOBS = {"freq_job", "irc_job", "md_job", "neb_job", "relax_job", "static_job", "ts_job"}
FLOWS = {
    *("bulk_to_defects_flow", "bulk_to_slabs_flow", "convergence_flow", "elastic_tensor_flow", "eos_flow"),
    *("irc_flow", "neb_flow", "phonon_flow", "qha_flow", "slab_to_ads_flow", "ts_flow"),
}
OF_ESPRESSO = {
    *("ase_relax_job", "bands_flow", "bands_pp_job", "bands_pw_job", "dielectric_job", "dos_flow", "dos_job"),
    *(
        "grid_phonon_flow",
        "matdyn_job",
        "non_scf_job",
        "phonon_dos_flow",
        "phonon_job",
        "post_processing_job",
        "projwfc_flow",
    ),
    *("projwfc_job", "q2r_job"),
}
OF_VASP = {
    *("ase_relax_job", "double_relax_flow", "matpes_static_flow", "mp_gga_relax_flow", "mp_metagga_relax_flow"),
    "non_scf_job",
}
RECIPES = [f"{code}.{recipe.function}" for code in codes() for recipe in recipes_of(code)]

NEW_FLOW = """
from adatom import subflow
from adatom.recipes.common.code import unbound

@subflow
def twice_flow(atoms, *, static_job=unbound):
    return [static_job(atoms), static_job(atoms)]
"""
NEW_ROW = """
from adatom.recipes.common import flows
from twice import twice_flow

flows.twice_flow = twice_flow
from adatom.recipes.registry import codes, find_recipe
for code in codes():
    step = find_recipe(f"{code}.twice_flow").step
    print(step, step.defaults["static_job"])
"""

TYPED = """
from typing import assert_type

from ase import Atoms

from adatom.recipes import emt, espresso
from adatom.recipes.emt import eos_flow, relax_job
from adatom.recipes.espresso import bands_flow, elastic_tensor_flow
from adatom.schemas.results import RelaxResult


def use(atoms: Atoms) -> None:
    assert_type(relax_job(atoms, fmax=0.02), RelaxResult)
    eos_flow(atoms, strains=[-0.01, 0.01])
    emt.slab_to_ads_flow(atoms, "CO")
    bands_flow(atoms, run_bands_pp=False)
    elastic_tensor_flow(atoms)
    espresso.phonon_flow(atoms)
    emt.eos_flow(atoms, strain=3)
    emt.no_flow(atoms)
"""


@pytest.mark.parametrize("code", ["emt", "lj", "mlip", "tblite"])
def test_a_code_is_one_file_with_all_of_its_names(code):
    module = import_module(f"adatom.recipes.{code}")
    assert Path(module.__file__).name == f"{code}.py"
    assert {recipe.function for recipe in recipes_of(code)} == JOBS | FLOWS | OF_POTENTIALS
    assert set(module.__all__) >= JOBS | FLOWS | OF_POTENTIALS
    assert set(module.__all__) <= set(dir(module))


def test_a_large_code_is_a_package_with_all_of_its_names():
    assert {recipe.function for recipe in recipes_of("espresso")} == JOBS | FLOWS | OF_ESPRESSO
    assert {recipe.function for recipe in recipes_of("vasp")} == JOBS | FLOWS | OF_VASP


@pytest.mark.parametrize("name", RECIPES)
def test_the_name_in_python_is_the_name_on_the_command_line(name):
    code, _, function = name.partition(".")
    step = getattr(import_module(f"adatom.recipes.{code}"), function)
    assert find_recipe(name).step is step
    assert find_recipe(f"adatom.recipes.{name}").step is step
    assert find_recipe(f"adatom.recipes.{code}:{function}").step is step
    assert step.__name__ == function


def test_a_job_is_known_by_its_code_in_the_journal():
    from adatom.recipes.emt import relax_job
    from adatom.recipes.espresso import relax_job as of_espresso

    assert relax_job.recipe == "adatom.recipes.emt:relax_job"
    assert of_espresso.recipe == "adatom.recipes.espresso:relax_job"


def test_espresso_says_only_what_differs():
    from adatom.recipes.espresso import bulk_to_slabs_flow, elastic_tensor_flow, eos_flow

    assert elastic_tensor_flow.defaults["run_static"] is True
    assert bulk_to_slabs_flow.defaults["relax_job"].defaults == {"preset": "slab"}
    assert eos_flow.defaults["relax_job"].defaults == {}


def test_a_new_flow_is_its_file_and_a_row_for_every_code(tmp_path):
    (tmp_path / "twice.py").write_text(NEW_FLOW)
    printed = run(NEW_ROW, tmp_path).splitlines()
    assert printed == [
        f"<Subflow adatom.recipes.{code}.twice_flow> <Job adatom.recipes.{code}.static_job>" for code in codes()
    ]


NEW_CODE = """
from ase.calculators.emt import EMT

from adatom.recipes.common import jobs, {module}
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *

small = Code("Small", EMT)

static_job = small.job(jobs.static_job)
{more}
"""


def test_a_flow_whose_jobs_a_code_lacks_is_not_among_its_names(tmp_path, monkeypatch):
    small = written(NEW_CODE.format(module="eos", more="small.bind_flows()"), "small_code", tmp_path, monkeypatch)
    assert {name for name in vars(small) if name.endswith("_flow")} == {"convergence_flow"}
    assert set(small.__all__) == {"convergence_flow", "small", "static_job"}
    with pytest.raises(ImportError, match="eos_flow"):
        exec("from small_code import eos_flow")


def test_a_flow_that_is_bound_by_hand_needs_its_jobs_at_import(tmp_path, monkeypatch):
    text = NEW_CODE.format(module="neb", more="neb_flow = small.bind(neb.neb_flow)")
    with pytest.raises(InputError, match=r"Small has no neb_job and no relax_job, which neb_flow calls"):
        written(text, "small_code", tmp_path, monkeypatch)


def test_what_is_bound_by_hand_stays(tmp_path, monkeypatch):
    more = """
relax_job = small.job(jobs.relax_job)
eos_flow = small.bind(eos.eos_flow, relax_ions=False, relax_job=relax_job.bind(fmax=0.2))
small.bind_flows()
"""
    small = written(NEW_CODE.format(module="eos", more=more), "small_code", tmp_path, monkeypatch)
    assert small.eos_flow.defaults["relax_ions"] is False
    assert small.eos_flow.defaults["relax_job"].defaults == {"fmax": 0.2}
    assert small.eos_flow.defaults["static_job"] is small.static_job
    assert small.eos_flow.__module__ == "small_code"
    assert small.qha_flow.defaults["relax_job"] is small.relax_job


def test_a_name_that_the_flow_does_not_have_is_refused(tmp_path, monkeypatch):
    text = NEW_CODE.format(module="convergence", more="f = small.bind(convergence.convergence_flow, tolerence=1)")
    with pytest.raises(InputError, match="Did you mean 'tolerance'"):
        written(text, "small_code", tmp_path, monkeypatch)


def written(text, name, directory, monkeypatch):
    (directory / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(directory)
    monkeypatch.setitem(sys.modules, name, None)  # so that what is imported now goes with the test
    del sys.modules[name]
    return import_module(name)


def test_a_recipe_goes_to_another_process_by_its_name(tmp_path):
    dump = """
import pickle, sys
from adatom.recipes.registry import find_recipe
step = find_recipe(sys.argv[1]).step
sys.stdout.write(pickle.dumps(step, 0).hex())
"""
    load = """
import pickle, sys
step = pickle.loads(bytes.fromhex(sys.argv[1]))
from adatom.recipes.registry import find_recipe
assert find_recipe(sys.argv[2]).step is step
print(step)
"""
    for name in ("emt.eos_flow", "espresso.elastic_tensor_flow", "espresso.bands_flow", "mlip.static_job"):
        code, _, function = name.partition(".")
        pickled = run(dump, tmp_path, name)
        assert f"adatom.recipes.{code}" in bytes.fromhex(pickled).decode()
        assert run(load, tmp_path, pickled, name).endswith(f" adatom.recipes.{code}.{function}>\n")


def test_help_and_signature():
    from adatom.recipes import emt

    assert "strains" in inspect.signature(emt.eos_flow).parameters
    assert emt.eos_flow.__doc__ == eos.eos_flow.__doc__
    shown = pydoc.plain(pydoc.render_doc(emt))
    assert "    eos_flow(atoms: 'Atoms', *, relax_job: " in shown
    assert "    relax_job(atoms: 'Atoms', *, relax_cell: " in shown


def test_a_type_checker_sees_every_name(tmp_path):
    pytest.importorskip("mypy", reason="nox -s types tests it")
    (tmp_path / "use.py").write_text(TYPED)
    command, root = [sys.executable, "-m", "mypy", tmp_path / "use.py"], Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    said = [line.partition("error: ")[2] for line in done.stdout.splitlines() if "error: " in line]
    assert len(said) == 2, done.stdout + done.stderr
    assert said[0].startswith('Unexpected keyword argument "strain"')
    assert said[1].startswith('Module has no attribute "no_flow"')
