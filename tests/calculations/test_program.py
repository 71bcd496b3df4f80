"""A program on the files of an earlier run."""

from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom.calculations import run_on_files, run_static
from adatom.errors import InputError, ProgramError


class Size:
    """Of the trajectory, which it then changes."""

    implemented_properties = ()

    def __init__(self):
        self.parameters, self.results = {"unit": "byte"}, {}

    def calculate(self, atoms, properties, system_changes):
        file = Path(self.directory) / "static.traj"
        self.results = {"size": file.stat().st_size}
        file.write_text("changed")
        if atoms.symbols[0] != "Cu":
            raise ProgramError("only copper")


def test_it_works_on_copies():
    static = run_static(bulk("Cu"), EMT())
    before = Path(static["trajectory"]).read_bytes()
    result = run_on_files(static["atoms"], Size(), name="size", copy_files=(static, "*.traj"))
    assert result["results"] == {"size": len(before)}
    assert Path(static["trajectory"]).read_bytes() == before
    assert (Path(result["dir_name"]) / "static.traj").read_text() == "changed"
    assert set(result) == {"name", "atoms", "parameters", "dir_name", "provenance", "results"}
    assert result["parameters"]["calculator"] == {"name": "Size", "unit": "byte"}
    assert result["atoms"] == bulk("Cu")


def test_failures(results_dir):
    with pytest.raises(InputError, match="no file 'nothing'"):
        run_on_files(bulk("Cu"), Size(), name="size", copy_files={".": "nothing"})
    assert not results_dir.exists()
    static = run_static(bulk("Al"), EMT())
    with pytest.raises(ProgramError, match="only copper"):
        run_on_files(static["atoms"], Size(), name="size", copy_files=static)
    assert [path.name.split("-")[0] for path in sorted(results_dir.iterdir())] == ["failed", "static"]
