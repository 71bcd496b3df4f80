import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from adatom.errors import InputError, SchedulerError
from adatom.machines.outcome import State
from adatom.machines.preflight import preflight
from adatom.machines.resources import Resources
from adatom.machines.schedulers.base import Submitted
from adatom.machines.schedulers.sge import SGE, SGEOptions
from adatom.machines.script import BatchJob
from tests.infra import machine, sge
from tests.infra.machine import wait_for
from tests.machines import profiles

PE = SGEOptions(parallel_environment="smp")


@pytest.fixture
def job(tmp_path):
    work_dir = tmp_path / "with a space"
    work_dir.mkdir()
    return BatchJob("relax-1", work_dir, ["true"], Resources())


# ------------------------------------------------------------------------------------------------------------ scripts


def test_directives_ask_for_every_field(job):
    resources = Resources(nodes=3, ranks_per_node=4, threads_per_rank=2, gpus_per_node=2, memory="10G", walltime="90m")
    assert SGE().directives(replace(job, resources=resources, options=PE, queue="long.q", account="chem")) == [
        "-N relax-1",
        "-o relax-1.out",
        "-e relax-1.err",
        "-cwd",
        "-S /bin/bash",
        "-r n",
        "-pe smp 24",
        "-l gpu=2",
        "-l h_vmem=1280M",
        "-l h_rt=01:30:00",
        "-q long.q",
        "-P chem",
    ]


def test_what_is_not_said_is_not_asked_for(job):
    assert not [line for line in SGE().directives(job) if line.startswith(("-l", "-q", "-P", "-pe"))]


def test_options_name_a_site_s_resources(job):
    options = SGEOptions(parallel_environment="mpi-8", memory_resource="mem", gpu_resource="ngpus", rerun=True)
    lines = SGE().directives(replace(job, resources=Resources(gpus_per_node=1, memory="1G"), options=options))
    assert {"-pe mpi-8 1", "-l mem=1024M", "-l ngpus=1", "-r y"} <= set(lines)


def test_memory_of_a_slot_is_rounded_up(job):
    resources = Resources(ranks_per_node=3, memory="1000M")
    assert "-l h_vmem=334M" in SGE().directives(replace(job, resources=resources, options=PE))


@pytest.mark.parametrize("field", ["nodes", "ranks_per_node", "threads_per_rank"])
def test_slots_without_a_parallel_environment_are_an_error(job, field):
    with pytest.raises(InputError, match=rf"{field}=2.*without a parallel environment.*as parallel_environment"):
        SGE().directives(replace(job, resources=Resources(**{field: 2})))


def test_a_script_is_one_that_bash_reads(job):
    job = replace(job, command=["echo", "it's", "$HOME"], modules=["a b"], options=PE)
    subprocess.run(["bash", "-n"], input=SGE().script(job), text=True, check=True)


# ---------------------------------------------------------------------- what is printed, as by Son of Grid Engine 8.1.9

QSTAT = """\
<?xml version='1.0'?>
<job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qstat/qstat.xsd">
  <queue_info>
    <job_list state="running">
      <JB_job_number>4</JB_job_number>
      <JAT_prio>0.75000</JAT_prio>
      <JB_name>ok</JB_name>
      <JB_owner>root</JB_owner>
      <state>{running}</state>
      <JAT_start_time>2026-11-21T16:38:17</JAT_start_time>
      <queue_name>main.q@localhost</queue_name>
      <slots>2</slots>
    </job_list>
  </queue_info>
  <job_info>
    <job_list state="pending">
      <JB_job_number>7</JB_job_number>
      <JAT_prio>0.25000</JAT_prio>
      <JB_name>bad</JB_name>
      <JB_owner>root</JB_owner>
      <state>{pending}</state>
      <JB_submission_time>2026-11-21T16:38:18</JB_submission_time>
      <queue_name></queue_name>
      <slots>1</slots>
    </job_list>
  </job_info>
</job_info>
"""
REASON = (
    'error reason          1:      11/21/2026 16:38:21 [0:9265]: error: can\'t open output file "/x": No such file\n'
)
QACCT = """\
==============================================================
qname        main.q              
hostname     localhost           
jobname      ok                  
jobnumber    4                   
taskid       undefined
start_time   Sat Nov 21 16:38:17 2026
granted_pe   smp                 
slots        2                   
failed       {failed}
exit_status  {exit_status}
ru_wallclock {wallclock}
maxvmem      {maxvmem}
category     {category}
"""  # noqa: W291
BEFORE = "before writing config"
LIMIT = "37  : qmaster enforced h_rt, h_cpu, or h_vmem limit"
KILLED = "100 : assumedly after job"


