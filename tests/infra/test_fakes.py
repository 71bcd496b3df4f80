"""The fake batch systems run real scripts, and say and do what they are told to."""

import contextlib
import json
import os
import re
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .fakes import DIALECTS, Fake, installed
from .fakes.core import alive

Run = subprocess.CompletedProcess[str]


@dataclass
class Dialect:
    """How the same things are said to each."""

    submit: str
    poll: str
    delete: str
    header: str  # a one second walltime, with the speed below
    refused: str
    states: tuple[str, str, str]  # waiting, held, running


SAYS = {
    "pbs": Dialect(
        "qsub",
        "qstat",
        "qdel",
        '#PBS -N name -l select=1:ncpus=2 -l walltime=00:00:01\ncd "$PBS_O_WORKDIR"',
        "qsub: Unknown queue",
        ("Q", "H", "R"),
    ),
    "torque": Dialect(
        "qsub",
        "qstat",
        "qdel",
        '#PBS -N name -l nodes=1:ppn=2,walltime=1\ncd "$PBS_O_WORKDIR"',
        "qsub: submit error (Unknown queue MSG=cannot locate queue)",
        ("Q", "H", "R"),
    ),
    "pjm": Dialect(
        "pjsub",
        "pjstat",
        "pjdel",
        '#PJM -L "node=1,rscgrp=small,elapse=00:00:01" --name name -g ra1',
        "[ERR.] PJM 0057 pjsub node=32 is greater than the upper limit (24).",
        ("QUE", "HLD", "RUN"),
    ),
    "lsf": Dialect(
        "bsub",
        "bjobs",
        "bkill",
        "#BSUB -J name -q normal -W 1 -o name.%J",
        "nowhere: No such queue. Job not submitted.",
        ("PEND", "PSUSP", "RUN"),
    ),
}
SPEED = {"lsf": 60.0}  # its walltimes are minutes


def run(fake: Fake, *command: str, **options: object) -> Run:
    return subprocess.run(command, env=fake.env, capture_output=True, text=True, timeout=30, **options)


def submit(fake: Fake, body: str, limited: bool = True) -> str:
    """The job's id, as its answer has it."""
    says = SAYS[fake.dialect]
    header = says.header if limited else re.sub(r"(-l |,)?(walltime|elapse)=[0-9:]+|-W 1", "", says.header)
    Path("job.sh").write_text(f"#!/bin/bash\n{header}\n{body}\n")
    with open("job.sh") as script:
        how = (says.submit, *([] if fake.dialect == "lsf" else ["job.sh"]))
        done = run(fake, *how, stdin=script if fake.dialect == "lsf" else subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return re.search(r"[Jj]ob <?(\d+)", done.stdout)[1] if fake.dialect in ("pjm", "lsf") else done.stdout.strip()


def told(fake: Fake, job: str) -> dict[str, str]:
    """What the scheduler says about it: state, code and all it calls by names of its own."""
    if fake.dialect == "pbs":
        found = json.loads(run(fake, "qstat", "-x", "-f", "-F", "json", job).stdout)["Jobs"][job]
        return found | {"state": found["job_state"], "code": found.get("Exit_status")}
    if fake.dialect == "torque":
        found = {node.tag: node.text for node in ET.fromstring(run(fake, "qstat", "-x", job).stdout).iter()}
        return found | {"state": found["job_state"], "code": found.get("exit_status") and int(found["exit_status"])}
    if fake.dialect == "pjm":
        lines = (run(fake, "pjstat", "-v", job).stdout or run(fake, "pjstat", "-v", "-H", job).stdout).splitlines()
        starts = [match.start() for match in re.finditer(r"\S+", lines[0])]
        cells = [
            (lines[0][a:b].strip(), lines[1][a:b].strip()) for a, b in zip(starts, [*starts[1:], None], strict=True)
        ]
        found = dict(cells)
        return found | {"state": found["ST"], "code": found["EC"]}
    fields = "jobid stat exit_code exit_reason job_name run_time"
    (found,) = json.loads(run(fake, "bjobs", "-a", "-json", "-o", fields, job).stdout)["RECORDS"]
    return found | {"state": found["STAT"], "code": found["EXIT_CODE"]}


@pytest.fixture(params=DIALECTS)
def fake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fake]:
    with installed(request.param, tmp_path / "fake", speed=SPEED.get(request.param, 1.0)) as made:
        yield made
    assert not [job["key"] for job in made.spool.jobs() if job["pid"] and alive(job["pid"])]
    errors = made.spool.path / "errors.log"
    assert not errors.exists() or not errors.read_text()


