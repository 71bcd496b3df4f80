"""LSF: what it is asked for, what it says, and whole jobs on commands that stand for its own."""

import subprocess

import pytest

from adatom.errors import BatchJobError, SchedulerError
from adatom.machines import Resources, State, run_command
from adatom.machines.preflight import preflight
from adatom.machines.schedulers import base
from adatom.machines.schedulers.base import Submitted
from adatom.machines.schedulers.lsf import LSF, LSFOptions
from adatom.machines.script import BatchJob
from tests.infra.fakes import installed
from tests.machines.profiles import how, machine, python


def asked(needs=None, options=None, **more):
    return LSF().directives(BatchJob("job", "/w", ["true"], Resources(**(needs or {})), options=options, **more))


def test_all_that_a_job_says():
    needs = {"nodes": 2, "ranks_per_node": 4, "threads_per_rank": 8, "gpus_per_node": 1, "memory": "16G"}
    options = LSFOptions(slots="ranks", app="mpi", gpu="mode=exclusive_process", exclusive=True, rerun=True)
    assert asked({**needs, "walltime": "1-01:00:00"}, options, queue="gpu", account="gr1") == [
        "-J job",
        "-o job.out",
        "-e job.err",
        "-n 8",
        '-R "span[ptile=4]"',
        "-r",
        '-R "affinity[core(8)]"',
        '-gpu "num=1:mode=exclusive_process"',
        '-R "rusage[mem=16384MB]"',
        "-M 16384MB",
        "-W 25:00",
        "-x",
        "-q gpu",
        "-P gr1",
        "-app mpi",
    ]


@pytest.mark.parametrize(
    ("needs", "more", "lines"),
    [
        ({"nodes": 3}, {}, ["-n 3"]),
        ({"nodes": 2, "ranks_per_node": 3}, {}, ["-n 6", '-R "span[ptile=3]"']),
        ({"ranks_per_node": 2, "threads_per_rank": 3}, {}, ["-n 6", '-R "span[ptile=6]"']),
        ({"gpus_per_node": 2}, {}, ['-gpu "num=2"']),
        ({"memory": 2**20 + 1}, {}, ['-R "rusage[mem=2MB]"', "-M 2MB"]),
        ({"memory": "1G"}, {"options": LSFOptions(memory_unit="KB")}, ['-R "rusage[mem=1048576]"', "-M 1048576"]),
        ({"memory": "1G"}, {"options": LSFOptions(memory_unit="MB")}, ['-R "rusage[mem=1024]"', "-M 1024"]),
        ({"memory": "1.5G"}, {"options": LSFOptions(memory_unit="GB")}, ['-R "rusage[mem=2]"', "-M 2"]),
        ({"walltime": 1}, {}, ["-W 00:01"]),
        ({"walltime": 3660}, {}, ["-W 01:01"]),
        ({"walltime": 3660.5}, {}, ["-W 01:02"]),
        ({}, {"queue": "short", "account": "me"}, ["-q short", "-P me"]),
        ({}, {}, []),
    ],
)
def test_each_field(needs, more, lines):
    assert [line for line in asked(needs, **more) if line not in asked()] == lines


def test_ranks_that_only_the_launcher_can_place():
    with pytest.warns(UserWarning, match="ranks_per_node=2"):
        asked({"nodes": 2, "ranks_per_node": 2, "threads_per_rank": 2})


def test_the_script_is_shell(tmp_path):
    needs = Resources(nodes=2, gpus_per_node=1, memory="1G", walltime=60)
    text = LSF().script(BatchJob("job", tmp_path, ["echo", "it's"], needs, "q", "a", directives=("-N",)))
    assert text.splitlines()[:2] == ["#!/bin/bash", "#BSUB -J job"]
    assert "\n#BSUB -N\n\ncd " in text
    checked = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


# --- what bjobs says --------------------------------------------------------------------------------------------------

# The fields are as in a posting about LSF 9 (gc3pie, issue 514): `-` where there is nothing, and units in words.


class Says(LSF):
    """LSF with a `bjobs` that says this."""

    def __init__(self, printed):
        self.printed = printed

    def run(self, *command, **options):
        return self.printed


def told(tmp_path, row):
    return Says(f"1234|{row}\n").poll([Submitted("1234", tmp_path / "job.lsf", 60)])["1234"]


