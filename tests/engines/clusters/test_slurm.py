"""Flows in the batch jobs of a real Slurm."""

import os
import shlex
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom import Failure, FlowFailure, flow, job, make_runner
from adatom.recipes import vasp
from adatom.recipes.emt import bulk_to_slabs_flow
from tests.engines.clusters.conftest import batch_jobs, energies, on, tail
from tests.engines.processes import Beside, listening, script, wait_until
from tests.infra import machine, slurm

pytestmark = pytest.mark.xdist_group("slurm")

BATCH_JOB = {"cores": 2, "memory": "4GB", "job_mem": "900M", "walltime": "00:10:00", "queue": "main"}
PROFILES = f"""
[machines.birch]
scheduler = "slurm"
queues = {{ cpu = "main" }}
executables = {{ "pw.x" = "pw.x" }}

[runners.screening]
machine = "birch"
jobs_per_node = 2
memory = "400M"
walltime = "10m"
pre_commands = ["test -x {shlex.quote(sys.executable)}"]
environment = {{ MY_DATA = "two words" }}
"""


@pytest.fixture(scope="module")
def cluster():
    machine.skip_or_install("slurm", slurm.COMMANDS, slurm.PACKAGES)
    with slurm.slurm(nodes=2, cpus=4) as running:
        yield running


@pytest.fixture
def profiles(tmp_path):
    (tmp_path / "adatom.toml").write_text(PROFILES)


def queue(cluster):
    """The jobs that wait or run, by id."""
    return dict(line.split() for line in cluster.run("squeue", "-h", "-o", "%i %T").splitlines())


def nothing_left(cluster):
    wait_until(lambda: not queue(cluster), f"batch jobs are left: {queue(cluster)}", 60)


@on("dask", "prefect", "parsl", "covalent")
def test_all_jobs_of_a_flow_run_in_batch_jobs(selected, cluster, here, tmp_path):
    with make_runner(BATCH_JOB, jobs=2) as runner:
        assert not queue(cluster), "nothing is submitted before a flow runs"
        out = bulk_to_slabs_flow.with_options(runner=runner)(bulk("Cu"))
        submitted = set(queue(cluster))
    assert energies(out) == here, tail(tmp_path)
    ran = batch_jobs(out)
    assert sum(ran.values()) == 8
    assert set(ran) <= submitted
    assert len(submitted) == 2
    nothing_left(cluster)


