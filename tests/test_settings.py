"""Where settings come from, and how far a change of them reaches."""

import asyncio
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from adatom import change_settings, get_settings
from adatom.errors import SettingsError
from adatom.settings import Settings, setting_sources, settings_of_caller, travelling
from tests.interpreter import run

SHOW = """
import json, sys
from adatom.settings import change_settings, get_settings, setting_sources
with change_settings(json.loads(sys.argv[1]) if sys.argv[1:] else {}):
    print(json.dumps([get_settings().model_dump(mode="json"), setting_sources()]))
"""


def shown(cwd, *changes, **environment):
    """All settings, and where each comes from, in a fresh interpreter."""
    return json.loads(run(SHOW, cwd, *map(json.dumps, changes), **environment))


# --- Sources ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_the_order_of_sources(tmp_path, depth):
    file = tmp_path / "settings.toml"
    environment = {}
    if depth >= 1:
        file.write_text("local_workers = 2")
        environment["ADATOM_CONFIG_FILE"] = file
    if depth >= 2:
        environment["ADATOM_LOCAL_WORKERS"] = 3
    values, sources = shown(tmp_path, *[{"local_workers": 4}] * (depth >= 3), **environment)
    assert values["local_workers"] == depth + 1
    assert sources["local_workers"] == ["default", str(file), "ADATOM_LOCAL_WORKERS", "change_settings"][depth]
    assert sources["gzip"] == "default"


def test_the_file_in_the_home_directory_is_read_unless_another_is_named(tmp_path):
    (tmp_path / ".adatom.toml").write_text('gzip = true\nresults_dir = "~/here"')
    (tmp_path / "other.toml").write_text('log_level = "INFO"')
    values, sources = shown(tmp_path)
    assert (values["gzip"], values["results_dir"]) == (True, str(tmp_path / "here"))
    assert sources["gzip"] == str(tmp_path / ".adatom.toml")
    values, _ = shown(tmp_path, ADATOM_CONFIG_FILE="~/other.toml")
    assert (values["gzip"], values["log_level"]) == (False, "INFO")


def test_an_empty_name_of_the_file_is_none(tmp_path):
    assert shown(tmp_path, ADATOM_CONFIG_FILE="")[0]["local_workers"] == 1


def test_names_of_variables_may_be_in_lower_case(tmp_path):
    values, sources = shown(tmp_path, adatom_gzip="1")
    assert (values["gzip"], sources["gzip"]) == (True, "ADATOM_GZIP")


def test_a_table_has_a_variable_for_each_key(tmp_path):
    (tmp_path / ".adatom.toml").write_text("[commands]\nespresso = 'pw.x'\n[data_dirs]\nespresso = '/a'\n")
    values, sources = shown(tmp_path, ADATOM_COMMANDS__ESPRESSO="/opt/pw.x", ADATOM_COMMANDS__OTHER="x -n 2")
    assert values["commands"] == {"espresso": "/opt/pw.x", "other": "x -n 2"}
    assert sources["commands"] == "ADATOM_COMMANDS__ESPRESSO, ADATOM_COMMANDS__OTHER"
    assert (values["data_dirs"], sources["data_dirs"]) == ({"espresso": "/a"}, str(tmp_path / ".adatom.toml"))


def test_relative_directories_are_of_the_working_directory_at_first_use(tmp_path):
    code = "import os, adatom; adatom.get_settings(); os.chdir('/'); print(adatom.get_settings().results_dir)"
    assert run(code, tmp_path, ADATOM_RESULTS_DIR="mine") == f"{tmp_path}/mine\n"


def test_sources_are_read_once(tmp_path):
    (tmp_path / ".adatom.toml").write_text("local_workers = 3")
    code = """
import os, pathlib, adatom
adatom.get_settings()
pathlib.Path(".adatom.toml").write_text("broken =")
os.environ["ADATOM_LOCAL_WORKERS"] = "broken"
with adatom.change_settings(gzip=True) as settings:
    print(settings.local_workers, settings.gzip)
"""
    assert run(code, tmp_path) == "3 True\n"


