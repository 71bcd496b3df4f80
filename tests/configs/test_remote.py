"""Operations whose items go to batch jobs, on the real queue engine."""

import json
import os
import pickle
import re
import signal
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom import change_settings, job
from adatom.calculations import sample_md
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, RemoteInfo, autoparallelize, calculate, map
from adatom.engines.queue import state
from adatom.engines.queue.spools import spools
from adatom.errors import (
    ArgumentsError,
    IncompleteError,
    InputError,
    ItemError,
    SettingsError,
    UnfinishedError,
    UnknownNameError,
)
from adatom.execution.registry import close_engines
from adatom.machines import RunnerProfile, load_profiles
from tests.codes import needs_code
from tests.configs import operations
from tests.engines.conftest import end_batch_jobs, is_tested
from tests.engines.processes import script, wait_until

if not is_tested("queue"):
    pytest.skip("another environment tests it", allow_module_level=True)
pytestmark = pytest.mark.xdist_group("queue")

PROFILES = """
[machines.here]
scheduler = "local"
pre_commands = ["export FROM_MACHINE=yes"]

[runners.two]
machine = "here"
jobs_per_node = 2
walltime = "1h"
"""


@pytest.fixture(scope="module")
def queue_dir(tmp_path_factory):
    """The directory of the engine, whose workers serve all tests here."""
    folder = tmp_path_factory.mktemp("queue")
    yield folder
    close_engines()
    end_batch_jobs(folder)


