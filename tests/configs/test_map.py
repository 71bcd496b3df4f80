"""`map`: what goes in and comes out, wherever it is worked on."""

import os
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import adatom
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, autoparallelize, map
from adatom.errors import AdatomError, IncompleteError, InputError, ItemError, UnfinishedError, UnknownNameError
from adatom.execution import dispatcher
from adatom.execution.context import job_context
from adatom.recipes.emt import relax_job, static_job
from tests.configs import operations

ONE, TWO = AutoparaInfo(workers=1), AutoparaInfo(workers=2)


@pytest.fixture(autouse=True)
def results(tmp_path):
    with adatom.change_settings(results_dir=tmp_path / "results"):
        yield tmp_path / "results"


def crystals(*symbols: str) -> list[Atoms]:
    return [bulk(symbol) for symbol in symbols]


def shape(configs: ConfigSet):
    """Groups as nested lists of formulas."""
    return [str(part.symbols) if isinstance(part, Atoms) else shape(part) for part in configs.groups()]


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
def test_each_structure_is_worked_on_and_the_users_own_stay(info):
    given = crystals("Cu", "Ag", "Au")
    before = [atoms.copy() for atoms in given]
    found = map(operations.strained, given, factor=1.1, autopara_info=info)
    assert [str(atoms.symbols) for atoms in found] == ["Cu", "Ag", "Au"]
    assert all(atoms.info == {"factor": 1.1} for atoms in found)
    assert given == before
    assert all(atoms.info == {} for atoms in given)


TREES = st.recursive(
    st.sampled_from(["Cu", "Ag", "Cu2", "Ni3"]), lambda inner: st.lists(inner, max_size=3), max_leaves=8
).map(lambda tree: tree if isinstance(tree, list) else [tree])


def planted(tree):
    return [planted(part) if isinstance(part, list) else Atoms(part) for part in tree]


def expected(tree):
    """What `sliced` makes of it."""
    made = []
    for part in tree:
        match part:
            case "Cu" | "Ag":
                pass
            case "Cu2":
                made.append("Cu2")
            case "Ni3":
                made.append(["Ni", "Ni2", "Ni3"])
            case list():
                made.append(expected(part))
    return made


@example([])
@example([[[]]])
@example(["Cu"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES)
def test_groups_of_any_depth_come_out_as_they_went_in(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("trees")
    inputs = ConfigSet(planted(tree))
    assert shape(map(operations.strained, inputs, autopara_info=ONE)) == tree
    assert shape(map(operations.sliced, inputs, autopara_info=ONE)) == expected(tree)
    file = OutputSpec("all.xyz", file_root=folder)
    assert shape(map(operations.sliced, inputs, file, autopara_info=ONE)) == expected(tree)
    assert shape(map(operations.sliced, inputs, file, autopara_info=ONE)) == expected(tree)  # from the journal
    assert shape(ConfigSet("all.xyz", file_root=folder)) == expected(tree)  # in another script
    groups = [part for part in tree if isinstance(part, list)]
    if groups and len(groups) == len(tree):
        files = OutputSpec([f"{i}.xyz" for i in range(len(groups))], file_root=folder)
        assert shape(map(operations.sliced, inputs, files, autopara_info=ONE)) == expected(tree)
        assert shape(map(operations.sliced, inputs, files, autopara_info=ONE)) == expected(tree)


@pytest.mark.parametrize("info", [ONE, TWO, AutoparaInfo(workers=2, batch=1), AutoparaInfo(workers=2, batch=7)])
def test_random_numbers_depend_on_the_seed_and_the_place_alone(info):
    given = crystals(*["Cu"] * 30)
    found = [atoms.positions for atoms in map(operations.rattled, given, seed=3, autopara_info=info)]
    for number, positions in enumerate(found):
        rng = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(number,)))
        assert positions == pytest.approx(rng.normal(scale=0.1, size=(1, 3)))
    assert len({positions.tobytes() for positions in found}) == 30
    other = next(iter(map(operations.rattled, given, seed=4, autopara_info=info)))
    assert (other.positions != found[0]).all()


