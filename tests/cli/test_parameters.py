import pytest
from ase.build import bulk

from adatom.cli.parameters import read_parameters
from adatom.errors import InputError
from adatom.recipes.emt import bulk_to_slabs_flow, eos_flow, neb_flow, relax_job, slab_to_ads_flow
from adatom.recipes.lj import static_job
from tests.cli import own_recipes as own


@pytest.mark.parametrize(
    ("step", "assignments", "expected"),
    [
        (relax_job, [], {}),
        (relax_job, ["fmax=0.05", "relax_cell=true"], {"fmax": 0.05, "relax_cell": True}),
        (relax_job, ["optimizer = FIRE"], {"optimizer": "FIRE"}),
        (relax_job, ["calc_kwargs={'asap_cutoff': True}"], {"calc_kwargs": {"asap_cutoff": True}}),
        (relax_job, ["optimizer_kwargs.maxstep=0.1", "optimizer_kwargs.a.b=c=d"],
         {"optimizer_kwargs": {"maxstep": 0.1, "a": {"b": "c=d"}}}),
        (relax_job, ["optimizer_kwargs={a=1}", "optimizer_kwargs.b=2"], {"optimizer_kwargs": {"a": 1, "b": 2}}),
        (own.energy, ["scale=2", "count=3.0", "on=no", "tag=b"], {"scale": 2.0, "count": 3, "on": False, "tag": "b"}),
        (own.energy, ["sizes=(1, 2)"], {"sizes": [1, 2]}),
        (own.any_keywords, ["x=1", "y.z=2"], {"x": 1, "y": {"z": 2}}),
        (bulk_to_slabs_flow, ["job_params.relax_job.fmax=1", "job_params.all.calc_kwargs={}"],
         {"job_params": {"relax_job": {"fmax": 1.0}, "all": {"calc_kwargs": {}}}}),
        (bulk_to_slabs_flow, ["static_job=lj.static_job"], {"static_job": static_job}),
        (slab_to_ads_flow, ["adsorbate=CO"], {"adsorbate": "CO"}),
        (neb_flow, ["final=bulk:Cu,a=3.7", "images=3"], {"final": bulk("Cu", a=3.7), "images": 3}),
        (eos_flow, ["strains=(-0.1, 0, 0.1)"], {"strains": (-0.1, 0, 0.1)}),
    ],
)  # fmt: skip
def test_what_is_set_reaches_the_recipe(step, assignments, expected):
    found = read_parameters(step, assignments)
    assert found == expected
    assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    ("step", "assignments", "said"),
    [
        (relax_job, ["fmx=1"], "Unknown parameter of relax_job 'fmx'. Did you mean 'fmax'? Valid: allow_unconverged, "),
        (relax_job, ["fmax"], "--set 'fmax' is not KEY=VALUE"),
        (relax_job, ["=1"], "--set '=1' is not KEY=VALUE"),
        (relax_job, ["atoms=Cu"], "atoms of relax_job is the STRUCTURE"),
        (relax_job, ["fmax=1", "fmax=2"], "--set gives fmax twice"),
        (relax_job, ["fmax=1", "fmax.a=2"], "--set gives fmax.a twice"),
        (relax_job, ["fmax=small"], "fmax is 'small', but relax_job takes: float"),
        (relax_job, ["fmax=0.05 eV/Å"], "takes: float. Give the number alone: `adatom recipes RECIPE` shows the unit"),
        (relax_job, ["fmax=5meV/Å"], "Give the number alone"),
        (relax_job, ["fmax=true"], "fmax is True, but relax_job takes: float"),
        (relax_job, ["max_steps=1.5"], "max_steps is 1.5, but relax_job takes: int"),
        (relax_job, ["relax_cell=2"], "relax_cell is 2, but relax_job takes: bool"),
        (relax_job, ["calc_kwargs=3"], "calc_kwargs is 3, but relax_job takes: Mapping[str, Any] | None"),
        (relax_job, ["optimizer=5"], "optimizer is 5"),
        (relax_job, ["optimizer_kwargs={a"], "Cannot read the value {a"),
        (relax_job, ["job_params.relax_job.fmax=1"], "Unknown parameter of relax_job 'job_params'"),
        (own.energy, ["tag=c"], "tag is 'c', but energy takes: Literal['a', 'b']"),
        (own.without_structure, [], "without_structure takes no structure"),
        (own.two_structures, [], "two_structures needs other: give --set other=VALUE"),
        (slab_to_ads_flow, [], "slab_to_ads_flow needs adsorbate"),
        (neb_flow, [], "neb_flow needs final: give final=STRUCTURE."),
        (neb_flow, ["final=missing.xyz"], "There is no file 'missing.xyz'. Valid: FILE, "),
        (neb_flow, ["final=3"], "final is 3, but neb_flow takes a structure"),
        (neb_flow, ["final=bulk:Xx"], "bulk Xx. Valid: bulk:Cu"),
        (eos_flow, ["relax_ions=2"], "relax_ions is 2, but eos_flow takes: bool"),
        (bulk_to_slabs_flow, ["job_params.relax.fmax=1"], "Unknown job of bulk_to_slabs_flow 'relax'. Did you mean"),
        (bulk_to_slabs_flow, ["job_params.relax_job.fmx=1"], "Unknown parameter of relax_job 'fmx'"),
        (bulk_to_slabs_flow, ["job_params.relax_job.fmax=a"], "fmax is 'a'"),
        (bulk_to_slabs_flow, ["job_params=1"], "job_params.JOB.KEY=VALUE"),
        (bulk_to_slabs_flow, ["job_params.relax_job=1"], "job_params.JOB.KEY=VALUE"),
        (bulk_to_slabs_flow, ["static_job=lj.statc_job"], "Did you mean 'lj.static_job'"),
    ],
)  # fmt: skip
def test_bad_settings_of_parameters(step, assignments, said):
    with pytest.raises(InputError) as caught:
        read_parameters(step, assignments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
