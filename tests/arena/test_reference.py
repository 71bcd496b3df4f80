"""Benchmarks of a file of structures with labels."""

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential
from ase.io import write

from adatom import change_settings
from adatom.analysis.reference_errors import reference_errors
from adatom.arena import load_records, reference_benchmark, run_benchmarks
from adatom.errors import InputError
from tests.codes import needs_code, provide_code

LJ = {"sigma": 2.3, "epsilon": 0.4, "rc": 6.0, "ro": 4.0, "smooth": True}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with change_settings(workflow_engine="local", local_workers=1):
        yield


def labelled(calculator, shift=0.0):
    """Rattled crystals of copper and of aluminium, with energies and forces."""
    found = []
    for symbol in ("Cu", "Al"):
        for seed in range(4):
            atoms = bulk(symbol, cubic=True)
            atoms.rattle(0.1, seed=seed)
            atoms.calc = calculator
            atoms.info["REF_energy"] = atoms.get_potential_energy() + shift
            atoms.arrays["REF_forces"] = atoms.get_forces()
            atoms.calc = None
            found.append(atoms)
    return found


def test_the_potential_of_the_labels_has_no_errors_and_another_has():
    """Energies of the labels are shifted, as those of any program are."""
    write("set.xyz", labelled(LennardJones(**LJ), shift=-1234.5))
    models = {"same": (LennardJones, [], LJ), "deeper": (LennardJones, [], {**LJ, "epsilon": 0.6}), "emt": EMT}
    same, deeper, emt = run_benchmarks(["set.xyz"], models)
    assert list(same["systems"]) == ["Cu4", "Al4"]
    assert [one["score"] for one in same["systems"].values()] == [1, 1]
    for name, system in deeper["systems"].items():
        document = system["document"]
        predicted, reference = np.array(document["predicted"]), np.array(document["reference"])
        np.testing.assert_allclose(predicted, 1.5 * reference, atol=1e-6)  # all energies, and so their differences
        assert system["metrics"]["energy_mae"] == pytest.approx(0.5 * np.abs(reference).mean(), rel=1e-3), name
    assert all(0 <= one["score"] < 1 for one in emt["systems"].values())
    assert {record["benchmark"] for record in load_records(["adatom_bench"])} == {"set"}


def test_another_file_is_another_protocol():
    protocols = []
    for shift in (0.0, 1.0):
        write("set.xyz", labelled(EMT(), shift))
        benchmark = reference_benchmark("set.xyz", name="mine", citation="me")
        (record,) = run_benchmarks([benchmark], {"emt": EMT}, elements=["Cu"])
        assert (record["benchmark"], record["citation"], list(record["systems"])) == ("mine", "me", ["Cu4"])
        assert record["systems"]["Cu4"]["score"] == 1
        protocols.append(record["protocol"])
    assert protocols[0] != protocols[1]


@needs_code("tblite")
def test_a_set_of_tight_binding():
    """Labels of GFN2-xTB: the method itself has no errors, and GFN1-xTB few."""
    from tblite.ase import TBLite

    from adatom.recipes import tblite

    structures = []
    for seed in range(5):
        atoms = molecule("H2O")
        atoms.rattle(0.05, seed=seed)
        found = tblite.static_job(atoms)["results"]
        atoms.info["REF_energy"], atoms.arrays["REF_forces"] = found["energy"], found["forces"]
        structures.append(atoms)
    write("water.xyz", structures)
    models = {name: (TBLite, [], {"method": name, "verbosity": 0}) for name in ("GFN2-xTB", "GFN1-xTB")}
    second, first = run_benchmarks(["water.xyz"], models)
    assert second["systems"]["H2O"]["metrics"]["force_mae"] < 1e-3
    assert 0.01 < first["systems"]["H2O"]["metrics"]["force_mae"] < 1


def plane_waves(cutoff):
    """pw.x as ASE alone runs it, with silicon in plane waves up to a cut-off in Ry."""
    from ase.calculators.espresso import Espresso, EspressoProfile

    return Espresso(
        profile=EspressoProfile(command="pw.x", pseudo_dir="/usr/share/espresso/pseudo"),
        directory="pw",
        pseudopotentials={"Si": "Si.pz-vbc.UPF"},
        input_data={"ecutwfc": cutoff, "ecutrho": 4 * cutoff, "conv_thr": 1e-9, "tprnfor": True},
        kpts=(2, 2, 2),
    )


@needs_code("espresso")
def test_a_set_of_quantum_espresso():
    """The settings of the labels have no errors, a lower cut-off has few, and springs between atoms many."""
    from adatom.recipes import espresso

    provide_code("espresso")
    settings = {"input_data": {"ecutwfc": 12, "ecutrho": 48, "conv_thr": 1e-9}, "kpts": (2, 2, 2)}
    structures = []
    for seed in range(3):
        atoms = bulk("Si")
        atoms.rattle(0.1, seed=seed)
        found = espresso.static_job(atoms, preset=["semiconductor", "lda"], calc_kwargs=settings)["results"]
        atoms.info["REF_energy"], atoms.arrays["REF_forces"] = found["energy"], found["forces"]
        structures.append(atoms)
    write("silicon.xyz", structures)
    models = {
        "same": (plane_waves, [12], {}),
        "coarse": (plane_waves, [9], {}),
        "morse": (MorsePotential, [], {"r0": 2.35}),
    }
    same, coarse, morse = (record["systems"]["Si2"]["metrics"] for record in run_benchmarks(["silicon.xyz"], models))
    assert same["energy_mae"] < 1e-5  # eV/atom
    assert same["force_mae"] < 1e-3  # eV/Å
    assert 1e-3 < coarse["force_mae"] < 0.2 < morse["force_mae"]


def test_errors_of_known_numbers():
    found = reference_errors([0, 2], [10, 16], [None, [[0, 0, 1]]], [[[9, 9, 9]], [[0, 0, 4]]], 2)
    assert found["energy_mae"] == found["energy_rmse"] == 1.0  # of -0.5 and 0.5 against -1.5 and 1.5
    assert found["force_mae"] == 1.0
    assert found["force_rmse"] == pytest.approx(3 / np.sqrt(3))
    alone = reference_errors([1], [np.nan], [None], [[[np.nan] * 3]], 1)
    assert alone["missing"] == 1
    assert np.isnan([alone[key] for key in ("energy_mae", "force_mae")]).all()


def test_what_has_no_labels_is_refused():
    write("plain.xyz", bulk("Cu"))
    with pytest.raises(InputError, match=r"Structure 0 of plain.xyz has no REF_energy"):
        run_benchmarks(["plain.xyz"], {"emt": EMT})
    with pytest.raises(InputError, match=r"nowhere.xyz"):
        run_benchmarks(["nowhere.xyz"], {"emt": EMT})
