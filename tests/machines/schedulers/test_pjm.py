import subprocess
import time
from dataclasses import replace

import pytest

from adatom.errors import InputError, SchedulerError
from adatom.machines.outcome import State
from adatom.machines.resources import Resources
from adatom.machines.schedulers.base import Submitted
from adatom.machines.schedulers.pjm import PJM, PJMOptions
from adatom.machines.script import BatchJob
from tests.infra.fakes import installed

# As `pjstat -s --data --choose=...` prints on Fugaku, by comments in RIKEN's Open Composer (lib/fujitsu_tcs.rb). The
# brackets of elp and mmszu are those of job statistics.
HEADER = "H,JOB_ID,ST,EC,PC,SN,ELAPSE_TIM,MMSZU,NODE_ID,REASON\n"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    with installed("pjm", tmp_path / "fake") as fake:
        for name in ("PATH", "FAKE_SPOOL"):
            monkeypatch.setenv(name, fake.env[name])
        yield fake


@pytest.fixture
def job(tmp_path):
    work_dir = tmp_path / "with a space"
    work_dir.mkdir()
    return BatchJob("relax-1", work_dir, ["true"], Resources(walltime="1h"))


def submit(job):
    script = job.work_dir / f"{job.name}.pjm"
    script.write_text(PJM().script(job))
    subprocess.run(["bash", "-n", script], check=True)
    return Submitted(PJM().submit(script), script, job.resources.walltime)


def ended(fake, submitted):
    fake.wait(submitted.id)
    return PJM().poll([submitted])[submitted.id]


def run(fake, job, *command):
    return ended(fake, submit(replace(job, command=command)))


def polled(monkeypatch, cells):
    """The outcome of job 1 by what is printed of it, in the table of those that have ended or the other."""
    history = "-H" if cells.startswith(("EXT", "CCL", "RJT")) else None
    row = f",1,{cells}\n"
    monkeypatch.setattr(PJM, "ask", lambda self, *command: HEADER + (row if history in (None, *command) else ""))
    return PJM().poll([Submitted("1", "job.pjm")])["1"]


# ------------------------------------------------------------------------------------------------------------ scripts


def test_directives_ask_for_every_field(job):
    resources = Resources(nodes=2, ranks_per_node=4, threads_per_rank=12, memory="28G", walltime="90m")
    options = PJMOptions(rscunit="rscunit_ft01", gfscache=["/vol0004", "/vol0005"])
    job = replace(job, resources=resources, options=options, queue="small", account="hp123456")
    assert PJM().directives(job) == [
        "--name relax-1",
        "-o relax-1.out",
        "-e relax-1.err",
        "-S",
        "--spath relax-1.stats",
        "-L node=2",
        "--mpi max-proc-per-node=4",
        "--norestart",
        "-L node-mem=28672Mi",
        "-L elapse=01:30:00",
        "-L rscgrp=small",
        "-L rscunit=rscunit_ft01",
        "-g hp123456",
        "-x PJM_LLIO_GFSCACHE=/vol0004:/vol0005",
    ]


def test_what_is_not_said_is_not_asked_for(job):
    lines = PJM().directives(replace(job, resources=Resources()))
    assert not [line for line in lines if line.startswith(("-x", "-g")) or "rscgrp" in line or "elapse" in line]
    assert not [line for line in lines if "node-mem" in line or "rscunit" in line]


def test_memory_is_rounded_up(job):
    assert "-L node-mem=2Mi" in PJM().directives(replace(job, resources=Resources(memory=2**20 + 1)))


def test_a_job_may_be_run_again(job):
    assert "--restart" in PJM().directives(replace(job, options=PJMOptions(restart=True)))


def test_gpus_are_an_error(job):
    with pytest.raises(InputError, match=r"pjm cannot be asked for gpus_per_node=2\. Set it to 0"):
        PJM().directives(replace(job, resources=Resources(gpus_per_node=2)))


def test_volumes_that_commas_separate_are_an_error():
    with pytest.raises(InputError, match="/vol0004,/vol0005"):
        PJMOptions(gfscache=["/vol0004,/vol0005"])


def test_spack_comes_after_the_modules_and_before_the_pre_commands(job):
    options = PJMOptions(spack=["gcc@12 %fj", "/7heyycu"], spack_setup="/vol0004/my spack/setup-env.sh")
    job = replace(job, options=options, modules=["lang"], pre_commands=["ulimit -s unlimited"])
    script = PJM().script(job)
    said = ["module load lang", ". '/vol0004/my spack/setup-env.sh'", "spack load 'gcc@12 %fj'", "spack load /7heyycu"]
    places = [script.index(f"{{ {line}\n") for line in [*said, "ulimit -s unlimited"]]
    assert places == sorted(places)
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


# --------------------------------------------------------------------------------------------------- jobs that are run


