"""PBS Pro and Torque: what they are asked for, what they say, and whole jobs on commands that stand for theirs."""

import subprocess
import textwrap

import pytest

from adatom.errors import BatchJobError, InputError, SchedulerError
from adatom.machines import Resources, State, run_command
from adatom.machines.schedulers import base
from adatom.machines.schedulers.base import Submitted
from adatom.machines.schedulers.pbs import PBS, PBSOptions
from adatom.machines.script import BatchJob
from tests.infra.fakes import installed
from tests.machines.profiles import how, machine, python

TORQUE = PBSOptions(dialect="torque")
DIALECTS = ("pbs", "torque")


def asked(needs=None, options=None, name="job", **more):
    job = BatchJob(name, "/w", ["true"], Resources(**(needs or {})), options=options, **more)
    return PBS().directives(job)


def asked_besides(needs=None, options=None, **more):
    """What is asked for because of these only."""
    return [line for line in asked(needs, options, **more) if line not in asked(None, options and TORQUE)]


def test_all_that_a_job_says():
    needs = {"nodes": 2, "ranks_per_node": 4, "threads_per_rank": 8, "gpus_per_node": 1, "memory": "16G"}
    options = PBSOptions(account_as="group_list", chunk=("jobtype=gpu",), place="scatter:excl", rerun=True)
    assert asked({**needs, "walltime": "1-01:00:00"}, options, queue="gpu", account="gr1") == [
        "-N job",
        "-S /bin/bash",
        "-o job.out",
        "-e job.err",
        "-r y",
        "-l select=2:ncpus=32:mpiprocs=4:ompthreads=8:ngpus=1:mem=16384mb:jobtype=gpu",
        "-l place=scatter:excl",
        "-l walltime=25:00:00",
        "-q gpu",
        "-W group_list=gr1",
    ]


@pytest.mark.parametrize(
    ("needs", "more", "lines"),
    [
        ({"nodes": 3}, {}, ["-l select=3:ncpus=1:mpiprocs=1:ompthreads=1", "-l place=scatter"]),
        ({"ranks_per_node": 3}, {}, ["-l select=1:ncpus=3:mpiprocs=3:ompthreads=1"]),
        ({"threads_per_rank": 3}, {}, ["-l select=1:ncpus=3:mpiprocs=1:ompthreads=3"]),
        ({"gpus_per_node": 2}, {}, ["-l select=1:ncpus=1:mpiprocs=1:ompthreads=1:ngpus=2"]),
        ({"memory": 2**20 + 1}, {}, ["-l select=1:ncpus=1:mpiprocs=1:ompthreads=1:mem=2mb"]),
        ({"walltime": 61.5}, {}, ["-l walltime=00:01:02"]),
        ({}, {"queue": "short"}, ["-q short"]),
        ({}, {"account": "me"}, ["-A me"]),
        ({}, {}, []),
    ],
)
def test_each_field_of_pbs_pro(needs, more, lines):
    assert asked_besides(needs, **more) == lines


@pytest.mark.parametrize(
    ("needs", "more", "lines"),
    [
        ({"nodes": 3}, {}, ["-l nodes=3:ppn=1"]),
        ({"ranks_per_node": 2, "threads_per_rank": 3}, {}, ["-l nodes=1:ppn=6"]),
        ({"gpus_per_node": 2}, {}, ["-l nodes=1:ppn=1:gpus=2"]),
        ({"nodes": 2, "memory": "1G"}, {}, ["-l nodes=2:ppn=1", "-l mem=2048mb"]),
        ({"walltime": 60}, {}, ["-l walltime=00:01:00"]),
        ({}, {"queue": "short", "account": "me"}, ["-q short", "-A me"]),
        ({}, {"options": PBSOptions(dialect="torque", chunk=("bigmem",))}, ["-l nodes=1:ppn=1:bigmem"]),
    ],
)
def test_each_field_of_torque(needs, more, lines):
    assert asked_besides(needs, **{"options": TORQUE, **more}) == lines


def test_what_torque_has_no_word_for():
    with pytest.raises(InputError, match="place='scatter' in Torque"):
        asked(options=PBSOptions(dialect="torque", place="scatter"))
    with pytest.warns(UserWarning, match="ranks_per_node=2"):
        asked({"nodes": 2, "ranks_per_node": 2, "threads_per_rank": 2}, TORQUE)


