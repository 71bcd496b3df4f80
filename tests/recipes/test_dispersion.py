"""Dispersion beside any code: the numbers of the packages, and what is refused."""

import os
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from adatom import JobFailure, explain
from adatom.calculations import run_static
from adatom.errors import InputError
from adatom.recipes import lj
from adatom.recipes.common.code import Code
from adatom.recipes.common.dispersion import DAMPINGS, MODELS, WithDispersion
from adatom.recipes.emt import bulk_to_slabs_flow, md_job, relax_job, static_job
from adatom.recipes.tblite import static_job as tblite_job
from tests.codes import needs_code
from tests.interpreter import run

D3 = {"model": "d3", "method": "PBE", "damping": "d3bj"}
D4 = {"model": "d4", "method": "PBE"}
# Fast, and smooth enough for differences.
SHORT = {"realspace_cutoff": {"disp2": 12.0, "disp3": 8.0, "cn": 10.0, "width2": 2.0, "width3": 2.0}}
KINDS = {
    "d3": {**D3, **SHORT},
    "d3zero": {**D3, **SHORT, "damping": "d3zero"},
    "d4": {**D4, **SHORT},
    "d4s": {**D4, **SHORT, "model": "d4s"},
}


def by_hand(kind, atoms):
    """Of the dispersion alone."""
    from dftd3.ase import DFTD3
    from dftd4.ase import DFTD4

    settings = dict(KINDS[kind])
    model = settings.pop("model")
    atoms = atoms.copy()
    atoms.calc = DFTD3(**settings) if model == "d3" else DFTD4(model=model, **settings)
    return atoms


def crystal():
    atoms = bulk("Cu") * (2, 1, 1)
    atoms.rattle(0.1, seed=1)
    return atoms


@needs_code("dispersion")
@pytest.mark.parametrize("kind", KINDS)
class TestSum:
    properties = ("energy", "forces", "stress")

    def test_it_is_the_code_and_the_package(self, kind):
        kwargs = {"asap_cutoff": True}
        plain = static_job(crystal(), properties=self.properties, calc_kwargs=kwargs)["results"]
        both = static_job(crystal(), properties=self.properties, calc_kwargs={**kwargs, "dispersion": KINDS[kind]})
        alone = by_hand(kind, crystal())
        assert alone.get_potential_energy() < -0.1
        difference = both["results"]["energy"] - plain["energy"]
        assert difference == pytest.approx(alone.get_potential_energy(), rel=1e-9)
        assert both["results"]["free_energy"] == both["results"]["energy"]
        np.testing.assert_allclose(both["results"]["forces"] - plain["forces"], alone.get_forces(), atol=1e-9)
        np.testing.assert_allclose(both["results"]["stress"] - plain["stress"], alone.get_stress(), atol=1e-9)
        assert not {"energies", "stresses"} & set(both["results"])
        shown = both["parameters"]["calculator"]
        assert (shown["name"], shown["asap_cutoff"]) == ("EMT", True)
        assert shown["dispersion"]["method"] == "PBE"

    def test_forces_and_stress_are_derivatives_of_the_energy(self, kind):
        kwargs = {"calc_kwargs": {"dispersion": KINDS[kind]}}
        results = static_job(crystal(), properties=self.properties, **kwargs)["results"]
        moved, strained = [], []
        for step in (-1e-3, 1e-3):
            atoms = crystal()
            atoms.positions[0, 0] += step
            moved.append(static_job(atoms, **kwargs)["results"]["energy"])
            atoms = crystal()
            atoms.set_cell(atoms.cell @ np.diag([1 + step, 1, 1]), scale_atoms=True)
            strained.append(static_job(atoms, **kwargs)["results"]["energy"])
        assert results["forces"][0, 0] == pytest.approx((moved[0] - moved[1]) / 2e-3, rel=1e-3)
        derivative = (strained[1] - strained[0]) / 2e-3 / crystal().get_volume()
        assert results["stress"][0] == pytest.approx(derivative, rel=1e-3)

    def test_a_relaxation_ends_where_both_forces_vanish(self, kind):
        settings = {"calc_kwargs": {"dispersion": KINDS[kind]}}
        relaxed = relax_job(crystal(), relax_cell=True, fmax=0.002, **settings)
        alone = by_hand(kind, relaxed["atoms"])
        pressure = static_job(relaxed["atoms"], properties=self.properties)["results"]["stress"]
        assert abs(alone.get_stress()[:3]).max() > 0.01
        np.testing.assert_allclose(pressure, -alone.get_stress(), atol=2e-4)