@pytest.fixture
def answers(monkeypatch):
    """What the commands print, by name; an error is raised."""
    answers = {"qstat": QSTAT.format(running="r", pending="qw")}

    def run(self, command, *arguments, **options):
        answer = answers["qstat -j" if (command, arguments[0]) == ("qstat", "-j") else command]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(SGE, "run", run)
    return answers


def polled(id, walltime=None):
    return SGE().poll([Submitted(id, Path("job.sge"), walltime)]).get(id)


def accounted(answers, failed="0    ", exit_status="0                   ", walltime=None, more="", **fields):
    fields = {"wallclock": "3s", "maxvmem": "4.855MB", "category": "-l h_rt=600,h_vmem=500M -pe smp 2"} | fields
    answers["qacct"] = QACCT.format(failed=failed, exit_status=exit_status, **fields) + more
    answers["qstat"] = "<job_info><queue_info/><job_info/></job_info>"
    return polled("4", walltime)


@pytest.mark.parametrize("native", ["r", "t", "hr", "Rr", "s", "S", "T", "ts", "dr", "dt", "dRr", "ds"])
def test_states_that_run(answers, native):
    answers["qstat"] = QSTAT.format(running=native, pending="qw")
    outcome = polled("4")
    assert (outcome.state, outcome.native, outcome.nodes) == (State.RUNNING, native, "localhost")


@pytest.mark.parametrize(("native", "cause"), [("qw", ""), ("Rq", ""), ("hqw", "held"), ("hRwq", "held")])
def test_states_that_wait(answers, native, cause):
    answers["qstat"] = QSTAT.format(running="r", pending=native)
    outcome = polled("7")
    assert (outcome.state, outcome.cause) == (State.QUEUED, cause)


@pytest.mark.parametrize("native", ["Eqw", "Ehqw", "EhRqw"])
def test_an_error_state_is_an_end_with_a_reason(answers, native):
    answers["qstat"] = QSTAT.format(running="r", pending=native)
    answers["qstat -j"] = f"job_number:                 7\n{REASON}scheduling info:            Job is in error state\n"
    outcome = polled("7")
    assert (outcome.state, outcome.native) == (State.REJECTED, native)
    assert outcome.cause.endswith('error: can\'t open output file "/x": No such file')


def test_a_reason_that_is_gone_does_not_lose_the_others(answers):
    answers["qstat"] = QSTAT.format(running="r", pending="Eqw")
    answers["qstat -j"] = SchedulerError("qstat of sge ended with 1: Following jobs do not exist: 7")
    outcomes = SGE().poll([Submitted(id, Path("job.sge")) for id in "74"])
    assert {id: outcome.state for id, outcome in outcomes.items()} == {"7": State.REJECTED, "4": State.RUNNING}


def test_xml_that_is_cut_is_an_error(answers):
    answers["qstat"] = QSTAT[:500]
    with pytest.raises(SchedulerError, match="XML that cannot be read"):
        polled("4")


@pytest.mark.parametrize("words", ["error: job id 5 not found", "no jobs running since startup"])
def test_a_job_that_accounting_does_not_know_is_absent(answers, words):
    answers["qacct"] = SchedulerError(f"qacct of sge ended with 1: {words}")
    assert polled("5") is None