@pytest.mark.parametrize(("options", "most"), [(None, 236), (TORQUE, 15)])
def test_long_names_are_cut_where_they_do_not_differ(options, most):
    long = [f"{'relax' * 60}-{end}" for end in ("01a2b3c4", "01a2b3c5")]
    names = [asked(options=options, name=name)[0] for name in long]
    assert [len(name) for name in names] == [len("-N ") + most] * 2
    assert names[0] != names[1]
    assert asked(options=options, name=long[0])[2] == f"-o {long[0]}.out"


@pytest.mark.parametrize("options", [PBSOptions(), TORQUE])
def test_the_script_is_shell(tmp_path, options):
    needs = Resources(nodes=2, memory="1G", walltime=60)
    job = BatchJob("job", tmp_path, ["echo", "it's"], needs, "q", "a", directives=("-m n",), options=options)
    text = PBS().script(job)
    assert text.splitlines()[:2] == ["#!/bin/bash", "#PBS -N job"]
    assert "\n#PBS -m n\n\ncd " in text
    checked = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


# --- what qstat says --------------------------------------------------------------------------------------------------


class Says(PBS):
    """PBS with a `qstat` that says this."""

    def __init__(self, printed):
        super().__init__()
        self.printed = printed

    def run(self, *command, **options):
        return self.printed


def told(printed, script, walltime=None, id="12345.pbs-01"):
    return Says(printed).poll([Submitted(id, script, walltime)]).get(id)


def record(**fields):
    said = {"Job_Name": "job", "exec_host": "n1/0*4", **fields}
    lines = [f"    {name.replace('__', '.')} = {value}" for name, value in said.items() if value is not None]
    return "\n".join(["Job Id: 12345.pbs-01", *lines, ""])


# Of OpenPBS 20: lines are folded after 79 letters, within words, and go on after a tab.
PRO = textwrap.dedent("""\
    Job Id: 12345.pbs-01
        Job_Name = job
        Job_Owner = me@login1.example.org
        resources_used.cput = 00:02:00
        resources_used.mem = 3500kb
        resources_used.walltime = 120:00:30
        job_state = F
        queue = workq
        exec_host = n1/0*4+n2/0*4+n3/0*4+n4/0*4+n5/0*4+n6/0*4+n7/0*4+n8/0*4+n9/0*4+
    \tn10/0*4
        Resource_List.walltime = 240:00:00
        substate = 92
        Variable_List = PBS_O_HOME=/home/me,PBS_O_PATH=/usr/local/bin:/usr/bin:/bin:/us
    \tr/games,job_state = R
        comment = Job run at Fri Oct 20 at 04:30 on (n1:ncpus=4) and finished
        Exit_status = 0
        project = _pbs_project_default

    Job Id: 12346.pbs-01
        job_state = Q
        comment = Not Running: Insufficient amount of resource: ncpus

    Job Id: 7[].pbs-01
        job_state = B
    """)
# Of Torque 4, from a posting of a user: other names in small letters, and jobs that have ended are C.
TORQUE_SAYS = textwrap.dedent("""\
    Job Id: 522083.host.example.org
        Job_Name = timeout.pbs
        resources_used.mem = 3500kb
        resources_used.walltime = 00:00:14
        job_state = C
        exec_host = n-31/5+
            n-32/5
        Variable_List = PBS_O_QUEUE=short4gb,PBS_O_HOME=/home/me,
            PBS_O_LOGNAME=me
        exit_status = 3
        comp_time = Fri Oct 20 04:30:55 2017
    """)


def test_jobs_of_pbs_pro(tmp_path):
    ids = ["12345.pbs-01.example.org", "12346.pbs-01", "7[].pbs-01", "99.pbs-01"]
    found = Says(PRO).poll([Submitted(id, tmp_path / "job.pbs") for id in ids])
    assert list(found) == ids[:3]
    ended, waits, array = found.values()
    assert (ended.state, ended.exit_code, ended.signal, ended.elapsed, ended.memory) == (
        State.SUCCEEDED,
        0,
        0,
        432030,
        3500 * 1024,
    )
    assert ended.nodes.endswith("+n9/0*4+n10/0*4")
    assert (waits.state, waits.cause) == (State.QUEUED, "Not Running: Insufficient amount of resource: ncpus")
    assert (array.state, array.native) == (State.RUNNING, "B")