@needs_code("dispersion")
def test_a_molecule_with_any_job():
    kwargs = {"calc_kwargs": {"dispersion": D4}}
    energy = static_job(molecule("C6H6"), **kwargs)["results"]["energy"]
    dynamics = md_job(molecule("C6H6"), steps=10, timestep=0.2, **kwargs)["results"]
    assert dynamics["energy"] + dynamics["kinetic_energy"] == pytest.approx(energy, abs=1e-2)
    assert "stress" not in dynamics
    anion = molecule("C6H6")
    anion.set_initial_charges([-1] + 11 * [0])
    assert static_job(anion, **kwargs)["results"]["energy"] < energy - 1e-3


@needs_code("dispersion")
def test_with_another_code_and_in_a_flow():
    argon = {"sigma": 3.4, "epsilon": 0.0104, "rc": 12.0}
    result = lj.static_job(bulk("Ar", "fcc", 5.3), calc_kwargs={**argon, "dispersion": D3})
    assert result["parameters"]["calculator"]["name"] == "LennardJones"
    small = {"min_slab_size": 4.0, "min_vacuum_size": 10.0, "min_length_width": None, "max_index": 1}
    slabs = bulk_to_slabs_flow(
        bulk("Cu"),
        slab_kwargs=small,
        run_static=False,
        job_params={"relax_job": {"fmax": 0.2, "calc_kwargs": {"dispersion": D3}}},
    )
    assert {run["parameters"]["calculator"]["dispersion"]["name"] for run in slabs["relax"]} == {"DFTD3"}


@needs_code("dispersion")
def test_a_slab_whose_cell_ends_nowhere():
    """D3 leaves out the direction that is not periodic, whatever the cell has there."""
    energies = set()
    for vacuum in (5, 9):
        slab = fcc111("Cu", (1, 1, 2), vacuum=vacuum)
        energies.add(round(static_job(slab, calc_kwargs={"dispersion": D3})["results"]["energy"], 9))
    assert len(energies) == 1


class Program(Calculator):
    """What a code that runs a program does: as much as it is asked for, and in its directory."""

    implemented_properties = ("energy", "forces", "stress", "charges")

    def __init__(self):
        super().__init__()
        self.runs = []

    def calculate(self, atoms, properties, system_changes):
        super().calculate(atoms, properties, system_changes)
        self.runs.append((self.directory, sorted(properties)))
        calculator = LennardJones(sigma=2.2)
        calculator.calculate(atoms)
        self.results |= {name: calculator.results[name] for name in ("energy", *properties) if name != "charges"}
        self.results["charges"] = np.zeros(len(atoms))
        if "stress" in properties:
            self.results["stress"] = np.zeros((3, 3))


@needs_code("dispersion")
class TestProgram:
    def test_it_runs_once_and_in_the_directory_of_the_job(self):
        made = []
        code = Code("program", lambda: made.append(Program()) or made[-1])
        calculator = code.calculator(crystal(), {"dispersion": KINDS["d3"]})
        result = run_static(crystal(), calculator, properties=["energy", "forces", "stress"])
        [(directory, properties)] = made[0].runs
        assert os.path.basename(directory).endswith(os.path.basename(result["dir_name"]))
        assert properties == ["energy", "forces", "stress"]
        assert set(result["results"]) == {"energy", "forces", "stress", "charges"}
        assert result["results"]["stress"] == pytest.approx(by_hand("d3", crystal()).get_stress())

    def test_nothing_is_left_of_the_structure_before(self):
        calculator = Code("program", Program).calculator(crystal(), {"dispersion": D3})
        atoms = crystal()
        atoms.calc = calculator
        before = atoms.get_forces()
        atoms.positions[0] += 0.1
        atoms.get_potential_energy()
        assert "forces" not in calculator.results
        assert abs(atoms.get_forces() - before).max() > 0.01


@needs_code("dispersion")
def test_it_counts_in_the_key():
    cached = static_job.with_options(cache=True)
    cached(bulk("Cu"), calc_kwargs={"dispersion": D3})
    assert explain(cached, bulk("Cu"), calc_kwargs={"dispersion": dict(reversed(D3.items()))}).hit
    other = explain(cached, bulk("Cu"), calc_kwargs={"dispersion": {**D3, "method": "RPBE"}})
    assert not other.hit
    assert "calc_kwargs" in str(other)


