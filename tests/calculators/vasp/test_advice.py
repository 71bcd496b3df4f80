"""Advice on tags that do not go together: when it is given, and the INCAR that it leads to."""

import re
import warnings
from pathlib import Path

import pytest
import yaml
from ase.build import bulk, fcc111, molecule

from adatom.calculators.preset import preset_names
from adatom.errors import UnknownNameError
from adatom.execution.context import job_context
from adatom.machines.resources import Resources
from adatom.recipes.vasp import non_scf_job, relax_job, static_job, vasp
from tests.standins.vasp import provide


@pytest.fixture(scope="module", autouse=True)
def programs(tmp_path_factory):
    place = tmp_path_factory.mktemp("vasp")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in provide(place, "H", "O", "Al", "Cu", "Cu_pv", "Ni", "Ni_pv", "Ce").items():
            patch.setenv(name, value)
        yield


def magnetic(moment):
    nickel = bulk("Ni")
    nickel.set_initial_magnetic_moments([moment])
    return nickel


PLUS_U = {"ldau_luj": {"Cu": {"L": 2, "U": 4.0, "J": 0.0}}, "ldautype": 2}
ONE = {"kspacing": None, "kgamma": None, "kpts": [1, 1, 1]}
FOUR = {**ONE, "kpts": [2, 2, 1]}
LINE = {**ONE, "kpts": [[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.5]], "reciprocal": True}
METAL, TETRAHEDRA = {"ismear": 1, "sigma": 0.2}, {"ismear": -5}
HYBRID, R2SCAN = {"lhfcalc": True}, {"xc": "r2scan"}

# Structure, tags that draw advice, the tags of INCAR that it leads to (None: not there), and tags that draw none.
ROWS = {
    "tetrahedra at one k point": (bulk("Cu"), {**TETRAHEDRA, **ONE}, {"ISMEAR": "0", "SIGMA": "0.05"}, TETRAHEDRA),
    "tetrahedra at three": (
        bulk("Cu"), {**TETRAHEDRA, **ONE, "kpts": [3, 1, 1]}, {"ISMEAR": "0"}, {**TETRAHEDRA, **FOUR}
    ),
    "tetrahedra on a line": (bulk("Cu"), {**TETRAHEDRA, **LINE}, {"ISMEAR": "0"}, LINE),
    "hybrid, fast": (bulk("Cu"), {**HYBRID, "algo": "Fast"}, {"ALGO": "All"}, {**HYBRID, "algo": "Damped"}),
    "hybrid, very fast": (bulk("Cu"), {**HYBRID, **TETRAHEDRA, "algo": "VeryFast"}, {"ALGO": "Normal"}, HYBRID),
    "hybrid by name": (bulk("Cu"), {"xc": "hse06", "algo": "F"}, {"ALGO": "All"}, {"algo": "F"}),
    "meta-GGA": (bulk("Cu"), R2SCAN, {"ALGO": "All"}, {**R2SCAN, "algo": "Exact"}),
    "meta-GGA by its tag": (
        bulk("Cu"), {"xc": None, "pp": "PBE", "metagga": "SCAN"}, {"ALGO": "All"}, {**R2SCAN, **TETRAHEDRA}
    ),
    "tetrahedra with All": (bulk("Cu"), {**TETRAHEDRA, "algo": "All"}, {"ALGO": "Normal"}, {"algo": "All"}),
    "+U of d electrons": (bulk("Cu"), PLUS_U, {"LMAXMIX": "4"}, {**PLUS_U, "lmaxmix": 4}),
    "+U of f electrons": (
        bulk("Ce", "fcc", a=5.2), {"ldau_luj": {"Ce": {"L": 3, "U": 4.0, "J": 0.0}}, "lmaxmix": 4}, {"LMAXMIX": "6"},
        {"lmaxmix": 2},
    ),
    "a fixed density": (bulk("Cu"), {"icharg": 11}, {"LMAXMIX": "4"}, {"icharg": 1}),
    "a fixed density of p electrons": (bulk("Cu"), {"icharg": 11}, {"LMAXMIX": "4"}, None),
    "+U in spheres": (bulk("Cu"), {**PLUS_U, "lasph": False, "lmaxmix": 4}, {"LASPH": ".TRUE."}, {"lasph": False}),
    "meta-GGA in spheres": (bulk("Cu"), {**R2SCAN, "lasph": None, "algo": "All"}, {"LASPH": ".TRUE."}, {"lasph": None}),
    "hybrid in spheres": (bulk("Cu"), {**HYBRID, "lasph": False}, {"LASPH": ".TRUE."}, HYBRID),
    "van der Waals in spheres": (bulk("Cu"), {"xc": "optb88-vdw", "lasph": False}, {"LASPH": ".TRUE."}, {"ivdw": 11}),
    "real space in a small crystal": (bulk("Cu"), {"lreal": "Auto"}, {"LREAL": ".FALSE."}, {"lreal": False}),
    "moments without a projection": (magnetic(0.6), {"lorbit": None}, {"LORBIT": "11"}, {"lorbit": 10}),
    "moments that are none": (magnetic(0.004), {}, {"ISPIN": "1"}, {"ispin": 1}),
    "NPAR and NCORE": (bulk("Cu"), {"npar": 2, "ncore": 4}, {"NPAR": None, "NCORE": "4"}, {"npar": 2}),
    "KPAR and one k point": (bulk("Cu"), {**ONE, "kpar": 4}, {"KPAR": "1"}, {"kpar": 4}),
    "NCORE and a field": (bulk("Cu"), {"lcalceps": True, "ncore": 4}, {"NCORE": "1"}, {"ncore": 4}),
}  # fmt: skip


