import inspect
import json
from dataclasses import fields

import pytest

from adatom import __version__, change_settings
from adatom.cli.documentation import Documentation
from adatom.execution import registry
from adatom.execution.engine import Capabilities
from adatom.execution.registry import engine_names
from adatom.recipes.emt import relax_job
from adatom.settings import Settings
from tests.cli import own_recipes as own
from tests.cli.conftest import OWN, process


def test_version(cli):
    assert cli("--version").stdout == f"adatom {__version__}\n"


def test_without_a_command_the_help_is_shown(cli):
    result = cli()
    assert result.exit_code == 0
    assert all(command in result.stdout for command in ("run", "recipes", "settings", "engines"))


@pytest.mark.parametrize("args", [["runn"], ["--versio"], ["recipes", "--nothing"], ["engines", "more"]])
def test_a_bad_command_line_is_one_line(refused, args):
    assert "--help` says what is valid." in refused(*args)


def test_recipes(cli):
    lines = cli("recipes").stdout.splitlines()
    assert lines[0].split() == ["recipe", "kind", "what", "it", "does"]
    line = next(line for line in lines if line.startswith("emt.relax_job "))
    assert line.split(maxsplit=2) == ["emt.relax_job", "job", Documentation.of(relax_job).summary]
    assert any(line.split()[:2] == ["lj.bulk_to_slabs_flow", "flow"] for line in lines)


def test_recipes_of_one_code(cli):
    names = [line.split()[0] for line in cli("recipes", "lj").stdout.splitlines()[1:]]
    assert "lj.relax_job" in names
    assert all(name.startswith("lj.") for name in names)


def test_recipes_as_json(cli):
    listed = {recipe["name"]: recipe for recipe in json.loads(cli("recipes", "--json").stdout)}
    assert listed["emt.relax_job"]["kind"] == "job"
    assert listed["emt.relax_job"]["summary"].startswith("Relax ")


def test_one_recipe_with_all_its_parameters(cli):
    shown = cli("recipes", "emt.relax_job").stdout
    assert "from adatom.recipes.emt import relax_job\n" in shown
    lines = shown.splitlines()
    assert "atoms: Atoms" in lines
    assert "fmax: float = 0.01" in lines
    assert "in eV/Å" in lines[lines.index("fmax: float = 0.01") + 1]
    names = [line.split(":")[0] for line in lines if ": " in line and not line.startswith(" ")]
    assert set(inspect.signature(relax_job).parameters) <= set(names)
    assert "Returns" in lines


def test_a_flow_shows_its_jobs(cli):
    lines = cli("recipes", "emt.bulk_to_slabs_flow").stdout.splitlines()
    assert any(line.startswith("relax_job: ") and line.endswith(" = emt.relax_job") for line in lines)
    assert any(line.startswith("job_params: ") for line in lines)
    assert any("relax_job, static_job, or all" in line for line in lines)


def test_a_users_own_recipe(cli):
    shown = json.loads(cli("recipes", f"{OWN}:energy", "--json").stdout)
    assert (shown["summary"], shown["kind"], shown["module"]) == ("Energy of a structure.", "job", own.__name__)
    atoms, scale, *_ = shown["parameters"]
    assert (atoms["name"], atoms["required"], atoms["default"]) == ("atoms", True, None)
    assert scale == {
        "name": "scale", "type": "float", "required": False, "default": "1.0", "description": "A factor, without unit.",
    }  # fmt: skip
    assert cli("recipes", f"{OWN}:slow").stdout.startswith(f"{OWN}:slow")


def test_an_unknown_recipe_is_one_line(refused):
    assert "Did you mean 'emt.relax_job'?" in refused("recipes", "emt.relx_job")


def test_a_code_that_cannot_be_imported_does_not_hide_the_others(cli, monkeypatch):
    from adatom.recipes import registry

    registry.recipes_of.cache_clear()
    imported = registry.import_module

    def without_lj(name):
        if name == "adatom.recipes.lj":
            raise ModuleNotFoundError("No module named 'lennard'")
        return imported(name)

    monkeypatch.setattr(registry, "import_module", without_lj)
    try:
        result = cli("recipes")
        assert "emt.relax_job" in result.stdout
        assert "lj: The recipes of lj cannot be imported: No module named 'lennard'." in result.stderr
        assert cli("recipes", "lj").exit_code == cli("run", "lj.relax_job", "bulk:Cu").exit_code == 2
    finally:
        registry.recipes_of.cache_clear()