def test_accounting_that_does_not_answer_is_an_error(answers):
    answers["qacct"] = SchedulerError("qacct of sge ended with 1: Permission denied")
    with pytest.raises(SchedulerError, match="Permission denied"):
        polled("5")


@pytest.mark.parametrize(
    ("fields", "state", "cause"),
    [
        ({}, State.SUCCEEDED, ""),
        ({"exit_status": "3                   "}, State.FAILED, ""),
        ({"exit_status": "137                  (Killed)"}, State.FAILED, ""),
        ({"failed": KILLED, "exit_status": "137                  (Killed)"}, State.FAILED, "assumedly after job"),
        ({"failed": "19  : before writing exit_status"}, State.NODE_FAILURE, "before writing exit_status"),
        ({"failed": "26  : opening input/output file"}, State.REJECTED, "opening input/output file"),
        ({"failed": f"3   : {BEFORE}"}, State.REJECTED, BEFORE),
        ({"failed": "15  : in epilog"}, State.FAILED, "in epilog"),
        ({"failed": LIMIT, "exit_status": "137"}, State.TIMEOUT, LIMIT.partition(": ")[2]),
        ({"failed": KILLED, "exit_status": "137", "walltime": 3}, State.TIMEOUT, "assumedly after job"),
        ({"failed": KILLED, "exit_status": "137", "walltime": 4}, State.FAILED, "assumedly after job"),
        ({"exit_status": "3", "walltime": 3}, State.FAILED, ""),
        ({"walltime": 3}, State.SUCCEEDED, ""),
    ],
)
def test_ends(answers, fields, state, cause):
    outcome = accounted(answers, **fields)
    assert (outcome.state, outcome.cause) == (state, cause)


@pytest.mark.parametrize(
    ("maxvmem", "exit_status", "state"),
    [("1001.5MB", "137", State.OUT_OF_MEMORY), ("998.7MB", "137", State.TIMEOUT), ("0.978G", "1", State.OUT_OF_MEMORY)],
)
def test_the_memory_of_all_slots_is_the_limit(answers, maxvmem, exit_status, state):
    failed = LIMIT if exit_status == "137" else "0"
    outcome = accounted(answers, failed=failed, exit_status=exit_status, maxvmem=maxvmem)
    assert outcome.state is state
    assert outcome.state is State.TIMEOUT or maxvmem in outcome.cause


def test_much_memory_is_no_failure(answers):
    assert accounted(answers, maxvmem="1.2GB").state is State.SUCCEEDED


@pytest.mark.parametrize(("who", "state"), [("root@login1", State.CANCELLED), ("NONE", State.FAILED)])
def test_who_deleted_a_job_is_said_by_some_versions(answers, who, state):
    outcome = accounted(answers, failed=KILLED, exit_status="137", more=f"deleted_by   {who}\n")
    assert outcome.state is state
    assert (who in outcome.cause) == (state is State.CANCELLED)


def test_what_this_process_has_deleted_is_cancelled(answers):
    job, other, never = (Submitted(id, Path("job.sge")) for id in "456")
    answers["qdel"] = "root has registered the job 4 for deletion\nroot has deleted job 6\n"
    fields = {"wallclock": "3s", "maxvmem": "4.855MB", "category": "NONE"}
    answers["qacct"] = QACCT.format(failed=KILLED, exit_status="137", **fields)
    answers["qstat"] = "<job_info/>"
    kind = SGE()
    kind.cancel([job, never])
    outcomes = kind.poll([job, other])
    assert [outcomes[id].state for id in "45"] == [State.CANCELLED, State.FAILED]
    answers["qacct"] = SchedulerError("qacct of sge ended with 1: error: job id 6 not found")
    outcomes = kind.poll([other, never])
    assert {id: outcome.state for id, outcome in outcomes.items()} == {"6": State.CANCELLED}