def test_a_script_runs_where_it_was_submitted_and_its_output_comes_back(fake: Fake) -> None:
    job = submit(fake, "echo said; echo made > made; echo trouble >&2")
    fake.wait(job)
    assert Path("made").read_text() == "made\n"
    number = job.split(".")[0]
    outputs = {"pjm": (f"name.{number}.out", f"name.{number}.err"), "lsf": (f"name.{number}",) * 2}
    out, err = outputs.get(fake.dialect, (f"name.o{number}", f"name.e{number}"))
    assert "said\n" in Path(out).read_text()
    assert "trouble\n" in Path(err).read_text()
    said = told(fake, job)
    assert (said["state"], said["code"]) == {
        "pbs": ("F", 0),
        "torque": ("C", 0),
        "pjm": ("EXT", "0"),
        "lsf": ("DONE", ""),
    }[fake.dialect]


def test_how_a_script_ends_is_told(fake: Fake) -> None:
    failed, killed = submit(fake, "exit 3"), submit(fake, "kill -9 $$")
    for job in (failed, killed):
        fake.wait(job)
    assert str(told(fake, failed)["code"]) == "3"
    said = told(fake, killed)
    if fake.dialect == "pjm":
        assert (said["EC"], said["SN"]) == ("0", "9")
    else:
        assert str(said["code"]) == {"lsf": "137"}.get(fake.dialect, "265")


def test_a_script_over_its_walltime_is_ended_with_its_children(fake: Fake) -> None:
    begin = time.monotonic()
    job = submit(fake, "touch begun; sleep 50 & sleep 50; touch done")
    group = fake.wait(job)["pid"]
    assert 1.0 < time.monotonic() - begin < 20.0
    assert not alive(group)
    assert Path("begun").exists()
    assert not Path("done").exists()
    said = told(fake, job)
    if fake.dialect == "pbs":
        assert (said["state"], said["code"], said["substate"]) == ("F", -29, 93)
        assert said["comment"].endswith("and exceeded resource walltime")
    elif fake.dialect == "torque":
        assert (said["state"], said["code"]) == ("C", -11)
    elif fake.dialect == "pjm":
        assert (said["state"], said["EC"], said["PC"], said["SN"]) == ("EXT", "0", "11", "24")
        assert (said["REASON"], said["ELAPSE_LIM"]) == ("ELAPSE LIMIT EXC", "0000:00:01")
    else:
        assert (said["state"], said["code"]) == ("EXIT", "140")
        assert said["EXIT_REASON"].startswith("TERM_RUNLIMIT")


ENDS = {  # state and code after timeout, out_of_memory, node_failure and cancelled
    "pbs": [("F", -29), ("F", -27), ("F", None), ("F", 271)],
    "torque": [("C", -11), ("C", -10), ("C", None), ("C", 271)],
    "pjm": [("EXT", "0"), ("EXT", "0"), ("ERR", "-"), ("CCL", "0")],
    "lsf": [("EXIT", "140"), ("EXIT", "137"), ("UNKWN", ""), ("EXIT", "130")],
}