def test_jobs_and_their_figures(tmp_path):
    printed = "1|DONE|-|-|62 second(s)|3.5 Gbytes|8*n1:8*n2\nA banner of the site\n2|PEND|-|-|0 second(s)|-|-\n"
    found = Says(printed).poll([Submitted(id, tmp_path / "job.lsf") for id in "123"])
    assert list(found) == ["1", "2"]
    done = found["1"]
    assert (done.state, done.exit_code, done.signal, done.elapsed) == (State.SUCCEEDED, 0, 0, 62)
    assert (done.memory, done.nodes) == (3.5 * 2**30, "8*n1:8*n2")
    assert (found["2"].state, found["2"].nodes) == (State.QUEUED, "")


ALIVE = {"PEND": False, "PROV": False, "WAIT": False, "PSUSP": False}
ALIVE |= {"RUN": True, "USUSP": True, "SSUSP": True, "UNKWN": True}


@pytest.mark.parametrize(("state", "runs"), ALIVE.items())
def test_what_is_not_dead(tmp_path, state, runs):
    assert told(tmp_path, f"{state}|-|-|2 second(s)|-|n1").state is (State.RUNNING if runs else State.QUEUED)


ENDS = [
    ("EXIT|3|-", State.FAILED, 3, 0),
    ("EXIT|137|-", State.FAILED, 137, 9),
    ("EXIT|255|-", State.FAILED, 255, 0),
    ("EXIT|-|-", State.FAILED, None, None),
    ("EXIT|0|-", State.FAILED, 0, 0),
    ("DONE|3|-", State.FAILED, 3, 0),
    ("EXIT|140|TERM_RUNLIMIT: job killed after reaching LSF run time limit", State.TIMEOUT, 140, 12),
    ("EXIT|137|TERM_MEMLIMIT: job killed after reaching LSF memory usage limit", State.OUT_OF_MEMORY, 137, 9),
    ("EXIT|130|TERM_OWNER: job killed by owner", State.CANCELLED, 130, 2),
    ("EXIT|-|TERM_OWNER: job killed by owner", State.CANCELLED, None, None),
    ("EXIT|130|TERM_FORCE_ADMIN: killed without time for cleanup", State.CANCELLED, 130, 2),
    ("EXIT|130|TERM_PREEMPT: job killed after preemption", State.PREEMPTED, 130, 2),
    ("EXIT|137|TERM_EXTERNAL_SIGNAL: job killed by a signal external to LSF", State.FAILED, 137, 9),
    ("ZOMBI|-|-", State.NODE_FAILURE, None, None),
]


@pytest.mark.parametrize(("row", "state", "code", "signal"), ENDS, ids=[row[0].split(":")[0] for row in ENDS])
def test_what_has_not_succeeded(tmp_path, row, state, code, signal):
    outcome = told(tmp_path, f"{row}|100 second(s)|-|n1")
    assert (outcome.state, outcome.exit_code, outcome.signal) == (state, code, signal)
    assert row.split("|")[2] in (outcome.cause, "-")


def test_no_question_without_jobs():
    assert Says(None).poll([]) == {}


# --- whole jobs -------------------------------------------------------------------------------------------------------


@pytest.fixture
def fake(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "_PAUSE", 0.01)
    with installed("lsf", tmp_path / "fake", speed=60.0) as made:  # minutes pass as seconds
        for name in ("PATH", "FAKE_SPOOL"):
            monkeypatch.setenv(name, made.env[name])
        yield made


def submit(tmp_path, command=("true",), name="job", walltime=600.0):
    script = tmp_path / f"{name}.lsf"
    script.write_text(LSF().script(BatchJob(name, tmp_path, command, Resources(walltime=walltime))))
    return Submitted(LSF().submit(script), script, walltime)


def ended(fake, job):
    fake.wait(job.id)
    return LSF().poll([job])[job.id]


def test_one_that_succeeds_and_one_that_fails(fake, tmp_path):
    good = submit(tmp_path, ["echo", "said"])
    bad = submit(tmp_path, ["sh", "-c", "echo trouble >&2; exit 3"], "bad")
    assert ended(fake, good).ok
    assert (tmp_path / "job.out").read_text().startswith("said\n")
    assert (tmp_path / "job.end").read_text() == "0\n"
    outcome = ended(fake, bad)
    assert (outcome.state, outcome.exit_code) == (State.FAILED, 3)
    assert (tmp_path / "bad.err").read_text() == "trouble\n"


def test_over_its_walltime(fake, tmp_path):
    assert ended(fake, submit(tmp_path, ["sleep", "60"], walltime=30)).state is State.TIMEOUT


def test_over_its_memory(fake, tmp_path):
    fake.next("out_of_memory")
    assert ended(fake, submit(tmp_path, ["sleep", "60"])).state is State.OUT_OF_MEMORY