@pytest.mark.parametrize(
    ("fields", "elapsed", "memory"),
    [({}, 3.0, 5090836), ({"wallclock": "3", "maxvmem": "4096"}, 3.0, 4096), ({"maxvmem": "0.000B"}, 3.0, None)],
)
def test_figures(answers, fields, elapsed, memory):
    outcome = accounted(answers, **fields)
    assert (outcome.elapsed, outcome.memory, outcome.nodes) == (elapsed, memory, "localhost")


def test_the_last_of_several_starts_counts(answers):
    second = QACCT.format(failed="0", exit_status="0", wallclock="5s", maxvmem="1M", category="NONE")
    outcome = accounted(answers, failed="19  : before writing exit_status", more=second)
    assert (outcome.state, outcome.elapsed) == (State.SUCCEEDED, 5)


def test_an_answer_without_an_id_is_an_error(answers):
    answers["qsub"] = "Your job-array 12.1-3:1\n"
    with pytest.raises(SchedulerError, match="is not understood: 'Your job-array"):
        SGE().submit(Path("job.sge"))


def test_a_refusal_that_ends_well_is_told_in_the_words_of_qsub(tmp_path, monkeypatch):
    (tmp_path / "qsub").write_text("#!/bin/sh\necho 'Unable to run job: no such project' >&2\n")
    (tmp_path / "qsub").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(SchedulerError, match="Unable to run job: no such project"):
        SGE().submit(tmp_path / "job.sge")


def test_warnings_may_come_before_the_id(answers):
    answers["qsub"] = 'warning: no suitable queues\nYour job 12 ("relax 3") has been submitted\n'
    assert SGE().submit(Path("job.sge")) == "12"


def test_deleting_what_is_not_one_s_own_is_an_error(answers):
    words = 'denied: job "9" does not exist root - you do not have the necessary privileges to delete the job "8"'
    answers["qdel"] = SchedulerError(f"qdel of sge ended with 1: denied: {words}")
    with pytest.raises(SchedulerError, match="privileges"):
        SGE().cancel([Submitted(id, Path("job.sge")) for id in "89"])


@pytest.mark.parametrize(
    ("h_rt", "longest"),
    [
        ("INFINITY", None),
        ("24:00:00", 86400),
        ("1:0:5", 3605),
        ("90", 90),
        ("24:00:00,[node12=48:00:00], \\\n                      [@rack1=1:00:00]", 172800),
        ("24:00:00,[@big=INFINITY]", None),
    ],
)
def test_the_longest_walltime_of_a_queue(monkeypatch, h_rt, longest):
    def run(self, *command):
        if command == ("qconf", "-sql"):
            return "all.q\nshort.q\n"
        assert command == ("qconf", "-sq", "all.q,short.q")
        queue = "qname                 {}\nhostlist              @a\ns_rt          600\nh_rt                  {}\n"
        return queue.format("all.q", h_rt) + "\n" + queue.format("short.q", "00:10:00")

    monkeypatch.setattr(SGE, "run", run)
    assert SGE().queues() == {"all.q": longest, "short.q": 600}


# ------------------------------------------------------------------------------------------------- a real Grid Engine


@pytest.fixture(scope="module")
def cluster():
    machine.skip_or_install("sge", sge.COMMANDS, sge.PACKAGES)
    with sge.sge() as cluster:
        yield cluster


class Run:
    """Jobs that run in a directory of their own."""

    def __init__(self, job):
        self.job, self.kind = job, SGE()

    def submit(self, *command, **fields):
        job = replace(self.job, command=command, **fields)
        script = job.work_dir / f"{job.name}.sge"
        script.write_text(self.kind.script(job))
        return Submitted(self.kind.submit(script), script, job.resources.walltime)

    def state(self, job, *states):
        """The outcome, once it is one of these, and no other end before."""

        def outcome():
            found = self.kind.poll([job]).get(job.id)
            assert not found or found.state in states or not found.state.ended, found
            return found if found and found.state in states else None

        return wait_for(outcome, f"job {job.id} to be {states}")