def test_a_job_of_torque(tmp_path):
    ended = told(TORQUE_SAYS, tmp_path / "job.pbs", id="522083.host.example.org")
    assert (ended.state, ended.exit_code, ended.elapsed, ended.nodes) == (State.FAILED, 3, 14, "n-31/5+n-32/5")


@pytest.mark.parametrize("letter", ["Q", "R", "H", "W", "T", "S", "U", "E", "B", "M", "?"])
def test_what_is_not_dead(tmp_path, letter):
    assert not told(record(job_state=letter, Exit_status=0), tmp_path / "job.pbs").state.ended


@pytest.mark.parametrize("letter", ["F", "X", "C"])
def test_what_has_succeeded(tmp_path, letter):
    assert told(record(job_state=letter, Exit_status=0), tmp_path / "job.pbs").ok


ENDS = {
    "a failure": ({"Exit_status": 3}, State.FAILED, 3, 0),
    "a program's large status": ({"Exit_status": 255}, State.FAILED, 255, 0),
    "a signal": ({"Exit_status": 265}, State.FAILED, None, 9),
    "a signal of the program": ({"Exit_status": 137}, State.FAILED, 137, 9),
    "lost": ({}, State.FAILED, None, None),
    "never ran": ({"exec_host": None}, State.CANCELLED, None, None),
    "deleted by force": ({"substate": 91}, State.CANCELLED, None, None),
    "deleted": ({"Exit_status": 271, "substate": 91}, State.CANCELLED, None, 15),
    "deleted in Torque": ({"Exit_status": 271, "job_state": "C"}, State.CANCELLED, None, 15),
    "terminated by itself": ({"Exit_status": 271, "substate": 93}, State.FAILED, None, 15),
    "over its walltime": ({"Exit_status": -29}, State.TIMEOUT, None, None),
    "over its memory": ({"Exit_status": -27}, State.OUT_OF_MEMORY, None, None),
    "over its virtual memory": ({"Exit_status": -26}, State.OUT_OF_MEMORY, None, None),
    "over its walltime in Torque": ({"Exit_status": -11, "job_state": "C"}, State.TIMEOUT, None, None),
    "over its memory in Torque": ({"Exit_status": -10, "job_state": "C"}, State.OUT_OF_MEMORY, None, None),
    "no such user": ({"Exit_status": -10}, State.FAILED, None, None),
    "not started": ({"Exit_status": -1}, State.FAILED, None, None),
    "an unknown number": ({"Exit_status": -99}, State.FAILED, None, None),
    "said in the comment": ({"Exit_status": 1, "comment": "x and exceeded resource mem"}, State.OUT_OF_MEMORY, 1, 0),
}
LATE = {"resources_used__walltime": "00:10:03"}


@pytest.mark.parametrize(("said", "state", "code", "signal"), ENDS.values(), ids=ENDS)
def test_what_has_not_succeeded(tmp_path, said, state, code, signal):
    outcome = told(record(**{"job_state": "F", **said}), tmp_path / "job.pbs", walltime=3600)
    assert (outcome.state, outcome.exit_code, outcome.signal) == (state, code, signal)


def test_a_lost_job_says_why(tmp_path):
    assert "no exit status" in told(record(job_state="F", comment="Job run at 4"), tmp_path / "job.pbs").cause


@pytest.mark.parametrize("status", [271, 265, 143])
@pytest.mark.parametrize("letter", ["F", "C"])
def test_a_signal_after_the_walltime(tmp_path, status, letter):
    script = tmp_path / "job.pbs"
    known = record(job_state=letter, Exit_status=status, Resource_List__walltime="00:10:00", **LATE)
    unknown = record(job_state=letter, Exit_status=status, **LATE)
    assert told(known, script).state is State.TIMEOUT
    assert told(unknown, script, walltime=600).state is State.TIMEOUT
    assert told(unknown, script, walltime=604).state is not State.TIMEOUT


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("=>> PBS: job killed: walltime 3618 exceeded limit 3600", State.TIMEOUT),
        ("=>> PBS: job killed: mem 4194500kb exceeded limit 4194304kb", State.OUT_OF_MEMORY),
        ("=>> PBS: job killed: ncpus 3.2 exceeded limit 2 (sum)", State.FAILED),
        ("a program: job killed: mem", State.FAILED),
    ],
)
def test_what_the_node_wrote_into_the_errors(tmp_path, line, state):
    (tmp_path / "job.err").write_bytes(b"\xff" * 200_000 + f"\n{line}\nTerminated\n".encode())
    outcome = told(record(job_state="F", Exit_status=1), tmp_path / "job.pbs")
    assert outcome.state is state
    assert (outcome.cause in line) is (line.startswith("=>>") or not outcome.cause)


