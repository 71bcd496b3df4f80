import threading
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.io import read

from adatom.analysis.path import reaction_path
from adatom.atoms.bands import make_band
from adatom.calculations import run_neb
from adatom.calculations.neb import BAND_OPTIMIZERS
from adatom.errors import ConvergenceError, InputError, UnknownNameError
from adatom.schemas.save import load_results, save_results
from adatom.settings import get_settings
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


def band(images=5):
    return make_band(at(FIRST_MINIMUM), at(SECOND_MINIMUM), images, "linear")


def run(calculator=MullerBrown, **kwargs):
    images = band()
    return run_neb(images, [calculator() for _ in images], **kwargs)


@pytest.mark.parametrize("optimizer", BAND_OPTIMIZERS)
def test_the_saddle_point_and_the_barriers(optimizer):
    result = run(optimizer=optimizer, fmax=0.02)
    path = reaction_path(result["points"])
    assert path["forward_barrier"] == pytest.approx(SADDLE_ENERGY - FIRST_ENERGY, abs=1e-3)
    assert path["reverse_barrier"] == pytest.approx(SADDLE_ENERGY - SECOND_ENERGY, abs=1e-3)
    assert path["reaction_energy"] == pytest.approx(SECOND_ENERGY - FIRST_ENERGY, abs=1e-4)
    assert result["atoms"].positions[0, :2] == pytest.approx(SADDLE, abs=3e-3)
    assert result["results"]["energy"] == pytest.approx(SADDLE_ENERGY, abs=1e-3)
    assert np.linalg.norm(result["results"]["forces"]) < 0.02
    assert (result["converged"], result["atoms"].calc) == (True, None)


def test_without_climbing_the_curve_says_more_than_the_images():
    path = reaction_path(run(climb=False)["points"])
    barrier = SADDLE_ENERGY - FIRST_ENERGY
    assert abs(path["curve_energies"].max() - barrier) < 0.03 < barrier - path["forward_barrier"]


def test_the_band_is_at_the_end_of_the_trajectory():
    result = run()
    frames = read(result["trajectory"], ":")
    assert len(frames) == 7 * (result["steps"] + 1)
    energies = np.array([frame.get_potential_energy() for frame in frames[-7:]])
    np.testing.assert_allclose(energies, result["points"]["energies"], atol=1e-12)
    assert frames[-7 + int(energies.argmax())].positions == pytest.approx(result["atoms"].positions)
    log = (Path(result["dir_name"]) / "neb.log").read_text()
    assert len(log.splitlines()) == result["steps"] + 2


def test_the_result_goes_through_json(tmp_path):
    result = run()
    back = load_results(save_results(result, tmp_path / "neb.json"))
    assert back["points"].keys() == result["points"].keys()
    np.testing.assert_array_equal(back["points"]["energies"], result["points"]["energies"])


class Watched(MullerBrown):
    """Counts how many of it work at the same time, and what settings they see."""

    lock, working, most, places = threading.Lock(), 0, 0, set()

    def calculate(self, *args, **kwargs):
        kind = type(self)
        with kind.lock:
            kind.working += 1
            kind.most = max(kind.most, kind.working)
            kind.places.add(get_settings().results_dir)
        time.sleep(0.005)
        super().calculate(*args, **kwargs)
        with kind.lock:
            kind.working -= 1


@pytest.mark.parametrize("threads", [1, 3])
def test_images_are_computed_side_by_side(threads, results_dir):
    class Own(Watched):
        places = set()  # noqa: RUF012

    few = {"max_steps": 5, "allow_unconverged": True}
    result = run(Own, threads=threads, **few)
    assert Own.most == threads
    assert Own.places == {results_dir}
    assert result["points"]["energies"] == pytest.approx(run(**few)["points"]["energies"], abs=1e-12)


def test_an_image_that_fails_fails_the_band(results_dir):
    class Broken(MullerBrown):
        def calculate(self, atoms, *args, **kwargs):
            if atoms.positions[0, 0] > -0.2 and len(args[1]) < 6:
                raise RuntimeError("no SCF")
            super().calculate(atoms, *args, **kwargs)

    with pytest.raises(RuntimeError, match="no SCF"):
        run(Broken, threads=2)
    assert [path.name.startswith("failed-neb") for path in results_dir.iterdir()] == [True]


def test_atoms_at_one_place_are_an_error():
    images = [Atoms("Ar2", positions=[[0, 0, 0], [x, 0, 0]]) for x in (4, 0, -4)]
    with np.errstate(all="ignore"), pytest.raises(ConvergenceError, match="not a number. Are atoms at the same place"):
        run_neb(images, [LennardJones(sigma=3.4, epsilon=0.01) for _ in images])


def test_out_of_steps_is_a_failure_that_can_be_gone_on_from(results_dir):
    with pytest.raises(ConvergenceError, match=r"fmax=0.02.*3 steps.*resume_from"):
        run(fmax=0.02, max_steps=3)
    (left,) = results_dir.iterdir()
    result, whole = run(fmax=0.02, resume_from=left), run(fmax=0.02)
    assert result["steps"] == whole["steps"]
    assert result["points"]["energies"] == pytest.approx(whole["points"]["energies"], abs=1e-9)
    assert len(read(result["trajectory"], ":")) == len(read(whole["trajectory"], ":"))
    with pytest.raises(InputError, match="climb is false, not true"):
        run(fmax=0.02, climb=False, resume_from=left)


def test_out_of_steps_can_be_accepted_and_shows():
    result = run(max_steps=2, allow_unconverged=True)
    assert (result["converged"], result["steps"]) == (False, 2)
    assert (Path(result["dir_name"]) / "UNCONVERGED").exists()


def test_the_images_are_not_changed():
    images = band()
    before = [image.copy() for image in images]
    run_neb(images, [MullerBrown() for _ in images])
    assert images == before


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"optimizer": "BFGSLineSearch"}, UnknownNameError, "optimizer of bands 'BFGSLineSearch'"),
        ({"threads": 0}, InputError, "threads is 0"),
        ({"fmax": 0}, InputError, "fmax is 0"),
        ({"neb_kwargs": {"methods": 1}}, InputError, "methods"),
        ({"neb_kwargs": {"method": "fastest"}}, InputError, "fastest"),
        ({"images": band()[:2]}, InputError, "three structures or more"),
        ({"images": at((0, 0))}, InputError, "three structures or more"),
        ({"images": [*band()[:-1], Atoms("He")]}, InputError, "have the same atoms; these are HHe and He"),
        ({"calculators": [MullerBrown()] * 7}, InputError, "7 images need a calculator each"),
        ({"calculators": [MullerBrown() for _ in range(6)]}, InputError, "and 6 are given"),
    ],
)
def test_bad_input(changes, error, said, results_dir):
    given = {"images": band(), "calculators": [MullerBrown() for _ in range(7)], **changes}
    with pytest.raises(error, match=said):
        run_neb(**given)
    assert not list(results_dir.rglob("*.traj"))
