"""What a flow says that it will run."""

from collections import Counter

import pytest
from ase.build import bulk

from adatom import Failure, change_settings, flow, get_settings, job, subflow
from adatom.errors import InputError
from adatom.journal.jobs import read_jobs
from adatom.recipes.emt import bulk_to_slabs_flow, eos_flow, relax_job, static_job


@pytest.fixture(autouse=True)
def results_dir(tmp_path):
    with change_settings(results_dir=tmp_path / "results") as settings:
        yield settings.results_dir


def counts(plan):
    return {job.name: job.count for job in plan.jobs}


def ran():
    return Counter(record.name.partition(" ")[0] for record in read_jobs(get_settings().results_dir))


@job
def numbers(count):
    return list(range(count))


@job
def add(value, other=1):
    return value + other


@subflow
def each(values):
    return [add(value) for value in values]


@flow
def composed(atoms):
    relaxed = relax_job(atoms, relax_cell=True)
    eos = eos_flow(relaxed["atoms"], static_job=static_job.bind(properties=["energy"]), relax_ions=False)
    return {"relaxed": relaxed, "eos": eos, "slabs": bulk_to_slabs_flow(atoms=relaxed["atoms"])}


@flow
def mapped(values):
    return add.map(values, other=2)


@pytest.mark.parametrize(
    ("step", "given", "guessed"),
    [(bulk_to_slabs_flow, bulk("Cu"), False), (composed, bulk("Ag"), True), (mapped, [1, 2, 3], False)],
)
def test_a_plan_is_what_then_runs(step, given, guessed, results_dir):
    plan = step.plan(given)
    assert not results_dir.exists()
    step(given)
    assert counts(plan) == ran()
    assert plan.count == sum(ran().values())
    assert (plan.guessed, plan.unknown) == (guessed, ())
    assert ("about" in str(plan)) == guessed


def test_what_depends_on_a_value_is_said_not_to_be_known():
    @flow
    def workflow():
        return each(numbers(3))

    plan = workflow.plan()
    assert counts(plan) == {"numbers": 1}
    assert plan.unknown == ("each: waits for numbers",)
    assert str(plan) == "workflow: 1 job and more\nnumbers      1\nnot known before it runs: each: waits for numbers"


@pytest.mark.parametrize("look", [bool, len, list, float, lambda value: value > 1, lambda value: 1 + value.x["y"]])
def test_a_body_that_looks_at_a_value_is_followed_up_to_there(look):
    @flow
    def workflow():
        if look(numbers(3).result()):
            return add(1)
        return None

    plan = workflow.plan()
    assert counts(plan) == {"numbers": 1}
    assert len(plan.unknown) == 1
    assert "workflow: looks at the value of numbers" in plan.unknown[0]


def test_bad_input_is_refused_as_by_the_flow():
    with pytest.raises(InputError, match="5 volumes or more"):
        eos_flow.plan(bulk("Cu"), strains=(0.0, 0.1))
    with pytest.raises(InputError, match="5 volumes or more"):  # in a subflow, whose body runs later

        @flow
        def workflow(atoms):
            return eos_flow(relax_job(atoms)["atoms"], strains=(0.0, 0.1))

        workflow.plan(bulk("Cu"))
    with pytest.raises(TypeError, match="Unknown parameter of eos_flow 'volume'"):
        eos_flow.plan(bulk("Cu"), volume=3)


def test_core_hours_are_those_of_earlier_jobs():
    assert eos_flow.plan(bulk("Cu")).core_hours is None
    eos_flow(bulk("Cu"))
    took = sorted(record.end - record.start for record in read_jobs(get_settings().results_dir)
                  if record.recipe.endswith(":relax_job"))  # fmt: skip
    plan = eos_flow.plan(bulk("Cu"))
    relaxations = next(job for job in plan.jobs if job.name == "relax_job")
    assert relaxations.core_hours == pytest.approx(7 * took[3] / 3600)
    assert plan.core_hours == pytest.approx(sum(job.core_hours for job in plan.jobs))
    large = relax_job.with_options(resources={"nodes": 2, "ranks_per_node": 4, "threads_per_rank": 3})
    planned = eos_flow.plan(bulk("Cu"), relax_job=large).jobs[0]
    assert planned.core_hours == pytest.approx(24 * relaxations.core_hours)


def test_a_job_that_is_given_failures_is_counted():
    @job(failed_inputs="tolerate")
    def count(values):
        return sum(isinstance(value, Failure) for value in values)

    @flow
    def workflow():
        return count([add(1), add(2)])

    assert counts(workflow.plan()) == {"add": 2, "count": 1}
