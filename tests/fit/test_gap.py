"""Gaussian approximation potentials of EMT's copper, a potential that is known."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.fd import calculate_numerical_forces

from adatom import JobFailure, change_settings, flow
from adatom.atoms.isolated import isolated_atoms
from adatom.atoms.rattle import rattle
from adatom.calculators.models import make_model
from adatom.configs import calculate
from adatom.fit.gap import fit_gap_job
from adatom.recipes.mlip import eos_flow, static_job
from tests.codes import needs_code

pytestmark = needs_code("gap")

PAIRS = {
    "kind": "distance_2b",
    "cutoff": 5.0,
    "covariance_type": "ard_se",
    "delta": 1.0,
    "theta_uniform": 1.0,
    "sparse_method": "uniform",
    "n_sparse": 15,
}
SOAP = {
    "kind": "soap",
    "cutoff": 5.0,
    "n_max": 6,
    "l_max": 4,
    "atom_sigma": 0.5,
    "zeta": 4,
    "covariance_type": "dot_product",
    "delta": 0.2,
    "sparse_method": "cur_points",
    "n_sparse": 100,
}
SIGMA = [0.001, 0.01, 0.01, 0.0]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with change_settings(workflow_engine="local", local_workers=1, results_dir=tmp_path / "runs"):
        yield


def labelled(number, seed, symbol="Cu"):
    """Rattled and strained crystals with energies, forces and stresses of EMT, and an isolated atom."""
    rng = np.random.default_rng(seed)
    crystals = [rattle(bulk(symbol, cubic=True), 0.1, rng, cell_stdev=0.02) for _ in range(number)]
    return list(calculate(crystals + isolated_atoms([symbol]), None, EMT(), output_prefix="REF_"))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The result of one fit, for all tests that look at it."""
    with change_settings(
        workflow_engine="local", local_workers=1, results_dir=tmp_path_factory.mktemp("fit"), gzip=False
    ):
        return fit_gap_job(labelled(30, 0), descriptors=[PAIRS, SOAP], default_sigma=SIGMA)


def test_errors_on_other_structures_are_small(fitted):
    test = calculate(labelled(10, 1)[:-1], None, fitted["calculator"], output_prefix="GAP_")
    energies = [(atoms.info["GAP_energy"] - atoms.info["REF_energy"]) / len(atoms) for atoms in test]
    forces = [atoms.arrays["GAP_forces"] - atoms.arrays["REF_forces"] for atoms in test]
    stresses = [atoms.info["GAP_stress"] - atoms.info["REF_stress"] for atoms in test]
    spread = np.std([atoms.info["REF_energy"] for atoms in test]) / 4
    assert np.sqrt(np.mean(np.square(energies))) < min(0.002, 0.2 * spread)  # eV/atom
    assert np.sqrt(np.mean(np.square(forces))) < 0.05  # eV/Å, of forces of about 1
    assert np.sqrt(np.mean(np.square(stresses))) < 0.005  # eV/Å³
    assert fitted["structures"] == 30
    assert fitted["e0"] == {"Cu": pytest.approx(3.51)}


def test_forces_are_derivatives_of_the_energy(fitted):
    atoms = labelled(1, 2)[0]
    atoms.calc = make_model(fitted["calculator"])
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-4)


def test_it_is_a_potential_for_all_recipes(fitted):
    found = eos_flow(bulk("Cu"), job_params={"all": {"calculator": fitted["calculator"]}})["eos"]
    theirs = eos_flow(bulk("Cu"), job_params={"all": {"calculator": "emt"}})["eos"]
    assert found["v0"] == pytest.approx(theirs["v0"], rel=0.01)
    assert found["bulk_modulus"] == pytest.approx(theirs["bulk_modulus"], rel=0.1)