@pytest.fixture
def incar(tmp_path):
    """INCAR of a structure, where tags come from a preset and calc_kwargs."""

    def write(atoms, preset, calc_kwargs, ranks=None):
        file = tmp_path / "mine.yaml"
        file.write_text(
            yaml.safe_dump({"parent": "bulk", **{k: "Remove" if v is None else v for k, v in preset.items()}})
        )
        code = vasp.choice().code(str(file))
        with job_context(resources=Resources(ranks_per_node=ranks) if ranks else None):
            calculator = code.calculator(atoms, calc_kwargs)
        calculator.directory = tmp_path / "run"
        Path(calculator.directory).mkdir(exist_ok=True)
        calculator.write_input(calculator.given(atoms))
        lines = (tmp_path / "run" / "INCAR").read_text().splitlines()
        found = {name.strip(): value.strip() for name, _, value in (x.partition("=") for x in lines if "=" in x)}
        return found, calculator.parameters.get("incar_changes", [])

    return write


@pytest.fixture
def silence():
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "INCAR: ")
        yield


def has(found, wanted):
    for tag, value in wanted.items():
        given = found.get(tag)
        assert given == value or float(given) == pytest.approx(float(value)), (tag, given)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_tags_of_a_preset_are_corrected(row, incar, silence):
    atoms, tags, better, _ = row
    found, changes = incar(atoms, tags, {"incar_advice": "correct"})
    has(found, better)
    assert len(changes) == 1
    assert re.fullmatch(r"(no )?[A-Z]+( = \S+)?, better .+: .+", changes[0])
    assert next(iter(better)) in changes[0]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_advice_is_a_warning(row, incar):
    atoms, tags, better, _ = row
    tag = next(iter(better))
    with pytest.warns(
        UserWarning, match=f"INCAR: .*{tag}.*, better .*{tag}.*: .*calc_kwargs, or incar_advice"
    ) as caught:
        found, changes = incar(atoms, tags, {})
    assert sum(str(one.message).startswith("INCAR: ") for one in caught) == 1
    assert not changes
    assert found.get(tag) != better[tag] or better[tag] is None
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "INCAR: ")
        assert incar(atoms, tags, {"incar_advice": "off"})[0] == found


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_tags_that_go_together_draw_none(row, incar, silence):
    atoms, _, _, others = row
    if others is None:
        atoms, others = bulk("Al"), {"icharg": 11}
    found, _ = incar(atoms, others, {})
    assert incar(atoms, others, {"incar_advice": "correct"}) == (found, [])


