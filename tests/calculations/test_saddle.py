import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from adatom.calculations import run_irc, run_saddle
from adatom.errors import ConvergenceError, InputError, MissingExtraError
from tests.calculations.muller_brown import (
    FIRST_ENERGY,
    FIRST_MINIMUM,
    SADDLE,
    SADDLE_ENERGY,
    SECOND_ENERGY,
    SECOND_MINIMUM,
    MullerBrown,
    at,
)
from tests.codes import needs_code

NEAR = at((-0.9, 0.8))


@pytest.mark.parametrize("run", [run_saddle, run_irc])
def test_without_sella(run, results_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "sella", None)  # what makes an import fail
    with pytest.raises(MissingExtraError, match=r"pip install 'adatom\[sella\]'"):
        run(NEAR, MullerBrown())
    assert not results_dir.exists()


@needs_code("sella")
class TestSaddle:
    def test_it_is_found(self):
        result = run_saddle(NEAR, MullerBrown(), fmax=1e-3)
        assert result["results"]["energy"] == pytest.approx(SADDLE_ENERGY, abs=1e-5)
        assert result["atoms"].positions[0, :2] == pytest.approx(SADDLE, abs=1e-3)
        assert (result["converged"], result["atoms"].calc, result["input_atoms"]) == (True, None, NEAR)
        frames = read(result["trajectory"], ":")
        assert len(frames) == result["steps"] + 1
        assert len((Path(result["dir_name"]) / "ts.log").read_text().splitlines()) == len(frames) + 1

    def test_out_of_steps_is_a_failure_that_can_be_gone_on_from(self, results_dir):
        with pytest.raises(ConvergenceError, match=r"ts of HHe has forces above fmax=0.001 eV/Å after 2 steps .Sella"):
            run_saddle(NEAR, MullerBrown(), fmax=1e-3, max_steps=2)
        (left,) = results_dir.iterdir()
        with pytest.warns(UserWarning, match="goes on from the last structure but not exactly"):
            result = run_saddle(NEAR, MullerBrown(), fmax=1e-3, resume_from=left)
        assert result["results"]["energy"] == pytest.approx(SADDLE_ENERGY, abs=1e-5)
        assert len(read(result["trajectory"], ":")) == result["steps"] + 1 > 3

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"sella_kwargs": {"order": 0}}, "order=0"),
            ({"fmax": -1}, "fmax is -1"),
            ({"atoms": Atoms()}, "no atoms"),
        ],
    )
    def test_bad_input(self, arguments, said, results_dir):
        with pytest.raises(InputError, match=said):
            run_saddle(**{"atoms": NEAR, "calculator": MullerBrown(), **arguments})
        assert not results_dir.exists()

    def test_unknown_arguments_of_sella_are_named(self):
        with pytest.raises(InputError, match="delta1"):
            run_saddle(NEAR, MullerBrown(), sella_kwargs={"delta1": 0.1})


@needs_code("sella")
class TestPath:
    @pytest.mark.parametrize(
        ("direction", "minimum", "energy"),
        [("forward", SECOND_MINIMUM, SECOND_ENERGY), ("reverse", FIRST_MINIMUM, FIRST_ENERGY)],
    )
    def test_it_ends_in_the_minimum(self, direction, minimum, energy):
        result = run_irc(at(SADDLE), MullerBrown(), direction=direction)
        assert result["atoms"].positions[0, :2] == pytest.approx(minimum, abs=0.02)
        points = result["points"]
        assert points["energies"][[0, -1]] == pytest.approx([SADDLE_ENERGY, energy], abs=2e-3)
        assert (np.diff(points["energies"]) < 0).all()
        # the slope is that of the energies themselves
        middle = len(points["energies"]) // 2
        differences = np.gradient(points["energies"], points["coordinates"])
        assert points["slopes"][middle] == pytest.approx(differences[middle], rel=0.05)
        assert result["steps"] + 1 == len(points["energies"]) == len(read(result["trajectory"], ":"))
        assert not result["atoms"].has("masses")

    def test_from_elsewhere_than_a_saddle_point(self):
        with pytest.raises(InputError, match="starts at a saddle point, and here a force is"):
            run_irc(NEAR, MullerBrown())
        with pytest.raises(ConvergenceError, match="Is this a saddle point"):
            run_irc(at(FIRST_MINIMUM), MullerBrown(), max_steps=20)

    def test_out_of_steps_is_a_failure(self):
        with pytest.raises(ConvergenceError, match=r"not come to its end after 3 steps.*dx"):
            run_irc(at(SADDLE), MullerBrown(), max_steps=3)
        result = run_irc(at(SADDLE), MullerBrown(), max_steps=3, allow_unconverged=True)
        assert (result["converged"], result["steps"]) == (False, 3)
        assert run_irc(at(SADDLE), MullerBrown(), resume_from=result)["steps"] > 3
        with pytest.raises(InputError, match=r"cannot go on from .*: direction is .*reverse.*, not .*forward"):
            run_irc(at(SADDLE), MullerBrown(), direction="reverse", resume_from=result)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"direction": "backward"}, "direction 'backward'"),
            ({"irc_kwargs": {"dy": 0.1}}, "dy"),
            ({"max_steps": 0}, "max_steps is 0"),
        ],
    )
    def test_bad_input(self, arguments, said):
        with pytest.raises(InputError, match=said):
            run_irc(at(SADDLE), MullerBrown(), **arguments)
