"""Slurm: what is asked of it, and what becomes of jobs on a real one, with accounting and without."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from adatom.errors import InputError, SchedulerError
from adatom.machines import Resources, State, run_command
from adatom.machines.preflight import preflight
from adatom.machines.schedulers.base import Submitted
from adatom.machines.schedulers.slurm import Slurm, SlurmOptions
from adatom.machines.script import BatchJob
from tests.infra import machine as infra
from tests.infra import slurm
from tests.infra.machine import wait_for
from tests.machines.profiles import how, machine, python

pytestmark = pytest.mark.xdist_group("slurm")


# --- What is asked ----------------------------------------------------------------------------------------------------


def test_each_field_is_a_directive(tmp_path):
    needs = Resources(
        nodes=2, ranks_per_node=8, threads_per_rank=4, gpus_per_node=1, memory="1.5G", walltime="1-00:00:01"
    )
    options = SlurmOptions(qos="high", constraint="milan&ib", reservation="r1", exclusive=True, requeue=True)
    job = BatchJob("pw-1", tmp_path, ["true"], needs, "main", "abc", directives=["--mail-type=END"], options=options)
    script = Slurm().script(job)
    assert script.splitlines()[: script.splitlines().index("")] == [
        "#!/bin/bash",
        *(
            f"#SBATCH --{line}"
            for line in (
                "job-name=pw-1", "output=pw-1.out", "error=pw-1.err", "nodes=2", "ntasks-per-node=8",
                "cpus-per-task=4", "requeue", "gpus-per-node=1", "mem=1536M", "time=24:00:01", "exclusive",
                "partition=main", "account=abc", "qos=high", "constraint=milan&ib", "reservation=r1", "mail-type=END",
            )
        ),
    ]  # fmt: skip
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_what_is_not_asked_is_not_said(tmp_path):
    lines = Slurm().directives(BatchJob("x", tmp_path, ["true"], Resources()))
    assert not [line for line in lines if line.startswith(("--mem", "--time", "--gpus", "--partition", "--account"))]
    assert "--no-requeue" in lines


# --- What becomes of it -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["alone", "accounting"])
def cluster(request):
    accounting = request.param == "accounting"
    commands = slurm.ACCOUNTING_COMMANDS if accounting else slurm.COMMANDS
    packages = slurm.ACCOUNTING_PACKAGES if accounting else slurm.PACKAGES
    infra.skip_or_install("slurm", commands, packages)
    with slurm.slurm(accounting=accounting) as cluster:
        yield cluster


@pytest.fixture
def on_slurm():
    return machine("slurm", queues={"cpu": "main"})


@pytest.fixture
def kind(cluster):
    return Slurm()


def submit(kind, tmp_path, text, *directives):
    script = tmp_path / f"{time.monotonic_ns()}.slurm"
    script.write_text("\n".join(["#!/bin/bash", *(f"#SBATCH {line}" for line in directives), text, ""]))
    return Submitted(kind.submit(script), script)


def outcome(kind, job):
    return kind.poll([job])[job.id]


def ended(kind, job, seconds=90):
    wait_for(lambda: outcome(kind, job).state.ended, f"the end of {job}", seconds)
    return outcome(kind, job)


def runs(kind, job):
    wait_for(lambda: outcome(kind, job).state is State.RUNNING, f"the start of {job}")


def test_ranks_and_threads_are_those_that_were_asked_for(cluster, on_slurm, tmp_path):
    code = "import os; print(os.environ['SLURMD_NODENAME'], os.environ['SLURM_CPUS_PER_TASK'])"
    needs = how(nodes=2, ranks_per_node=2, threads_per_rank=2, launcher="srun", walltime="2m", memory="500M")
    result = run_command(python(code), needs, on_slurm, tmp_path)
    assert sorted(result.stdout.read_text().splitlines()) == ["n1 2", "n1 2", "n2 2", "n2 2"]
    assert (result.outcome.state, result.outcome.exit_code, result.outcome.signal) == (State.SUCCEEDED, 0, 0)
    assert result.outcome.nodes == "n[1-2]"
    assert result.outcome.elapsed is not None


def test_arguments_arrive_as_they_are(cluster, on_slurm, tmp_path):
    arguments = ["a b", "$HOME", "`id`", "a\nb", 'it\'s "so"', "\\", "*", ""]
    place = tmp_path / "it's a directory"
    say = python("import json, sys; print(json.dumps(sys.argv[1:]))")
    assert json.loads(run_command(say, how(), on_slurm, place, arguments).stdout.read_text()) == arguments


def test_an_exit_status(kind, tmp_path):
    found = ended(kind, submit(kind, tmp_path, "exit 3"))
    assert (found.state, found.exit_code, found.signal, found.native) == (State.FAILED, 3, 0, "FAILED")


def test_a_signal(kind, tmp_path):
    found = ended(kind, submit(kind, tmp_path, "kill -SEGV $$"))
    assert (found.state, found.signal or found.exit_code - 128) == (State.FAILED, 11)


def test_the_end_of_the_walltime(cluster, kind, tmp_path):
    job = submit(kind, tmp_path, "sleep 300", "--time=0:01")
    runs(kind, job)
    cluster.expire(job.id)
    found = ended(kind, job)
    assert (found.state, found.ok) == (State.TIMEOUT, False)


def test_a_job_that_is_cancelled(kind, tmp_path):
    waits, works = submit(kind, tmp_path, "true", "--begin=now+1hour"), submit(kind, tmp_path, "sleep 300")
    runs(kind, works)
    assert outcome(kind, waits).state is State.QUEUED
    kind.cancel([waits, works])
    assert [ended(kind, job).state for job in (waits, works)] == [State.CANCELLED] * 2
    kind.cancel([waits, works])  # again: nothing happens


def test_a_node_that_is_lost(cluster, kind, tmp_path):
    """A job that Slurm puts back into the queue is not dead, whatever accounting says."""
    jobs = [submit(kind, tmp_path, "sleep 300", "--nodelist=n2", option) for option in ("--no-requeue", "--requeue")]
    for job in jobs:
        runs(kind, job)
    try:
        cluster.node_down("n2")
        assert ended(kind, jobs[0]).state is State.NODE_FAILURE
        assert outcome(kind, jobs[1]).state is State.QUEUED
    finally:
        kind.cancel(jobs)
        cluster.node_up("n2")


def test_the_elements_of_an_array_are_one_job(kind, tmp_path):
    job = submit(kind, tmp_path, '[ "$SLURM_ARRAY_TASK_ID" != 1 ] || exit 4', "--array=0-2")
    found = ended(kind, job)
    assert (found.state, found.exit_code) == (State.FAILED, 4)
    assert ended(kind, submit(kind, tmp_path, "true", "--array=0-2")).state is State.SUCCEEDED


def test_jobs_that_nobody_knows_lose_no_other(kind, tmp_path):
    job = submit(kind, tmp_path, "true")
    assert ended(kind, job).state is State.SUCCEEDED
    unknown = [Submitted(str(9_000_000 + number), job.script) for number in range(2)]
    assert set(kind.poll([*unknown, job])) == {job.id}
    assert kind.poll(unknown[:1]) == {}


def test_what_slurm_refuses_is_said_in_its_words(kind, on_slurm, tmp_path):
    with pytest.raises(SchedulerError, match="sbatch of slurm ended with 1: .*invalid partition"):
        run_command(python(""), how(), machine("slurm", queues={"cpu": "absent"}), tmp_path)
    assert not list(tmp_path.glob(".adatom-jobs/*.json"))


def test_a_job_that_is_submitted_from_another_one_has_nothing_of_that(cluster, on_slurm, tmp_path, monkeypatch):
    for name, value in {"SLURM_CPUS_PER_TASK": "4", "SLURM_MEM_PER_NODE": "900", "SBATCH_PARTITION": "short"}.items():
        monkeypatch.setenv(name, value)
    code = "import os; print(os.environ.get('SBATCH_PARTITION'), os.environ['SLURM_JOB_PARTITION'])"
    needs = how(ranks_per_node=2, launcher="srun", memory="200M")
    result = run_command(python(code), needs, on_slurm, tmp_path)
    assert result.stdout.read_text() == "None main\n" * 2


def test_the_queues(kind):
    assert kind.queues() == {"main": None, "short": 300}


def test_what_is_checked_before(cluster):
    limits = {"short": {"walltime": "1h"}}
    where = machine("slurm", queues={"cpu": "absent", "gpu": "short"}, limits=limits)
    wrong = [(finding.what, finding.why) for finding in preflight(where) if not finding.ok]
    assert wrong == [
        ("queue absent", "there is none. Valid: main, short"),
        ("queue short", "its walltime is at most 300 s"),
    ]


def test_one_question_for_many(kind, tmp_path, monkeypatch):
    jobs = [submit(kind, tmp_path, "true") for _ in range(10)]
    asked = []
    run = kind.run
    monkeypatch.setattr(kind, "run", lambda *command, **more: asked.append(command[0]) or run(*command, **more))
    wait_for(lambda: all(found.state.ended for found in kind.poll(jobs).values()), "the jobs", 90)
    asked.clear()
    assert {found.state for found in kind.poll(jobs).values()} == {State.SUCCEEDED}
    assert len(asked) <= 3, asked


def test_a_driver_that_was_killed(cluster, on_slurm, tmp_path):
    code = "import time; print('begun', flush=True); time.sleep(4)"
    script = f"""
