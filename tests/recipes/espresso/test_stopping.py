"""Programs that are told of the walltime: they stop in time, and the same job goes on where they were."""

import os
import re
import time
from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import read

from adatom import JobFailure, change_settings, explain
from adatom.calculators import time_limit
from adatom.errors import IncompleteError, ProgramError
from adatom.execution import worker
from adatom.execution.context import job_context
from adatom.execution.deadline import time_left
from adatom.recipes.espresso import non_scf_job, phonon_job, relax_job, static_job
from tests.deep import deep_but
from tests.recipes.espresso.conftest import FAST
from tests.recipes.espresso.test_core import contents

AS_OTHERS = "a program that stops in time has to run for some: an SCF and a relaxation stand for all"


def slow(ecutwfc, kpts):
    """Silicon with so many k points that it takes seconds."""
    data = {"ecutwfc": ecutwfc, "ecutrho": 4 * ecutwfc, "nosym": True}
    return {"preset": ["semiconductor", "lda"], "calc_kwargs": {"input_data": data, "kpts": kpts}}


def distorted():
    atoms = bulk("Si")
    atoms.positions[1] += (0.2, 0.05, 0)
    return atoms


def time_as_said():
    """The time left, or what a test says in the environment: all else that code reaches counts in the cache."""
    said = os.environ.get("SECONDS_LEFT_IN_TEST")
    return float(said) if said else time_left()


def cut(job, *args, **kwargs):
    """What a job left behind whose program sees 7 s left, and takes 2, however long it took to come to that."""
    with (
        job_context(deadline=time.time() + 200),
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(JobFailure) as caught,
    ):
        patch.setattr(time_limit, "time_left", time_as_said)
        patch.setenv("SECONDS_LEFT_IN_TEST", "7")
        job(*args, **kwargs)
    failure = caught.value.failure
    assert failure.kind == IncompleteError.__name__
    assert "stopped before its end, as the time of its job was over. Run the same job again" in failure.message
    return Path(failure.directory)


def gone_on(left, job, *args, **kwargs):
    """The same job, run again after it was cut; what it went on from stays as it is."""
    before = contents({"dir_name": left})
    result = job(*args, **kwargs)
    assert contents({"dir_name": left}) == before
    assert Path(result["provenance"]["resumed_from"]) == left
    calculator = result["parameters"]["calculator"]["input_data"]
    assert not {"max_seconds", "restart_mode", "recover"} & {key for data in calculator.values() for key in data}
    return result


def output(directory, name="espresso.pwo"):
    return (Path(directory) / name).read_text()


