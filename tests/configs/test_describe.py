"""Descriptors of sets of structures."""

import numpy as np
import pytest
from ase.build import bulk, molecule

from adatom import change_settings
from adatom.atoms.rattle import rattle
from adatom.configs import ConfigSet
from adatom.configs.describe import describe, descriptor_table
from adatom.configs.select import farthest_points
from adatom.errors import InputError, ItemError, UnknownNameError
from tests.codes import needs_code

SOAP = {"kind": "SOAP", "species": ["Cu"], "r_cut": 4.0, "n_max": 4, "l_max": 3, "periodic": True}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with change_settings(workflow_engine="local", local_workers=1, results_dir=tmp_path / "runs"):
        yield


@pytest.fixture
def pool():
    rng = np.random.default_rng(0)
    return [rattle(bulk("Cu", cubic=True), stdev, rng) for stdev in np.linspace(0.01, 0.2, 12)]


def lengths(atoms):
    """A descriptor of a structure."""
    return np.sort(atoms.get_all_distances(mic=True)[0])


def shells(atoms):
    """A descriptor of each atom."""
    return atoms.get_all_distances(mic=True)


def moments(atoms):
    """Complex numbers."""
    return np.exp(1j * atoms.positions[0])


def test_a_function_of_a_structure_and_one_of_its_atoms(pool):
    before = [atoms.copy() for atoms in pool]
    described = describe(describe(pool, "once.xyz", lengths), "twice.xyz", shells, key="shells")
    for atoms, plain in zip(ConfigSet("twice.xyz"), pool, strict=True):
        np.testing.assert_allclose(atoms.info["descriptor"], lengths(plain), atol=1e-7)
        np.testing.assert_allclose(atoms.arrays["shells"], shells(plain), atol=1e-7)
    assert pool == before
    assert "descriptor" not in pool[0].info
    table = descriptor_table(described)
    assert table.shape == (12, 4)
    assert len(described.take(farthest_points(table, 5))) == 5


@needs_code("descriptors")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_descriptor_of_dscribe(pool, workers):
    from dscribe.descriptors import SOAP as Theirs

    arguments = {name: value for name, value in SOAP.items() if name != "kind"}
    with change_settings(local_workers=workers):
        local = describe(pool, descriptor=SOAP)
        whole = describe(pool, descriptor={**SOAP, "average": "inner"}, key="soap")
    np.testing.assert_allclose(local[3].arrays["descriptor"], Theirs(**arguments).create(pool[3]), rtol=1e-10)
    expected = Theirs(**arguments, average="inner").create(pool)
    np.testing.assert_allclose(descriptor_table(whole, "soap"), expected, rtol=1e-10)


def test_a_table_in_a_file(pool):
    described = describe(pool, descriptor=lengths)
    table = descriptor_table(described, file="table.npy")
    assert isinstance(table, np.memmap)
    np.testing.assert_array_equal(np.load("table.npy"), descriptor_table(described))


@needs_code("descriptors")
@pytest.mark.parametrize(
    ("descriptor", "error", "said"),
    [
        ({**SOAP, "kind": "SOPA"}, UnknownNameError, "SOAP"),
        ({"species": ["Cu"]}, UnknownNameError, "Valid: ACSF"),
        ({"kind": "SOAP"}, InputError, "DScribe refuses the arguments of SOAP: .*species"),
        ({**SOAP, "n_max": 0}, InputError, "DScribe refuses"),
        (None, InputError, "descriptor is None"),
        ("soap", InputError, "descriptor is 'soap'"),
    ],
)
def test_what_is_no_descriptor_is_refused_before_anything(pool, tmp_path, descriptor, error, said):
    with pytest.raises(error, match=said):
        describe(pool, "out.xyz", descriptor)
    assert not [*tmp_path.iterdir()]


def test_numbers_that_are_no_descriptor(pool):
    for function, said in ((moments, "type complex128"), (lambda atoms: [[1.0]], "has 1 rows, and the structure 4")):
        with pytest.raises(ItemError, match=said):
            describe(pool, descriptor=function)


def test_what_makes_no_table():
    mixed = describe([molecule("H2"), molecule("H2O")], descriptor=lengths)
    with pytest.raises(InputError, match=r"Structure 1 has 3 numbers in info\['descriptor'\], the first has 2"):
        descriptor_table(mixed)
    with pytest.raises(InputError, match="Structure 0 has no row of numbers"):
        descriptor_table(mixed, "soap")
    with pytest.raises(InputError, match="of the atoms of structure 0. Average it"):
        descriptor_table(describe([molecule("H2")], descriptor=shells))
    with pytest.raises(InputError, match="There are no structures"):
        descriptor_table([])