def test_a_job_succeeds(fake, job):
    outcome = run(fake, job, "sh", "-c", "echo $OMP_NUM_THREADS; pwd")
    assert (outcome.state, outcome.native, outcome.exit_code, outcome.signal) == (State.SUCCEEDED, "EXT", 0, 0)
    assert outcome.elapsed is not None
    assert outcome.memory > 2**20
    assert outcome.nodes == "0x0127000B"
    assert (job.work_dir / job.stdout).read_text() == f"1\n{job.work_dir}\n"
    assert (job.work_dir / job.end_mark).read_text() == "0\n"
    assert (job.work_dir / "relax-1.stats").exists()


def test_a_job_fails(fake, job):
    outcome = run(fake, job, "sh", "-c", "exit 3")
    assert (outcome.state, outcome.exit_code) == (State.FAILED, 3)


def test_a_signal_ends_a_job(fake, job):
    outcome = run(fake, replace(job, pre_commands=["kill -9 $$"]), "true")
    assert (outcome.state, outcome.exit_code, outcome.signal) == (State.FAILED, 0, 9)


@pytest.mark.parametrize(
    ("what", "state", "cause"),
    [
        ("timeout", State.TIMEOUT, "ELAPSE LIMIT EXCEEDED"),
        ("out_of_memory", State.OUT_OF_MEMORY, "LIMIT OVER MEMORY"),
        ("node_failure", State.NODE_FAILURE, "NODE DOWN"),
        ("cancelled", State.CANCELLED, "pjdel"),
    ],
)
def test_pjm_ends_a_job(fake, job, what, state, cause):
    fake.next(what)
    outcome = run(fake, job, "sleep", "60")
    assert (outcome.state, outcome.cause) == (state, cause)


def test_one_question_for_all_that_live_and_one_for_all_that_have_ended(fake, job):
    jobs = [submit(replace(job, name=f"job-{i}", command=["sleep", length])) for i, length in enumerate("00")]
    jobs += [submit(replace(job, name="lives", command=["sleep", "60"]))]
    for submitted in jobs[:2]:
        fake.wait(submitted.id)
    fake.wait(jobs[2].id, "running")
    outcomes = PJM().poll([*jobs, Submitted("999", job.work_dir / "forgotten.pjm")])
    assert [outcomes[submitted.id].state for submitted in jobs] == [State.SUCCEEDED] * 2 + [State.RUNNING]
    assert "999" not in outcomes
    first, second = fake.calls("pjstat")
    assert "-H" not in first
    assert second[-4:] == ["-H", "day=90", "--filter", f"jid={jobs[0].id}+{jobs[1].id}+999"]


def test_a_job_that_was_forgotten_is_absent(fake, job):
    submitted = submit(job)
    fake.wait(submitted.id)
    fake.forget(submitted.id)
    assert PJM().poll([submitted]) == {}