SLAB = fcc111("Cu", (1, 1, 2), vacuum=5)
FLAT = SLAB.copy()
FLAT.cell[2] = 0
REFUSED = {
    "no dictionary": (bulk("Cu"), True, "dispersion is True. Give {'model'"),
    "an argument": (bulk("Cu"), {**D3, "dampng": "d3bj"}, "'dampng'. Did you mean 'damping'"),
    "no model": (bulk("Cu"), {"method": "PBE"}, "dispersion model None. Valid: d3, d4, d4s"),
    "a model": (bulk("Cu"), {**D3, "model": "D3"}, "dispersion model 'D3'. Did you mean 'd3'"),
    "no damping": (bulk("Cu"), {**D3, "damping": None}, "damping of D3 None. Valid: d3bj"),
    "damping of D4": (bulk("Cu"), {**D4, "damping": "d3bj"}, "D4 has one only"),
    "a cutoff": (bulk("Cu"), {**D3, "realspace_cutoff": {"disp": 9}}, "dispersion cutoff 'disp'. Did you mean 'disp3'"),
    "an element": (Atoms("Og"), D3, "D3 has no parameters for Og"),  # which would end the process
    "a slab for D4": (SLAB, D4, r"\[True, True, False\], and D4 repeats.*atoms.pbc = True"),
    "two vectors": (FLAT, D3, "needs three cell vectors, not 2"),
}
REFUSED_BY_THE_PACKAGES = {
    "a functional": (bulk("Cu"), {**D3, "method": "PBEE"}, "functional of D3 with d3bj 'PBEE'. Did you mean 'pbe'"),
    "a functional of D4": (bulk("Cu"), {**D4, "method": "b3lp"}, "functional of D4 'b3lp'. Did you mean 'b3l?yp'"),
    "no functional": (bulk("Cu"), {**D3, "method": None}, "functional of D3 with d3bj None. Valid: .*, pbe,"),
    "one for another damping": (bulk("Cu"), {**D3, "method": "r2scan", "damping": "d3zero"}, "d3zero 'r2scan'"),
}


def check_refused(case, results_dir):
    atoms, dispersion, said = case
    with pytest.raises(InputError, match=said):
        lj.static_job.fn(atoms, calc_kwargs={"dispersion": dispersion})
    with pytest.raises(JobFailure, match=said):
        lj.relax_job(atoms, calc_kwargs={"dispersion": dispersion})
    assert not list(results_dir.rglob("*.traj"))


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_is_computed(case, results_dir):
    check_refused(REFUSED[case], results_dir)


@needs_code("dispersion")
@pytest.mark.parametrize("case", REFUSED_BY_THE_PACKAGES)
def test_functionals_without_parameters_are_refused(case, results_dir):
    check_refused(REFUSED_BY_THE_PACKAGES[case], results_dir)


def calculator_of(settings, method):
    return Code("EMT", EMT).calculator(bulk("Cu"), {"dispersion": {**settings, "method": method}})


@needs_code("dispersion")
def test_all_functionals_that_are_told_can_be_used():
    for settings in ({"model": "d4"}, *({"model": "d3", "damping": damping} for damping in DAMPINGS)):
        with pytest.raises(InputError) as caught:
            calculator_of(settings, "none")
        for method in caught.value.valid:
            assert isinstance(calculator_of(settings, method), WithDispersion)
        assert len(caught.value.valid) >= 8


@pytest.mark.parametrize("method", [None, "GFN1-xTB"])
def test_methods_that_have_it_refuse_it(method):
    kwargs = {"dispersion": D3} | ({"method": method} if method else {})
    with pytest.raises(InputError, match=f"{method or 'GFN2-xTB'} has its own dispersion"):
        tblite_job.fn(molecule("H2O"), calc_kwargs=kwargs)


@pytest.mark.parametrize("model", MODELS)
def test_without_the_package(tmp_path, model):
    package = "dftd3" if model == "d3" else "dftd4"
    (tmp_path / f"{package}.py").write_text("raise ImportError('hidden by the test')")
    settings = {"model": model, "method": "PBE"} | ({"damping": "d3bj"} if model == "d3" else {})
    code = f"""
from ase.build import bulk
from adatom.recipes.emt import static_job
static_job(bulk("Cu"), calc_kwargs={{"dispersion": {settings}}})
"""
    path = os.pathsep.join([str(tmp_path), *sys.path])
    said = run(code, tmp_path, check=False, PYTHONPATH=path)
    assert f"{package} is not installed. Get it with: pip install 'adatom[dispersion]'" in said
    assert not list(tmp_path.rglob("*.traj"))