@pytest.mark.parametrize(
    ("tags", "better"),
    [
        ({"kpar": 8}, {"KPAR": "4"}),
        ({"kpar": 3}, {"KPAR": "2"}),
        ({"ncore": 16}, {"NCORE": "4"}),
        ({"ncore": 4, "kpar": 2}, {"NCORE": "2"}),
        ({"ncore": 2, "kpar": 2}, {}),
        ({"kpar": 4}, {}),
    ],
)
def test_ranks_are_shared(tags, better, incar, silence):
    found, changes = incar(bulk("Cu"), tags, {"incar_advice": "correct"}, ranks=4)
    has(found, better)
    assert len(changes) == len(better)


def test_what_the_user_gave_is_kept(incar):
    mine = {"lasph": False, **HYBRID, "algo": "Damped", "incar_advice": "correct"}
    with pytest.warns(UserWarning, match=r"LASPH = False, better LASPH = True.*\. Change it in calc_kwargs\.$"):
        found, changes = incar(bulk("Cu"), {}, mine)
    assert found["LASPH"] == ".FALSE."
    assert not changes
    found, changes = incar(bulk("Cu"), TETRAHEDRA, {**ONE, "sigma": 0.3, "incar_advice": "correct"})
    assert (found["ISMEAR"], float(found["SIGMA"])) == ("0", 0.3)


def test_a_relaxation(silence, tmp_path):
    (tmp_path / "mine.yaml").write_text("parent: bulk\nismear: -5\nincar_advice: correct\n")
    relaxed = relax_job(bulk("Cu"), preset="mine.yaml")["parameters"]["calculator"]
    assert (relaxed["ismear"], relaxed["sigma"]) == (0, 0.05)
    assert ["ISMEAR = -5, better ISMEAR = 0" in text for text in relaxed["incar_changes"]] == [True]
    static = static_job(bulk("Cu"), preset="mine.yaml", calc_kwargs={"lcharg": True, "lmaxmix": 4})
    assert static["parameters"]["calculator"]["ismear"] == -5
    assert "incar_changes" not in static["parameters"]["calculator"]
    assert "incar_changes" not in non_scf_job(static)["parameters"]["calculator"]
    with pytest.raises(Exception, match="ISMEAR = -5, better ISMEAR = 0.*no band gap is known"):
        relax_job(bulk("Cu"), calc_kwargs={"ismear": -5})


def test_a_band_gap(tmp_path):
    (tmp_path / "mine.yaml").write_text("input_set: mp_metal_relax\n")
    code = vasp.choice().code("mine.yaml")
    with pytest.warns(UserWarning, match="ISMEAR = 1, better ISMEAR = 0, SIGMA = 0.05: .* a band gap of 1.2 eV"):
        code.calculator(bulk("Cu"), {"bandgap": 1.2})


def test_presets_draw_none(silence):
    slab = fcc111("Cu", (1, 1, 4), vacuum=8)
    water = molecule("H2O")
    water.center(4)
    supercell = bulk("Cu").repeat(5)
    for preset in preset_names("vasp"):
        if preset.startswith("omat24"):
            continue
        for atoms in (
            (water,)
            if preset == "molecule"
            else (slab,)
            if preset == "slab"
            else (bulk("Cu"), magnetic(0.6), supercell)
        ):
            for mode in ("warn", "correct"):
                made = vasp.choice().code(preset).calculator(atoms, {"incar_advice": mode})
                assert "incar_changes" not in made.parameters


def test_what_does_not_go_with_a_published_set():
    code = vasp.choice().code("mp_gga_static")
    with pytest.warns(UserWarning, match="ALGO = Fast, better ALGO = All") as caught:
        code.calculator(bulk("Cu"), {"lhfcalc": True, "lasph": True, "ismear": 0})
    assert sum(str(one.message).startswith("INCAR: ") for one in caught) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"incar_advice": "maybe"}, "incar_advice 'maybe'. Valid: correct, off, warn"), ({"explicit": ()}, "'explicit'")],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(UnknownNameError, match=message):
        vasp.calculator(bulk("Cu"), arguments)
