"""Vibrations, dynamics, transition states and paths with the codes for crystals that run here."""

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import read

from adatom.recipes import abinit, cp2k, elk, gpaw
from tests.codes import provide_code

pytestmark = [
    pytest.mark.deep(reason="dozens of energies by density functionals take minutes"),
    pytest.mark.timeout(1800),  # beside other tests
]

OF_SILICON: dict[Any, dict[str, Any]] = {
    abinit: {"pps": "hgh", "ecut": 300, "kpts": [3, 3, 3]},
    elk: {"kpts": [3, 3, 3]},
    gpaw: {"mode": {"name": "pw", "ecut": 250}, "xc": "LDA", "kpts": [4, 4, 4], "convergence": {"density": 1e-6}},
}
# Ammonia turns inside out, in a box. Elk's spheres around its H would be too small: there, H hops in a crystal.
OF_AMMONIA: dict[Any, dict[str, Any]] = {
    abinit: {"pps": "hgh", "ecut": 500, "kpts": [1, 1, 1], "socket": True},
    cp2k: {
        "basis_set": "DZVP-MOLOPT-SR-GTH",
        "cutoff": 4000,
        "inp": "&FORCE_EVAL\n&DFT\n&SCF\nEPS_SCF 1e-7\n&END\n&END\n&END",
    },
    gpaw: {"mode": "lcao", "basis": "dzp", "h": 0.2, "xc": "LDA", "convergence": {"density": 1e-6}},
}


def name(module) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", OF_SILICON, ids=name)
def test_the_optical_phonon_and_the_dynamics_of_silicon(module):
    """Its frequency at Γ is 15.5 THz by experiment and in LDA; the energy is constant while it vibrates."""
    provide_code(name(module))
    settings = OF_SILICON[module]
    crystal = bulk("Si", a=5.4)
    vibrations = module.freq_job(crystal, calc_kwargs=settings)
    optical = vibrations["results"]["frequencies"][-3:]  # cm⁻¹
    assert optical == pytest.approx(517, rel=0.05)
    assert np.ptp(optical) < 5
    moved = crystal.copy()
    moved.positions[1] += 0.05
    run = module.md_job(moved, steps=4, timestep=4, interval=1, calc_kwargs=settings)
    energies = [(image.get_potential_energy(), image.get_kinetic_energy()) for image in read(run["trajectory"], ":")]
    assert max(kinetic for _, kinetic in energies) > 0.02
    assert np.ptp([sum(both) for both in energies]) < 0.003


@pytest.fixture(scope="module", params=OF_AMMONIA, ids=name)
def inversion(request):
    """The planar transition state of ammonia, by a code."""
    module = request.param
    provide_code(name(module))
    hydrogen = [(np.cos(angle), np.sin(angle), 0) for angle in 2 * np.pi * np.arange(3) / 3]
    planar = Atoms("NH3", [(0, 0, 0.05), *hydrogen])
    planar.rattle(0.01, seed=1)
    planar.center(3 if module is cp2k else 2.5)
    return module, module.ts_job(planar, fmax=0.05, calc_kwargs=OF_AMMONIA[module])


def height(atoms: Atoms) -> float:
    """The distance of N from the plane of the H, whose sign tells the side."""
    n, a, b, c = atoms.positions
    normal = np.cross(b - a, c - a)
    return float((n - a) @ normal / np.linalg.norm(normal))


def test_the_transition_state_of_ammonia_is_planar_and_has_one_imaginary_mode(inversion):
    module, state = inversion
    assert height(state["atoms"]) == pytest.approx(0, abs=0.02)
    vibrations = module.freq_job(state["atoms"], calc_kwargs=OF_AMMONIA[module])
    frequencies = vibrations["results"]["frequencies"]
    assert frequencies[0] < -400  # cm⁻¹
    assert frequencies[1] > 400


def test_a_band_and_a_path_from_the_state_agree(inversion):
    module, state = inversion
    settings = OF_AMMONIA[module]
    end = module.irc_job(state["atoms"], fmax=0.2, calc_kwargs=settings)["atoms"]
    assert abs(height(end)) == pytest.approx(0.4, abs=0.08)  # Å
    low = molecule("NH3")
    low.set_cell(state["atoms"].cell)
    low.center()
    low = module.relax_job(low, fmax=0.05, calc_kwargs=settings)
    other, middle = low["atoms"].copy(), low["atoms"].copy()
    plane = other.positions[1:, 2].mean()
    other.positions[:, 2] = 2 * plane - other.positions[:, 2]
    middle.positions[:, 2] = plane
    band = module.neb_job([low["atoms"], middle, other], fmax=0.1, calc_kwargs=settings)
    barrier = band["results"]["energy"] - low["results"]["energy"]
    assert 0.1 < barrier < 0.4
    assert barrier == pytest.approx(state["results"]["energy"] - low["results"]["energy"], abs=0.03)


def with_hydrogen(x: float, y: float, z: float) -> Atoms:
    """Lithium hydride, stretched so that Elk's spheres keep their radii, with H at a place given in the cubic cell."""
    crystal = bulk("LiH", "rocksalt", a=4.8)
    crystal.positions[1] = crystal.positions[0] + 4.8 * np.array([x, y, z])
    return crystal


def test_the_hop_of_hydrogen_between_tetrahedral_sites_by_elk():
    """The state lies in the mirror plane of the two sites, has one imaginary mode, and is the top of a band."""
    provide_code("elk")
    settings = {"kpts": [2, 2, 2]}
    state = elk.ts_job(with_hydrogen(0.36, 0.36, 0.52), fmax=0.02, calc_kwargs=settings)
    x, y, z = state["atoms"].get_distance(0, 1, vector=True) / 4.8
    assert x == pytest.approx(y, abs=0.002)
    assert z == pytest.approx(0.5, abs=0.005)
    with pytest.warns(UserWarning, match="1 vibrations of HLi are imaginary"):
        frequencies = elk.freq_job(state["atoms"], calc_kwargs=settings)["results"]["frequencies"]  # cm⁻¹
    assert frequencies[0] < -400
    assert frequencies[1] > 400
    ends = [with_hydrogen(0.25, 0.25, z) for z in (0.25, 0.75)]
    band = elk.neb_job([ends[0], with_hydrogen(0.36, 0.36, 0.5), ends[1]], fmax=0.05, calc_kwargs=settings)
    assert band["results"]["energy"] == pytest.approx(state["results"]["energy"], abs=0.005)
    end = elk.irc_job(state["atoms"], fmax=0.1, calc_kwargs=settings)["atoms"]
    low = elk.static_job(ends[0], calc_kwargs=settings)["results"]["energy"]
    assert end.get_distance(0, 1, mic=True) == pytest.approx(4.8 * 0.25 * 3**0.5, abs=0.15)  # Å
    assert 0.2 < state["results"]["energy"] - low < 0.3