@pytest.fixture
def place(tmp_path, queue_dir, monkeypatch):
    """A directory with profiles."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adatom.toml").write_text(PROFILES)
    with change_settings(results_dir=tmp_path / "results", queue_dir=queue_dir):
        yield tmp_path


def crystals(*symbols: str) -> list[Atoms]:
    return [bulk(symbol) for symbol in symbols]


def seen(atoms: Atoms) -> Atoms:
    """The structure, with what its process tells of itself; some elements fail, and each call is written down."""
    with open("calls", "a") as file:
        file.write(f"{atoms.symbols[0]}\n")
    if atoms.symbols[0] == "Al" and not Path("allowed").exists():
        raise ValueError("no Al")
    if atoms.symbols[0] == "Pt":
        os._exit(3)
    atoms.info.update(pid=os.getpid(), mine=os.environ.get("MINE", ""), machine=os.environ.get("FROM_MACHINE", ""))
    return atoms


def calls() -> Counter:
    return Counter(Path("calls").read_text().split()) if Path("calls").exists() else Counter()


def names(found: ConfigSet) -> list[str]:
    return [f"{atoms.symbols[0]}{' failed' if 'seen_failed' in atoms.info else ''}" for atoms in found]


def test_items_go_to_batch_jobs_each_time(place):
    """Used twice, it acts the same; each result is where it belongs, also where the first and the last item failed."""
    remote = RemoteInfo("two", items_per_job=2, environment={"MINE": "a b"}, pre_commands=["export MINE2=1"])
    info = AutoparaInfo(remote_info=remote)
    inputs = crystals("Al", "Cu", "Ag", "Au", "Al")
    wanted = ["Al failed", "Cu", "Ag", "Au", "Al failed"]
    for turn in (1, 2):
        found = map(seen, inputs, on_error="keep", autopara_info=info)
        assert names(found) == wanted
        assert list(found.failures) == [0, 4]
        done = [atoms for atoms in found if "pid" in atoms.info]
        assert os.getpid() not in {atoms.info["pid"] for atoms in done}
        assert {(atoms.info["mine"], atoms.info["machine"]) for atoms in done} == {("a b", "yes")}
        assert calls()["Cu"] == turn  # what has ended well is not taken from an earlier call
    grouped, files = ConfigSet([inputs[:2], inputs[2:]]), ["one.xyz", "two.xyz"]
    map(seen, grouped, OutputSpec(files), on_error="keep", autopara_info=info)
    assert [names(ConfigSet(file)) for file in files] == [wanted[:2], wanted[2:]]


def test_an_item_that_ends_its_worker_fails_alone(place):
    info = AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=3))
    found = map(seen, crystals("Cu", "Pt", "Ag", "Au"), on_error="keep", autopara_info=info)
    assert names(found) == ["Cu", "Pt failed", "Ag", "Au"]
    assert "exit status 3" in found.failures[1]


def test_a_failure_is_not_found_again(place):
    info = AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=1))
    with pytest.raises(ItemError, match="no Al"):
        map(seen, crystals("Cu", "Al"), "out.xyz", autopara_info=info)
    Path("allowed").touch()
    assert names(map(seen, crystals("Cu", "Al"), "out.xyz", autopara_info=info)) == ["Cu", "Al"]
    assert calls() == {"Cu": 1, "Al": 2}


def test_models_and_functions_of_lists(place):
    info = AutoparaInfo(remote_info=RemoteInfo("here", items_per_job=2))

    @autoparallelize
    def together(structures):
        return [[atoms] * len(structures) for atoms in structures]

    found = calculate(crystals("Cu", "Ag", "Au"), None, EMT(), output_prefix="M_", autopara_info=info)
    here = calculate(crystals("Cu", "Ag", "Au"), None, EMT(), output_prefix="M_", autopara_info=AutoparaInfo(workers=1))
    assert [atoms.info["M_energy"] for atoms in found] == [atoms.info["M_energy"] for atoms in here]
    assert len(together(crystals("Cu", "Ag", "Au"), autopara_info=info)) == 2 + 2 + 1  # two items, and one


def waiting(atoms: Atoms) -> Atoms:
    with open("calls", "a") as file:
        file.write(f"{atoms.symbols[0]}\n")
    while atoms.symbols[0] in ("Ag", "Au") and not Path("go").exists():
        time.sleep(0.05)
    return atoms


@pytest.mark.parametrize("outputs", [None, "out.xyz"])
def test_a_wait_that_is_over_is_no_failure(place, outputs):
    inputs = crystals("Cu", "Ag", "Ni", "Au", "Pd")
    remote = RemoteInfo("two", timeout=6, job_name="waits")
    map(seen, crystals("Fe"), autopara_info=AutoparaInfo(remote_info=replace(remote, timeout=None)))  # workers begin
    with pytest.raises(UnfinishedError, match=r"the 6 s .* are over, and its jobs go on.*\.done and \.left") as raised:
        map(waiting, inputs, outputs, autopara_info=AutoparaInfo(remote_info=remote))
    assert [len(raised.value.done), len(raised.value.left)] == [1, 4]
    close_engines()  # as at the end of the script
    Path("go").touch()
    found = map(waiting, inputs, outputs, autopara_info=AutoparaInfo(remote_info=replace(remote, timeout=None)))
    assert [atoms.symbols[0] for atoms in found] == ["Cu", "Ag", "Ni", "Au", "Pd"]
    assert calls() == {"Fe": 1, "Cu": 1, "Ag": 1, "Ni": 1, "Au": 1, "Pd": 1}
    [left] = [state.tasks(spool) for spool in spools() if spool.path.name.startswith("waits")]
    assert not left if outputs is None else {task.state for task in left} <= {"kept"}


SCRIPT = """
import os, time
from pathlib import Path
from ase.build import bulk
from adatom.configs import AutoparaInfo, RemoteInfo, map

def work(atoms, factor):
    with open("calls", "a") as file:
        file.write(f"{len(atoms)}\\n")
    while len(atoms) in (3, 4) and not Path("go").exists():
        time.sleep(0.05)
    atoms.info["sum"] = factor * len(atoms)
    return atoms

info = AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=2))
found = map(work, [bulk("Cu") * (n, 1, 1) for n in range(1, 9)], factor=3, autopara_info=info)
print("result", *(atoms.info["sum"] for atoms in found))
"""


def test_a_script_that_was_killed_finds_its_jobs(place, queue_dir):
    environment = {"ADATOM_QUEUE_DIR": str(queue_dir)}
    with script(place, SCRIPT, **environment) as running:
        wait_until(lambda: "3" in calls() or running.process.poll() is not None, "no job is begun")
        running.process.kill()
        running.wait()
        (place / "go").touch()
        with script(place, SCRIPT, "again", **environment) as again:
            assert again.wait(120) == 0, again.output
            assert "result 3 6 9 12 15 18 21 24\n" in again.output
    assert calls() == {str(number): 1 for number in range(1, 9)}


def slow(atoms: Atoms) -> Atoms:
    time.sleep(1)
    atoms.info["pid"] = os.getpid()
    return atoms


@pytest.mark.deep(reason="batch jobs come to the end of their walltime")
def test_what_a_walltime_cuts_is_done_by_the_next_batch_job(place):
    info = AutoparaInfo(remote_info=RemoteInfo("here", resources={"walltime": 10}, jobs=1))
    found = map(slow, crystals(*["Cu"] * 5), autopara_info=info)
    assert len(found) == 5
    assert len({atoms.info["pid"] for atoms in found}) > 1


# --- What breaks in other tools ---------------------------------------------------------------------------------------


def told_to_stop(atoms: Atoms) -> Atoms:
    """The first time that silver comes, the time of its worker is over."""
    before = calls()["Ag"]
    atoms = seen(atoms)
    if atoms.symbols[0] == "Ag" and not before:
        os.kill(os.getpid(), signal.SIGTERM)
    return atoms


def test_what_a_worker_has_done_when_its_time_is_over_is_kept(place):
    info = AutoparaInfo(remote_info=RemoteInfo("here", items_per_job=5))
    found = map(told_to_stop, crystals("Cu", "Ag", "Al", "Ni", "Pd"), on_error="keep", autopara_info=info)
    assert [atoms.symbols[0] for atoms in found] == ["Cu", "Ag", "Al", "Ni", "Pd"]
    assert calls() == {"Cu": 1, "Ag": 1, "Al": 1, "Ni": 1, "Pd": 1}
    first, second, failed, *others = (atoms.info.get("pid") for atoms in found)
    assert first == second
    assert failed is None
    assert len({first, *others}) == 2


@pytest.mark.deep(reason="batch jobs come to the end of their walltime")
def test_a_walltime_that_cuts_a_job_of_many_items_loses_none(place):
    def slow(atoms):
        time.sleep(1)
        return seen(atoms)

    info = AutoparaInfo(remote_info=RemoteInfo("here", resources={"walltime": 20}, jobs=1, items_per_job=100))
    assert len(map(slow, crystals(*["Cu"] * 20), "out.xyz", autopara_info=info)) == 20
    assert calls() == {"Cu": 20}


def test_an_item_that_never_has_time_ends_it(place):
    def endless(atoms):
        atoms = seen(atoms)
        if atoms.symbols[0] == "Ag":
            raise IncompleteError("stopped after 3 steps: the time was over")
        return atoms

    info = AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=2))
    with pytest.raises(UnfinishedError, match="stopped after 3 steps") as raised:
        map(endless, crystals("Cu", "Ag", "Ni"), "out.xyz", autopara_info=info)
    assert calls()["Cu"] == 1
    assert calls()["Ag"] == 12  # behind copper, and eleven times as the first
    assert [len(raised.value.done), len(raised.value.left)] == [0, 3]


def test_a_last_item_of_a_job_that_fails_shifts_nothing(place):
    grouped = ConfigSet([crystals("Cu", "Al"), crystals("Ag", "Al", "Au"), crystals("Ni")])
    files, info = ["a.xyz", "b.xyz", "c.xyz"], AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=2))
    map(seen, grouped, OutputSpec(files), on_error="skip", autopara_info=info)
    assert [names(ConfigSet(file)) for file in files] == [["Cu"], ["Ag", "Au"], ["Ni"]]


def test_an_exception_near_the_end_of_many_loses_nothing(place):
    inputs = crystals(*["Cu"] * 999, "Al")
    info = AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=90))
    with pytest.raises(ItemError, match="seen failed for structure 999: ValueError: no Al") as raised:
        map(seen, inputs, "out.xyz", autopara_info=info)
    assert [len(raised.value.done), len(raised.value.left)] == [999, 1]
    Path("allowed").touch()
    assert len(map(seen, inputs, "out.xyz", autopara_info=info)) == 1000
    assert calls() == {"Cu": 999, "Al": 2}


def test_the_file_is_that_of_a_run_here_and_the_users_structures_stay(place):
    """A calculator without stress, structures whose cells change, and no key of ours in any of them."""

    class NoStress(EMT):
        implemented_properties = ("energy", "forces")

    inputs = ConfigSet([crystals("Cu", "Ag"), *crystals("Au", "Pt", "Pd")])
    before = [atoms.copy() for atoms in inputs]
    for name, info in (
        ("here", AutoparaInfo(workers=1)),
        ("there", AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=2))),
    ):
        moved = map(operations.rattled, inputs, f"{name}-moved.xyz", seed=3, autopara_info=info)
        calculate(moved, f"{name}.xyz", NoStress, output_prefix="N_", autopara_info=info)
    assert list(inputs) == before
    assert all(atoms.info == {} for atoms in inputs)
    found = ConfigSet("there.xyz")
    assert {frozenset(atoms.info) for atoms in found} == {frozenset({"N_energy"})}
    assert {frozenset(atoms.arrays) for atoms in found} == {frozenset({"numbers", "positions", "N_forces"})}
    for name in ("-moved.xyz", ".xyz"):
        assert Path(f"there{name}").read_bytes() == Path(f"here{name}").read_bytes()


def meeting(atoms: Atoms) -> Atoms:
    """Wait until all are at work."""
    with open("calls", "a") as file:
        file.write("x\n")
    wait_until(lambda: calls()["x"] == 16, "not all are at work at the same time")
    return atoms


@pytest.mark.deep(reason="sixteen workers start on two cores")
def test_few_long_items_are_spread_over_all_workers(place):
    remote = RemoteInfo("here", resources={"jobs_per_node": 8}, jobs=2)
    assert len(map(meeting, crystals(*["Cu"] * 16), autopara_info=AutoparaInfo(remote_info=remote))) == 16


class After:
    """Ends a run at the given look at it."""

    def __init__(self, looks: int) -> None:
        self.looks, self.seen = looks, 0

    def __call__(self, atoms: Atoms) -> bool:
        self.seen += 1
        return self.seen >= self.looks


def test_criteria_begin_anew_for_each_structure(place):
    options = {"calculator": (EMT, [], {}), "temperature": 300, "steps": 20, "every": 2, "seed": 1}
    info = AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=4))
    found = map(sample_md, crystals(*["Cu"] * 4), abort=After(3), autopara_info=info, **options)
    assert [len(group) for group in found.groups()] == [3, 3, 3, 3]


def test_sys_exit_is_a_failure_like_any_other(place):
    info = AutoparaInfo(remote_info=RemoteInfo("two", items_per_job=2))
    found = map(operations.exiting, crystals("Cu", "Ag"), on_error="keep", autopara_info=info)
    assert found.failures == dict.fromkeys(range(2), "SystemExit: as a program does")


THREADS = """
from ase.build import molecule
from tblite.ase import TBLite
from adatom.configs import AutoparaInfo, RemoteInfo, calculate

