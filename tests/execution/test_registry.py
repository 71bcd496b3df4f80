"""How the selected engine is found, made, kept and ended."""

import os
import subprocess
import sys

import pytest

from adatom import change_settings
from adatom.engines.local import LocalEngine
from adatom.errors import EngineError, InputError, UnknownNameError
from adatom.execution import registry as subject
from adatom.execution.engine import Engine
from adatom.execution.pool import LocalPool
from adatom.execution.registry import (
    announce,
    drop_engine,
    engine_class,
    engine_names,
    get_engine,
    is_installed,
    local_workers,
)
from tests.interpreter import run

GHOST = """
import threading, time
from adatom.engines.local import LocalEngine

class GhostEngine(LocalEngine):
    name, package = "ghost", {package!r}
    made = []

    def __init__(self, runner=None):
        super().__init__(runner)
        self.made.append(self)
        time.sleep(0.1)  # so that others come meanwhile

    def close(self):
        print("closed")
        {close}
"""


@pytest.fixture
def ghost(tmp_path):
    """Install a package with an engine of its own into a folder, as another project would."""

    def install(package=None, close="pass"):
        (tmp_path / "ghost_engine.py").write_text(GHOST.format(package=package, close=close))
        info = tmp_path / "ghost_engine-1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ghost-engine\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[adatom.engines]\nghost = ghost_engine:GhostEngine\n")
        return tmp_path

    return install


# --- Finding ----------------------------------------------------------------------------------------------------------


def test_the_engines_are_those_that_packages_register():
    assert {"local", "dask", "parsl", "prefect", "covalent"} <= set(engine_names())
    assert engine_class("local") is LocalEngine
    assert engine_names() == sorted(engine_names())


@pytest.mark.parametrize("ask", [engine_class, lambda name: _get(name)])
def test_an_unknown_engine_names_the_nearest_and_the_valid(ask):
    with pytest.raises(UnknownNameError) as raised:
        ask("perfect")
    message = str(raised.value)
    assert message.startswith("Unknown engine 'perfect'. Did you mean 'prefect'?")
    assert all(name in message for name in engine_names())
    assert message.endswith("Set ADATOM_WORKFLOW_ENGINE.")


def _get(name):
    with change_settings(workflow_engine=name):
        return get_engine()


def test_an_engine_of_another_package_is_found(ghost):
    folder = ghost()
    code = "import adatom; print(adatom.job(lambda x: x + 1)(1))"
    assert run(code, folder, ADATOM_WORKFLOW_ENGINE="ghost") == "2\nclosed\n"


def test_an_engine_whose_package_is_missing_gives_the_line_that_installs_it(ghost):
    folder = ghost(package="no_such_package.inside")
    message = run("import adatom; adatom.job(print)()", folder, check=False, ADATOM_WORKFLOW_ENGINE="ghost")
    last = message.splitlines()[-1]
    assert "MissingExtraError: no_such_package.inside is not installed" in last
    assert "pip install 'adatom[ghost]'" in last
    listed = "from adatom.execution.registry import *; from adatom.execution.registry import is_installed\n"
    assert (
        run(f"{listed}print(is_installed(engine_class('ghost')), 'ghost' in engine_names())", folder) == "False True\n"
    )
    assert is_installed(LocalEngine)


# --- Making and keeping -----------------------------------------------------------------------------------------------


def test_an_engine_is_kept():
    assert get_engine() is get_engine()


def test_other_numbers_of_workers_are_other_engines():
    one = get_engine()
    with change_settings(local_workers=2):
        two = get_engine()
        assert two is get_engine()
    assert one is not two
    assert (one.slots, two.slots) == (1, 2)
    assert (one.capabilities.processes, two.capabilities.processes) == (False, True)
    drop_engine(two)


def test_a_runner_has_an_engine_of_its_own():
    with LocalPool(1) as pool, LocalPool(1) as other:
        engine = get_engine(pool)
        assert engine is get_engine(pool)
        assert engine.runner is pool
        assert get_engine(other) is not engine
        drop_engine(engine)
        assert get_engine(pool) is not engine
        drop_engine(get_engine(pool))
        drop_engine(get_engine(other))


