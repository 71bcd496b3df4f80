"""Import does no work."""

import json

import pytest

from tests.interpreter import run

HEAVY = (
    *("torch", "pymatgen", "emmet", "dask", "distributed", "parsl", "prefect", "covalent", "pandas", "matplotlib"),
    *("tblite", "dftd3", "dftd4", "yaml", "chgnet", "sevenn", "mace"),
)
LOOK = """
import importlib, json, logging, os, sys, threading
before = dict(os.environ), list(logging.root.handlers), logging.root.level
importlib.import_module(sys.argv[1])
print(json.dumps({
    "modules": sorted({name.split(".")[0] for name in sys.modules}),
    "engines": [name for name in sys.modules if name.startswith("adatom.engines.")],
    "unchanged": before == (dict(os.environ), logging.root.handlers, logging.root.level),
    "threads": threading.active_count(),
}))
"""


CODES = ("emt", "espresso", "lj", "mlip", "tblite")


@pytest.mark.parametrize("module", ["adatom", *(f"adatom.recipes.{code}" for code in CODES)])
def test_import_brings_no_engine_and_leaves_no_trace(module, tmp_path):
    found = json.loads(run(LOOK, tmp_path, module))
    assert not set(HEAVY) & set(found["modules"])
    assert found["engines"] == []
    assert found["unchanged"]
    assert found["threads"] == 1
    assert list(tmp_path.iterdir()) == []


def test_the_selected_engine_is_not_needed_for_import(tmp_path):
    """A worker that unpickles a job needs no engine installed."""
    run("import adatom, adatom.recipes.emt", tmp_path, ADATOM_WORKFLOW_ENGINE="not_installed")


def test_import_reads_no_setting(tmp_path):
    run("import adatom, adatom.recipes.emt", tmp_path, ADATOM_LOCAL_WORKERS="wrong", ADATOM_TYPO="1")
    assert "ADATOM_TYPO" in run("import adatom; adatom.get_settings()", tmp_path, ADATOM_TYPO="1", check=False)


def test_pydantic_waits_for_the_first_setting_that_is_read(tmp_path):
    """It takes a quarter of the time in which ASE is imported."""
    code = """
import sys
import adatom.recipes.emt
assert not any(name.startswith("pydantic") for name in sys.modules)
assert adatom.get_settings().workflow_engine == "local"
assert adatom.settings.Settings.model_fields
"""
    run(code, tmp_path)


def test_nothing_of_others_is_patched(tmp_path):
    code = """
import ase, ase.atoms, ase.calculators.emt, ase.optimize, logging, pickle, copyreg, warnings, sys
def state():
    kinds = ase.Atoms, ase.calculators.emt.EMT, ase.optimize.BFGS, logging.Logger, warnings
    return [dict(vars(kind)) for kind in kinds], sys.excepthook, sys.stdout, dict(copyreg.dispatch_table)
before = state()
import adatom.recipes.emt
assert state() == before
"""
    run(code, tmp_path)