water = molecule("H2O")
water.calc = TBLite(verbosity=0)
energy = water.get_potential_energy()  # threads of OpenMP have started in this process
for info in (AutoparaInfo(workers=2), AutoparaInfo(remote_info=RemoteInfo("two"))):
    triple = (TBLite, [], {"verbosity": 0})
    found = calculate([molecule("H2O")] * 4, None, triple, output_prefix="T_", autopara_info=info)
    assert all(abs(atoms.info["T_energy"] - energy) < 1e-6 for atoms in found)
    print("done")
"""


@needs_code("tblite")
@pytest.mark.deep(reason="three processes import a code, twice")
def test_threads_of_openmp_in_the_script_do_not_hold_up_workers(place, queue_dir):
    environment = {"ADATOM_QUEUE_DIR": str(queue_dir), "OMP_NUM_THREADS": "2"}
    with script(place, THREADS, **environment) as running:
        assert running.wait(120) == 0, running.output
        assert running.output.count("done\n") == 2


MODULE = """
def work(atoms):
    with open("calls", "a") as file:
        file.write("{word}\\n")
    atoms.info["word"] = "{word}"
    return atoms
"""
EDITED = """
import os
from ase.build import bulk
from adatom.configs import AutoparaInfo, RemoteInfo, map
from helper import work

