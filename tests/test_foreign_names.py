"""Names of other packages are answered with the name here, wherever they are given."""

import inspect
from functools import partial

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.langevin import Langevin
from hypothesis import given
from hypothesis import strategies as st

from adatom import change_settings, get_settings, job, make_runner
from adatom.calculations import run_md, sample_md
from adatom.calculations.md import DYNAMICS
from adatom.calculations.optimize import OPTIMIZERS
from adatom.calculators.models import make_model, model_names
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, RemoteInfo, autoparallelize, calculate
from adatom.configs import map as map_configs
from adatom.errors import ArgumentsError, InputError, SettingsError, UnknownNameError
from adatom.foreign_names import FOREIGN_NAMES
from adatom.machines import Command, ExecutionProfile, HPCProfile, RunnerProfile, run_command
from adatom.recipes import emt, mlip
from adatom.recipes.registry import codes, find_recipe, recipes_of
from adatom.settings.model import Settings
from adatom.workflow.options import FlowOptions, JobOptions

CU = bulk("Cu")
CPU = {"name": "laptop", "scheduler": "local", "executables": {"x": "x"}}
PROFILES = (Command(name="x", executable="x"), ExecutionProfile(name="x-1", command="x"), HPCProfile(**CPU))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (partial(emt.relax_job, CU, opt_params={}), "'fmax', 'max_steps', 'optimizer' or 'optimizer_kwargs'?"),
        (partial(emt.relax_job, CU, calc_swaps={}), "Did you mean 'calc_kwargs'?"),
        (partial(emt.relax_job, CU, criterion={}), "Did you mean 'fmax' or 'max_steps'?"),
        (partial(emt.relax_job, CU, filter="FrechetCell"), "Did you mean 'relax_cell' or 'cell_filter'?"),
        (partial(emt.relax_job, CU, geom_file="CONTCAR"), "Did you mean the final structure? It is result['atoms']."),
        (partial(emt.relax_job, CU, additional_fields={}), "Did you mean to add keys? A result is a plain dictionary"),
        (partial(emt.relax_job, CU, keep_symmetry=True), "atoms.set_constraint(ase.constraints.FixSymmetry(atoms))"),
        (partial(emt.relax_job, CU, asap_cutoff=True), "goes into calc_kwargs: calc_kwargs={'asap_cutoff': ...}."),
        (partial(emt.md_job, CU, md_params={}), "Did you mean 'dynamics', 'dynamics_kwargs', 'steps' or 'timestep'?"),
        (partial(emt.md_job, CU, time_step=2), "Did you mean 'timestep'?"),
        (partial(emt.md_job, CU, total_time=1e3), "Did you mean 'steps'? Valid"),
        (partial(emt.md_job, CU, ensemble="nvt"), "Did you mean 'dynamics'?"),
        (partial(emt.md_job, CU, pressure_bar=1), "Did you mean 'pressure'? Valid"),
        (partial(emt.freq_job, CU, vib_kwargs={}), "Did you mean 'delta', 'nfree' or 'indices'?"),
        (partial(emt.freq_job, CU, spin_multiplicity=3), "Did you mean 'spin'?"),
        (partial(emt.bulk_to_slabs_flow, CU, make_slabs_kwargs={}), "Did you mean 'slab_kwargs'?"),
        (partial(emt.bulk_to_slabs_flow, CU, slab_static_kwargs={}), "Did you mean 'static_job'?"),
        (partial(emt.bulk_to_slabs_flow, CU, max_steps=3), "job_params={'relax_job': {'max_steps': ...}}"),
        (partial(emt.bulk_to_slabs_flow, CU, job_params={"slab_relax": {}}), "Did you mean 'relax_job'?"),
        (partial(emt.bulk_to_slabs_flow, CU, job_params={"relax_job": {"opt_params": {}}}), "Did you mean 'fmax'"),
        (partial(emt.bulk_to_defects_flow, CU, make_defects_kwargs={}), "Did you mean 'defect_kwargs'?"),
        (partial(emt.phonon_flow, CU, min_lengths=20), "Did you mean 'min_length'?"),
        (partial(emt.phonon_flow, CU, displacement=0.01), "Did you mean 'distance'?"),
        (partial(emt.elastic_tensor_flow, CU, pre_relax=True), "Did you mean 'run_relax'?"),
        (partial(emt.eos_flow, CU, max_abs_strain=0.1), "Did you mean 'strains'?"),
        (partial(emt.neb_flow, CU, CU, n_images=5), "Did you mean 'images'?"),
        (partial(mlip.relax_job, CU, method="mace"), "Did you mean 'calculator'?"),
        (partial(mlip.relax_job, CU, calculator_name="mace"), "Did you mean 'calculator'?"),
        (partial(mlip.relax_job, CU, dispersion=True), "calc_kwargs={'dispersion'"),
        (partial(AutoparaInfo, num_python_subprocesses=2), "Did you mean 'workers'?"),
        (partial(AutoparaInfo, num_inputs_per_python_subprocess=2), "Did you mean 'batch'?"),
        (partial(AutoparaInfo, remote_label="x"), "Did you mean 'remote_info'?"),
        (partial(AutoparaInfo, num_inputs_per_queued_job=2), "Did you mean 'remote_info'?"),
        (partial(AutoparaInfo, skip_failed=True), "on_error"),
        (partial(calculate, [CU], None, EMT(), property_prefix="REF_"), "Did you mean 'output_prefix'?"),
        (partial(calculate, [CU], None, EMT(), raise_calc_exceptions=True), "Did you mean 'on_error'?"),
        (partial(map_configs, emt.relax_job, [CU], results_prefix="x_"), "Did you mean 'output_prefix'?"),
        (partial(map_configs, sample_md, [CU], steps=9, dt=1), "Did you mean 'timestep'?"),
        (partial(map_configs, sample_md, [CU], steps=9, abort_check=1), "Did you mean 'abort'?"),
        (partial(autoparallelize(lambda many: many), [CU], skip_failures=True), "Did you mean 'on_error'?"),
        (partial(OutputSpec, output_files="a.xyz"), "Did you mean 'files'?"),
        (partial(OutputSpec, "a.xyz", set_tags={}), "Did you mean 'tags'?"),
        (partial(OutputSpec, "a.xyz", force=True), "Did you mean 'overwrite'?"),
        (partial(ConfigSet, input_files="a.xyz"), "Did you mean 'items'?"),
        (partial(make_runner, n_worker=1), "Did you mean 'workers'?"),
        (partial(job, cache_policy=1), "Did you mean 'cache'?"),
        (partial(job, settings_swap={}), "Did you mean `with change_settings(...):`"),
        (partial(ExecutionProfile, name="a", command="x", mpiprocs=2), "Did you mean 'ranks_per_node'?"),
        (partial(ExecutionProfile, name="a", command="x", ompthreads=2), "Did you mean 'threads_per_rank'?"),
        (partial(HPCProfile, **CPU, project_cpu="a"), "Did you mean 'accounts'?"),
        (partial(Command, name="x", executable_key="a"), "Did you mean 'executable'?"),
        (partial(run_command, *PROFILES, dry_run=True, user_args=["a"]), "run_command takes args"),
    ],
)  # fmt: skip
def test_arguments(call, said, tmp_path):
    with change_settings(results_dir=tmp_path / "results"), pytest.raises(InputError) as error:
        call()
    assert said in str(error.value)
    assert isinstance(error.value, ArgumentsError | UnknownNameError)
    assert not list(tmp_path.iterdir())  # said before anything is computed


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("langevin", "'Langevin'"),
        ("velocityverlet", "'VelocityVerlet'"),
        ("berendsen", "'NVTBerendsen' or 'NPTBerendsen'"),
        ("nose-hoover", "'NoseHooverChainNVT' or 'MTKNPT'"),
        ("andersen", "'Langevin' or 'Bussi'"),
        ("nvt", "'NVT'"),
        (Langevin, "'Langevin'"),
    ],
)
def test_dynamics(name, here):
    with pytest.raises(UnknownNameError) as error:
        run_md(CU, EMT(), dynamics=name, temperature=300, steps=1)
    assert f"Did you mean {here}?" in str(error.value)