def test_random_numbers_are_the_same_where_a_run_goes_on(tmp_path):
    given = crystals(*["Cu"] * 20)
    whole = map(operations.rattled, given, seed=3, autopara_info=ONE)
    file = OutputSpec("out.xyz", file_root=tmp_path)
    with pytest.raises(UnfinishedError) as stopped:
        map(operations.rattled, given, file, seed=3, autopara_info=AutoparaInfo(workers=1, time_budget=0))
    assert len(stopped.value.left) == 20
    map(operations.rattled, [*given[:10], bulk("Fe")], tmp_path / "other.xyz", seed=3, autopara_info=ONE)
    resumed = map(operations.rattled, given, file, seed=3, autopara_info=ONE)
    for one, other in zip(whole, resumed, strict=True):
        assert one.positions == pytest.approx(other.positions, abs=1e-8)  # of the file


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
@pytest.mark.parametrize("output", [None, "out.xyz", "out.traj"])
def test_a_failure_can_be_kept(info, output, tmp_path, caplog):
    given = crystals("Cu", "Ag", "Au")
    outputs = OutputSpec(output, file_root=tmp_path) if output else None
    found = list(map(operations.refusing, given, outputs, on_error="keep", autopara_info=info))
    assert [str(atoms.symbols) for atoms in found] == ["Cu", "Ag", "Au"]
    assert [atoms.info.get("refusing_failed") for atoms in found] == [None, "ValueError: no Ag", None]
    assert [atoms.info.get("accepted", False) for atoms in found] == [True, False, True]
    assert found[1].positions == pytest.approx(given[1].positions)  # as it went in
    assert "refusing: 1 of 3 failed. structure 1: ValueError: no Ag" in caplog.text


def test_a_failure_can_be_skipped():
    found = map(operations.refusing, crystals("Cu", "Ag", "Au"), on_error="skip", autopara_info=ONE)
    assert [str(atoms.symbols) for atoms in found] == ["Cu", "Au"]


def test_a_mark_goes_when_it_succeeds():
    marked = map(operations.refusing, crystals("Ag"), on_error="keep", autopara_info=ONE)
    assert "refusing_failed" in marked[0].info
    found = map(operations.refusing, marked, symbol="Fe", autopara_info=ONE)
    assert found[0].info == {"accepted": True}


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
@pytest.mark.parametrize("output", [None, "out.xyz"])
def test_by_default_a_failure_stops_and_loses_nothing(info, output, tmp_path):
    given = ConfigSet(crystals("Cu", "Au", "Ag", "Ni"))
    outputs = OutputSpec(output, file_root=tmp_path) if output else None
    with pytest.raises(ItemError, match="refusing failed for structure 2: ValueError: no Ag") as stopped:
        map(operations.refusing, given, outputs, autopara_info=info)
    assert [str(atoms.symbols) for atoms in stopped.value.done] == ["Cu", "Au"]
    assert [str(atoms.symbols) for atoms in stopped.value.left] == ["Ag", "Ni"]
    assert isinstance(stopped.value.__cause__, ValueError)
    assert "no Ag" in stopped.value.failure.traceback


def test_a_failure_names_file_and_number(tmp_path):
    map(operations.strained, crystals("Cu", "Ag"), tmp_path / "in.xyz", autopara_info=ONE)
    with pytest.raises(ItemError, match=r"structure 1, number 1 of .*in.xyz"):
        map(operations.refusing, ConfigSet(tmp_path / "in.xyz"), autopara_info=ONE)


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
def test_sys_exit_is_a_failure_like_any_other(info):
    [found] = map(operations.exiting, crystals("Cu"), on_error="keep", autopara_info=info)
    assert found.info == {"exiting_failed": "SystemExit: as a program does"}


def test_what_kills_its_worker_is_named_and_nothing_else_is_lost(results):
    given = crystals(*["Cu"] * 40, "Ag", *["Au"] * 40)
    found = list(map(operations.deadly, given, on_error="keep", autopara_info=TWO))
    assert [str(atoms.symbols) for atoms in found] == [str(atoms.symbols) for atoms in given]
    [guilty] = [atoms for atoms in found if "deadly_failed" in atoms.info]
    assert str(guilty.symbols) == "Ag"
    assert "WorkerDiedError" in guilty.info["deadly_failed"]
    assert "SIGKILL" in guilty.info["deadly_failed"]
    assert not list(results.rglob("*.begun*"))


def test_no_structure_is_to_blame_for_what_ends_a_worker_before_its_turn(tmp_path):
    def begin():
        if len(list(tmp_path.glob("ended*"))) < 5:
            (tmp_path / f"ended-{os.getpid()}").touch()
            os.kill(os.getpid(), 9)

    info = AutoparaInfo(workers=2, initializer=begin)
    assert map(operations.strained, crystals("Cu"), on_error="keep", autopara_info=info).failures == {}
    assert len(list(tmp_path.glob("ended*"))) == 5
    assert not list(tmp_path.rglob("*.begun*"))