def test_no_question_without_jobs():
    assert Says(None).poll([]) == {}


# --- whole jobs -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=DIALECTS)
def fake(request, tmp_path, monkeypatch):
    with use(request.param, tmp_path, monkeypatch) as made:
        yield made


class use:
    """Commands of a dialect, also for this process."""

    def __init__(self, dialect, tmp_path, monkeypatch, **settings):
        self.installed = installed(dialect, tmp_path / "fake", **settings)
        self.monkeypatch = monkeypatch

    def __enter__(self):
        fake = self.installed.__enter__()
        for name in ("PATH", "FAKE_SPOOL"):
            self.monkeypatch.setenv(name, fake.env[name])
        self.monkeypatch.setattr(base, "_PAUSE", 0.01)
        return fake

    def __exit__(self, *error):
        return self.installed.__exit__(*error)


def submit(fake, tmp_path, command=("true",), name="job", walltime=60.0):
    options = TORQUE if fake.dialect == "torque" else PBSOptions()
    job = BatchJob(name, tmp_path, command, Resources(walltime=walltime), options=options)
    script = tmp_path / f"{name}.pbs"
    script.write_text(PBS().script(job))
    return Submitted(PBS().submit(script), script, walltime)


def ended(fake, job):
    fake.wait(job.id)
    return PBS().poll([job])[job.id]


def test_one_that_succeeds_and_one_that_fails(fake, tmp_path):
    good = submit(fake, tmp_path, ["echo", "said"])
    bad = submit(fake, tmp_path, ["sh", "-c", "echo trouble >&2; exit 3"], "bad")
    assert ended(fake, good).ok
    assert (tmp_path / "job.out").read_text() == "said\n"
    assert (tmp_path / "job.end").read_text() == "0\n"
    outcome = ended(fake, bad)
    assert (outcome.state, outcome.exit_code) == (State.FAILED, 3)
    assert (tmp_path / "bad.err").read_text() == "trouble\n"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("signals", [False, True])
def test_over_its_walltime(dialect, signals, tmp_path, monkeypatch):
    with use(dialect, tmp_path, monkeypatch, signal_statuses=signals) as fake:
        job = submit(fake, tmp_path, ["sleep", "60"], walltime=1)
        assert ended(fake, job).state is State.TIMEOUT
        (tmp_path / "job.err").unlink()  # a node does not always say it
        assert ended(fake, job).state is State.TIMEOUT


@pytest.mark.parametrize(("order", "state"), [("out_of_memory", State.OUT_OF_MEMORY), ("node_failure", State.FAILED)])
def test_what_a_node_does_to_a_job(fake, tmp_path, order, state):
    fake.next(order)
    outcome = ended(fake, submit(fake, tmp_path, ["sleep", "60"]))
    assert outcome.state is state
    assert outcome.cause


def test_cancelled_before_it_runs_and_while_it_runs(fake, tmp_path):
    fake.hold_in_queue()
    waits = submit(fake, tmp_path, name="waits")
    runs = submit(fake, tmp_path, ["sleep", "60"], "runs")
    fake.wait(runs.id, "running")
    assert [outcome.state for outcome in PBS().poll([waits, runs]).values()] == [State.QUEUED, State.RUNNING]
    PBS().cancel([waits, runs])
    assert [ended(fake, job).state for job in (waits, runs)] == [State.CANCELLED] * 2
    PBS().cancel([waits, runs])  # what has ended stays as it is