def test_a_question_that_fails_once_is_asked_again(fake, job, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    submitted = submit(job)
    fake.fail_once("pjstat")
    assert submitted.id in PJM().poll([submitted])


def test_cancelling_ends_what_lives_and_is_content_with_what_has_ended(fake, job):
    over, lives = submit(job), submit(replace(job, name="lives", command=["sleep", "60"]))
    fake.wait(over.id)
    fake.wait(lives.id, "running")
    PJM().cancel([over, lives])
    assert ended(fake, over).state is State.SUCCEEDED
    assert ended(fake, lives).state is State.CANCELLED
    PJM().cancel([])


def test_cancelling_without_a_job_manager_is_an_error(fake, job):
    submitted = submit(replace(job, command=["sleep", "60"]))
    fake.fail_once("pjdel")
    with pytest.raises(SchedulerError, match="Communication"):
        PJM().cancel([submitted])


def test_a_refusal_is_told_in_the_words_of_pjsub(fake, job):
    fake.reject()
    with pytest.raises(SchedulerError, match=r"PJM 0057 pjsub node=32 is greater than the upper limit"):
        submit(job)


def test_a_refusal_that_ends_well_is_told_in_the_words_of_pjsub(fake, job):
    fake.reject(status=0)
    with pytest.raises(SchedulerError, match=r"PJM 0057 pjsub node=32 is greater than the upper limit"):
        submit(job)


def test_an_answer_without_an_id_is_an_error(monkeypatch, job):
    monkeypatch.setattr(PJM, "run", lambda self, *command, **_: "[INFO] PJM 0001 pjsub ...\n")
    with pytest.raises(SchedulerError, match=r"is not understood: '\[INFO\] PJM 0001"):
        submit(job)


def test_a_hold_of_the_user_is_no_end(fake, job):
    fake.hold_in_queue(held=True)
    submitted = submit(job)
    outcome = PJM().poll([submitted])[submitted.id]
    assert (outcome.state, outcome.native) == (State.QUEUED, "HLD")
    assert f"`pjrls {submitted.id}`" in outcome.cause
    fake.release()
    assert ended(fake, submitted).state is State.SUCCEEDED


# -------------------------------------------------------------------------------------------------- what is printed


@pytest.mark.parametrize("native", ["ACC", "QUE", "RNA"])
def test_states_that_wait(monkeypatch, native):
    assert polled(monkeypatch, f"{native},0,0,0,0000:00:00,-,-,-").state is State.QUEUED


@pytest.mark.parametrize("native", ["RNP", "RUN", "RNE", "RNO", "SPP", "SPD", "RSM"])
def test_states_that_run(monkeypatch, native):
    assert polled(monkeypatch, f"{native},0,0,0,0000:00:00,-,-,-").state is State.RUNNING


@pytest.mark.parametrize(
    ("row", "state", "cause"),
    [
        ("EXT,0,0,0", State.SUCCEEDED, ""),
        ("EXT,-,0,0", State.FAILED, ""),
        ("EXT,0,0,9", State.FAILED, ""),
        ("EXT,0,11,24", State.TIMEOUT, "elapsed time limit"),  # as Fugaku has it, with REASON cut
        ("EXT,0,23,9", State.OUT_OF_MEMORY, "ended by the OOM killer"),
        ("EXT,0,18,0", State.PREEMPTED, "ended beyond its minimum time for another job or a deadline"),
        ("EXT,0,99,0", State.FAILED, "PJM code 99"),
        ("CCL,0,0,0", State.CANCELLED, ""),
        ("CCL,0,1,15", State.CANCELLED, "pjdel"),
        ("CCL,0,8,0", State.CANCELLED, "PJM code 8"),
        ("RJT,0,2,0", State.REJECTED, "PJM code 2"),
        ("RJT,0,0,0", State.REJECTED, ""),
        ("ERR,-,-,-", State.FAILED, ""),
        ("ERR,0,20,0", State.NODE_FAILURE, "node down"),
        ("ERR,0,26,0", State.FAILED, "error in prologue or epilogue"),
        ("HLD,0,26,0", State.FAILED, "error in prologue or epilogue"),  # held by the system
        ("HLD,0,20,0", State.NODE_FAILURE, "node down"),
    ],
)
def test_states_that_end(monkeypatch, row, state, cause):
    outcome = polled(monkeypatch, f"{row},0000:00:00,-,-,-")
    assert (outcome.state, outcome.cause, outcome.native) == (state, cause, row[:3])


def test_a_hold_has_a_code_of_its_own(monkeypatch):
    assert polled(monkeypatch, "HLD,0,4,0,-,-,-,-").state is State.QUEUED


@pytest.mark.parametrize(
    ("cells", "elapsed", "memory"),
    [
        ("0000:08:27,-", 507, None),
        ("0100:00:01,67.5 MiB", 360001, 70778880),
        ("00:01:41 (101),67.4 MiB (70582272)", 101, 70582272),
        ("-,unlimited", None, None),
    ],
)
def test_figures(monkeypatch, cells, elapsed, memory):
    outcome = polled(monkeypatch, f"EXT,0,0,0,{cells},0x0127000B 0x0127000C,-")
    assert (outcome.elapsed, outcome.memory, outcome.nodes) == (elapsed, memory, "0x0127000B 0x0127000C")


def test_values_may_be_in_quotes_and_a_reason_hold_a_comma(monkeypatch):
    outcome = polled(monkeypatch, '"QUE","0","0","0","-","-","-","INSUFF NODE, WAIT SCHED"')
    assert (outcome.state, outcome.cause) == (State.QUEUED, "INSUFF NODE, WAIT SCHED")


def test_a_line_before_the_table_is_not_read(monkeypatch):
    history = "1,EXT,0,0,0,0000:00:01,-,-,-\n"
    monkeypatch.setattr(PJM, "ask", lambda self, *command: f"[INFO] PJM\n\n{HEADER},{history}")
    assert PJM().poll([Submitted("1", "job.pjm")])["1"].state is State.SUCCEEDED


def test_another_table_is_an_error_and_no_lost_job(monkeypatch):
    monkeypatch.setattr(PJM, "ask", lambda self, *command: "JOB_ID ST EC\n1 RUN 0\n")
    with pytest.raises(SchedulerError, match="table that is not understood: 'JOB_ID ST EC"):
        PJM().poll([Submitted("1", "job.pjm")])


def test_nobody_s_jobs_print_nothing(monkeypatch):
    monkeypatch.setattr(PJM, "ask", lambda self, *command: "")
    assert PJM().poll([Submitted("1", "job.pjm")]) == {}


def test_without_pjm_the_next_step_is_said(monkeypatch, job):
    monkeypatch.setenv("PATH", str(job.work_dir))
    with pytest.raises(SchedulerError, match="no command 'pjsub' here"):
        PJM().submit(job.work_dir / "job.pjm")