def test_a_node_that_does_not_answer(fake, tmp_path):
    fake.next("node_failure")
    job = submit(tmp_path, ["sleep", "60"])
    assert ended(fake, job).state is State.RUNNING
    fake.report(job.id, STAT="ZOMBI")
    assert ended(fake, job).state is State.NODE_FAILURE


def test_cancelled_before_it_runs_and_while_it_runs(fake, tmp_path):
    fake.hold_in_queue()
    waits, runs = submit(tmp_path, name="waits"), submit(tmp_path, ["sleep", "60"], "runs")
    fake.wait(runs.id, "running")
    assert [outcome.state for outcome in LSF().poll([waits, runs]).values()] == [State.QUEUED, State.RUNNING]
    LSF().cancel([waits, runs])
    assert [ended(fake, job).state for job in (waits, runs)] == [State.CANCELLED] * 2
    LSF().cancel([waits, runs])  # what has ended stays as it is


def test_a_forgotten_job_does_not_hide_the_others(fake, tmp_path):
    jobs = [submit(tmp_path, name=f"job{index}") for index in range(3)]
    for job in jobs:
        fake.wait(job.id)
    fake.forget(jobs[1].id)
    assert {id: outcome.ok for id, outcome in LSF().poll(jobs).items()} == {jobs[0].id: True, jobs[2].id: True}
    assert len(fake.calls("bjobs")) == 1
    assert LSF().poll([jobs[1]]) == {}
    LSF().cancel([jobs[1]])


def test_a_server_that_does_not_answer_once(fake, tmp_path):
    job = submit(tmp_path)
    fake.fail_once("bjobs", times=2)
    assert ended(fake, job).ok
    fake.fail_once("bjobs", times=3)
    with pytest.raises(SchedulerError, match="Cannot connect to LSF"):
        LSF().poll([job])


def test_a_job_that_is_refused(fake, tmp_path):
    fake.reject("nowhere: No such queue")
    with pytest.raises(SchedulerError, match="nowhere: No such queue"):
        submit(tmp_path)


def test_an_answer_without_an_id(tmp_path, monkeypatch):
    (tmp_path / "job.lsf").write_text("")
    (tmp_path / "bsub").write_text("#!/bin/sh\necho 'Thank you, job 7'\n")
    (tmp_path / "bsub").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(SchedulerError, match="Thank you, job 7"):
        LSF().submit(tmp_path / "job.lsf")


def test_a_command_from_its_profiles_to_its_end(fake, tmp_path):
    here = machine("lsf", lsf={"memory_unit": "MB"}, accounts={"cpu": "gr1"})
    result = run_command(python("print('said')"), how(walltime="10m", memory="1G"), here, tmp_path / "it's here")
    assert result.ok
    assert result.stdout.read_text().startswith("said\n")
    assert fake.job(result.id)["account"] == "gr1"
    with pytest.raises(BatchJobError, match="no such luck"):
        run_command(python("raise SystemExit('no such luck')"), how(walltime="10m"), here, tmp_path)


def test_a_job_has_the_locale_of_the_user(fake, tmp_path, monkeypatch):
    """Else Python would not read the path of an environment with an umlaut."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    said = run_command(python("import os; print(os.environ['LC_ALL'])"), how(walltime="10m"), machine("lsf"), tmp_path)
    assert said.stdout.read_text().startswith("C.UTF-8\n")


def test_the_queues(fake):
    assert LSF().queues() == {"normal": None, "short": 3600, "long": 259200}


def test_a_queue_s_longest_walltime_is_not_that_by_default():
    only_default = "QUEUE: q\n\nDEFAULT LIMITS:\n RUNLIMIT\n 60.0 min\n\nMAXIMUM LIMITS:\n MEMLIMIT\n 16 G\n"
    assert Says(only_default).queues() == {"q": None}


def test_what_is_checked_before(fake):
    where = machine("lsf", queues={"cpu": "absent", "gpu": "short"}, limits={"short": {"walltime": "2h"}})
    wrong = [(finding.what, finding.why) for finding in preflight(where) if not finding.ok]
    assert wrong == [
        ("queue absent", "there is none. Valid: long, normal, short"),
        ("queue short", "its walltime is at most 3600 s"),
    ]


def test_a_check_goes_on_where_the_scheduler_does_not_answer(fake):
    fake.fail_once("bqueues")
    *_, queues, program = preflight(machine("lsf", queues={"cpu": "short"}))
    assert (queues.ok, queues.what, program.ok) == (False, "queues", True)
    assert "Cannot connect to LSF" in queues.why