def test_a_fit_in_a_flow_gives_the_same_potential_again(fitted):
    @flow
    def train_and_use(structures):
        potential = fit_gap_job(structures, descriptors=[PAIRS, SOAP], default_sigma=SIGMA)
        return static_job(bulk("Cu"), calculator=potential["calculator"])

    found, expected = train_and_use(labelled(30, 0)), static_job(bulk("Cu"), calculator=fitted["calculator"])
    assert found["results"]["energy"] == pytest.approx(expected["results"]["energy"], abs=1e-6)


def test_compressed_files(fitted):
    with change_settings(gzip=True):
        packed = fit_gap_job(labelled(30, 0), descriptors=[PAIRS, SOAP], default_sigma=SIGMA)
        assert [Path(file).is_file() for file in packed["files"]] == [True]
        assert packed["files"][0].endswith(".xml.gz")
        energies = [
            static_job(bulk("Cu"), calculator=one["calculator"])["results"]["energy"] for one in (fitted, packed)
        ]
    assert energies[0] == pytest.approx(energies[1], abs=1e-6)


def test_what_gap_fit_is_told():
    """Errors of a kind of structures, other options, and energies of atoms that are not there."""
    structures = labelled(6, 0)[:-1]
    for atoms in structures[:3]:
        atoms.info["config_type"] = "special"
    found = fit_gap_job(
        structures,
        descriptors=[PAIRS],
        default_sigma=SIGMA,
        e0={"Cu": 3.5, "Ag": 1.0},
        config_type_sigma={"special": [0.1, 0.1, 0.1, 0.0]},
        parameters={"sparse_jitter": 1e-8},
    )
    assert found["e0"] == {"Cu": 3.5}
    said = Path(found["dir_name"], "gap_fit.out").read_text()
    assert "sparse_jitter = 1e-08" in said
    others = fit_gap_job(structures, descriptors=[PAIRS], default_sigma=SIGMA, e0={"Cu": 3.5})
    energies = [static_job(structures[0], calculator=one["calculator"])["results"]["energy"] for one in (found, others)]
    assert abs(energies[0] - energies[1]) > 1e-5


def changed(change):
    structures = labelled(2, 0)
    change(structures)
    return structures


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (lambda s: s.pop(), {}, "no energy of an isolated atom of Cu"),
        (lambda s: s[-1].info.pop("REF_energy"), {}, "Structure 2, an isolated atom of Cu, has no REF_energy"),
        (lambda s: s.append(s[-1].copy()) or s[-1].info.update(REF_energy=0.0), {}, "Isolated atoms of Cu have"),
        (lambda s: s[1].info.update(REF_energy=np.nan), {}, "The REF_energy of structure 1 is not finite"),
        (lambda s: s.__delitem__(slice(0, 2)), {}, "There are no structures to fit to"),
        (lambda s: None, {"prefix": "DFT_"}, "Structure 0 has no DFT_energy and no DFT_forces"),
        (lambda s: None, {"parameters": {"at_file": "x"}}, "option at_file. Give the job's own argument structures"),
        (lambda s: None, {"parameters": {"gp_file": "x"}}, "option gp_file. The job sets it"),
        (lambda s: None, {"descriptors": [{"cutoff": 5}]}, "Give its name as kind"),
    ],
)
def test_bad_input_is_refused_before_anything(tmp_path, change, words, said):
    with pytest.raises(JobFailure, match=f"InputError: .*{said}"):
        fit_gap_job(changed(change), **{"descriptors": [PAIRS], "default_sigma": SIGMA, **words})
    assert not [*tmp_path.glob("runs/*/train.xyz")]


def test_what_gap_fit_refuses(tmp_path):
    with pytest.raises(JobFailure, match="(?s)ProgramError: gap_fit.*distance_7b"):
        fit_gap_job(labelled(2, 0), descriptors=[{**PAIRS, "kind": "distance_7b"}], default_sigma=SIGMA)
    [failed] = (tmp_path / "runs").glob("failed-*")
    assert (failed / "train.xyz").is_file()