@pytest.mark.parametrize("runner", ["threads", 0, -1, True, 1.5, object()])
def test_what_is_no_runner_is_refused(runner):
    with pytest.raises(InputError, match="is no runner of the local engine: give a LocalPool or a number"):
        get_engine(runner)


def test_an_engine_without_runners_says_so():
    class Bare(LocalEngine):
        name = "bare"
        make_runner = classmethod(Engine.make_runner.__func__)

    with pytest.raises(EngineError, match="The bare engine takes no runner"):
        Bare.make_runner(2)


def test_threads_that_come_at_the_same_time_get_one_engine(ghost):
    code = """
import threading
from concurrent.futures import ThreadPoolExecutor
from adatom.execution.registry import get_engine
together = threading.Barrier(25)
with ThreadPoolExecutor(25) as threads:
    engines = list(threads.map(lambda _: (together.wait(), get_engine())[1], range(25)))
print(len(set(map(id, engines))), len(type(engines[0]).made))
"""
    assert run(code, ghost(), ADATOM_WORKFLOW_ENGINE="ghost") == "1 1\nclosed\n"


def test_workers_that_nobody_asked_for_are_few():
    with change_settings(local_workers=7):
        assert local_workers() == 7
    assert 2 <= local_workers() <= max(2, min(4, os.cpu_count()))


# --- Ending -----------------------------------------------------------------------------------------------------------


def test_an_engine_that_does_not_end_in_order_keeps_no_other_alive(ghost):
    code = """
import sys, adatom
from adatom.execution.registry import get_engine
for workers in (1, 2):
    with adatom.change_settings(local_workers=workers):
        get_engine()
"""
    folder = ghost(close='raise RuntimeError("stuck")')
    assert run(code, folder, ADATOM_WORKFLOW_ENGINE="ghost") == "closed\nclosed\n"


def test_a_dropped_engine_is_made_anew():
    with change_settings(local_workers=3):
        engine = get_engine()
        drop_engine(engine)
        assert get_engine() is not engine
        drop_engine(get_engine())


# --- Saying -----------------------------------------------------------------------------------------------------------


def test_a_thing_is_said_once_and_not_where_results_go(capsys):
    subject.announce.cache_clear()
    for message in ("A cluster was started.", "Another one was.", "A cluster was started."):
        announce(message)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "A cluster was started.\nAnother one was.\n"


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"QUACC_WORKFLOW_ENGINE": "dask"}, "ADATOM_WORKFLOW_ENGINE"),
        ({"QUACC_ESPRESSO_BIN_DIR": "/opt/qe"}, "ADATOM_COMMANDS"),
        ({"QUACC_VASP_MPI": "mpirun"}, "adatom settings"),
        ({"QUACC_WORKFLOW_ENGINE": "dask", "ADATOM_LOCAL_WORKERS": "1"}, ""),
        ({}, ""),
    ],
)
def test_variables_of_quacc_are_mentioned_where_they_are_all_there_is(variables, named, tmp_path):
    text = "from adatom.execution.registry import get_engine; get_engine(), get_engine(3)"
    others = {name: value for name, value in os.environ.items() if not name.startswith("ADATOM_")}
    said = subprocess.run(
        [sys.executable, "-c", text], env={**others, **variables}, capture_output=True, text=True, check=True
    ).stderr
    assert named in said
    assert said.count("\n") == bool(named)
    assert all(name in said for name in variables if named)


def test_a_look_at_helpers_that_fails_is_told_once_and_the_next_one_counts(monkeypatch, caplog):
    looks = iter([OSError("busy"), OSError("busy"), "the helper died"])

    class Looking(LocalEngine):
        def look_after(self):
            found = next(looks)
            if isinstance(found, Exception):
                raise found
            return found

    monkeypatch.setattr(subject, "_INTERVAL", 0.001)
    engine = Looking(1)
    subject._look_after(engine)
    assert engine.lost == "the helper died"
    assert [record.exc_info[1].args for record in caplog.records] == [("busy",)]
    engine.close()