def test_jobs_end_as_ordered(fake: Fake) -> None:
    outcomes = ["timeout", "out_of_memory", "node_failure", "cancelled"]
    for outcome in outcomes:
        fake.next(outcome=outcome)
    jobs = [submit(fake, "sleep 50", limited=False) for _ in outcomes]
    ended = [fake.wait(job) for job in jobs]
    assert [job["outcome"] for job in ended] == outcomes
    assert not any(alive(job["pid"]) for job in ended)
    said = [told(fake, job) for job in jobs]
    assert [(job["state"], job["code"]) for job in said] == ENDS[fake.dialect]
    if fake.dialect == "pjm":
        assert [job["PC"] for job in said] == ["11", "12", "20", "1"]
    elif fake.dialect == "lsf":
        reasons = [job["EXIT_REASON"].partition(":")[0] for job in said]
        assert reasons == ["TERM_RUNLIMIT", "TERM_MEMLIMIT", "", "TERM_ADMIN"]


def test_an_ordered_end_comes_true_for_a_script_that_was_faster(fake: Fake) -> None:
    fake.next(outcome="out_of_memory", after=5.0)
    job = submit(fake, "touch done")
    assert fake.wait(job)["outcome"] == "out_of_memory"
    assert Path("done").exists()


def test_a_submission_is_refused_and_the_next_is_not(fake: Fake) -> None:
    fake.reject()
    fake.reject("busy")
    with open(os.devnull) as empty:
        Path("job.sh").write_text("#!/bin/sh\n")
        how = (SAYS[fake.dialect].submit, *([] if fake.dialect == "lsf" else ["job.sh"]))
        first, second = (run(fake, *how, stdin=empty) for _ in range(2))
    assert first.returncode != 0
    assert (first.stdout, first.stderr.strip()) == ("", SAYS[fake.dialect].refused)
    assert "busy" in second.stderr
    assert not fake.spool.jobs()
    fake.wait(submit(fake, "touch made"))
    assert len(fake.calls(SAYS[fake.dialect].submit)) == 3


def test_jobs_wait_their_turn_or_for_a_person(fake: Fake) -> None:
    fake.hold_in_queue()
    fake.hold_in_queue(held=True)
    fake.hold_in_queue(0.4)
    waiting, held, soon = (submit(fake, f"touch {name}") for name in "abc")
    assert told(fake, waiting)["state"] == SAYS[fake.dialect].states[0]
    assert told(fake, held)["state"] == SAYS[fake.dialect].states[1]
    fake.wait(soon)
    assert not Path("a").exists()
    fake.release(held)
    fake.wait(held)
    fake.release()
    fake.wait(waiting)


def test_jobs_are_deleted_in_the_queue_and_while_they_run(fake: Fake) -> None:
    delete = SAYS[fake.dialect].delete
    running = submit(fake, "sleep 50", limited=False)
    fake.hold_in_queue()
    waiting = submit(fake, "touch never")
    group = fake.wait(running, "running")["pid"]
    assert alive(group)
    assert told(fake, running)["state"] == SAYS[fake.dialect].states[2]
    done = run(fake, delete, running, waiting)
    assert done.returncode == 0, done.stderr
    for job in (running, waiting):
        fake.wait(job)
    assert not alive(group)
    assert not Path("never").exists()
    assert told(fake, running)["state"] == {"pbs": "F", "torque": "C", "pjm": "CCL", "lsf": "EXIT"}[fake.dialect]
    assert told(fake, waiting)["code"] == {"pbs": None, "torque": 271, "pjm": "0", "lsf": ""}[fake.dialect]
    again = run(fake, delete, running)
    assert again.returncode != 0
    assert again.stderr


def test_one_poll_fails_and_answers_come_late(fake: Fake) -> None:
    says = SAYS[fake.dialect]
    job = submit(fake, "true")
    fake.wait(job)
    fake.fail_once(says.poll)
    failed = run(fake, says.poll, job)
    assert failed.returncode != 0
    assert re.search("cannot connect|Communication|LSF", failed.stderr)
    fake.answer_late(0.5, says.poll)
    begin = time.monotonic()
    run(fake, says.poll, job)
    assert time.monotonic() - begin > 0.5
    assert json.loads((fake.spool.path / "orders.json").read_text()) == []
    told(fake, job)


