"""Errors of models, against numpy on the same numbers."""

import weakref

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from hypothesis import given
from hypothesis import strategies as st

from adatom.analysis.property_errors import property_errors
from adatom.configs import ConfigSet
from adatom.errors import InputError
from adatom.schemas.property_errors import UNITS
from adatom.schemas.save import load_results, save_results

RESULTS = {"energy_per_atom": "energy", "energy": "energy", "forces": "forces", "stress": "stress"}


def put(atoms, prefix, energy=None, forces=None, stress=None):
    if energy is not None:
        atoms.info[f"{prefix}energy"] = energy
    if forces is not None:
        atoms.set_array(f"{prefix}forces", np.array(forces, float))
    if stress is not None:
        atoms.info[f"{prefix}stress"] = np.array(stress, float)
    return atoms


def structure(size=1, category=None, **results):
    atoms = bulk("Cu") * (size, 1, 1)
    if category is not None:
        atoms.info["config_type"] = category
    for prefix, values in results.items():
        put(atoms, f"{prefix}_", *values)
    return atoms


def rows(found, **wanted):
    return [row for row in found["errors"] if all(row[key] == value for key, value in wanted.items())]


def missing(found):
    return {(row["prefix"], row["result"], row["reason"]): (row["count"], row["numbers"]) for row in found["missing"]}


@st.composite
def structures(draw):
    """Any mixture of sizes, categories, and results that are there, are not, failed or are no number."""
    made, rng = [], np.random.default_rng(draw(st.integers(0, 1000)))
    for _ in range(draw(st.integers(1, 12))):
        size = draw(st.integers(1, 4))
        atoms = structure(size, draw(st.sampled_from(["a", "b", "c", None])))
        for prefix in ("REF_", "A_", "B_"):
            has = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
            numbers = rng.normal(size=1) * 100, rng.normal(size=(size, 3)), rng.normal(size=6)
            if draw(st.integers(0, 9)) == 0:
                numbers[1][0, 0] = np.nan
            put(atoms, prefix, *(value if there else None for value, there in zip(numbers, has, strict=True)))
            if draw(st.integers(0, 5)) == 0:
                atoms.info[f"{prefix}failed"] = True
        made.append(atoms)
    for prefix in ("REF_", "A_", "B_"):  # so that each prefix is there, and each result in some structure
        put(made[0], prefix, 1.0, np.zeros((len(made[0]), 3)), np.zeros(6))
    return made


def of(atoms, prefix, name):
    """A result as numpy has it, or None where it does not count."""
    if atoms.info.get(f"{prefix}failed"):
        return None
    value = (atoms.arrays if name == "forces" else atoms.info).get(f"{prefix}{RESULTS[name]}")
    value = None if value is None else np.array(value, float).reshape(-1, 3 if name == "forces" else 1)
    return value / len(atoms) if value is not None and name == "energy_per_atom" else value