def test_a_forgotten_job_does_not_hide_the_others(fake, tmp_path):
    jobs = [submit(fake, tmp_path, name=f"job{index}") for index in range(3)]
    for job in jobs:
        fake.wait(job.id)
    fake.forget(jobs[1].id)
    pbs = PBS()
    before = len(fake.calls("qstat"))
    assert {id: outcome.ok for id, outcome in pbs.poll(jobs).items()} == {jobs[0].id: True, jobs[2].id: True}
    pbs.poll(jobs)
    # Torque is asked a second time once, when it has turned out to be Torque.
    assert len(fake.calls("qstat")) - before == {"pbs": 2, "torque": 3}[fake.dialect]
    assert pbs.poll([jobs[1]]) == {}
    pbs.cancel([jobs[1]])


def test_a_server_that_does_not_answer_once(fake, tmp_path):
    job = submit(fake, tmp_path)
    fake.fail_once("qstat", times=2)
    assert ended(fake, job).ok
    fake.fail_once("qstat", times=3)
    with pytest.raises(SchedulerError, match="cannot connect to server"):
        PBS().poll([job])


def test_a_job_that_is_refused(fake, tmp_path):
    fake.reject("Unknown queue")
    with pytest.raises(SchedulerError, match="Unknown queue"):
        submit(fake, tmp_path)


@pytest.mark.parametrize("server", ["pbs-01", "host.example.org", "miyabi"])
def test_ids_of_all_kinds(tmp_path, monkeypatch, server):
    with use("pbs", tmp_path, monkeypatch, server=server) as fake:
        job = submit(fake, tmp_path)
        assert job.id.endswith(f".{server}")
        assert ended(fake, job).ok


def command(directory, monkeypatch, name, text):
    path = directory / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")


@pytest.mark.parametrize("id", ["12345[].pbs", "12345.pbs@other.example.org", "7"])
def test_a_site_says_more_than_the_id(tmp_path, monkeypatch, id):
    (tmp_path / "job.pbs").write_text("")
    command(tmp_path, monkeypatch, "qsub", f"echo 'You have 3 points left.'; echo '{id}'; echo")
    assert PBS().submit(tmp_path / "job.pbs") == id


def test_an_answer_without_an_id(tmp_path, monkeypatch):
    (tmp_path / "job.pbs").write_text("")
    command(tmp_path, monkeypatch, "qsub", "echo 'no id 7'")
    with pytest.raises(SchedulerError, match="no id 7"):
        PBS().submit(tmp_path / "job.pbs")


def test_a_site_that_keeps_no_history(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "_PAUSE", 0.01)
    refuses = "echo 'qstat: PBS is not configured to maintain job history' >&2; exit 153"
    (tmp_path / "said").write_text(PRO)
    command(tmp_path, monkeypatch, "qstat", f'[ "$1" = -x ] && {{ {refuses}; }}\ncat {tmp_path}/said')
    assert PBS().poll([Submitted("12346.pbs-01", tmp_path / "job.pbs")])["12346.pbs-01"].state is State.QUEUED


def profile(dialect):
    base.scheduler("pbs")._history = True  # a machine's PBS does not change, but between tests
    return machine("pbs", pbs={"dialect": "torque" if dialect == "torque" else "pro"})


def test_a_command_from_its_profiles_to_its_end(fake, tmp_path):
    work = tmp_path / "it's here"
    result = run_command(python("print('said')"), how(walltime="1m"), profile(fake.dialect), work)
    assert result.ok
    assert result.stdout.read_text() == "said\n"
    assert result.id == fake.job(result.id)["environment"]["PBS_JOBID"]


def test_a_command_that_fails_and_one_without_an_end(fake, tmp_path):
    with pytest.raises(BatchJobError, match="no such luck") as error:
        run_command(python("raise SystemExit('no such luck')"), how(walltime="1m"), profile(fake.dialect), tmp_path)
    assert error.value.result.outcome.exit_code == 1
    fake.next("timeout")
    with pytest.raises(BatchJobError, match="timeout"):
        run_command(python("import time; time.sleep(60)"), how(walltime="1m"), profile(fake.dialect), tmp_path)


def test_the_queues(fake):
    assert PBS().queues() == {"workq" if fake.dialect == "pbs" else "batch": None, "short": 3600}


@pytest.mark.parametrize(("most", "longest"), [("168:00:00", 604800), ("7200", 7200), ("UNLIMITED", None)])
def test_the_longest_walltime_of_a_queue(most, longest):
    limits = f"    resources_max.walltime = {most}\n    resources_default.walltime = 1\n"
    assert Says(f"Queue: a.b\n    queue_type = Route\n{limits}").queues() == {"a.b": longest}