def test_a_submission_may_lose_its_answer_only(fake: Fake) -> None:
    fake.fail_once(SAYS[fake.dialect].submit, accepted=True)
    with pytest.raises(AssertionError, match="LSF|onnect|ommunicat"):
        submit(fake, "touch made")
    (job,) = fake.spool.jobs()
    fake.wait(job["key"])
    assert Path("made").exists()


def test_a_job_is_forgotten_and_another_is_lied_about(fake: Fake) -> None:
    job = submit(fake, "true")
    fake.wait(job)
    name, value = {
        "pbs": ("job_state", "M"),
        "torque": ("job_state", "W"),
        "pjm": ("ST", "RJT"),
        "lsf": ("STAT", "ZOMBI"),
    }[fake.dialect]
    fake.report(job, **{name: value})
    assert told(fake, job)["state"] == value
    fake.forget(job)
    says = SAYS[fake.dialect]
    after = run(fake, says.poll, *(["-H"] if fake.dialect == "pjm" else []), job)
    if fake.dialect == "pjm":
        assert (after.stdout, after.returncode) == ("", 0)
    else:
        assert after.returncode == {"lsf": 255}.get(fake.dialect, 153)
        assert re.search("Unknown Job Id|not found", after.stderr)


def test_no_option_is_unheard(fake: Fake) -> None:
    assert run(fake, SAYS[fake.dialect].submit, "--partition=x", stdin=subprocess.DEVNULL).returncode == 2


# --- what only one of them has ----------------------------------------------------------------------------------------


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Callable[..., Fake]]:
    with contextlib.ExitStack() as stack:
        yield lambda dialect, **settings: stack.enter_context(installed(dialect, tmp_path / "fake", **settings))


def test_pbs_folds_lines_keeps_history_apart_and_reports_signals(one: Callable[..., Fake]) -> None:
    fake = one("pbs", server="host.example.org", signal_statuses=True)
    fake.hold_in_queue()
    job = submit(fake, "sleep 50")
    assert job == "12345.host.example.org"
    assert "    job_state = Q\n" in run(fake, "qstat", "-f", job).stdout
    fake.release()
    fake.wait(job)
    plain = run(fake, "qstat", "-f", job)
    assert plain.returncode == 35
    assert "Job has finished, use -x or -H" in plain.stderr
    folded = run(fake, "qstat", "-x", "-f", job).stdout
    assert "    Exit_status = 271\n" in folded
    assert "\n\t" in folded
    assert "\n\t" not in run(fake, "qstat", "-xfw", job).stdout
    assert run(fake, "qstat").stdout == ""
    assert "Jobs" not in json.loads(run(fake, "qstat", "-f", "-F", "json").stdout)
    assert re.search(r"^12345\.host\.examp  name +\S+ +00:00:00 F workq$", run(fake, "qstat", "-x").stdout, re.M)
    output = Path("name.e12345").read_text()
    assert re.search(r"=>> PBS: job killed: walltime \d+ exceeded limit 1", output)


def test_pbs_array_is_one_job_and_several(one: Callable[..., Fake]) -> None:
    fake = one("pbs")
    Path("job.sh").write_text('cd $PBS_O_WORKDIR\ntouch made$PBS_ARRAY_INDEX\n[ "$PBS_ARRAY_INDEX" != 1 ]\n')
    array = run(fake, "qsub", "-J", "0-1", "job.sh").stdout.strip()
    assert array == "12345[].pbs-01"
    for index in range(2):
        fake.wait(f"12345[{index}]")
        assert Path(f"made{index}").exists()
    (whole,) = json.loads(run(fake, "qstat", "-xfF", "json", array).stdout)["Jobs"].values()
    assert (whole["job_state"], whole["Exit_status"]) == ("F", 1)
    parts = json.loads(run(fake, "qstat", "-xtfF", "json", array).stdout)["Jobs"]
    assert [part["Exit_status"] for part in parts.values()] == [0, 1]


