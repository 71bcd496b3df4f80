"""Codes for crystals that run here: ABINIT, CP2K, Elk, GPAW and Quantum ESPRESSO."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.stress import voigt_6_to_full_3x3_stress
from ase.units import GPa

from adatom import JobFailure, change_settings
from adatom.calculations import run_static
from adatom.errors import ConvergenceError, InputError, ProgramError
from adatom.recipes import abinit, cp2k, elk, espresso, gpaw
from tests.codes import provide_code


def distorted(atoms: Atoms) -> Atoms:
    atoms.rattle(0.05, seed=3)
    return atoms


@dataclass(frozen=True)
class Solid:
    """How the tests use a code.

    ``atoms`` is a crystal that is cheap for the code, away from its minimum; ``settings`` are its ``calc_kwargs``, and
    ``more`` further arguments of its jobs. ``forces`` is how much forces and differences of energies may differ
    (eV/Å), ``turned`` how much the energy (eV) and the forces may change when the crystal is turned.
    """

    module: Any
    atoms: Atoms
    settings: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)
    stress: bool = True
    slabs: bool = False  # whether periodicity along two vectors is another calculation
    forces: float = 2e-3
    turned: tuple[float, float] = (1e-4, 2e-3)

    @property
    def name(self) -> str:
        return self.module.__name__.rpartition(".")[2]

    @property
    def code(self) -> Any:
        return getattr(self.module, self.name)

    def static(self, atoms: Atoms, properties=("energy", "forces"), **settings):
        kwargs = {**self.settings, **settings}
        return self.module.static_job(atoms, calc_kwargs=kwargs, properties=list(properties), **self.more)

    @cache  # noqa: B019
    def known(self):
        properties = ["energy", "forces", *(["stress"] if self.stress else [])]
        return self.static(self.atoms, properties)["results"]

    def __hash__(self) -> int:
        return hash(self.name)


SILICON = distorted(bulk("Si", a=5.3))
SOLIDS = [
    Solid(abinit, SILICON, {"pps": "hgh", "ecut": 250, "ecutsm": 0.5, "kpts": [2, 2, 2]}),
    Solid(
        cp2k,
        distorted(Atoms("H2", [(0, 0, 0), (0.3, 0, 0.8)], cell=[5, 5.2, 5.5], pbc=True)),
        {
            "basis_set": "SZV-MOLOPT-SR-GTH",
            "cutoff": 4000,
            "kpts": [1, 2, 1],
            "inp": "&FORCE_EVAL\n&DFT\n&SCF\nEPS_SCF 1e-7\n&END\n&END\n&END",
        },
        turned=(5e-3, 5e-2),  # the atoms are elsewhere on the grid
    ),
    # the species take turns, so that the order of the forces counts
    Solid(
        elk,
        distorted(bulk("LiH", "rocksalt", a=4.0) * (1, 1, 2)),
        {"kpts": [1, 1, 1]},
        stress=False,
        forces=2e-2,
        turned=(1e-3, 1e-2),
    ),
    Solid(
        gpaw,
        SILICON,
        {
            "mode": {"name": "pw", "ecut": 200, "dedecut": "estimate"},
            "kpts": [2, 2, 2],
            "occupations": {"name": "fermi-dirac", "width": 0.01},
            "convergence": {"density": 1e-6},
        },
        slabs=True,
        forces=2e-2,  # the augmentation spheres move over the grid
        turned=(2e-3, 2e-2),
    ),
    Solid(
        espresso,
        SILICON,
        {"input_data": {"ecutwfc": 30, "conv_thr": 1e-9}, "kpts": (2, 2, 2)},
        {"preset": ["semiconductor", "lda"]},
    ),
]
HYDROGEN = molecule("H2", vacuum=2.5)
OF_HYDROGEN = {"basis_set": "SZV-MOLOPT-SR-GTH", "cutoff": 2700}
NEW = [solid for solid in SOLIDS if solid.module is not espresso]


def short(value) -> str:
    return value.name if isinstance(value, Solid) else ""


def solids(*of):
    return pytest.mark.parametrize("solid", [solid for solid in SOLIDS if solid.module in of], ids=short)


@pytest.fixture(params=SOLIDS, ids=short)
def solid(request):
    return request.param


@pytest.fixture(autouse=True)
def programs(request):
    if solid := request.node.callspec.params.get("solid") if hasattr(request.node, "callspec") else None:
        provide_code(solid.name)


def test_forces_are_the_derivative_of_the_energy(solid):
    """Along a direction in which all atoms move, each by another vector."""
    direction = np.random.default_rng(1).normal(size=solid.atoms.positions.shape)
    direction /= np.linalg.norm(direction)
    energies = []
    for step in (0.01, -0.01):
        moved = solid.atoms.copy()
        moved.positions += step * direction
        energies.append(solid.static(moved)["results"]["energy"])
    slope = -(solid.known()["forces"] * direction).sum()
    assert abs(slope) > 0.05
    assert slope == pytest.approx((energies[0] - energies[1]) / 0.02, abs=solid.forces)


@solids(abinit, cp2k, espresso, gpaw)
def test_stress_is_the_derivative_of_the_energy(solid):
    """Along a strain that changes the volume and all angles."""
    strain = np.array([[0.6, 0.3, -0.2], [0.3, 0.4, 0.1], [-0.2, 0.1, 0.5]])
    energies = []
    for step in (0.01, -0.01):
        strained = solid.atoms.copy()
        strained.set_cell(solid.atoms.cell.array @ (np.eye(3) + step * strain), scale_atoms=True)
        energies.append(solid.static(strained)["results"]["energy"])
    slope = (voigt_6_to_full_3x3_stress(solid.known()["stress"]) * strain).sum() * solid.atoms.get_volume()
    assert slope == pytest.approx((energies[0] - energies[1]) / 0.02, rel=0.04)


def test_the_cell_may_be_turned_left_handed_and_partly_periodic(solid):
    """The same lattice has the same energy, and its vectors turn with it."""
    other = solid.atoms.copy()
    other.rotate(35, (1, 2, 3), rotate_cell=True)
    other.set_cell(-other.cell.array)
    other.pbc = (True, True, solid.slabs)
    assert other.cell.handedness == -1
    found, known = solid.static(other)["results"], solid.known()
    energy, forces = solid.turned
    assert found["energy"] == pytest.approx(known["energy"], abs=energy)
    turned = Atoms(solid.atoms.numbers, known["forces"])
    turned.rotate(35, (1, 2, 3))
    assert found["forces"] == pytest.approx(turned.positions, abs=forces)


def written(solid: Solid, atoms: Atoms, settings: Mapping[str, Any], directory: Path) -> str:
    """The input of a calculator, which does not run."""
    calculator = solid.code.calculator(atoms, settings)
    calculator.directory = directory
    calculator.write_inputfiles(atoms, ["energy"])
    return (directory / f"{solid.name}.in").read_text()


@solids(abinit, cp2k, elk)
def test_a_charge_is_given_by_a_number_or_by_the_atoms(solid):
    _check_charge(solid)


def _check_charge(solid):
    neutral, settings = (HYDROGEN, OF_HYDROGEN) if solid.module is cp2k else (solid.atoms, solid.settings)
    charged = neutral.copy()
    charged.set_initial_charges([1 / len(charged)] * len(charged))
    carried, said, known = (
        solid.module.static_job(atoms, calc_kwargs={**settings, **more})["results"]
        for atoms, more in ((charged, {}), (neutral, {"charge": 1}), (neutral, {}))
    )
    assert carried["energy"] == pytest.approx(said["energy"], abs=1e-5)
    assert abs(said["energy"] - known["energy"]) > 1  # eV


@pytest.mark.deep(reason="a minute; which charge GPAW gets is in test_inputs_of_codes")
@solids(gpaw)
def test_a_charge_of_gpaw(solid):
    _check_charge(solid)


OF_IRON = {
    abinit: {"pps": "pspnc", "ecut": 250, "kpts": [2, 2, 2], "smearing": ("gaussian", 0.3), "nband": 10},
    elk: {"kpts": [2, 2, 2]},
    gpaw: {"mode": {"name": "pw", "ecut": 200}, "kpts": [2, 2, 2]},
}


@solids(abinit, elk, gpaw)
def test_moments_are_those_of_the_structure(solid, tmp_path):
    """Their signs are those of the result, and each atom has its own."""
    atoms, found = bulk("Fe"), {}
    for moment in (0, 2.5, -2.5):
        atoms.set_initial_magnetic_moments([moment])
        found[moment] = solid.module.static_job(atoms, calc_kwargs=OF_IRON[solid.module])["results"]
    assert found[0].get("magmom", 0) == 0
    assert found[2.5]["magmom"] > 1
    assert found[-2.5]["magmom"] == pytest.approx(-found[2.5]["magmom"], abs=0.01)
    assert found[2.5]["energy"] == pytest.approx(found[-2.5]["energy"], abs=1e-3)
    assert found[2.5]["energy"] < found[0]["energy"] - 0.1  # eV; with a field that stays it is many eV
    if solid.module is gpaw:  # it has no input file
        return
    cubic = bulk("Fe", cubic=True)
    cubic.set_initial_magnetic_moments([2.5, -2.5])
    lines = written(solid, cubic, OF_IRON[solid.module], tmp_path).splitlines()
    if solid.module is abinit:
        assert [float(line.split()[2]) for line in lines[1:3]] == [2.5, -2.5]
    else:
        assert [float(line.split()[5]) for line in lines[-2:]] == pytest.approx([-0.075, 0.075])


def test_moments_of_cp2k():
    """O2 is a triplet by its multiplicity or its moments; opposite moments have a kind each, and another energy."""
    provide_code("cp2k")
    oxygen = Atoms("O2", positions=[(0, 0, 0), (0, 0, 1.25)])
    oxygen.center(3)
    kwargs = {"basis_set": "SZV-MOLOPT-SR-GTH", "cutoff": 2700}

    def static(moments, **more):
        atoms = oxygen.copy()
        atoms.set_initial_magnetic_moments(moments)
        return cp2k.static_job(atoms, calc_kwargs={**kwargs, **more})

    triplet, same, opposite = static([1, 1]), static(None, multiplicity=3), static([1, -1])
    assert triplet["results"]["energy"] == pytest.approx(same["results"]["energy"], abs=1e-4)
    assert triplet["results"]["energy"] < opposite["results"]["energy"] - 0.3
    text = (Path(opposite["dir_name"]) / "cp2k.inp").read_text()
    assert "MAGNETIZATION 1.0" in text
    assert "MAGNETIZATION -1.0" in text
    assert "stress" not in triplet["results"]


@solids(abinit, cp2k, elk)
def test_a_spacing_gives_the_numbers_of_the_flow(solid, tmp_path):
    long = solid.atoms.copy()
    grid = solid.code.derive(long, {"kspacing": 0.8}, None)
    assert grid["kspacing"] is None
    assert max(grid["kpts"]) > 1
    if solid.module is cp2k:
        one = solid.static(long, kpts=None, kspacing=0.8)
        text = (Path(one["dir_name"]) / "cp2k.inp").read_text()
        opposite_to_itself = np.prod([2 - number % 2 for number in grid["kpts"]])
        assert text.count("KPOINT ") == (np.prod(grid["kpts"]) + opposite_to_itself) / 2
    else:
        text = written(solid, long, {**solid.settings, "kpts": None, "kspacing": 0.8}, tmp_path)
        assert " ".join(map(str, grid["kpts"])) in text


@pytest.mark.parametrize(
    ("solid", "settings", "message"),
    [
        (SOLIDS[0], {"nstep": 3}, "ConvergenceError: The SCF of abinit did not converge. Give a larger nstep"),
        (SOLIDS[0], {"ecutt": 3}, "(?s)ProgramError: abinit ended with exit status 14.*ECUTT"),
        (SOLIDS[1], {"max_scf": 2}, "ConvergenceError: The SCF of CP2K did not converge. Give a larger max_scf"),
        (
            SOLIDS[1],
            {"inp": "&FORCE_EVAL\n&DFT\n&NOPE\n&END\n&END\n&END"},
            "(?s)ProgramError: CP2K ended with exit status 1.*unknown subsection NOPE",
        ),
        (SOLIDS[1], {"pseudo_potential": None}, "(?s)ProgramError: CP2K ended.*[Pp]otential"),
        (SOLIDS[2], {"maxscl": 3}, "ConvergenceError: The SCF of elk-lapw did not converge. Give a larger maxscl"),
        (SOLIDS[2], {"ecutt": 3}, "(?s)ProgramError: elk-lapw ended without a result.*invalid block name : ecutt"),
        (SOLIDS[3], {"maxiter": 2}, "ConvergenceError: The SCF of gpaw did not converge.*Raise maxiter"),
        (SOLIDS[3], {"xc": "PBX"}, "ProgramError: gpaw raised NameError: Unknown functional: .PBX"),
        (SOLIDS[3], {"setups": "none"}, "ProgramError: gpaw raised FileNotFoundError: .*Si.none.PBE"),
    ],
    ids=lambda value: value.name if isinstance(value, Solid) else "",
)
def test_a_failure_says_why_and_keeps_its_files(solid, settings, message):
    with pytest.raises(JobFailure, match=message) as caught:
        solid.static(solid.atoms, **settings)
    assert list(Path(caught.value.failure.directory).glob(f"{solid.name}.*"))
    assert not processes("cp2k")


SLAB = Atoms("Ni", cell=bulk("Ni").cell, pbc=(True, True, False))
NICKEL = Atoms("Ni", cell=bulk("Ni").cell, pbc=True, magmoms=[[0, 0, 1]])


@pytest.mark.parametrize(
    ("solid", "atoms", "settings", "message"),
    [
        *[(solid, molecule("H2O"), {}, "needs a cell of three vectors.*atoms.center") for solid in NEW],
        *[(solid, bulk("Si"), {"kpts": None}, "kpts is None. Give three integers .*or kspacing") for solid in NEW],
        *[(solid, bulk("Si"), {"kspacing": 0.3}, "kpts is .*and kspacing is 0.3. Give one") for solid in NEW],
        *[(solid, bulk("Si"), {"kpts": None, "kspacing": -1}, "kspacing is -1") for solid in NEW],
        *[(solid, NICKEL, {}, "moments are vectors") for solid in NEW],
        (SOLIDS[0], bulk("Si"), {"ecut": None}, "There is no cutoff: give calc_kwargs={'ecut': 500}"),
        (SOLIDS[0], bulk("Si"), {"pps": "psp9"}, "Could not find lda pseudopotential psp9 for Si.*ADATOM_DATA_DIRS"),
        (SOLIDS[0], bulk("Si"), {"nsppol": 2}, "nsppol is 2, and the job sets it.*initial magnetic moments"),
        (SOLIDS[1], bulk("Si"), {"basis": "x"}, "Unknown argument of CP2K 'basis'. Did you mean 'basis_set'"),
        (SOLIDS[1], bulk("Si"), {"basis_set": "TZ"}, "BASIS_MOLOPT has no 'TZ' for Si. basis_set can be: DZVP-MOLOPT"),
        (SOLIDS[1], bulk("Si"), {"multiplicity": 2}, "28 electrons, and the multiplicity is 2"),
        (SOLIDS[1], bulk("Si"), {"inp": "&FORCE_EVAL\n&DFT\n&KPOINTS\n&END\n"}, "inp has a section KPOINTS.*Give one"),
        (SOLIDS[1], molecule("H2", vacuum=2), {"kpts": [2, 1, 1]}, "is not periodic, and its k points are"),
        (SOLIDS[3], bulk("Si"), {"ecut": 200}, "Unknown argument of GPAW 'ecut'"),
        (SOLIDS[3], SLAB, {}, "kpts is .2, 2, 2., and the structure is periodic along .True, True, False"),
        (SOLIDS[2], bulk("Si"), {"sppath": "/nowhere"}, "There is no Si.in in /nowhere. Set ADATOM_DATA_DIRS__ELK"),
    ],
    ids=lambda value: value.name if isinstance(value, Solid) else "",
)
def test_bad_input_is_refused(solid, atoms, settings, message):
    with pytest.raises(InputError, match=message):
        solid.code.calculator(atoms, {**solid.settings, **settings})


@pytest.mark.deep(reason="many steps")
@solids(abinit, cp2k, elk)
def test_a_relaxed_structure_is_at_the_minimum(solid):
    """Of the atoms, and for silicon of the cell."""
    relax_cell = solid.atoms is SILICON
    relaxed = solid.module.relax_job(solid.atoms, fmax=0.05, relax_cell=relax_cell, calc_kwargs=solid.settings)
    assert relaxed["results"]["energy"] < solid.known()["energy"] - 0.05
    assert np.linalg.norm(relaxed["results"]["forces"], axis=1).max() < 0.05
    if relax_cell:
        assert np.abs(relaxed["results"]["stress"]).max() / GPa < 1


@solids(cp2k)
def test_a_band_has_a_process_for_each_image(solid):
    first, last = HYDROGEN.copy(), HYDROGEN.copy()
    last.positions[1] += (0, 0.1, 0.2)
    images = [first, HYDROGEN.copy(), last]
    images[1].positions[1] += (0.02, 0.05, 0.1)
    band = cp2k.neb_job(images, fmax=5, max_steps=2, climb=False, calc_kwargs=OF_HYDROGEN)
    assert len(band["points"]) == 3
    assert [*Path(band["dir_name"]).glob("image-1/cp2k.inp")]
    assert not processes("cp2k")


def test_no_stress_is_no_relaxed_cell():
    provide_code("elk")
    with pytest.raises(JobFailure, match="stress"):
        elk.relax_job(bulk("Si"), relax_cell=True, calc_kwargs={"kpts": [1, 1, 1]})


@solids(abinit, cp2k, elk)
def test_what_is_not_there_is_told_before_the_run(solid):
    name, program = solid.name, {"abinit": "abinit", "cp2k": "cp2k.psmp", "elk": "elk"}[solid.name]
    with (
        change_settings(commands={name: f"/nowhere/{program}"}),
        pytest.raises(InputError, match=f"(?s)/nowhere/{program} is not there.*ADATOM_COMMANDS__.*apt-get install"),
    ):
        solid.code.calculator(solid.atoms, solid.settings)
    with (
        change_settings(data_dirs={name: "/nowhere"}),
        pytest.raises(InputError, match=f"There is no directory /nowhere for .* Set ADATOM_DATA_DIRS__{name.upper()}"),
    ):
        solid.code.calculator(solid.atoms, solid.settings)


@solids(abinit, cp2k, elk)
def test_a_program_that_dies_is_told(solid, tmp_path):
    program = tmp_path / {"abinit": "abinit", "cp2k": "cp2k.psmp", "elk": "elk-lapw"}[solid.name]
    program.write_text("#!/bin/sh\necho about to die\nkill -9 $$\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with (
        change_settings(commands={solid.name: str(program)}),
        pytest.raises(ProgramError, match="(?s)was killed by SIGKILL.*about to die"),
    ):
        run_static(solid.atoms, solid.code.calculator(solid.atoms, solid.settings))


# ------------------------------------------------------------------------------------------ the process of CP2K


def processes(name: str) -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if name in child.name()]


@solids(cp2k)
def test_one_process_serves_all_steps(solid):
    run = cp2k.md_job(HYDROGEN, steps=4, timestep=0.2, temperature=None, interval=1, calc_kwargs=OF_HYDROGEN)
    text = (Path(run["dir_name"]) / "cp2k.out").read_text()
    assert text.count("PROGRAM STARTED AT") == 1
    assert text.count("SCF run converged") == 5
    again = cp2k.static_job(run["atoms"], calc_kwargs=OF_HYDROGEN)["results"]
    assert run["results"]["energy"] == pytest.approx(again["energy"], abs=1e-4)
    assert run["results"]["forces"] == pytest.approx(again["forces"], abs=1e-2)
    assert not processes("cp2k")


@pytest.mark.deep(reason="six runs; steps of dynamics are in another test")
@solids(cp2k)
def test_it_follows_the_cell_and_the_species(solid):
    """A calculator that goes on to another cell, or to another structure, has the results of a new one."""
    calculator, strained, other = (
        solid.code.calculator(solid.atoms, solid.settings),
        solid.atoms.copy(),
        solid.atoms[:3],
    )
    strained.set_cell(strained.cell.array * 1.002, scale_atoms=True)
    for atoms in (solid.atoms, strained, other):
        fresh = solid.static(atoms)["results"]
        atoms = atoms.copy()
        atoms.calc = calculator
        assert atoms.get_potential_energy() == pytest.approx(fresh["energy"], abs=2e-3)
        assert atoms.get_forces() == pytest.approx(fresh["forces"], abs=2e-2)
    assert len(processes("cp2k")) == 1
    calculator.close()
    assert not processes("cp2k")


@solids(cp2k)
def test_it_ends_with_a_calculation_that_is_interrupted(solid):
    class Stop(Exception):
        pass

    from adatom.calculations.calculation import calculation

    calculator = cp2k.cp2k.calculator(HYDROGEN, OF_HYDROGEN)
    with pytest.raises(Stop), calculation("stopped", HYDROGEN, calculator) as run:
        run.properties()
        assert processes("cp2k")
        raise Stop
    assert not processes("cp2k")


@solids(cp2k)
def test_an_scf_that_fails_later_on_is_found(solid):
    calculator, oxygen = cp2k.cp2k.calculator(HYDROGEN, {**OF_HYDROGEN, "max_scf": 7}), HYDROGEN.copy()
    oxygen.symbols[:] = "O"
    calculator.calculate(HYDROGEN, ["energy"])
    with pytest.raises(ConvergenceError):
        calculator.calculate(oxygen, ["energy"])
    assert not processes("cp2k")


@solids(cp2k, gpaw)
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two ranks")
def test_it_runs_on_the_ranks_of_the_job(solid):
    atoms, settings, file, said = {
        cp2k: (HYDROGEN, OF_HYDROGEN, "cp2k.out", r"Total number of message passing processes +2\b"),
        gpaw: (solid.atoms, solid.settings, "gpaw.txt", r"Total number of cores used: 2\b"),
    }[solid.module]
    on_two = solid.module.static_job.with_options(resources={"ranks_per_node": 2})
    found = on_two(atoms, calc_kwargs=settings)
    assert re.search(said, (Path(found["dir_name"]) / file).read_text())
    assert not processes("cp2k")
    if solid.module is gpaw:
        assert found["results"]["energy"] == pytest.approx(solid.known()["energy"], abs=1e-6)


# ------------------------------------------------------------------------------------------ codes against each other


def test_two_codes_agree():
    """ABINIT and CP2K have the same pseudopotentials: those of Hartwigsen, Goedecker and Hutter."""
    for name in ("abinit", "cp2k"):
        provide_code(name)
    atoms = Atoms("H2", positions=[(0, 0, 0), (0.1, 0, 0.9)], cell=[4, 4, 4.5], pbc=True)
    waves = abinit.static_job(atoms, calc_kwargs={"pps": "hgh", "ecut": 1800, "kpts": [1, 1, 1]})["results"]
    kwargs = {"basis_set_file": "GTH_BASIS_SETS", "basis_set": "QZV2P-GTH", "cutoff": 6000, "kpts": [1, 1, 1]}
    functions = cp2k.static_job(atoms, calc_kwargs=kwargs)["results"]
    assert 0 < functions["energy"] - waves["energy"] < 0.05  # eV: plane waves are the larger basis
    assert functions["forces"] == pytest.approx(waves["forces"], abs=0.1)  # eV/Å, of 2.2


OF_SILICON = {
    abinit: {"calc_kwargs": {"pps": "hgh", "ecut": 400, "ecutsm": 0.5}},
    elk: {"calc_kwargs": {}},
    gpaw: {"calc_kwargs": {"mode": {"name": "pw", "ecut": 350}, "xc": "LDA"}},
    espresso: {"calc_kwargs": {"input_data": {"ecutwfc": 30}}, "preset": ["semiconductor", "lda"]},
}


@pytest.mark.deep(reason="minutes: four codes, five volumes each")
def test_codes_agree_on_silicon():
    """Lattice constant and bulk modulus of LDA, by pseudopotentials of two kinds, projectors, and all electrons."""
    found = {}
    for module, options in OF_SILICON.items():
        provide_code(module.__name__.rpartition(".")[2])
        kwargs = {**options, "calc_kwargs": {**options["calc_kwargs"], "kpts": [4, 4, 4]}}
        strains = [-0.06, -0.03, 0, 0.03, 0.06]
        flow = module.eos_flow(bulk("Si", a=5.4), strains=strains, relax_ions=False, job_params={"all": kwargs})
        found[module] = flow["eos"]
    lengths = [(4 * eos["v0"]) ** (1 / 3) for eos in found.values()]
    moduli = [eos["bulk_modulus"] for eos in found.values()]
    assert max(lengths) / min(lengths) < 1.01, lengths
    assert max(moduli) / min(moduli) < 1.05, moduli
    assert np.mean(moduli) == pytest.approx(96, rel=0.05)  # GPa, LDA
