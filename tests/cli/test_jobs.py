import json
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import fields
from pathlib import Path

import pytest
from ase.build import bulk
from typer.testing import CliRunner

import adatom.recipes  # noqa: F401  # names jobs after structures
from adatom import FlowFailure, JobFailure, change_settings, flow, get_settings
from adatom.cache.store import open_store
from adatom.cli import app
from adatom.journal.jobs import STATES, JobRecord, read_jobs
from adatom.recipes.emt import static_job
from adatom.schemas.save import load_results
from adatom.utils.processes import this_process
from adatom.utils.sealed import sealed
from tests.cli import own_recipes as own
from tests.cli.conftest import OWN, command, environment, process


def journal():
    return read_jobs(get_settings().results_dir)


def of(name, **more):
    """The ids of the jobs of a name, for which more may hold."""
    found = [job for job in journal() if job.name == name and all(getattr(job, k) == v for k, v in more.items())]
    return [job.id for job in found]


@pytest.fixture
def runs():
    """A run with one job done, one failed and one skipped, a run of three that failed, and a job without a flow."""
    own.needs_failed.with_options(label="Cu screening", on_failure="return")(bulk("Cu"))
    own.pair.with_options(on_failure="return")(bulk("Al"))
    with pytest.raises(JobFailure):
        own.document(bulk("Al"))
    return get_settings().results_dir


@pytest.fixture
def lost():
    """A run whose process was killed while one of its two jobs ran."""
    running = subprocess.Popen(
        command("run", f"{OWN}:slow_and_quick", "bulk:Cu"),
        env=environment(ADATOM_RESULTS_DIR=str(get_settings().results_dir)), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert "asleep" in running.stderr.readline()
    running.kill()
    running.communicate()


@pytest.fixture
def cached(tmp_path):
    with change_settings(cache="on", cache_dir=tmp_path / "cache"):
        yield


def table(result):
    """What a table says, by column, and the lines after it."""
    assert result.exit_code == 0, result.stderr
    heading, *lines = result.stdout.splitlines()
    starts = {match[0]: match.start() for match in re.finditer(r"\S+", heading)}
    ends = [*list(starts.values())[1:], None]
    rows, after = [], []
    for line in lines:
        if re.match(r"[0-9a-f]{12}  ", line):
            spans = zip(starts.items(), ends, strict=True)
            rows.append({name: line[start:end].strip() for (name, start), end in spans})
        else:
            after.append(line)
    return rows, after


def ids(result):
    assert result.exit_code == 0, result.stderr
    return [job["id"] for job in json.loads(result.stdout)]


# list


def test_the_list(cli, runs):
    rows, after = table(cli("jobs", "list"))
    assert [(row["state"], row["name"], row["flow"], row["label"]) for row in rows] == [
        ("done", "document Cu", "needs_failed", "Cu screening"),
        ("failed", "document Cu", "needs_failed", "Cu screening"),
        ("skipped", "energy", "needs_failed", "Cu screening"),
        *(("failed", f"document {formula}", "pair", "") for formula in ("Al", "Al2", "Al3")),
        ("failed", "document Al", "", ""),
    ]
    assert [row["id"] for row in rows] == [job.id for job in journal()]
    assert [row["cause"] for row in rows[:3]] == ["", "ValueError: no such luck", "needs document Cu, which failed"]
    assert {row["engine"] for row in rows} == {"local"}
    assert all(row["took"].endswith(" s") for row in rows if row["state"] != "skipped")
    assert after == ["7 jobs: 1 done, 5 failed, 1 skipped."]


def test_the_list_as_json(cli, runs):
    listed = json.loads(cli("jobs", "list", "--json").stdout)
    assert [set(job) for job in listed] == [{"path", *(field.name for field in fields(JobRecord))}] * 7
    assert [job["path"] for job in listed] == [str(job.path) if job.path else None for job in journal()]
    assert Path(listed[1]["path"]).name.startswith("failed-JOB-document-Cu-")


def test_filters(cli, runs):
    pair = of("document Al2")[0]
    run = next(job.run for job in journal() if job.id == pair)
    for flow_name in ("pair", run, run[:20], run[-8:], runs / run, f"{runs / run}/"):
        found = ids(cli("jobs", "list", "--flow", flow_name, "--json"))
        assert (len(found), found[1]) == (3, pair)
    counts = {
        ("--label", "Cu screening"): 3,
        ("--state", "failed"): 5,
        ("--state", "failed, skipped"): 6,
        ("--state", "pending"): 0,
        ("--recipe", "document"): 6,
        ("--recipe", f"{own.__name__}:document"): 6,
        ("--recipe", f"{own.__name__}.document"): 6,
        ("--recipe", "energy"): 1,  # skipped: of it only the name is known
        ("--newer-than", "1h"): 7,
        ("--newer-than", "0s"): 0,
        ("--older-than", "0s"): 7,
        ("--older-than", "1h"): 0,
        ("--flow", "needs_failed", "--state", "failed", "--recipe", "document", "--newer-than", "1d"): 1,
        ("--flow", "pair", "--state", "skipped"): 0,
    }
    assert {args: len(ids(cli("jobs", "list", *args, "--json"))) for args in counts} == counts


def test_what_there_is_not(cli, runs):
    result = cli("jobs", "list", "--state", "lost")
    assert (result.exit_code, result.stdout) == (0, "There is no such job.\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--state", "failed,lots"], "Unknown --state 'lots'. Did you mean 'lost'? Valid: cached, done, failed, lost,"),
        (["--state", ""], "Unknown --state ''"),
        (["--flow", "pai"], "Unknown flow 'pai'. Did you mean 'pair'? Valid: needs_failed, pair."),
        (["--flow", ""], "Unknown flow ''"),
        (["--flow", "FLOW-"], "Unknown flow 'FLOW-'"),
        (["--label", "Cu screenin"], "Unknown label 'Cu screenin'. Did you mean 'Cu screening'?"),
        (["--flow", "pair", "--label", "Cu screening"], "Unknown label 'Cu screening'. Valid: none."),
        (
            ["--recipe", "documents"],
            f"Unknown recipe 'documents'. Valid: {own.__name__}:document, {own.__name__}:energy.",
        ),
        (["--newer-than", "2"], "Invalid value for '--newer-than': '2' is no age"),
        (["--older-than", "x"], "Invalid value for '--older-than': 'x' is no age"),
        (["--limit", "0"], "Invalid value for '--limit'"),
    ],
)
def test_bad_filters_are_refused_by_name(refused, runs, args, said):
    assert said in refused("jobs", "list", *args)