def test_workers_that_all_end_before_they_begin_end_it(monkeypatch):
    def begin():
        os.abort()

    monkeypatch.setattr(dispatcher, "LOSSES", 3)
    with pytest.raises(AdatomError, match="strained cannot run: 3 workers ended before they had begun.*SIGABRT"):
        map(operations.strained, crystals("Cu"), on_error="keep", autopara_info=AutoparaInfo(2, initializer=begin))


def test_it_is_tried_again_if_told_to(tmp_path):
    tries = tmp_path / "tries"
    tries.touch()

    def at_last(atoms):
        tries.write_text(tries.read_text() + "x")
        if len(tries.read_text()) < 3:
            raise OSError("not yet")
        return atoms

    [found] = map(at_last, crystals("Cu"), on_error="retry", autopara_info=ONE)
    assert found.info == {}
    assert tries.read_text() == "xxx"
    tries.write_text("")
    [found] = map(at_last, crystals("Cu"), on_error="retry", autopara_info=AutoparaInfo(workers=1, retries=1))
    assert found.info == {"at_last_failed": "OSError: not yet"}


def test_items_may_be_anything():
    assert [atoms.cell[0, 1] for atoms in map(operations.of_number, range(3), autopara_info=ONE)] == pytest.approx(
        [1.75, 1.755, 1.76]
    )
    found = map(molecule, ["H2O", "CH4"], autopara_info=TWO)
    assert [str(atoms.symbols) for atoms in found] == ["OH2", "CH4"]
    pairs = ConfigSet([crystals("Cu", "Ag"), crystals("Ni", "Pd")])
    assert [atoms.info["both"] for atoms in map(operations.pair_length, pairs.groups(), autopara_info=ONE)] == [
        "CuAg",
        "NiPd",
    ]
    assert len(map(operations.of_number, (number for number in range(3)), autopara_info=ONE)) == 3


def test_a_recipe_gives_its_structure_with_its_results(results):
    found = list(map(relax_job, crystals("Cu", "Ag"), relax_cell=True, autopara_info=TWO))
    alone = relax_job.fn(bulk("Ag"), relax_cell=True)
    assert found[1].get_potential_energy() == pytest.approx(alone["results"]["energy"], abs=1e-10)
    assert found[1].cell.array == pytest.approx(alone["atoms"].cell.array)
    assert found[0].info == {}
    [tree] = results.glob("MAP-relax_job-*")
    assert sorted(path.name for path in tree.iterdir()) == ["000000", "000001"]
    assert all((path / "relax.traj").exists() for path in tree.iterdir())


def test_the_selected_engine_is_used():
    with adatom.change_settings(local_workers=2):
        pids = {atoms.info["pid"] for atoms in map(operations.pid, crystals(*["Cu"] * 8))}
    assert os.getpid() not in pids
    with adatom.change_settings(num_python_subprocesses=1):
        assert {atoms.info["pid"] for atoms in map(operations.pid, crystals("Cu"))} == {os.getpid()}