from adatom.machines import run_command
from tests.machines.profiles import how, machine, python
run_command(python({code!r}), how(), machine("slurm", queues={{"cpu": "main"}}), {str(tmp_path)!r})
"""
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    driver = subprocess.Popen([sys.executable, "-c", script], env=paths)
    wait_for(lambda: any(path.read_text() == "begun\n" for path in tmp_path.glob("*.out")), "the job", 60)
    wait_for(lambda: list(tmp_path.glob(".adatom-jobs/*.json")), "its record")
    driver.kill()
    driver.wait()
    result = run_command(python(code), how(), on_slurm, tmp_path)
    assert result.ok
    assert len(list(tmp_path.glob("*.slurm"))) == 1


def test_many_at_once(cluster, on_slurm, tmp_path):
    say = python("import sys; print(sys.argv[1])")
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda n: run_command(say, how(), on_slurm, tmp_path, [n]), range(16)))
    assert [result.stdout.read_text() for result in results] == [f"{n}\n" for n in range(16)]


def test_more_than_the_queue_gives_is_refused_before(tmp_path):
    limited = machine("slurm", queues={"cpu": "short"}, limits={"short": {"walltime": "5m"}})
    with pytest.raises(InputError, match="walltime is 00:06:00, and the queue 'short' of here has at most 00:05:00"):
        run_command(python(""), how(walltime="6m"), limited, tmp_path)