@pytest.mark.parametrize(
    "args",
    [["list"], ["failed"], ["watch"], ["retry"], ["show", "x"], ["explain", "x"], ["explain", "0" * 32],
     ["clean", "--state", "failed"], ["list", "--json"]],
)  # fmt: skip
def test_without_a_journal_it_says_where_it_looked(refused, args, tmp_path):
    line = refused("jobs", *args)
    assert line.startswith(f"There is no journal in {tmp_path / 'runs'}: no job was run with this results_dir.")
    assert "ADATOM_RESULTS_DIR" in line
    assert not (tmp_path / "runs").exists()


def test_a_journal_with_a_half_written_last_line(cli, runs):
    (file,) = (runs / ".journal").glob("*.jsonl")
    last = file.read_text().splitlines()[-1]
    for cut in (1, 20, len(last) // 2, len(last) - 1):
        with file.open("a") as out:
            out.write(last[:cut] + "\n")
    with file.open("a") as out:
        out.write('{"id": "96570d2e9cfa", "sta')
    assert table(cli("jobs", "list"))[1] == ["7 jobs: 1 done, 5 failed, 1 skipped."]


def test_a_thousand_jobs(cli):
    @flow(on_failure="return")
    def many():
        return [own.up_to(n, limit=499) for n in range(1000)]

    many()
    rows, after = table(cli("jobs", "list"))
    assert len(rows) == len({row["id"] for row in rows}) == 1000
    assert after == ["1000 jobs: 500 done, 500 failed."]
    limited, after = table(cli("jobs", "list", "--limit", 10))
    assert [row["id"] for row in limited] == [row["id"] for row in rows[-10:]]
    assert after == ["1000 jobs: 500 done, 500 failed. The newest 10 are shown."]
    assert ids(cli("jobs", "list", "--limit", 10, "--json")) == [row["id"] for row in limited]
    assert table(cli("jobs", "list", "--state", "done", "--limit", 500))[1] == ["500 jobs: 500 done."]
    # 500 causes that differ in a number are one
    (group,) = json.loads(cli("jobs", "failed", "--json").stdout)
    assert (group["state"], group["cause"], group["count"]) == ("failed", "ValueError: … is more than … eV", 500)


def test_on_a_terminal_a_line_stays_a_line(runs):
    mine, theirs = os.openpty()
    env = environment(TERM="xterm", COLUMNS="100", ADATOM_RESULTS_DIR=str(runs))
    running = subprocess.Popen(command("jobs", "list"), env=env, stdout=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(mine, 10000)
        except OSError:
            break
    os.close(mine)
    assert running.wait(60) == 0
    lines = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", shown.decode()).splitlines()
    assert len(lines) == 9
    assert all(len(line) <= 100 for line in lines)
    assert [line[:12] for line in lines[1:-1]] == [job.id for job in journal()]
    assert "…" in lines[2]


# show


def test_show(cli, runs):
    job = next(job for job in journal() if job.state == "failed")
    for word in (job.id, job.id[:6], job.path, job.directory, job.path / "deeper" / "file"):
        result = cli("jobs", "show", word)
        assert result.exit_code == 0, result.stderr
        shown, _, error = result.stdout.partition("\nerror.txt\n")
        values = dict(line.split(maxsplit=1) for line in shown.splitlines() if " " in line)
        assert values["id"] == job.id
        assert values["label"] == "Cu screening"
        assert values["state"] == "failed"
        assert values["cause"] == "ValueError: no such luck"
        assert values["path"] == str(job.path)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", values["start"])
        assert {field.name for field in fields(JobRecord)} <= {line.split()[0] for line in shown.splitlines()}
        assert "in document\n" in error
        assert error.endswith("ValueError: no such luck\n")
    both = [of("document Cu")[1], of("energy")[0]]
    assert ids(cli("jobs", "show", *both, "--json")) == both
    assert cli("jobs", "show", *both).stdout.count("\nrecipe ") == 2


def test_show_what_was_cached_says_who_computed_it(cli, cached):
    for recipe in (static_job, static_job, own.document, own.document):
        recipe(bulk("Cu"))
    computed, found, without_files, again = journal()
    assert [job.state for job in journal()] == ["done", "cached"] * 2
    assert cli("jobs", "show", again.id).stdout.endswith(f"\nIts result is that of {without_files.id}.\n")
    assert cli("jobs", "show", found.id).stdout.endswith(f"\nIts result is that of {computed.id}: {computed.path}\n")
    assert "Its result" not in cli("jobs", "show", computed.id).stdout


@pytest.mark.parametrize("gzip", [False, True])
def test_show_the_end_of_the_log(cli, gzip):
    @own.job
    def says(n):
        print("\n".join(f"line {i}" for i in range(n)))

    with change_settings(gzip=gzip):
        says(3)
        says(100)
    short, long = journal()
    assert cli("jobs", "show", short.id).stdout.endswith("\njob.log\n  line 0\n  line 1\n  line 2\n")
    shown = cli("jobs", "show", long.id).stdout
    assert "\njob.log, the last 20 of 100 lines\n  line 80\n" in shown
    assert shown.endswith("\n  line 99\n")


def test_show_what_is_unknown(refused, runs):
    assert "No job 'fffffffffffff' is in the journal of" in refused("jobs", "show", "f" * 13)
    assert "No job 'fff' is" in refused("jobs", "show", "fff")
    assert "Missing argument" in refused("jobs", "show")


def test_a_beginning_that_two_ids_have(refused, runs):
    (file,) = (runs / ".journal").glob("*.jsonl")
    with file.open("a") as out:
        for end in "ab":
            out.write(_sealed({"id": f"12345678900{end}", "state": "done", "time": 1.0}))
    assert "'1234567' is the beginning of 2 ids: 12345678900a, 12345678900b." in refused("jobs", "show", "1234567")


def test_the_directory_of_the_last_attempt(cli):
    own.second_time("file")
    (job,) = json.loads(cli("jobs", "list", "--json").stdout)
    assert (job["state"], job["attempt"], job["path"]) == ("done", 1, f"{job['directory']}-try2")
    assert ids(cli("jobs", "show", job["path"], "--json")) == [job["id"]]


# failed


def test_failed_by_cause(cli, runs):
    lines = cli("jobs", "failed").stdout.splitlines()
    failed = [job.id for job in journal() if job.state == "failed"]
    assert [line.split(maxsplit=2) for line in lines[1:3]] == [
        ["5", "failed", f"ValueError: no such luck         {', '.join(failed[:3])}"],
        ["1", "skipped", f"needs document Cu, which failed  {of('energy')[0]}"],
    ]
    assert lines[-1].startswith("5 failed, 1 skipped. `adatom jobs show ID`")
    groups = json.loads(cli("jobs", "failed", "--flow", "pair", "--json").stdout)
    assert [(group["count"], group["cause"]) for group in groups] == [(3, "ValueError: no such luck")]
    assert [job["id"] for job in groups[0]["jobs"]] == failed[1:4]


def test_many_failures_of_few_causes_are_few_lines(cli):
    @flow(on_failure="return")
    def many():
        first = [own.up_to(n, limit=-1) for n in range(60)]
        after = [own.document(future) for future in first[:30]]
        return first, after, [own.needs_file(f"/nowhere/{n}") for n in range(10)]

    many()
    lines = cli("jobs", "failed").stdout.splitlines()[1:-2]
    assert [line.split()[:2] for line in lines] == [["60", "failed"], ["30", "skipped"], ["10", "failed"]]
    assert "ValueError: … is more than … eV" in lines[0]
    assert "needs up_to, which failed" in lines[1]
    assert "FileNotFoundError: [Errno … No such file or directory: …" in lines[2]


def test_nothing_failed(cli):
    own.up_to(0)
    assert cli("jobs", "failed").stdout == "No job failed, was lost or was skipped.\n"


# retry


def test_retry_after_what_was_wrong_is_mended(cli, tmp_path):
    @flow(on_failure="return", label="files")
    def read():
        return [own.needs_file(str(tmp_path / name)) for name in "abc"]

    (tmp_path / "a").write_text("A")
    read()
    (tmp_path / "b").write_text("B")
    again = cli("jobs", "retry", "--json")
    assert again.exit_code == 1  # c is still missing
    printed = json.loads(again.stdout)
    assert len(printed["jobs"]) == 2
    assert [failure["kind"] for failure in printed["failures"]] == ["FileNotFoundError"]
    assert load_results(printed["saved"])[0] == "B"
    old = [job for job in journal() if job.flow == "read"]
    new = [job for job in journal() if job.flow == "retry"]
    assert [job.retried for job in old] == ["", *(job.id for job in new)]
    assert {job.label for job in new} == {"files"}
    assert all(job.end < min(job.start for job in new) for job in old)  # when they ended stays

    (group,) = json.loads(cli("jobs", "failed", "--json").stdout)
    assert [job["id"] for job in group["jobs"]] == [new[1].id]  # of c, once
    assert [job["id"] for job in json.loads(cli("jobs", "failed", "--flow", "read", "--json").stdout)[0]["jobs"]] == [
        new[1].id
    ]
    rows, _ = table(cli("jobs", "list", "--flow", "read"))
    assert [(row["state"], row["cause"].partition(";")[0]) for row in rows] == [
        ("done", ""),
        ("failed", f"now done as {new[0].id}"),
        ("failed", f"now failed as {new[1].id}"),
    ]

    (tmp_path / "c").write_text("C")
    again = cli("jobs", "retry", "read")  # the first run: its last retry is what runs
    assert (again.exit_code, again.stdout) == (0, "['C']\n")
    assert cli("jobs", "failed").stdout == "No job failed, was lost or was skipped.\n"
    assert cli("jobs", "retry", "read").stdout == "No job is to be run again.\n"
    assert len(journal()) == 6


def test_retry_prints_what_run_prints(cli, runs):
    run = cli("jobs", "retry", "needs_failed", "--set", "fail=false")
    assert run.exit_code == 0, run.stderr
    assert "1 left out: skipped, so their inputs never existed. Run your script again" in run.stderr
    heading, row, _ = run.stdout.splitlines()
    assert re.split("  +", heading)[:3] == ["result", "run", "formula"]
    assert row.split()[:3] == ["[0]", "document", "Cu"]
    (saved,) = [line.removeprefix("Saved ") for line in run.stderr.splitlines() if line.startswith("Saved ")]
    assert load_results(saved)[0]["structure_metadata"]["formula_pretty"] == "Cu"
    assert of("document Cu", flow="retry", label="Cu screening", state="done")
    failed = cli("jobs", "retry", "pair", "--out", "mine.json")
    assert failed.exit_code == 1
    assert "3 failed:\ndocument Al: ValueError: no such luck\n  files: " in failed.stderr
    assert len(load_results("mine.json")) == 3


def test_retry_some_jobs(cli, runs):
    first, second = of("document Al2") + of("document Al3")
    again = cli("jobs", "retry", first, runs / next(job.path for job in journal() if job.id == second), "--json")
    assert json.loads(again.stdout)["jobs"] == [first, second]
    assert [job.name for job in journal() if job.flow == "retry"] == ["document Al2", "document Al3"]


def test_retry_with_other_parameters(cli):
    @flow(on_failure="return")
    def both():
        return own.up_to(3), own.up_to(7), own.document(bulk("Al"))

    both()
    again = cli("jobs", "retry", "both", "--set", "limit=5", "--set", "unit=K", "--json")
    assert again.exit_code == 1
    assert [failure["message"] for failure in json.loads(again.stdout)["failures"]] == [
        "7 is more than 5.0 K", "no such luck",
    ]  # fmt: skip
    assert load_results(json.loads(again.stdout)["saved"])[0] == 3


def test_retry_on_other_workers(cli, runs):
    again = cli("jobs", "retry", "needs_failed", "--set", "fail=false", "--workers", 2, "--engine", "local")
    assert again.exit_code == 0, again.stderr
    assert next(job for job in journal() if job.flow == "retry").pid != os.getpid()


def test_retry_what_was_lost(cli, lost):
    (group,) = json.loads(cli("jobs", "failed", "--json").stdout)
    assert (group["state"], group["count"]) == ("lost", 1)
    (job,) = group["jobs"]
    assert group["cause"] == f"process {job['pid']} on {job['host']} is gone"
    assert Path(job["path"]).name.startswith("running-")
    again = cli("jobs", "retry", "slow_and_quick", "--set", "seconds=0")
    assert (again.exit_code, again.stdout) == (0, "[None]\n")
    assert cli("jobs", "failed").stdout == "No job failed, was lost or was skipped.\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "Jobs of 2 runs failed or were lost. Say which to run again: FLOW-pair-"),
        (["pai"], "Unknown flow 'pai'. Did you mean 'pair'?"),
        (["pai"], "And as a job: No job 'pai' is in the journal"),
        (["pair", "--set", "fial=false"], "Unknown parameter of these jobs 'fial'. Did you mean 'fail'?"),
        (["pair", "--set", "fail"], "--set 'fail' is not KEY=VALUE"),
        (["needs_failed", "--engine", "dsk"], "Unknown engine 'dsk'. Did you mean 'dask'?"),
        (["pair", "--out", "x.txt"], "Valid: FILE.json, FILE.json.gz"),
    ],
)
def test_bad_retries_are_refused(runs, args, said):
    before = journal()
    result = CliRunner().invoke(app, ["jobs", "retry", *args])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr.splitlines()[-1]  # how many are left out is said before
    assert journal() == before