def test_workers_stay_and_use_one_thread_each(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    found = [
        {
            (atoms.info["pid"], atoms.info["threads"])
            for atoms in map(operations.pid, crystals(*["Cu"] * 40), autopara_info=info)
        }
        for info in [AutoparaInfo(workers=3, batch=1)] * 2
    ]
    assert len(found[0] | found[1]) <= 3
    assert {threads for _, threads in found[0]} == {"1"}


def test_in_a_job_it_works_in_the_jobs_process():
    @adatom.job
    def inside():
        return {
            atoms.info["pid"] for atoms in map(operations.pid, crystals("Cu", "Ag"), autopara_info=TWO)
        }, os.getpid()

    pids, own = inside()
    assert pids == {own}


def test_an_info_can_be_used_again():
    info = AutoparaInfo(workers=2)
    first = [map(operations.strained, crystals("Cu", "Ag"), autopara_info=info) for _ in range(2)]
    assert list(first[0]) == list(first[1])
    assert info == AutoparaInfo(workers=2)


def test_a_time_budget_ends_it_in_order():
    given = ConfigSet(crystals("Cu", "Ag", "Au", "Ni", "Pd", "Pt"))
    map(operations.slow, given, seconds=0.0, autopara_info=ONE)  # which says nothing of what comes
    info = AutoparaInfo(workers=1, time_budget=1.2)
    with pytest.raises(UnfinishedError, match="its time budget is over") as stopped:
        map(operations.slow, given, seconds=0.5, autopara_info=info)
    done, left = stopped.value.done, stopped.value.left
    assert 1 <= len(done) <= 3
    assert [str(atoms.symbols) for atoms in done + left] == [str(atoms.symbols) for atoms in given]


def test_items_are_not_taken_to_cost_what_those_of_another_function_did():
    many, sizes = crystals(*["Cu"] * 40), []
    cheap = autoparallelize(lambda structures: structures, ONE)
    noted = autoparallelize(lambda structures: sizes.append(len(structures)) or structures, ONE)
    cheap(many)
    noted(many)
    assert sizes[0] == 1
    sizes.clear()
    noted(many)
    assert sizes[0] > 1
    sizes.clear()
    noted(many, autopara_info=AutoparaInfo(workers=1, time_budget=100))  # these may be larger: it would be exceeded
    assert sizes[0] == 1


def test_the_end_of_the_process_ends_it_in_order():
    given = ConfigSet(crystals("Cu", "Ag", "Au", "Ni", "Pd", "Pt"))
    map(operations.slow, given[:1], seconds=5.2, autopara_info=ONE)  # which says nothing of what comes
    with (
        job_context(deadline=time.time() + 5),
        pytest.raises(UnfinishedError, match="The end of the flow's process") as stopped,
    ):
        map(operations.slow, given, seconds=0.8, autopara_info=ONE)  # nothing is started in the last two seconds
    assert 1 <= len(stopped.value.done) <= 4
    assert len(stopped.value.done + stopped.value.left) == 6


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
def test_an_item_that_has_no_more_time_is_left(info):
    def long(atoms):
        if atoms.symbols[0] == "Ag":
            raise IncompleteError("stopped after 3 steps: the time was over")
        return atoms

    with pytest.raises(UnfinishedError, match="stopped after 3 steps") as stopped:
        map(long, ConfigSet(crystals("Cu", "Au", "Ag", "Ni")), on_error="keep", autopara_info=info)
    done, left = ([str(atoms.symbols) for atoms in some] for some in (stopped.value.done, stopped.value.left))
    assert done + left == ["Cu", "Au", "Ag", "Ni"]
    assert "Ag" in left


def test_few_long_items_are_spread_over_all_workers():
    def long(atoms):
        time.sleep(0.5)
        atoms.info["pid"] = os.getpid()
        return atoms

    map(operations.pid, crystals(*["Cu"] * 40), autopara_info=AutoparaInfo(workers=4, batch=1))  # they have started
    found = map(long, crystals(*["Cu"] * 8), autopara_info=AutoparaInfo(workers=4))
    assert len({atoms.info["pid"] for atoms in found}) == 4


def test_threads_in_this_process_do_not_hold_up_workers():
    def product(atoms):
        atoms.info["trace"] = float(np.trace(np.ones((300, 300)) @ np.ones((300, 300))))
        return atoms

    assert product(bulk("Cu")).info["trace"] == 90_000  # numerical libraries have started their threads
    assert all(atoms.info["trace"] == 90_000 for atoms in map(product, crystals(*["Cu"] * 4), autopara_info=TWO))


def test_a_budget_that_is_enough_is_not_felt():
    info = AutoparaInfo(workers=1, time_budget=100)
    assert len(map(operations.strained, crystals("Cu", "Ag"), autopara_info=info)) == 2


def test_an_initializer_is_called_once_in_each_worker(tmp_path):
    def begin():
        (tmp_path / f"began-{os.getpid()}-{len(list(tmp_path.iterdir()))}").touch()

    found = map(
        operations.pid, crystals(*["Cu"] * 20), autopara_info=AutoparaInfo(workers=2, batch=1, initializer=begin)
    )
    pids = {atoms.info["pid"] for atoms in found}
    assert sorted(path.name.split("-")[1] for path in tmp_path.glob("began*")) == sorted(str(pid) for pid in pids)


def test_a_function_of_a_list_is_called_for_many_at_once():
    found = operations.many(crystals(*["Cu"] * 100), factor=3.0, autopara_info=ONE)
    assert {atoms.info["factor"] for atoms in found} == {3.0}
    assert max(atoms.info["in_call"] for atoms in found) > 10
    alone = operations.many(crystals("Cu", "Ag"), autopara_info=AutoparaInfo(workers=1, batch=1))
    assert [atoms.info["in_call"] for atoms in alone] == [1, 1]


def test_of_a_list_that_fails_only_the_guilty_fails():
    found = list(operations.many(crystals(*["Cu"] * 20, "Ag", "Cu"), wrong="Ag", on_error="keep", autopara_info=ONE))
    assert [place for place, atoms in enumerate(found) if "many_failed" in atoms.info] == [20]
    assert found[20].info["many_failed"] == "ValueError: Ag among 1"


def test_a_list_of_another_length_is_an_error():
    with pytest.raises(ItemError, match="many gave 0 results for 1 items"):
        operations.many(crystals("Cu", "Ag"), wrong="length", autopara_info=ONE)


def test_lists_have_random_numbers_too():
    @autoparallelize
    def moved(structures, rng):
        for atoms, own in zip(structures, rng, strict=True):
            atoms.positions += own.normal(size=3)
        return structures

    one = moved(crystals(*["Cu"] * 9), seed=1, autopara_info=ONE)
    other = moved(crystals(*["Cu"] * 9), seed=1, autopara_info=AutoparaInfo(workers=2, batch=2))
    assert [atoms.positions.tolist() for atoms in one] == [atoms.positions.tolist() for atoms in other]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: map(3, crystals("Cu")), "given int as its function"),
        (
            lambda: map(operations.strained, crystals("Cu"), on_error="ignore"),
            "Unknown on_error 'ignore'. Valid: keep",
        ),
        (lambda: map(operations.strained, "missing.xyz"), "There is no file 'missing.xyz'"),
        (lambda: AutoparaInfo(workers=0), r"workers=0\): give a whole number of at least 1"),
        (lambda: AutoparaInfo(batch=2.5), r"batch=2.5\): give a whole number of at least 1"),
        (lambda: AutoparaInfo(retries=True), r"retries=True\): give a whole number of at least 0"),
        (lambda: AutoparaInfo(time_budget="1h"), r"time_budget='1h'\): give a number of at least 0"),
        (
            lambda: map(operations.strained, crystals("Cu"), ["a.xyz", "b.xyz"]),
            "2 output files, and the inputs",
        ),
        (lambda: map(operations.strained, ConfigSet([crystals("Cu")]), ["a.xyz", "b.xyz"]), "have 1 groups"),
        (lambda: OutputSpec(["a.xyz", "a.xyz"]), "'a.xyz' is given twice"),
        (lambda: OutputSpec("."), "is a directory"),
        (lambda: map(operations.strained, crystals("Cu"), autopara_info=2), "autopara_info=2: give an AutoparaInfo"),
    ],
)
def test_bad_input_is_refused_before_anything_is_computed(call, message):
    with pytest.raises((InputError, UnknownNameError), match=message):
        call()


