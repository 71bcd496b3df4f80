import errno
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read

from adatom import change_settings
from adatom.calculations import run_optimize, run_static
from adatom.errors import StorageError


def test_the_calculator_writes_in_the_run_directory(tmp_path):
    seen = []

    class Files(EMT):
        def calculate(self, *args, **kwargs):
            seen.append(Path(self.directory))
            super().calculate(*args, **kwargs)

    with change_settings(scratch_dir=tmp_path / "scratch"):
        result = run_static(bulk("Cu"), Files())
    assert seen[0].parent == tmp_path / "scratch"
    assert not seen[0].exists()
    assert read(result["trajectory"]).get_potential_energy() == result["results"]["energy"]


def test_a_full_disk_is_a_storage_error_and_no_result(results_dir, distorted):
    class Full(EMT):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            if self.get_property("energy", allow_calculation=False) < 0:  # some steps are done
                raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match=r"No space left.*Make room"):
        run_optimize(distorted, Full())
    (left,) = results_dir.iterdir()
    assert left.name.startswith("failed-relax")


def test_other_errors_of_the_system_stay_what_they_are():
    class Missing(EMT):
        def calculate(self, *args, **kwargs):
            raise FileNotFoundError(errno.ENOENT, "No such file", "pw.x")

    with pytest.raises(FileNotFoundError):
        run_static(bulk("Cu"), Missing())


def test_the_result_shares_nothing_with_the_input():
    atoms = bulk("Cu")
    atoms.info["note"] = ["mine"]
    atoms.calc = EMT()
    result = run_static(atoms, EMT())
    result["atoms"].positions += 1
    result["input_atoms"].info["note"].append("theirs")
    np.testing.assert_array_equal(atoms.positions, 0)
    assert atoms.info == {"note": ["mine"]}
    assert isinstance(atoms.calc, EMT)
    assert result["input_atoms"].calc is None