@given(structures(), st.booleans())
def test_they_are_what_numpy_makes_of_the_same_numbers(configs, norm):
    found = (
        property_errors(
            iter(configs), ["A_", "B_"], by="config_type", forces="norm" if norm else "components", values=True
        )
        if any("config_type" in atoms.info for atoms in configs)
        else None
    )
    if found is None:
        return
    left = len(found["errors"])
    for prefix in ("A_", "B_"):
        for name in UNITS:
            for category in ("a", "b", "c", "none", None):
                errors, numbers = [], []
                for number, atoms in enumerate(configs):
                    expected, predicted = of(atoms, "REF_", name), of(atoms, prefix, name)
                    if category not in (None, atoms.info.get("config_type", "none")):
                        continue
                    if expected is None or predicted is None or not np.isfinite(predicted - expected).all():
                        continue
                    error = predicted - expected
                    error = np.linalg.norm(error, axis=1) if norm and name == "forces" else error.ravel()
                    errors.append(error)
                    numbers += [number] * error.size
                same = rows(found, prefix=prefix, property=name, category=category)
                if not errors:
                    assert not same
                    continue
                left -= 1
                (row,), error = same, np.concatenate(errors)
                assert row["count"] == error.size
                assert row["unit"] == UNITS[name]
                assert row["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-9)
                assert row["mae"] == pytest.approx(np.mean(np.abs(error)), rel=1e-9)
                assert row["max"] == pytest.approx(np.abs(error).max(), rel=1e-9)
                assert row["worst"] == numbers[int(np.abs(error).argmax())]
    assert left == 0
    for each in found["parity"]:
        (row,) = rows(found, **{key: each[key] for key in ("prefix", "property", "category")})
        error = each["predicted"] - each["reference"]
        if not (norm and each["property"] == "forces"):
            assert np.sqrt(np.mean(error**2)) == pytest.approx(row["rmse"], rel=1e-9)


@given(structures())
def test_each_structure_is_compared_or_named(configs):
    found = property_errors(configs, ["A_", "B_"])
    for prefix in ("A_", "B_"):
        for name in ("energy", "forces", "stress"):
            sizes = {
                "energy": [1] * len(configs),
                "forces": [3 * len(a) for a in configs],
                "stress": [6] * len(configs),
            }
            left_out = set()
            for row in found["missing"]:
                if row["prefix"] == prefix and row["result"] in (None, name):
                    assert row["count"] == len(row["numbers"])
                    assert not left_out & set(row["numbers"])
                    left_out |= set(row["numbers"])
            if not rows(found, property=name) and all(row["result"] != name for row in found["missing"]):
                # It is nowhere, but in structures that failed, which are named as such.
                usable = [a for a in configs if not a.info.get("REF_failed") and not a.info.get(f"{prefix}failed")]
                assert all(of(a, each, name) is None for a in usable for each in ("REF_", prefix))
                continue
            compared = sum(size for number, size in enumerate(sizes[name]) if number not in left_out)
            assert compared == sum(row["count"] for row in rows(found, prefix=prefix, property=name, category=None))


def test_why_a_structure_was_not_compared():
    configs = [
        structure(REF=(1.0, [[0, 0, 0]]), M=(1.5, [[0, 0, 0]])),
        structure(REF=(1.0,)),
        structure(M=(1.0, [[0, 0, 0]])),
        structure(REF=(1.0,), M=(2.0,)),
        structure(REF=(1.0, [[0, 0, 0]]), M=(np.nan, [[0, 0, 0]])),
        structure(REF=(1.0, [[0, 0, 0]]), M=(9.0, [[0, 0, 0]])),
        structure(REF=(1.0, [[0, 0, 0]]), M=(9.0, [[0, 0, 0]])),
        Atoms(),
    ]
    configs[5].info["M_failed"] = "it did not converge"
    configs[6].info["REF_failed"] = True
    found = property_errors(configs, "M_")
    assert found["structures"] == 8
    assert missing(found) == {
        ("M_", "energy", "no prediction"): (1, [1]),
        ("M_", "forces", "neither"): (2, [1, 3]),
        ("M_", "energy", "no reference"): (1, [2]),
        ("M_", "forces", "no reference"): (1, [2]),
        ("M_", "energy", "not finite"): (1, [4]),
        ("M_", None, "failed"): (1, [5]),
        ("M_", None, "reference failed"): (1, [6]),
        ("M_", None, "no atoms"): (1, [7]),
    }  # and not the stress, which is in no structure
    (row,) = rows(found, property="energy")
    assert (row["count"], row["max"], row["worst"]) == (2, 1.0, 3)


def test_a_mark_in_a_file_of_others_may_be_a_word():
    for mark, counts in (("F", True), ("False", True), (False, True), ("T", False), (np.True_, False)):
        atoms = structure(REF=(1.0,), M=(2.0,))
        atoms.info["M_failed"] = mark
        assert bool(property_errors([atoms], "M_")["errors"]) == counts


def test_only_the_first_of_many_are_named_and_all_are_counted():
    found = property_errors([structure(REF=(1.0,), M=(2.0,)), *[structure(REF=(1.0,))] * 50], "M_")
    assert missing(found) == {("M_", "energy", "no prediction"): (50, list(range(1, 21)))}


def test_a_virial_is_a_stress():
    stress = np.array([1.0, 2, 3, 4, 5, 6])
    full = np.array([[1, 6, 5], [6, 2, 4], [5, 4, 3.0]])
    volume = bulk("Cu").get_volume()
    for virial in (-full * volume, (-full * volume).ravel(), -stress * volume):
        atoms = structure(M=(None, None, stress))
        atoms.info["REF_virial"] = virial
        (row,) = property_errors([atoms], "M_")["errors"]
        assert (row["property"], row["count"], row["unit"]) == ("stress", 6, "eV/Å³")
        assert row["max"] == pytest.approx(0, abs=1e-12)


def test_a_molecule_has_no_stress_and_is_not_named_for_that():
    water = put(molecule("H2O"), "REF_", 1.0)
    configs = [structure(REF=(1.0, None, np.zeros(6)), M=(1.0, None, np.ones(6))), put(water, "M_", 1.0)]
    found = property_errors(configs, "M_")
    assert found["missing"] == []
    assert rows(found, property="stress")[0]["count"] == 6


def test_the_calculator_is_a_reference_too(tmp_path):
    configs = []
    for seed in range(3):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        configs.append(put(atoms, "M_", energy + 0.4, forces + 0.5))
    write(tmp_path / "computed.xyz", configs)
    for given_ in (configs, ConfigSet(tmp_path / "computed.xyz")):
        found = property_errors(given_, "M_", "")
        assert missing(found) == {("M_", "stress", "no prediction"): (3, [0, 1, 2])}  # EMT computes it with the forces
        assert {row["property"]: row["rmse"] for row in found["errors"]} == pytest.approx(
            {"energy_per_atom": 0.1, "energy": 0.4, "forces": 0.5}, abs=1e-7
        )


def test_what_a_calculator_knew_of_another_structure_does_not_count():
    atoms = structure(M=(1.0,))
    atoms.calc = SinglePointCalculator(atoms, energy=5.0)
    assert property_errors([atoms], "M_", "")["errors"][0]["max"] == 4.0
    moved = structure(M=(1.0,))
    moved.calc = atoms.calc
    moved.positions += 1
    found = property_errors([atoms, moved], "M_", "")
    assert missing(found) == {("M_", "energy", "no reference"): (1, [1])}


@pytest.mark.parametrize(
    ("by", "categories"),
    [
        ("config_type", ["liquid", "none", None]),
        (("config_type", "run"), ["liquid, 1", "none, 2", None]),
        (lambda atoms: len(atoms) > 1, ["True", "False", None]),
        (None, [None]),
    ],
)
def test_categories(by, categories):
    configs = [structure(2, "liquid", REF=(1.0,), M=(2.0,)), structure(REF=(1.0,), M=(2.0,))]
    for number, atoms in enumerate(configs, 1):
        atoms.info["run"] = number
    found = property_errors(configs, "M_", by=by, properties=["energy"])
    assert [row["category"] for row in found["errors"]] == categories


def test_several_models_come_in_the_order_that_was_asked_for():
    configs = [structure(REF=(1.0,), A=(2.0,), B=(4.0,))]
    found = property_errors(configs, ["B_", "A_", "B_"], properties=["energy"])
    assert [(row["prefix"], row["rmse"]) for row in found["errors"]] == [("B_", 3.0), ("A_", 1.0)]


def test_structures_are_not_kept_and_not_changed():
    alive = weakref.WeakSet()

    class Watched(Atoms):
        __hash__ = object.__hash__

    def stream():
        for _ in range(5):
            atoms = Watched(structure(REF=(1.0, [[0, 0, 0]]), M=(2.0, [[1, 0, 0]])))
            before = atoms.copy()
            alive.add(atoms)
            yield atoms
            assert (atoms, atoms.info) == (before, before.info)
            del atoms
            assert len(alive) <= 1  # the one that the loop holds

    property_errors(stream(), "M_", values=True)


def test_it_goes_through_a_file(tmp_path):
    found = property_errors([structure(category="a", REF=(1.0,), M=(2.0,))], "M_", by="config_type", values=True)
    again = load_results(save_results(found, tmp_path / "errors.json"))
    assert again["errors"] == found["errors"]
    assert again["parity"][0]["predicted"].tolist() == [2.0]


def test_frames_that_ase_reads_again_give_the_same(tmp_path):
    rng = np.random.default_rng(1)
    configs = [
        structure(
            3, "a", **{name: (rng.normal(), rng.normal(size=(3, 3)), rng.normal(size=6)) for name in ("REF", "M")}
        )
        for _ in range(4)
    ]
    write(tmp_path / "a.xyz", configs)
    first, second = property_errors(configs, "M_"), property_errors(read(tmp_path / "a.xyz", ":"), "M_")
    for one, other in zip(first["errors"], second["errors"], strict=True):
        assert one["rmse"] == pytest.approx(other["rmse"], abs=1e-7)


@pytest.mark.parametrize(
    ("configs", "arguments", "said"),
    [
        ([], {}, "no structures"),
        ("a.xyz", {}, r"Give ConfigSet\('a.xyz'\)"),
        (
            [structure(REF=(1.0,), N=(1.0,))],
            {},
            "No structure has results under 'M_'. There are some under: 'N_', 'REF_'",
        ),
        ([structure(M=(1.0,))], {}, "No structure has results under 'REF_'"),
        ([structure(REF=(1.0,), M=(1.0,))], {"prefixes": []}, "at least one model"),
        ([structure(REF=(1.0,), M=(1.0,))], {"reference": "M_"}, "none that is the reference's"),
        (
            [structure(REF=(1.0,), M=(1.0,))],
            {"properties": ["force"]},
            "Unknown property 'force'. Did you mean 'forces'",
        ),
        ([structure(REF=(1.0,), M=(1.0,))], {"forces": "norms"}, "Did you mean 'norm'"),
        (
            [structure(category="a", REF=(1.0,), M=(1.0,))],
            {"by": "config"},
            "No structure has 'config' in its info.*config_t",
        ),
        ([structure(REF=(1.0,), M=("high",))], {}, "Structure 0: M_energy is 'high'. It should be one number"),
        ([structure(2, REF=(1.0,), M=(1.0, None, np.ones(5)))], {}, "M_stress is .*It should be 6, or 3 x 3"),
    ],
)
def test_bad_input(configs, arguments, said):
    with pytest.raises(InputError, match=said):
        property_errors(configs, **{"prefixes": "M_", **arguments})