def test_pbs_job_has_a_login_environment_unless_it_takes_the_whole(one: Callable[..., Fake]) -> None:
    fake = one("pbs")
    fake.env |= {"MINE": "here", "OTHER": "there"}
    for options in ([], ["-v", "MINE,NEW=1"], ["-V"]):
        Path("job.sh").write_text('cd "$PBS_O_WORKDIR"; echo "$MINE,$OTHER,$NEW" >> seen\n')
        job = run(fake, "qsub", *options, "job.sh").stdout.strip()
        fake.wait(job)
    assert Path("seen").read_text().splitlines() == [",,", "here,,1", "here,there,"]
    assert fake.job(job)["workdir"].endswith("/home")


def test_torque_text_is_its_own(one: Callable[..., Fake]) -> None:
    fake = one("torque")
    job = submit(fake, "exit 2")
    fake.wait(job)
    text = run(fake, "qstat", "-f", job).stdout
    assert f"Job Id: {job}\n" in text
    assert "    job_state = C\n" in text
    assert "    exit_status = 2\n" in text
    assert f"qstat: Unknown Job Id Error 9.{job.partition('.')[2]}" in run(fake, "qstat", "9").stderr


def test_pjm_tables_and_long_form(one: Callable[..., Fake]) -> None:
    fake = one("pjm")
    job = submit(fake, "exit 4")
    fake.wait(job)
    assert run(fake, "pjstat", job).stdout == ""
    assert run(fake, "pjstat").stdout.startswith("JOB_ID     JOB_NAME   MD ST  USER     START_DATE      ELAPSE_LIM ")
    header, row = run(fake, "pjstat", "-H", "day=3", job).stdout.splitlines()
    assert len(row.split()) == len(header.split()) + 1  # START_DATE holds a space
    assert run(fake, "pjstat", "-H", "--choose", "st,ec", job).stdout.split() == ["ST", "EC", "EXT", "4"]
    long = run(fake, "pjstat", "-H", "-s", job).stdout
    assert re.search(r"^ STATE +: EXT$", long, re.M)
    assert re.search(r"^ EXIT CODE +: 4$", long, re.M)
    assert "TOTAL" in run(fake, "pjstat", "--with-summary").stdout
    assert run(fake, "pjstat", "x").stderr == "[ERR.] PJM 0211 pjstat Invalid jobid: x.\n"


def test_lsf_tables_and_the_report_in_the_output(one: Callable[..., Fake]) -> None:
    fake = one("lsf")
    assert run(fake, "bjobs").stderr == "No unfinished job found\n"
    answer = run(fake, "bsub", "-o", "out", "echo said; exit 5")
    assert answer.stdout == "Job <1234> is submitted to default queue <normal>.\n"
    fake.wait("1234")
    assert "Exited with exit code 5." in Path("out").read_text()
    assert run(fake, "bjobs", "-noheader", "-o", "jobid stat exit_code delimiter='^'", "1234").stdout == "1234^EXIT^5\n"
    assert run(fake, "bjobs").stdout == ""
    lost = json.loads(run(fake, "bjobs", "-json", "-o", "jobid stat", "1234", "9").stdout)["RECORDS"]
    assert lost == [{"JOBID": "1234", "STAT": "EXIT"}, {"JOBID": "9", "ERROR": "Job <9> is not found"}]


def test_nothing_is_left_of_jobs_that_wait_or_run(tmp_path: Path) -> None:
    with installed("pjm", tmp_path / "fake") as fake:
        running = submit(fake, "trap '' TERM; sleep 50 & sleep 50", limited=False)
        fake.hold_in_queue()
        submit(fake, "touch never")
        group = fake.wait(running, "running")["pid"]
        supervisors = [job["supervisor"] for job in fake.spool.jobs()]
    assert not any(alive(process) for process in (group, *supervisors))