def test_a_value_of_a_wrong_type(refused):
    @flow(on_failure="return")
    def one():
        return own.up_to(3)

    one()
    assert "limit is 'a', but up_to takes: float." in refused("jobs", "retry", "one", "--set", "limit=a")


def test_a_job_without_a_flow_cannot_be_retried(cli, runs):
    (last,) = of("document Al", flow="")
    result = cli("jobs", "retry", last, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"jobs": [], "left_out": {"inputs_unknown": 1}})
    assert "1 left out: their inputs are not kept. Run your script again" in result.stderr


def test_what_was_imported_from_a_place_that_is_gone(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from adatom import flow, job\n\n\n@job\ndef bad(n):\n    1 / n\n\n\n@flow\ndef it(atoms):\n    return bad(0)\n"
    )
    where = {"ADATOM_RESULTS_DIR": str(tmp_path / "other")}
    assert process("run", "mine.py:it", "bulk:Cu", **where).returncode == 1
    (tmp_path / "mine.py").unlink()
    done = process("jobs", "retry", **where)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "cannot be read here: ModuleNotFoundError: No module named 'mine'." in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_retry(lost, workers):
    where = {"ADATOM_RESULTS_DIR": str(get_settings().results_dir)}
    running = subprocess.Popen(
        command("jobs", "retry", "--workers", workers), env=environment(**where), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert "asleep" in running.stderr.readline()
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert "Traceback" not in err


# clean


def test_clean(cli, runs):
    own.needs_file(__file__)
    before = {job.id: job.path for job in journal() if job.path}
    shown = json.loads(cli("jobs", "clean", "--state", "failed", "--json").stdout)
    assert [row["id"] for row in shown] == list(before)
    assert all(row["size"] == sum(file.stat().st_size for file in Path(row["path"]).iterdir()) for row in shown)
    assert all(path.is_dir() for path in before.values())

    pair = cli("jobs", "clean", "--state", "failed,lost", "--flow", "pair", "--yes")
    assert pair.exit_code == 0
    *rows, counted, removed = pair.stdout.splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [[id, "failed"] for id in list(before)[1:4]]
    assert all("failed-JOB-document-Al" in row for row in rows)
    assert re.fullmatch(rf"3 directories, [\d.]+ k?B, in {runs}", counted)
    assert removed == "Removed 3 directories."
    assert [path.is_dir() for path in before.values()] == [True, False, False, False, True]
    assert len(list(runs.glob("FLOW-pair-*"))) == 0  # nothing else was in it
    assert len(journal()) == 8

    assert (
        cli("jobs", "clean", "--state", "failed", "--older-than", "1h", "--yes").stdout
        == "There is nothing to remove.\n"
    )
    assert len(json.loads(cli("jobs", "clean", "--state", "failed", "--yes", "--json").stdout)) == 2
    assert not any(path.is_dir() for path in before.values())


def test_clean_asks(runs):
    for answer, status, left in (("n\n", 1, 5), ("", 1, 5), ("y\n", 0, 0)):
        result = CliRunner().invoke(app, ["jobs", "clean", "--state", "failed"], input=answer)
        assert result.exit_code == status
        assert len(list(runs.rglob("failed-JOB-*"))) == left
        assert ("Nothing is removed." in result.stderr) == bool(status)


@pytest.mark.parametrize("state", ["running", "pending", "failed,running", "all"])
def test_what_runs_is_not_cleaned(refused, runs, state):
    line = refused("jobs", "clean", "--state", state, "--yes")
    assert "Valid: cached, done, failed, lost, skipped." in line
    assert "Missing option '--state'" in refused("jobs", "clean")


def test_finished_jobs_are_cleaned_only_if_that_is_asked(cli, runs):
    own.second_time("file")
    job = journal()[-1]
    first, last = Path(job.directory), job.path
    failed = first.with_name(f"failed-{first.name}")
    assert failed.is_dir()
    cli("jobs", "clean", "--state", "failed,lost,skipped", "--yes")
    assert failed.is_dir()
    assert last.is_dir()
    cli("jobs", "clean", "--state", "done", "--yes")  # and all its attempts
    assert not failed.exists()
    assert not last.exists()


def test_only_directories_in_results_dir_are_removed(cli, runs, tmp_path):
    (job, *_) = [job for job in journal() if job.state == "failed"]
    moved = tmp_path / "elsewhere"
    job.path.rename(moved)
    Path(job.directory).symlink_to(moved)
    outside = tmp_path / f"JOB-x-{'e' * 12}"
    outside.mkdir()
    (file,) = (runs / ".journal").glob("*.jsonl")
    with file.open("a") as out:
        for number, directory in enumerate((outside, runs / ".." / outside.name)):
            line = {"id": "e" * 12, "state": "failed", "time": 1.0 + number, "directory": str(directory)}
            out.write(_sealed(line))
    removed = json.loads(cli("jobs", "clean", "--state", "failed", "--yes", "--json").stdout)
    assert len(removed) == 4
    assert moved.is_dir()
    assert outside.is_dir()


def test_a_job_that_was_started_again_meanwhile_is_kept(runs):
    """While the question stands."""
    (job, *_) = [job for job in journal() if job.state == "failed"]
    (file,) = (runs / ".journal").glob("*.jsonl")
    question = subprocess.Popen(
        command("jobs", "clean", "--state", "failed"), env=environment(ADATOM_RESULTS_DIR=str(runs)),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while "5 directories" not in question.stdout.readline():
        pass
    with file.open("a") as out:
        out.write(_sealed({"id": job.id, "state": "running", "time": time.time(), "attempt": 1}))
    out, _ = question.communicate("y\n", timeout=60)
    assert out.endswith("Removed 4 directories.\n")
    assert Path(job.directory).with_name(f"failed-{Path(job.directory).name}").is_dir()


def test_clean_what_was_lost(cli, lost):
    (job,) = [job for job in journal() if job.state == "lost"]
    assert job.path.is_dir()
    assert cli("jobs", "clean", "--state", "lost", "--yes").exit_code == 0
    assert job.path is None


def test_clean_says_what_would_be_gone_on_from(cli, cached):
    with pytest.raises(FlowFailure):
        own.pair(bulk("Al"))
    first, second, _ = journal()
    open_store().put_resumable(first.key, Path(first.directory))
    cut = {row["id"]: row["resumable"] for row in json.loads(cli("jobs", "clean", "--state=failed", "--json").stdout)}
    assert (cut[first.id], cut[second.id]) == (True, False)
    assert "1 job that was cut would start anew without.\n" in cli("jobs", "clean", "--state=failed", "--yes").stdout


# watch


def test_watch_with_nothing_to_watch(cli, runs):
    result = cli("jobs", "watch")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No job runs or waits.\n")


def test_watch_until_all_have_ended(runs, tmp_path):
    go = tmp_path / "go"

    @flow(on_failure="return")
    def waits():
        return [own.until(bulk("Cu"), str(go)), own.document(bulk("Al")), own.document(bulk("Cu"))]

    with change_settings(local_workers=2):
        future = waits.submit()
        _until_the_first_runs()
        env = environment(ADATOM_RESULTS_DIR=str(get_settings().results_dir))
        with subprocess.Popen(command("jobs", "watch", "--json"), env=env, stdout=subprocess.PIPE, text=True) as watch:
            first = watch.stdout.readline()
            go.touch()
            lines = [json.loads(line) for line in (first, *watch.stdout)]
        future.result(raise_on_failure=False)
    assert len({line["run"] for line in lines}) == 1
    assert lines[0]["running"] == 1
    assert (lines[-1]["flow"], lines[-1]["label"]) == ("waits", "")
    assert {state: lines[-1][state] for state in STATES if lines[-1][state]} == {"done": 2, "failed": 1}
    assert len(lines) == len({json.dumps(line) for line in lines})  # a line for each change


def _until_the_first_runs():
    while not any(job.state == "running" and job.name.startswith("until") for job in journal()):
        time.sleep(0.05)


def test_watch_while_the_journal_is_written(cli):
    """A file that grows byte by byte, of jobs that start, end and end in the middle of a line."""
    file, lines = _journal_by_hand()
    for state in ("pending", "running", "done"):
        lines += [_line(f"{n:012x}", state) for n in range(5)]
    text = "".join(lines).encode()
    first = text.index(b"\n", 200) + 1
    file.write_bytes(text[:first])

    def write():
        with file.open("ab", buffering=0) as out:
            for place in range(first, len(text)):
                out.write(text[place : place + 1])
                time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    result = cli("jobs", "watch")
    writer.join()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "x (FLOW-x): 5 done"


def test_watch_goes_on_where_a_flow_computes_between_its_jobs(cli):
    file, lines = _journal_by_hand()
    file.write_text("".join([*lines, _line("a" * 12, "running")]))

    def write():
        for wait, job, state in ((0.3, "a", "done"), (1.0, "b", "running"), (1.0, "b", "done")):
            time.sleep(wait)
            with file.open("a") as out:
                out.write(_line(job * 12, state))

    writer = threading.Thread(target=write)
    writer.start()
    result = cli("jobs", "watch")
    writer.join()
    assert result.stdout.splitlines() == [
        f"x (FLOW-x): {counts}" for counts in ("1 running", "1 done", "1 running, 1 done", "2 done")
    ]


def _journal_by_hand():
    """The file of this process, and how it begins."""
    directory = get_settings().results_dir / ".journal"
    directory.mkdir(parents=True)
    return directory / "one.jsonl", [_sealed({"process": this_process(), "time": 1.0})]


def _line(job, state):
    return _sealed({"id": job, "state": state, "time": time.time(), "run": "FLOW-x", "flow": "x"})


def _sealed(line):
    return sealed(json.dumps(line)).decode()


def test_watch_on_a_terminal_and_ctrl_c(tmp_path):
    where = {"ADATOM_RESULTS_DIR": str(tmp_path / "watched"), "TERM": "xterm", "COLUMNS": "200"}
    slow = subprocess.Popen(
        command("run", f"{OWN}:slow_and_quick", "bulk:Cu"), env=environment(**where), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert "asleep" in slow.stderr.readline()
        mine, theirs = os.openpty()
        watching = subprocess.Popen(command("jobs", "watch"), env=environment(**where), stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        while b"1 running" not in shown:
            shown += os.read(mine, 10000)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130
        while True:
            try:
                shown += os.read(mine, 10000)
            except OSError:
                break
        os.close(mine)
    finally:
        slow.kill()
        slow.communicate()
    assert b"slow_and_quick (FLOW-slow_and_quick-" in shown
    assert b"Traceback" not in shown


# explain


def test_explain_a_key(cli, cached):
    own.energy(bulk("Cu"), scale=2.5)
    (job,) = journal()
    lines = cli("jobs", "explain", job.key).stdout.splitlines()
    assert lines[:2] == [f"hit: {own.__name__}:energy {job.key}", "  The result is stored."]
    assert re.fullmatch(r"  Stored \d{4}-\d\d-\d\d \d\d:\d\d:\d\d; the key is made of:", lines[2])
    assert ["scale", "2.5"] in [line.split() for line in lines[3:]]
    shown = json.loads(cli("jobs", "explain", job.key, "--json").stdout)
    assert (shown["hit"], shown["key"], shown["recipe"]) == (True, job.key, job.recipe)
    assert shown["stored"]["parts"]["scale"] == "2.5"


def test_explain_a_job(cli, cached):
    own.document(bulk("Cu"))
    with pytest.raises(FlowFailure):
        own.pair(bulk("Al"))
    job = next(job for job in journal() if job.name == "document Al")
    for word in (job.id, job.path, job.key):
        shown = json.loads(cli("jobs", "explain", word, "--json").stdout)
        assert (shown["job"], shown["hit"], shown["key"]) == (job.id, False, job.key)
        assert [difference["part"] for difference in shown["differences"]] == ["atoms.cell", "atoms.species"]
    lines = cli("jobs", "explain", job.id).stdout.splitlines()
    assert lines[0] == f"miss: {own.__name__}:document {job.key}"
    assert [line.split(":")[0] for line in lines[2:]] == ["  atoms.cell", "  atoms.species"]


def test_explain_says_that_the_source_has_changed_since():
    code = (
        "from adatom import flow, job\n\n\n@job\ndef bad(n):\n    return n / {}\n\n\n"
        "@flow\ndef it(atoms):\n    return bad(3)\n"
    )
    where = {"ADATOM_CACHE": "on", "ADATOM_CACHE_DIR": str(Path("cache").absolute())}
    Path("mine.py").write_text(code.format("1"))
    assert process("run", "mine.py:it", "bulk:Cu", **where).returncode == 0
    Path("mine.py").write_text(code.format("0.0"))  # of another length: Python tells an edit within a second by that
    assert process("run", "mine.py:it", "bulk:Cu", **where).returncode == 1
    Path("mine.py").write_text(code.format("20"))
    (job,) = [job for job in read_jobs(Path("adatom_results")) if job.state == "failed"]
    done = process("jobs", "explain", job.id, **where)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("miss: mine:bad ")
    assert lines[2:-1] == ["  source: mine.bad changed"]
    assert lines[-1] == f"  When job {job.id} ran, its key was {job.key}."


def test_explain_a_job_whose_inputs_are_not_kept(cli, refused, cached):
    own.energy(bulk("Cu"))
    (job,) = journal()
    assert cli("jobs", "explain", job.id).stdout.startswith("hit: ")
    assert cli("cache", "prune", "--older-than", "0s", "--yes").exit_code == 0
    for word in (job.id, job.key):
        lines = cli("jobs", "explain", word).stdout.splitlines()
        assert lines[0] == f"miss: {own.__name__}:energy {job.key}"
        assert "as its inputs are not kept" in lines[1]
    with change_settings(cache="off"):
        own.energy(bulk("Cu"))
    without_key = journal()[-1].id
    assert "It was run without the cache, so it has no key either." in refused("jobs", "explain", without_key)


def test_explain_what_is_unknown(refused, runs, cached, tmp_path):
    line = refused("jobs", "explain", "0" * 32)
    assert line.startswith(f"Nothing is stored under the key {'0' * 32} in {tmp_path / 'cache'}, and no job in the")
    assert "No job 'nothing' is in the journal" in refused("jobs", "explain", "nothing")


# the group


def test_jobs_alone_shows_the_commands(cli):
    result = cli("jobs")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in ("list", "show", "failed", "retry", "clean", "watch", "explain"))


@pytest.mark.parametrize("args", [["lst"], ["list", "--nothing"], ["show"], ["watch", "more"]])
def test_a_bad_command_line_is_one_line(refused, args):
    assert "`adatom jobs" in refused("jobs", *args)