def test_a_result_that_is_no_structure_is_an_error():
    with pytest.raises(ItemError, match=r"it gave .*11\.\d+.*\. Return a structure"):
        map(Atoms.get_volume, crystals("Cu"), autopara_info=ONE)


def test_what_cannot_be_sent_is_refused_with_a_way_out():
    import threading

    lock = threading.Lock()

    def locked(atoms, lock):
        return atoms

    assert len(map(locked, crystals("Cu"), lock=lock, autopara_info=ONE)) == 1
    with pytest.raises(InputError, match="locked cannot be sent to worker processes.*use one worker"):
        map(locked, crystals("Cu"), lock=lock, autopara_info=TWO)


def test_nothing_is_nothing(tmp_path):
    assert list(map(operations.strained, ConfigSet(), autopara_info=ONE)) == []
    assert list(map(operations.strained, [], OutputSpec(tmp_path / "none.xyz"), autopara_info=ONE)) == []


def test_tags_are_added_in_memory_too():
    spec = OutputSpec(tags={"config_type": "bulk"})
    assert map(operations.strained, crystals("Cu"), spec, autopara_info=ONE)[0].info["config_type"] == "bulk"


def test_a_job_keeps_its_own_names_out_of_structures():
    [found] = map(static_job, crystals("Cu"), autopara_info=ONE)
    assert found.info == {}
    assert set(found.arrays) == {"numbers", "positions"}


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
@pytest.mark.parametrize("output", [None, "out.xyz"])
def test_a_calculator_stays_and_what_it_found_comes_out(info, output, tmp_path):
    shared = EMT()

    def evaluated(atoms):
        atoms.calc = shared
        atoms.get_potential_energy()
        return atoms

    def moved(atoms):
        evaluated(atoms).positions[0] += 0.1
        return atoms

    given = [bulk("Cu", cubic=True, a=3.5 + number / 10) for number in range(3)]
    outputs = OutputSpec(output, file_root=tmp_path) if output else None
    for before, after in zip(given, map(evaluated, given, outputs, autopara_info=info), strict=True):
        before.calc = EMT()
        assert isinstance(after.calc, SinglePointCalculator)
        assert after.get_potential_energy() == pytest.approx(before.get_potential_energy())
        assert after.get_forces() == pytest.approx(before.get_forces(), abs=1e-7)
    assert all(atoms.calc is None for atoms in map(moved, given, autopara_info=info))