def test_first_use_creates_nothing(tmp_path):
    shown(tmp_path, ADATOM_RESULTS_DIR=tmp_path / "results", ADATOM_SCRATCH_DIR=tmp_path / "scratch")
    assert list(tmp_path.iterdir()) == []


# --- Mistakes ---------------------------------------------------------------------------------------------------------


def refused(cwd, **environment):
    message = run("import adatom; adatom.get_settings()", cwd, check=False, **environment)
    assert "SettingsError" in message
    return message.splitlines()[-1]


def test_a_typo_in_the_environment_names_the_nearest_variable(tmp_path):
    message = refused(tmp_path, ADATOM_RESULT_DIR="x")
    assert "'ADATOM_RESULT_DIR'. Did you mean 'ADATOM_RESULTS_DIR'?" in message
    assert "ADATOM_WORKFLOW_ENGINE" in message


def test_a_variable_for_a_key_of_no_table(tmp_path):
    assert "ADATOM_COMMANDS" in refused(tmp_path, ADATOM_COMMAND__ESPRESSO="pw.x")
    assert "ADATOM_GZIP__ESPRESSO" in refused(tmp_path, ADATOM_GZIP__ESPRESSO="pw.x")


def test_a_typo_in_the_file_names_the_nearest_key_and_the_file(tmp_path):
    (tmp_path / ".adatom.toml").write_text("worklow_engine = 'dask'")
    message = refused(tmp_path)
    assert "'worklow_engine'. Did you mean 'workflow_engine'?" in message
    assert str(tmp_path / ".adatom.toml") in message


def test_a_typo_in_change_settings_names_the_nearest_key():
    with pytest.raises(SettingsError, match=r"'gzp'. Did you mean 'gzip'"), change_settings({"GZP": True}):
        pass
    valid = "cache, cache_dir, cache_group, cache_size, commands, data_dirs, gzip, interpreters, key_file"
    with pytest.raises(SettingsError, match=f"'no_such_thing'. Valid: {valid}"):
        change_settings(no_such_thing=1).__enter__()


@pytest.mark.parametrize(
    ("key", "value"),
    [("local_workers", "many"), ("local_workers", "0"), ("gzip", "perhaps"), ("log_level", "LOUD"), ("progress", "")],
)
def test_a_wrong_value_in_the_environment(tmp_path, key, value):
    message = refused(tmp_path, **{f"ADATOM_{key.upper()}": value})
    assert f"Setting {key!r} is {value!r}: " in message


@pytest.mark.parametrize(
    ("key", "value"),
    [("gzip", "5"), ("local_workers", "[1]"), ("results_dir", "3"), ("workflow_engine", "true"), ("progress", "{a=1}")],
)
def test_a_wrong_type_in_the_file(tmp_path, key, value):
    (tmp_path / ".adatom.toml").write_text(f"{key} = {value}")
    assert f"Setting {key!r} is " in refused(tmp_path)


@pytest.mark.parametrize("content", [b"gzip = ", b"gzip = true\ngzip = false", b'results_dir = "\xff"', None])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    file = tmp_path / "settings.toml"
    file.mkdir() if content is None else file.write_bytes(content)
    assert f"The settings file {file} cannot be read" in refused(tmp_path, ADATOM_CONFIG_FILE=file)


def test_a_file_that_is_named_must_exist(tmp_path):
    message = refused(tmp_path, ADATOM_CONFIG_FILE=tmp_path / "nothing.toml")
    assert "ADATOM_CONFIG_FILE names" in message
    assert "does not exist" in message