held = RemoteInfo("here", pre_commands=[f"until test -e {os.getcwd()}/go; do sleep 0.1; done"])
print(*(atoms.info["word"] for atoms in map(work, [bulk("Cu")], autopara_info=AutoparaInfo(remote_info=held))))
"""


def test_a_module_that_is_edited_while_an_item_waits_is_noticed(place):
    """What its batch job did with other code than the script had is not taken for the script's."""
    own = place / "queue"
    (place / "helper.py").write_text(MODULE.format(word="old"))
    with script(place, EDITED, ADATOM_QUEUE_DIR=str(own)) as running:
        records = "*/.adatom-jobs/*.json"
        wait_until(lambda: list(own.glob(records)) or running.process.poll() is not None, "there is no batch job")
        running.process.kill()
        running.wait()
        (place / "helper.py").write_text(MODULE.format(word="another"))
        (place / "go").touch()
        wait_until(lambda: list(own.glob("*/done/work-*")), "the task is not done")
        (place / "helper.py").write_text(MODULE.format(word="old"))
        with script(place, EDITED, "again", ADATOM_QUEUE_DIR=str(own)) as again:
            assert again.wait(120) == 0, again.output
            assert again.output.splitlines()[-1] == "old"
    assert calls() == {"another": 1, "old": 1}
    end_batch_jobs(own)


LARGE = """
import os, time
import numpy as np
from pathlib import Path
from ase.build import bulk
from adatom.configs import AutoparaInfo, RemoteInfo, map

def work(atoms, table):
    if len(atoms) == 1:
        Path("begun").touch()
        while not Path("go").exists():
            time.sleep(0.05)
        os._exit(3)
    atoms.info["sum"] = int(table.sum())
    return atoms

info = AutoparaInfo(remote_info=RemoteInfo("{system}", jobs=1))
inputs = [bulk("Cu") * (size, 1, 1) for size in {sizes}]
found = map(work, inputs, table=np.arange(50_000), on_error="keep", autopara_info=info)
print("result", *(atoms.info.get("sum") for atoms in found))
"""


def test_two_runs_at_once_of_one_large_operation(place, queue_dir):
    """The first to end leaves the file of the operation to the other, whose next worker reads it."""
    environment = {"ADATOM_QUEUE_DIR": str(queue_dir)}
    with script(place, LARGE.format(system="here", sizes=(1, 2)), **environment) as one:
        wait_until(lambda: Path("begun").exists() or one.process.poll() is not None, "no job is begun")
        with script(place, LARGE.format(system="two", sizes=(3, 3)), "other", **environment) as other:
            assert other.wait(120) == 0, other.output
            assert "result 1249975000 1249975000\n" in other.output
        Path("go").touch()
        assert one.wait(120) == 0, one.output
        assert "result None 1249975000\n" in one.output
    assert not list((place / "adatom_results").glob("MAP-work-*"))