def test_settings_say_where_they_come_from():
    with open("settings.toml", "w") as file:
        file.write('gzip = true\nworkflow_engine = "local"\n')
    done = process("settings", "--json", ADATOM_CONFIG_FILE="settings.toml", ADATOM_LOCAL_WORKERS="3")
    shown = json.loads(done.stdout)
    assert set(shown) == set(Settings.model_fields)
    assert (shown["gzip"]["value"], shown["gzip"]["source"]) == (True, "settings.toml")
    assert (shown["local_workers"]["value"], shown["local_workers"]["source"]) == (3, "ADATOM_LOCAL_WORKERS")
    assert (shown["progress"]["value"], shown["progress"]["source"]) == (None, "default")
    assert all(setting["description"] for setting in shown.values())


def test_settings_as_a_table(cli):
    with change_settings(gzip=True):
        lines = cli("settings").stdout.splitlines()
    assert lines[0].split()[:3] == ["setting", "value", "from"]
    words = {line.split()[0]: line.split() for line in lines[1:] if line}
    assert words["gzip"][1:3] == ["true", "change_settings"]
    assert words["progress"][1] == "unset"
    assert set(Settings.model_fields) <= set(words)
    assert "ADATOM_KEY" in lines[-1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("gzpi = true", "Unknown setting in settings.toml 'gzpi'. Did you mean 'gzip'?"),
        ("gzip = 3", "Setting 'gzip' is 3"),
        ("gzip", "cannot be read"),
    ],
)
@pytest.mark.parametrize("args", [["settings"], ["engines"], ["run", "emt.relax_job", "bulk:Cu"]])
def test_a_bad_settings_file_is_one_line(args, content, said):
    with open("settings.toml", "w") as file:
        file.write(content)
    done = process(*args, ADATOM_CONFIG_FILE="settings.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_needs_no_settings():
    done = process("--help", ADATOM_GZPI="1")
    assert done.returncode == 0
    assert "recipes" in done.stdout


def test_engines(cli):
    lines = cli("engines").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == engine_names()
    local = next(line for line in lines if line.startswith("local"))
    assert local.split()[1:3] == ["yes", __version__]
    for field in fields(Capabilities):
        assert field.name.replace("_", " ") in lines[0] or field.name == "resources"


def test_engines_as_json(cli):
    listed = {engine["name"]: engine for engine in json.loads(cli("engines", "--json").stdout)}
    assert [name for name, engine in listed.items() if engine["selected"]] == ["local"]
    assert listed["local"]["capabilities"]["concurrent"] is False
    assert listed["dask"]["capabilities"]["concurrent"] is True
    assert set(listed["local"]["capabilities"]) == {field.name for field in fields(Capabilities)}


def test_an_engine_that_is_not_installed(cli, monkeypatch):
    monkeypatch.setattr(registry.engine_class("dask"), "package", "no_such_package")
    line = next(line for line in cli("engines").stdout.splitlines() if line.startswith("dask"))
    assert "pip install 'adatom[dask]'" in line


def test_an_engine_that_cannot_be_imported(cli, monkeypatch):
    from importlib.metadata import EntryPoint

    points = {**registry._entry_points(), "gone": EntryPoint("gone", "no_such_module:Engine", "adatom.engines")}
    monkeypatch.setattr(registry, "_entry_points", lambda: points)
    result = cli("engines")
    assert result.exit_code == 0
    line = next(line for line in result.stdout.splitlines() if line.startswith("gone"))
    assert "cannot be imported: No module named 'no_such_module'" in line


def test_an_unknown_engine_is_said_after_the_table(cli):
    with change_settings(workflow_engine="dsk"):
        result = cli("engines")
    assert result.exit_code == 2
    assert "local" in result.stdout
    assert "Did you mean 'dask'?" in result.stderr