def test_a_home_directory_that_does_not_exist(tmp_path):
    assert "Setting 'results_dir'" in refused(tmp_path, ADATOM_RESULTS_DIR="~no_such_user/results")
    with pytest.raises(SettingsError, match="scratch_dir"), change_settings(scratch_dir="~no_such_user/scratch"):
        pass


def test_a_wrong_value_changes_nothing():
    before = get_settings()
    with (
        pytest.raises(SettingsError, match="Setting 'local_workers' is 0"),
        change_settings(gzip=True, local_workers=0),
    ):
        pass
    assert get_settings() is before


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        get_settings().gzip = True


# --- change_settings --------------------------------------------------------------------------------------------------


def test_changes_nest_and_end_with_their_block():
    outside = get_settings()
    with change_settings({"GZIP": True, "local_workers": 5}, log_level="INFO") as outer:
        assert (outer.gzip, outer.local_workers, outer.log_level) == (True, 5, "INFO")
        with change_settings(local_workers=7):
            assert (get_settings().gzip, get_settings().local_workers) == (True, 7)
        assert get_settings() is outer
    assert get_settings() is outside


def test_changes_end_with_an_exception():
    outside = get_settings()
    with pytest.raises(KeyError), change_settings(gzip=True), change_settings(local_workers=3):
        raise KeyError
    assert get_settings() is outside


def test_a_change_can_be_undone_within():
    with change_settings(scratch_dir="/somewhere"), change_settings(scratch_dir=None):
        assert get_settings().scratch_dir is None


def test_changes_are_private_to_threads():
    n = 25
    together = threading.Barrier(n)

    def seen(i):
        with change_settings(local_workers=i + 1):
            together.wait()
            inside = get_settings().local_workers
            together.wait()
        return inside, get_settings().local_workers

    with ThreadPoolExecutor(n) as threads, change_settings(local_workers=99):
        assert list(threads.map(seen, range(n))) == [(i + 1, 1) for i in range(n)]
        assert get_settings().local_workers == 99


def test_changes_are_private_to_asynchronous_tasks():
    async def seen(i):
        with change_settings(local_workers=i + 1):
            for _ in range(3):
                await asyncio.sleep(0)
            inside = get_settings().local_workers
        return inside, get_settings().local_workers

    async def main():
        with change_settings(local_workers=99):  # which tasks start with
            return await asyncio.gather(*map(seen, range(25)))

    assert asyncio.run(main()) == [(i + 1, 99) for i in range(25)]


def test_sources_name_a_change():
    with change_settings(gzip=True):
        assert setting_sources()["gzip"] == "change_settings"
        assert set(setting_sources()) == set(Settings.model_fields)
    assert setting_sources()["gzip"] == "default"


# --- Travel -----------------------------------------------------------------------------------------------------------


def test_settings_travel_but_for_those_of_the_machine(tmp_path):
    with change_settings(gzip=True, local_workers=3, results_dir="/theirs", scratch_dir="/theirs/scratch"):
        luggage = travelling(get_settings())
    on_worker = """
import pickle, sys
from adatom.settings import settings_of_caller
settings = settings_of_caller(pickle.load(open(sys.argv[1], "rb")))
print(settings.gzip, settings.local_workers, settings.results_dir, settings.scratch_dir)
"""
    (tmp_path / "luggage").write_bytes(pickle.dumps(luggage))
    environment = {"ADATOM_SCRATCH_DIR": "/mine", "ADATOM_RESULTS_DIR": "/mine", "ADATOM_LOCAL_WORKERS": "9"}
    assert run(on_worker, tmp_path, tmp_path / "luggage", **environment) == "True 3 /theirs /mine\n"


def test_settings_of_the_caller_do_not_depend_on_what_is_in_force():
    settings = get_settings()
    with change_settings(gzip=True, scratch_dir="/elsewhere"):
        assert settings_of_caller(travelling(settings)) == settings


def test_every_setting_is_described():
    assert all(field.description for field in Settings.model_fields.values())
    assert isinstance(get_settings().results_dir, Path)