@pytest.mark.parametrize(
    ("key", "here"), [("GZIP_FILES", "'gzip'"), ("debug", "'log_level'"), ("espresso_pseudo", "'data_dirs'")]
)
def test_settings(key, here, monkeypatch):
    with pytest.raises(SettingsError, match=f"Did you mean {here}"):
        with change_settings({key: True}):
            pass
    assert get_settings()


@pytest.mark.parametrize("key", ["CHECK_CONVERGENCE", "CREATE_UNIQUE_DIR", "STORE"])
def test_settings_without_a_like_say_what_is_here(key):
    sentence = FOREIGN_NAMES[key.lower()][1]
    with pytest.raises(SettingsError) as error:
        with change_settings({key: True}):
            pass
    assert str(error.value).endswith(sentence)


def test_variables_and_recipes():
    variables = [f"ADATOM_{name.upper()}" for name in Settings.model_fields]
    assert "Did you mean 'ADATOM_GZIP'?" in str(UnknownNameError("variable", "ADATOM_GZIP_FILES", variables))
    for theirs, ours in {"emt.bulk_to_deformations_flow": "emt.elastic_tensor_flow", "lj.OPT": "lj.relax_job"}.items():
        with pytest.raises(UnknownNameError, match=f"Did you mean '{ours}'"):
            find_recipe(theirs)