@pytest.fixture
def real(cluster, job):
    return Run(job)


pytestmark = pytest.mark.xdist_group("sge")


def test_real_success(real):
    job = real.submit(
        "sh", "-c", "echo $OMP_NUM_THREADS $NSLOTS; pwd", resources=Resources(threads_per_rank=3), options=PE
    )
    outcome = real.state(job, State.SUCCEEDED)
    assert (outcome.exit_code, outcome.signal, outcome.nodes) == (0, 0, "localhost")
    assert (real.job.work_dir / "relax-1.out").read_text() == f"3 3\n{real.job.work_dir}\n"
    assert (real.job.work_dir / "relax-1.end").read_text() == "0\n"


def test_real_failure(real):
    assert real.state(real.submit("sh", "-c", "exit 3"), State.FAILED).exit_code == 3


def test_real_signal(real):
    outcome = real.state(real.submit("true", pre_commands=["kill -9 $$"]), State.FAILED)
    assert (outcome.exit_code, outcome.signal) == (137, 9)


def test_real_timeout(real):
    outcome = real.state(real.submit("sleep", "300", resources=Resources(walltime=1)), State.TIMEOUT)
    assert outcome.signal == 9
    assert outcome.elapsed >= 1


def test_real_out_of_memory(real):
    fill = "X=$(head -c 60M /dev/zero | tr '\\0' x); sleep 300"
    resources = Resources(ranks_per_node=2, memory="400M", walltime=60)
    job = real.submit(
        "bash", "-c", f"for i in 1 2 3 4 5 6 7 8; do ({fill}) & done; wait", resources=resources, options=PE
    )
    outcome = real.state(job, State.OUT_OF_MEMORY)
    assert outcome.memory >= 400 * 2**20


def test_real_rejection(real):
    job = real.submit("true", directives=["-o /nonexistent/directory/file"])
    outcome = real.state(job, State.REJECTED)
    assert outcome.native == "Eqw"
    assert "/nonexistent/directory/file" in outcome.cause
    real.kind.cancel([job])


def test_real_refusal(real):
    with pytest.raises(SchedulerError, match=r"qsub of sge ended with 1: .*nowhere"):
        real.submit("true", queue="nowhere.q", directives=["-w e"])


def test_real_cancel(real):
    held = real.submit("true", directives=["-h"])
    runs = real.submit("sleep", "300")
    unknown = Submitted("999999", runs.script)
    real.state(runs, State.RUNNING)
    assert real.state(held, State.QUEUED).cause == "held"
    assert set(real.kind.poll([held, unknown, runs])) == {held.id, runs.id}
    real.kind.cancel([unknown, held, runs])
    assert real.state(runs, State.CANCELLED).signal == 9
    assert real.state(held, State.CANCELLED)
    assert "999999" not in real.kind.poll([unknown])


def test_real_unknown_jobs_only(real):
    assert real.kind.poll([Submitted("999999", real.job.work_dir / "job.sge")]) == {}
    real.kind.cancel([Submitted("999999", real.job.work_dir / "job.sge")])
    real.kind.cancel([])


def test_real_queues(cluster):
    assert SGE().queues() == {"main.q": None}
    try:
        cluster.run("qconf", "-mattr", "queue", "h_rt", "24:00:00,[localhost=48:00:00]", "main.q")
        assert SGE().queues() == {"main.q": 172800}
    finally:
        cluster.run("qconf", "-mattr", "queue", "h_rt", "INFINITY,[localhost=INFINITY]", "main.q")


def test_real_queues_are_checked(cluster):
    where = profiles.machine("sge", queues={"cpu": "absent.q", "gpu": "main.q"})
    assert [(found.ok, found.what, found.why) for found in preflight(where) if "queue" in found.what] == [
        (False, "queue absent.q", "there is none. Valid: main.q"),
        (True, "queue main.q", ""),
    ]