@pytest.fixture
def caching(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_longest", {})  # what took long before would not be started
    monkeypatch.setattr(time_limit, "time_left", time_as_said)
    with change_settings(cache="on", cache_dir=tmp_path / "cache"):
        yield


@pytest.mark.usefixtures("caching")
def test_an_scf_stops_in_time_and_goes_on():
    settings = slow(30, (9, 9, 9))
    key = explain(static_job, distorted(), **settings).key
    left = cut(static_job, distorted(), **settings)
    assert "convergence has been achieved" not in output(left)
    assert re.search(r"max_seconds *= *2\.0", output(left, "espresso.pwi"))
    with job_context(deadline=time.time() + 1e6):
        result = gone_on(left, static_job, distorted(), **settings)
    stored = explain(static_job, distorted(), **settings)
    assert (stored.hit, stored.key) == (True, key)
    assert "The initial density is read from file" in output(result["dir_name"])
    assert "max_seconds" in output(result["dir_name"], "espresso.pwi")
    whole = static_job.with_options(cache=False)(distorted(), **settings)
    assert "max_seconds" not in output(whole["dir_name"], "espresso.pwi")
    assert result["results"]["energy"] == pytest.approx(whole["results"]["energy"], abs=1e-5)
    assert result["results"]["forces"] == pytest.approx(whole["results"]["forces"], abs=2e-3)


@pytest.mark.usefixtures("caching")
@pytest.mark.parametrize("relax_cell", deep_but([False], [False, True], AS_OTHERS))
def test_a_relaxation_stops_in_time_and_goes_on(relax_cell):
    rough = slow(12, (6, 6, 6))
    settings = {**rough, "fmax": 0.02, "relax_cell": relax_cell, "max_steps": 40}
    left = cut(relax_job, distorted(), **settings)
    result = gone_on(left, relax_job, distorted(), **settings)
    assert result["converged"]
    images = read(result["trajectory"], ":")
    there, here = (output(directory).count("!    total energy") for directory in (left, result["dir_name"]))
    assert here > 0
    assert max(here, there) <= len(images) == result["steps"] + 1 <= there + here
    assert images[0].positions == pytest.approx(distorted().positions, abs=1e-12)
    assert images[0].cell.array == pytest.approx(distorted().cell.array, abs=1e-12)
    again = static_job(result["atoms"], **rough)["results"]["energy"]
    assert again == pytest.approx(result["results"]["energy"], abs=1e-3 if relax_cell else 1e-4)


@pytest.mark.deep(reason=AS_OTHERS)
@pytest.mark.usefixtures("caching")
def test_phonons_stop_in_time_and_go_on():
    static = static_job(distorted(), **FAST)  # without symmetry there is more to do
    settings = {"grid": (2, 1, 1), "input_data": {"tr2_ph": 1e-13}}
    left = cut(phonon_job, static, **settings)
    result = gone_on(left, phonon_job, static, **settings)
    assert "Restart in" in output(result["dir_name"], "ph.out")
    whole = phonon_job.with_options(cache=False)(static, **settings)["results"]
    assert result["results"]["irreps"] == whole["irreps"]
    assert result["results"]["frequencies"] == pytest.approx(whole["frequencies"], abs=0.5)


@pytest.mark.deep(reason=AS_OTHERS)
@pytest.mark.usefixtures("caching")
def test_bands_stop_in_time_and_go_on(silicon):
    settings = {"calc_kwargs": {"kpts": (6, 6, 6), "input_data": {"nosym": True, "nbnd": 20}}}
    left = cut(non_scf_job, silicon, **settings)
    found = gone_on(left, non_scf_job, silicon, **settings)["results"]
    whole = non_scf_job.with_options(cache=False)(silicon, **settings)["results"]
    assert found["eigenvalues"][..., :8] == pytest.approx(whole["eigenvalues"][..., :8], abs=1e-3)


def test_a_limit_of_ones_own_is_no_lack_of_time():
    settings = slow(30, (9, 9, 9))
    settings["calc_kwargs"]["input_data"]["max_seconds"] = 1
    with job_context(deadline=time.time() + 1e6), pytest.raises(JobFailure) as caught:
        static_job(distorted(), **settings)
    assert caught.value.failure.kind == ProgramError.__name__
    assert "at the max_seconds that it was given. Give more" in caught.value.failure.message


def test_without_time_nothing_is_started():
    end = time.time() + 3
    with job_context(deadline=end), pytest.raises(JobFailure) as caught:
        static_job(distorted(), **FAST)
    assert time.time() >= end - 1  # until then an engine would try again on this worker
    assert not (Path(caught.value.failure.directory) / "espresso.pwo").exists()
    assert caught.value.failure.kind == IncompleteError.__name__
    assert "pw.x was not started: The end of the flow's process leaves" in caught.value.failure.message


@pytest.mark.usefixtures("caching")
def test_another_input_does_not_go_on():
    patient = static_job.with_options(cache=lambda call: None)  # all calls are one
    left = cut(patient, distorted(), **slow(30, (9, 9, 9)))
    result = patient(distorted(), **FAST)
    assert "resumed_from" not in result["provenance"]
    assert "The initial density is read from file" not in output(result["dir_name"])
    assert left.exists()


def test_an_earlier_runs_limit_is_not_taken_over():
    with job_context(deadline=time.time() + 1e6):
        static = static_job.fn(bulk("Si"), **FAST)
    assert "max_seconds" in output(static["dir_name"], "espresso.pwi")
    bands = non_scf_job.fn(static["dir_name"], calc_kwargs={"kpts": (2, 2, 2)})
    assert "max_seconds" not in output(bands["dir_name"], "espresso.pwi")