@on("dask", "prefect", "parsl", "queue")
@pytest.mark.deep(reason="a program in each of thirteen jobs")
def test_programs_run_in_batch_jobs(selected, cluster, profiles, tmp_path):
    """Slabs by the program that stands in for VASP, whose energies are those of EMT."""
    small = {"min_slab_size": 4, "min_vacuum_size": 8, "min_length_width": None, "flip_asymmetric": False}
    rough = {"all": {"calc_kwargs": {"kspacing": 1.0}}, "relax_job": {"fmax": 0.05}}
    with make_runner(profile="screening", jobs=2) as runner:
        flow = vasp.bulk_to_slabs_flow.with_options(runner=runner)
        out = flow(bulk("Cu"), slab_kwargs=small, job_params=rough)
    runs = [*out["relax"], *out["static"], *out["oriented"], out["bulk"]]
    assert len(runs) == 13, tail(tmp_path)
    for run in runs:
        atoms = run["atoms"].copy()
        atoms.calc = EMT()
        assert run["results"]["energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        assert (Path(run["dir_name"]) / "OUTCAR").exists()
    assert all(run["provenance"]["batch_job"] for run in runs)
    nothing_left(cluster)


@job
def pages():
    """What those who reach this worker's ports are shown."""
    return [shown(port) for _, port in listening([os.getpid(), os.getppid()])]


def shown(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code
    except Exception as error:
        return type(error).__name__


@flow
def worker_pages():
    return pages()


@on("dask")
@pytest.mark.parametrize("asked", [False, True])
def test_dask_shows_its_pages_where_they_are_asked_for(selected, cluster, asked):
    before = listening([os.getpid()])
    options = {"scheduler_options": {"dashboard_address": "127.0.0.1:0"}} if asked else {}
    with make_runner(BATCH_JOB | options, jobs=1) as runner:
        assert ("HTTP__ROUTES" in runner.job_script()) != asked
        of_worker = worker_pages.with_options(runner=runner)()
        of_scheduler = [shown(port) for _, port in listening([os.getpid()]) - before]
    assert of_worker
    assert of_scheduler
    assert (200 in of_worker, 200 in of_scheduler) == (asked, asked)
    nothing_left(cluster)


@job
def where(number):
    return os.environ.get("SLURM_JOB_ID"), os.environ.get("MY_DATA"), os.environ["OMP_NUM_THREADS"], os.getpid()


@flow
def everywhere():
    import time

    @job
    def slow(number):
        time.sleep(1)  # so that each worker gets one
        return where.fn(number)

    return [slow(number) for number in range(4)]


@on("dask", "parsl", "queue")
def test_a_profile_says_what_a_batch_job_is_and_how_many_jobs_share_it(selected, cluster, profiles, tmp_path):
    with make_runner(profile="screening", jobs=2) as runner:
        found = everywhere.with_options(runner=runner)()
        asked = {id: cluster.job(id) for id in queue(cluster)}
    ids, data, threads, processes = (set(column) for column in zip(*found, strict=True))
    assert ids <= set(asked), tail(tmp_path)
    assert data == {"two words"}
    assert threads == {"1"}
    assert 2 <= len(processes) <= 4
    for job_asked in asked.values():
        assert (job_asked["NumCPUs"], job_asked["Partition"], job_asked["TimeLimit"]) == ("2", "main", "00:10:00")
        assert job_asked["MinMemoryNode"] == "800M"
    nothing_left(cluster)


OWN_FLOW = """
import os
import prefect
from adatom import job, make_runner

@job
def where():
    return os.environ["SLURM_JOB_ID"]

runner = make_runner({"cores": 1, "memory": "4GB", "job_mem": "900M", "walltime": "00:10:00", "queue": "main"})

@prefect.flow(task_runner=runner)
def workflow():
    return [where.submit().result() for _ in range(2)]

with runner:
    print("ran in", *workflow())
    print("there are", *os.popen("squeue -h -o %i").read().split())
"""


@on("prefect")
def test_prefects_own_flow_takes_the_runner(selected, cluster, request, tmp_path):
    server = request.getfixturevalue("prefect_server")  # not before it is known that Prefect is there
    with script(tmp_path, OWN_FLOW, **server) as running:
        assert running.wait() == 0, running.output + tail(tmp_path)
    lines = [line.split() for line in running.output.splitlines()]
    (ran,) = [line[2:] for line in lines if line[:2] == ["ran", "in"]]
    (there,) = [line[2:] for line in lines if line[:2] == ["there", "are"]]
    assert len(ran) == 2
    assert set(ran) == set(there)
    nothing_left(cluster)


@on("prefect")
def test_a_temporary_cluster_ends_with_its_flow(selected, cluster, tmp_path):
    runner = make_runner({**BATCH_JOB, "cores": 1}, temporary=True)
    seen = []

    @flow(runner=runner)
    def workflow():
        found = where(1).result()
        seen.append(set(queue(cluster)))
        return found

    assert workflow()[0] in seen[0], tail(tmp_path)
    nothing_left(cluster)


@on("dask")
def test_a_number_that_follows_the_work(selected, cluster):
    with make_runner({**BATCH_JOB, "cores": 1}, adapt=(0, 2)) as runner:
        found = everywhere.with_options(runner=runner)()
        assert len(queue(cluster)) <= 2
    assert {id for id, *_ in found} != {None}
    nothing_left(cluster)


@job
def cut(directory, batch=False):
    """The first time, it lasts until its worker or batch job ends."""
    import time

    with open(f"{directory}/ran", "a") as file:
        print(os.environ["SLURM_JOB_ID"], os.getpid(), file=file, flush=True)
    if len(Path(directory, "ran").read_text().splitlines()) == 1:
        time.sleep(300)
    return os.getpid()


@on("dask")
def test_what_a_worker_at_the_end_of_its_time_had_not_finished_runs_elsewhere(selected, cluster, tmp_path):
    limited = {**BATCH_JOB, "cores": 1, "worker_extra_args": ["--lifetime", "8s"]}

    @flow
    def workflow():
        return cut(str(tmp_path))

    with make_runner(limited, jobs=2) as runner:
        found = workflow.with_options(runner=runner)()
    ran = [tuple(map(int, line.split())) for line in (tmp_path / "ran").read_text().splitlines()]
    # Twice or, if the other worker's time was over as well, in a batch job that took the place of one of these.
    assert found in [process for _, process in ran[1:]], tail(tmp_path)
    assert found != ran[0][1]
    nothing_left(cluster)


@on("parsl", "dask")
def test_a_batch_job_that_ends_is_replaced_and_what_ran_in_it_runs_again(selected, cluster, tmp_path):
    """Without notice, as a node that is lost. Dask cannot tell that from a job that kills its worker."""

    @flow(on_failure="return")
    def workflow():
        return cut(str(tmp_path))

    @flow
    def after():
        return where(1)

    with make_runner({**BATCH_JOB, "cores": 1}) as runner:
        pending = workflow.with_options(runner=runner)
        running = Beside(pending)
        running.wait_for(tmp_path / "ran", f"nothing ran: {tail(tmp_path)}")
        (first,) = queue(cluster)
        cluster.run("scancel", first)
        found = running.result()
        if selected == "parsl":
            assert found == int((tmp_path / "ran").read_text().split()[3])
        else:
            assert isinstance(found, Failure)
            assert "died" in str(found)
        assert after.with_options(runner=runner)()[0] not in (None, first)
    nothing_left(cluster)


CRASHES = """
import os, signal
from adatom import flow, job, make_runner

@job
def where():
    return os.environ["SLURM_JOB_ID"]

@flow
def workflow():
    return where()

runner = make_runner({"cores": 1, "memory": "4GB", "job_mem": "900M", "walltime": "00:10:00", "queue": "main"})
print(workflow.with_options(runner=runner)(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@on("dask", "parsl")
def test_a_script_that_is_killed_leaves_no_batch_job(selected, cluster, tmp_path):
    with script(tmp_path, CRASHES) as running:
        assert running.wait() == -signal.SIGKILL, running.output
        assert running.output.split()[-1] in queue(cluster)
        wait_until(lambda: not queue(cluster), f"{queue(cluster)} {tail(tmp_path)}", 120)


CAMPAIGN = """
import os, sys, time
from pathlib import Path
from adatom import flow, job

@job
def work(number, *before):
    with open("log", "a") as log:
        log.write(f"{number} {os.environ['SLURM_JOB_ID']}\\n")
    while not Path("go").exists() and number == 2:
        time.sleep(0.1)
    return number + sum(before)

@flow(runner="screening")
def campaign():
    first = [work(number) for number in range(3)]
    return first + [work(number, *first) for number in range(3, 6)]

print("result", sum(campaign()))
"""


@on("queue")
def test_a_script_that_was_killed_gathers_its_jobs(selected, cluster, profiles, tmp_path):
    log = tmp_path / "log"

    def begun():
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    with script(tmp_path, CAMPAIGN) as running:
        wait_until(lambda: "2" in begun() or running.process.poll() is not None, "no job is begun")
        running.process.kill()
        (tmp_path / "go").touch()
        with script(tmp_path, CAMPAIGN, "again") as again:  # while the batch jobs of the first are there
            assert again.wait() == 0, again.output
            assert "result 24" in again.output
    assert sorted(begun()) == list("012345")
    nothing_left(cluster)


@on("queue")
def test_a_task_whose_batch_job_was_cancelled_runs_in_another_as_its_retries_allow(
    selected, cluster, profiles, tmp_path
):
    @flow(on_failure="return", runner="screening")
    def workflow(retries):
        return cut.with_options(retries=retries)(str(tmp_path))

    running = Beside(workflow, 1)
    running.wait_for(tmp_path / "ran", f"nothing ran: {tail(tmp_path)}")
    (first,) = queue(cluster)
    cluster.run("scancel", first)
    found = running.result()
    ids, pids = zip(*(map(int, line.split()) for line in (tmp_path / "ran").read_text().splitlines()), strict=True)
    assert list(pids[1:]) == [found]
    assert ids[0] == int(first) != ids[1]


@on("queue")
def test_a_task_whose_node_was_lost_runs_on_another_and_uses_no_retry(selected, cluster, profiles, tmp_path):
    @flow(runner="screening")
    def workflow():
        return cut(str(tmp_path))

    running = Beside(workflow)
    running.wait_for(tmp_path / "ran", f"nothing ran: {tail(tmp_path)}")
    (first,) = queue(cluster)
    node = cluster.job(first)["NodeList"]
    try:
        cluster.node_down(node)
        found = running.result()
    finally:
        cluster.node_up(node)
    pids = [int(line.split()[1]) for line in (tmp_path / "ran").read_text().splitlines()]
    assert pids[1:] == [found]


@on("queue")
def test_a_queue_that_does_not_exist_ends_the_flow(selected, cluster, tmp_path):
    (tmp_path / "adatom.toml").write_text(PROFILES.replace('cpu = "main"', 'cpu = "mian"'))
    with pytest.raises(FlowFailure, match="invalid partition specified: mian"):
        everywhere.with_options(runner="screening")()


@on("dask", "prefect")
def test_a_scheduler_that_refuses_is_quoted(selected, cluster, tmp_path):
    with make_runner({**BATCH_JOB, "queue": "mian"}) as runner, pytest.raises(FlowFailure) as failed:
        everywhere.with_options(runner=runner)()
    assert "There are no workers: sbatch refuses the batch job: " in str(failed.value)
    assert "invalid partition specified: mian" in str(failed.value)


@on("dask")
def test_batch_jobs_without_workers_are_told_with_the_end_of_their_log(selected, cluster, tmp_path):
    with make_runner({**BATCH_JOB, "python": "no-python-here"}) as runner, pytest.raises(FlowFailure) as failed:
        everywhere.with_options(runner=runner)()
    assert "3 batch jobs ended before their workers came" in str(failed.value)
    assert "no-python-here: command not found" in str(failed.value)
    nothing_left(cluster)