def test_a_list_in_place_of_the_tuple_of_a_calculator():
    for call in (partial(calculate, [CU], None), make_model):
        with pytest.raises(InputError, match=r"Did you mean the tuple \(EMT, \[\], \{'asap_cutoff': True\}\)"):
            call([EMT, [], {"asap_cutoff": True}])
    committee = calculate([CU], None, [EMT, (EMT, [], {"asap_cutoff": True})], output_prefix="C_")
    assert "C_energy_std" in committee[0].info


def test_an_initializer_with_its_arguments():
    with pytest.raises(InputError, match="functools.partial"):
        AutoparaInfo(initializer=(print, []))


@pytest.mark.parametrize("name", FOREIGN_NAMES)
def test_the_table_names_what_is_there(name):
    """Each name here is a parameter, key or choice of this version, and their name is none where ours is one."""
    here, sentence = FOREIGN_NAMES[name]
    assert name == name.lower()
    assert here or sentence
    assert not sentence or sentence.endswith((".", "?"))
    for one in here:
        places = [place for place in PLACES if one in place]
        assert places, one
        assert any(name not in place for place in places)


def names_of(step):
    return {parameter.lower() for parameter in inspect.signature(step).parameters}


RECIPES = [recipe.step for code in codes() for recipe in recipes_of(code)]
PLACES = [
    *map(names_of, [*RECIPES, AutoparaInfo, ConfigSet, OutputSpec, calculate, make_runner, sample_md, run_command]),
    *map(names_of, [JobOptions, FlowOptions, Command, ExecutionProfile, HPCProfile, RunnerProfile, RemoteInfo]),
    set(Settings.model_fields),
    {recipe.function for code in codes() for recipe in recipes_of(code)},
    {name.lower() for name in DYNAMICS},
    {name.lower() for name in OPTIMIZERS},
    set(model_names()),
]


@given(st.sampled_from(sorted(FOREIGN_NAMES)), st.sets(st.sampled_from(["alpha", "beta", "gamma"]), max_size=3))
def test_where_no_name_of_ours_is_valid_none_is_suggested(name, valid):
    message = str(UnknownNameError("parameter", name, valid))
    assert not any(f"Did you mean {one!r}" in message for one in FOREIGN_NAMES[name][0])