def test_labels_in_a_file_and_in_the_environment(place):
    here = os.getpid()
    (place / "adatom.toml").write_text(
        PROFILES
        + '[remote.seen]\nsystem = "two"\nenvironment = { MINE = "file" }\n'
        + '[remote."calculate M"]\nsystem = "nowhere"\n[remote.other]\nsystem = "two"\n'
    )

    def where(**settings) -> tuple[bool, str]:
        with change_settings(**settings):
            [atoms] = map(seen, crystals("Cu"), **options)
        return atoms.info["pid"] == here, atoms.info["mine"]

    options = {}
    assert where() == (False, "file")
    assert where(remote_info='{"seen": {"system": "here", "environment": {"MINE": "json"}}}') == (False, "json")
    Path("labels.json").write_text('{"others": {"system": "here", "environment": {"MINE": "json"}}}')
    options = {"autopara_info": AutoparaInfo(remote_info="others")}
    assert where(remote_info="labels.json") == (False, "json")
    options = {"autopara_info": AutoparaInfo(workers=1)}
    assert where() == (True, "")
    with pytest.raises(UnknownNameError, match=r"Unknown label of remote_info 'sen'.*'seen'.*adatom\.toml"):
        map(seen, crystals("Cu"), autopara_info=AutoparaInfo(remote_info="sen"))
    with pytest.raises(UnknownNameError, match=r"Unknown system 'nowhere'.*Valid: here, two"):
        calculate(crystals("Cu"), None, EMT(), output_prefix="M_")
    assert job(lambda: map(seen, crystals("Cu"))[0].info["pid"])() == here  # else a job would send itself away again


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("nothing.json", "names 'nothing.json', which cannot be read.*Give the name of a JSON file"),
        ("{oops", "the setting remote_info is no JSON"),
        ('{"seen": 3}', "give a table of keys for each label"),
        ('{"seen": {"sys_name": "two"}}', "seen: Unknown key of RemoteProfile 'sys_name'. Did you mean 'system'"),
    ],
)
def test_a_setting_that_is_not_valid(place, said, message):
    with change_settings(remote_info=said), pytest.raises(SettingsError, match=message):
        map(seen, crystals("Cu"))


def test_an_unknown_key_in_a_file_names_the_file(place):
    with (place / "adatom.toml").open("a") as file:
        file.write('[remote.seen]\nsystem = "two"\nnum_inputs_per_queued_job = 3\n')
    with pytest.raises(InputError, match=r"adatom\.toml: \[remote\.seen\].*Did you mean 'items_per_job'\?"):
        map(seen, crystals("Cu"))


def of(**kwargs) -> RemoteInfo:
    return RemoteInfo("two", **kwargs)


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("sys_name", "'system'"),
        ("num_inputs_per_queued_job", "'items_per_job'"),
        ("pre_cmds", "'pre_commands'"),
        ("post_cmds", "'post_commands'"),
        ("env_vars", "'environment'"),
        ("header_extra", "'directives'"),
        ("check_interval", "'poll_interval'"),
        ("item_per_job", "'items_per_job'"),
    ],
)
def test_words_of_expyre(word, ours):
    with pytest.raises(ArgumentsError, match=f"Unknown parameter of RemoteInfo {word!r}.*{ours}"):
        of(**{word: 1})


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("max_time", "'walltime'"),
        ("num_nodes", "'nodes'"),
        ("num_cores", "'ranks_per_node' or 'threads_per_rank'"),
        ("max_mem_tot", "'memory'"),
        ("partitions", "'resource_class'"),
        ("num_python_subprocesses", "'jobs_per_node'"),
        ("machine", "Valid: directives"),
    ],
)
def test_words_of_expyre_for_resources(word, ours):
    with pytest.raises(InputError, match=f"Unknown key of resources {word!r}.*{ours}"):
        of(resources={word: 1})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(of, items_per_job=0), "'items_per_job' of RemoteProfile is 0"),
        (partial(of, jobs=0), "'jobs' of RemoteProfile is 0"),
        (partial(of, timeout="soon"), "'timeout' of RemoteProfile is 'soon'"),
        (partial(of, pre_commands="module load orca"), "pre_commands='module load orca'.: give a list"),
        (partial(RemoteInfo, 3), "'system"),
        (partial(AutoparaInfo, remote_info=of(), workers=2), "remote_info=..., workers=..."),
        (partial(AutoparaInfo, remote_info=of(), runner=object()), "remote_info=..., runner=..."),
        (partial(AutoparaInfo, remote_info=of(), batch=2), r"RemoteInfo\(items_per_job=...\)"),
        (partial(AutoparaInfo, remote_info={"system": "two"}), "give a RemoteInfo, such as"),
    ],
)
def test_what_is_not_valid_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_wrong_number_of_files_is_refused_before_anything_is_computed(place):
    info = AutoparaInfo(remote_info=of())
    with change_settings(queue_dir=place / "queue"), pytest.raises(InputError, match="3 output files.* have 2 groups"):
        map(seen, ConfigSet([crystals("Cu"), crystals("Ag")]), ["a.xyz", "b.xyz", "c.xyz"], autopara_info=info)
    assert not (place / "queue").exists()


@pytest.mark.parametrize(
    ("remote", "message"),
    [
        (RemoteInfo("tow"), "Unknown system 'tow'. Did you mean 'two'"),
        (of(input_files=["adatom.toml", "pseudos"]), "there is no 'pseudos'"),
        (of(resources={"walltime": "soon"}), "'walltime' of RunnerProfile is 'soon'"),
        (of(resources={"nodes": 2}), "a job of several nodes shares none"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_computed(place, remote, message):
    with change_settings(queue_dir=place / "queue"), pytest.raises(InputError, match=message):
        map(seen, crystals("Cu"), autopara_info=AutoparaInfo(remote_info=remote))
    assert not (place / "queue").exists()


def test_it_cannot_be_changed_and_is_equal_to_its_copies():
    given = {"walltime": "2h", "shell_environment": {"A": "$B"}}
    remote = of(resources=given, environment={"A": "b"})
    given["walltime"], given["shell_environment"]["A"] = "1m", "$C"
    assert remote.resources == {"walltime": "2h", "shell_environment": {"A": "$B"}}
    with pytest.raises(TypeError):
        remote.resources["walltime"] = "1m"
    with pytest.raises(AttributeError):
        remote.jobs = 3
    assert pickle.loads(pickle.dumps(remote)) == remote
    assert hash(of(resources=dict(remote.resources), environment={"A": "b"})) == hash(remote)


def test_the_script_of_a_batch_job(place):
    from adatom.configs.remote_runner import remote_runner

    (place / "adatom.toml").write_text(
        '[machines.birch]\nscheduler = "slurm"\nqueues = { cpu = "main", gpu = "accel" }\n'
        'directives = ["--exclusive"]\n'
        '[runners.base]\nmachine = "birch"\npre_commands = ["echo base"]\nmemory = "4G"\n'
    )
    resources = {"walltime": "2h", "nodes": 2, "ranks_per_node": 32, "resource_class": "gpu", "gpus_per_node": 4}
    remote = RemoteInfo(
        "base",
        resources,
        pre_commands=["module load orca"],
        post_commands=["rm -rf s"],
        directives=["-C fast"],
        jobs=3,
        poll_interval="30s",
    )
    assert remote_runner(remote).profile.poll_interval == 30
    text = remote_runner(remote).job_script()
    for line in ("--nodes=2", "--ntasks-per-node=32", "--time=02:00:00", "--partition=accel", "--exclusive", "-C fast"):
        assert f"#SBATCH {line}\n" in text, text
    assert re.search("--mem=4096M.*{ echo base\n.*{ module load orca\n", text, re.DOTALL), text
    assert re.search("status=.*\n\\(\nrm -rf s\n\\)\n", text), text
    assert "mpirun -np 64" in text
    assert remote_runner(remote) is remote_runner(RemoteInfo(**{**vars(remote), "items_per_job": 9}))
    assert remote_runner(remote).jobs == 3


def test_a_profile_itself_and_a_name_of_any_characters(place):
    profile = RunnerProfile(name="mine", machine="here")
    remote = RemoteInfo(profile, job_name="Größe + 1")
    assert len(map(seen, crystals("Cu"), autopara_info=AutoparaInfo(remote_info=remote))) == 1
    assert "Gr_e_1" in [spool.path.name.rpartition("-")[0] for spool in spools()]


def test_labels_survive_a_round_trip_through_files(place):
    from adatom.machines.profiles.files import table_of

    Path("adatom.toml").write_text(f'{PROFILES}[remote.seen]\nsystem = "two"\nitems_per_job = 36\n')
    assert table_of(load_profiles())["remote"] == {"seen": {"system": "two", "items_per_job": 36}}
    assert json.dumps(table_of(load_profiles()))
