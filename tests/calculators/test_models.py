"""Which models there are, and how a calculator is made of what names it."""

import ast
import logging
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from adatom import change_settings, explain
from adatom.calculators.models import (
    Model,
    identify_model,
    make_model,
    model,
    model_label,
    model_names,
    named_model,
)
from adatom.errors import InputError, MissingExtraError, UnknownNameError
from adatom.recipes import emt
from adatom.recipes.mlip import static_job
from tests.calculators import own_model
from tests.interpreter import run


def energy(calculator):
    atoms = bulk("Cu", cubic=True)
    atoms.calc = calculator
    return atoms.get_potential_energy()


FAMILIES = {"chgnet", "emt", "grace-2l-oam", "lj", "mace", "mace-mp-0-medium", "matcalc", "mattersim-5m", "nequip"}
PLACE = re.compile(r"[\w.]+:[\w.]+")
EXTRAS = {None, "chgnet", "gap", "mace", "matcalc", "sevennet"}


def test_each_row_says_all_that_a_reader_wants_to_know():
    assert FAMILIES | {"orb-v2", "sevennet-0", "tensornet-matpes-pbe", "uma-s-1p1"} <= set(model_names())
    for name in model_names():
        row = model(name)
        assert isinstance(row, Model)
        assert row.name == name
        assert row.doi.startswith("10.") or row.doi == "that of the model", name
        assert {"energy", "forces"} <= set(row.properties), name
        assert "not stated" not in (row.licence, row.training_data, row.purpose), name
        assert all(PLACE.fullmatch(place) for place in (row.make, row.make_from_file, row.batched) if place), name
        assert set(row.words) <= {"device", "dtype"}, name
        assert row.extra in EXTRAS, name
        assert row.python is None, name
        assert row.tried in (True, False), name


def test_rows_that_are_tried_are_those_of_which_there_are_tests():
    tried = {name for name in model_names() if model(name).tried}
    assert tried == {"chgnet", "emt", "gap", "lj", "mace", "matcalc", "sevennet-0", "sevennet-l3i5"}


def test_what_makes_models_needs_nothing_of_adatom():
    """It may run in another Python, where there is none of it."""
    places = {model(name).make.partition(":")[0] for name in model_names()}
    files = [Path(find_spec(place).origin) for place in places if place.startswith("adatom.")]
    assert {file.stem for file in files} == {"chgnet", "gap", "matgl", "orb"}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "adatom" for name in names), file


class TestAliases:
    def test_they_are_the_model_wherever_a_name_is(self):
        assert model("7net-0") == model("SevenNet-MPtrj-0") == model("sevennet-0")
        assert model("MACE-MP(M)").arguments == {"model": "medium"}
        assert named_model("7net-0?device=cpu") == named_model("sevennet-0")
        assert model_label("7net-0?device=cpu") == "sevennet-0"
        assert model_label("no-such-model") == "no-such-model"
        assert make_model("EMT").parameters["potential"] == "emt"
        assert "7net-0" not in model_names()

    def test_they_have_the_key_of_the_name(self, tmp_path):
        assert identify_model("7net-0?device=cpu") == identify_model("sevennet-0?device=cpu")
        with change_settings(cache="on", cache_dir=tmp_path / "cache", results_dir=tmp_path):
            found = static_job(bulk("Cu"), calculator="emt")
            assert explain(static_job, bulk("Cu"), calculator="EMT").hit
            assert static_job(bulk("Cu"), calculator="EMT")["dir_name"] == found["dir_name"]

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ("aliases: [sevennet-0]", "'sevennet-0' names two models: it is an alias of own, and the name of another"),
            ("aliases: [7net-0]", "'7net-0' names two models: it is an alias of own, and one of sevennet-0"),
            ("aliases: 7net", "The aliases of the model own in .* are '7net'. Give a list of names"),
            ("aliases: [7]", "Give a list of names"),
            ("aliases: ['a:b']", "have 'a:b'. A name is without : and ?"),
            ("python: 3", "The python of the model own in .* is 3. Give the path of an environment"),
        ],
    )
    def test_a_clash_and_what_is_none(self, own_rows, rows, said):
        own_rows.with_name("models.yaml").write_text(f"own: {{package: ase, make: 'ase:X', {rows}}}")
        with pytest.raises(InputError, match=said):
            model_names()

    def test_a_row_that_is_named_like_an_alias(self, own_rows):
        own_rows.with_name("models.yaml").write_text("7net-0: {package: ase, make: 'ase:X'}")
        with pytest.raises(InputError, match="it is an alias of sevennet-0, and the name of another"):
            model("emt")

    def test_a_row_that_replaces_another_one_has_its_own(self, own_rows):
        own_rows.with_name("models.yaml").write_text("emt: {package: ase, make: 'ase:X', aliases: [mine]}")
        assert model("mine").make == "ase:X"
        with pytest.raises(UnknownNameError):
            model("EMT")


def test_effective_medium_theory_by_its_name():
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.1, seed=1)
    by_name, own = (
        static_job.fn(copper, calculator="emt", properties=["energy", "forces", "stress"]),
        emt.static_job.fn(copper, properties=["energy", "forces", "stress"]),
    )
    assert by_name["results"].keys() == own["results"].keys()
    for name, value in own["results"].items():
        assert np.array_equal(by_name["results"][name], value), name
    assert energy(make_model("lj", rc=12.0)) == energy(LennardJones(rc=12.0))


class Potential:
    """What packages that are not installed here make of the name of weights."""

    def __init__(self, name, **given):
        self.name, self.given = name, given


class Made(EMT):
    def __init__(self, potential, **given):
        super().__init__()
        self.potential, self.given = potential, given


ROWS = [row for row in map(model, model_names()) if row.extra is None and row.package != "ase"]
ONE_OF_EACH = {row.package: row.name for row in ROWS}.values()


class TestPackagesThatAreNotHere:
    def modules(self, monkeypatch, **contents):
        for name, content in contents.items():
            module = ModuleType(name)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, name.replace("__", "."), module)
        for name in ("orb", "matgl"):
            monkeypatch.delitem(sys.modules, f"adatom.calculators.{name}", raising=False)

    def test_orb_of_both_forms(self, monkeypatch):
        weights = {"orb-v2": lambda **given: Potential("orb-v2", **given)}
        forcefield = {"pretrained": ModuleType("pretrained")}
        self.modules(monkeypatch, orb_models={}, orb_models__forcefield=forcefield)
        forcefield["pretrained"].ORB_PRETRAINED_MODELS = weights
        self.modules(monkeypatch, orb_models__forcefield__calculator={"ORBCalculator": Made})
        old = make_model("orb-v2?device=cpu")
        assert old.potential.given == {"device": "cpu", "precision": "float32-high", "compile": None}
        assert (old.potential.name, old.given) == ("orb-v2", {"device": "cpu"})
        weights["orb-v2"] = lambda **given: (Potential("orb-v2", **given), "adapter")
        self.modules(monkeypatch, orb_models__forcefield__inference={})
        self.modules(monkeypatch, orb_models__forcefield__inference__calculator={"ORBCalculator": Made})
        new = make_model("ORBv2?device=cpu&compile=false")
        assert new.potential.given["compile"] is False
        assert new.given == {"atoms_adapter": "adapter", "device": "cpu"}

    def test_matgl(self, monkeypatch):
        self.modules(
            monkeypatch, matgl={"load_model": Potential}, matgl__ext={}, matgl__ext__ase={"PESCalculator": Made}
        )
        made = make_model("TensorNet-MatPES-PBE-2025.2")
        assert made.potential.name == "TensorNet-PES-MatPES-PBE-2025.2"
        assert made.given == {"stress_unit": "eV/A3", "use_voigt": True}

    @pytest.mark.parametrize("name", ONE_OF_EACH)
    def test_one_that_is_missing_is_named_as_pip_knows_it(self, name, monkeypatch, tmp_path):
        row = model(name)
        (tmp_path / "weights").touch()
        place = row.make.partition(":")[0]
        monkeypatch.delitem(sys.modules, place, raising=False)
        package = {"adatom.calculators.orb": "orb_models", "adatom.calculators.matgl": "matgl"}.get(place, place)
        monkeypatch.setitem(sys.modules, package.partition(".")[0], None)
        with pytest.raises(MissingExtraError, match=f"Get it with: pip install {row.package}$"):
            make_model(f"{name}:{tmp_path}/weights" if row.file_needed else name)


class TestRowsOfTheUser:
    def test_a_file_and_words(self, own_rows):
        calculator = make_model(f"own:{own_rows}?device=gpu&rcut1=4.5", rcut2=6.0)
        assert energy(calculator) == energy(own_model.OwnModel(own_rows, rcut1=4.5, rcut2=6.0)) < -1
        assert calculator.where == "gpu"
        assert calculator.parameters["potential"] == "own"
        assert (model("own").licence, model("own").properties) == ("not stated", ("energy", "forces"))

    def test_an_entry_point(self, tmp_path):
        metadata = tmp_path / "mine-0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0\n")
        (metadata / "entry_points.txt").write_text("[adatom.models]\nmine = tests.calculators.own_model:ROWS\n")
        code = """
import sys
sys.path.append(sys.argv[1])
from adatom.calculators.models import make_model
print(type(make_model("by-entry-point")).__name__, make_model("by-entry-point").parameters["rc"])
"""
        assert run(code, tmp_path, tmp_path) == "LennardJones 12.0\n"

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("- chgnet", "is no table of models"),
            ("own: chgnet", "is no table of models"),
            ("own: {package: ase}", "own in .*models.yaml has no make"),
            ("own: {package: ase, make: 'ase:X', licens: MIT}", "'licens'. Did you mean 'licence'"),
            ("own: {package: [", "cannot be read"),
        ],
    )
    def test_a_table_that_is_none(self, own_rows, table, said):
        own_rows.with_name("models.yaml").write_text(table)
        with pytest.raises(InputError, match=said):
            model_names()


class TestWeights:
    def test_are_loaded_once_and_again_when_the_file_has_changed(self, own_rows, caplog):
        caplog.set_level(logging.INFO, "adatom.calculators")
        spec = f"own:{own_rows}"
        first, second = make_model(spec), make_model(spec)
        assert energy(first) == energy(second)
        assert len(own_model.loads) == 1 == caplog.text.count("loaded own in ")
        own_rows.write_text("0.4567")
        assert energy(make_model(spec)) == pytest.approx(energy(first) * 0.4567 / 0.3)
        assert len(own_model.loads) == 2 == caplog.text.count("loaded own in ")

    def test_are_loaded_once_by_threads_at_first_use(self, own_rows):
        with ThreadPoolExecutor(8) as threads:
            made = [threads.submit(copy_context().run, make_model, f"own:{own_rows}") for _ in range(24)]
        assert len({id(future.result()) for future in made}) == 24
        assert len(own_model.loads) == 1

    def test_calculators_share_nothing_that_changes(self, own_rows):
        first, second = make_model(f"own:{own_rows}"), make_model(f"own:{own_rows}")
        energy(first)
        assert first.results
        assert not second.results
        first.parameters["rcut1"] = 7
        assert second.parameters["rcut1"] != 7

    def test_arguments_that_no_text_tells_apart_make_another_calculator(self):
        class Scaled(LennardJones):
            def __init__(self, factors):
                super().__init__(rc=12.0, epsilon=float(factors.sum()))

        factors = np.zeros(2000)  # of which a text has the first and the last three
        factors[1000] = 1.0
        assert energy(make_model(Scaled, factors=factors)) != 0
        assert energy(make_model(Scaled, factors=2 * factors)) == 2 * energy(make_model(Scaled, factors=factors))

    def test_what_an_ase_calculator_of_the_users_is_set_to_stays(self):
        assert make_model(EMT, asap_cutoff=True).parameters == EMT(asap_cutoff=True).parameters

    def test_one_that_cannot_be_copied_is_made_for_each(self, own_rows):
        first, second = make_model(f"lock:{own_rows}"), make_model(f"lock:{own_rows}")
        assert energy(first) == energy(second)
        assert first is not second
        with pytest.raises(InputError, match="NotForCopies cannot be copied.*Give its class"):
            make_model(first)
        assert energy(make_model(own_model.NotForCopies, weights=str(own_rows))) == energy(first)


def test_a_class_a_function_and_an_instance():
    lj = LennardJones(rc=12.0)
    expected = energy(deepcopy(lj))
    assert energy(make_model(LennardJones, rc=12.0)) == expected
    assert energy(make_model(lambda rc: LennardJones(rc=rc), rc=12.0)) == expected
    assert energy(make_model((LennardJones, [], {"rc": 9.0}), rc=12.0)) == expected
    assert energy(make_model((lambda rc: LennardJones(rc=rc), [12.0], {}))) == expected
    own = make_model(lj)
    assert own is not lj
    assert energy(own) == expected
    assert not lj.results


def refused(calculator, **kwargs):
    with pytest.raises(InputError) as caught:
        make_model(calculator, **kwargs)
    return str(caught.value)


def test_what_cannot_be_made_is_refused_with_the_next_step(own_rows, monkeypatch):
    assert "'chgnt'. Did you mean 'chgnet'" in refused("chgnt")
    assert "ADATOM_MODELS" in refused("no-such-model:/some/file")
    assert "mace has no weights of its own. Give the path of a file: 'mace:PATH'" in refused("mace")
    assert "There is no file '/no/such.model' for mace" in refused("mace:/no/such.model")
    assert "elsewhere takes no file" in refused(f"elsewhere:{own_rows}")
    assert "The dtype of own cannot be chosen" in refused(f"own:{own_rows}?dtype=float64")
    assert "rc cannot be set. Give its class" in refused(LennardJones(), rc=3)
    assert "As a tuple it is (constructor, [arguments], {keyword arguments})" in refused((LennardJones, {}))
    assert "The calculator is None. Give a calculator, or one of: allegro, chgnet" in refused(None)
    with pytest.raises(UnknownNameError):
        make_model("no-such-model")
    with pytest.raises(MissingExtraError, match="pip install no-such-package$"):
        make_model("elsewhere")
    monkeypatch.setitem(sys.modules, "chgnet", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'adatom\[chgnet\]'"):
        make_model("chgnet")


class TestKeys:
    @pytest.fixture(autouse=True)
    def cache(self, tmp_path):
        with change_settings(cache="on", cache_dir=tmp_path / "cache"):
            yield

    def test_the_file_counts_and_not_its_age(self, own_rows):
        spec = f"own:{own_rows}?rcut1=4.5"
        first = static_job(bulk("Cu"), calculator=spec)
        os.utime(own_rows, ns=(1, 1))
        assert explain(static_job, bulk("Cu"), calculator=spec).hit
        assert not explain(static_job, bulk("Cu"), calculator=f"own:{own_rows}?rcut1=4.4").hit
        own_rows.write_text("0.4")
        assert not explain(static_job, bulk("Cu"), calculator=spec).hit
        assert static_job(bulk("Cu"), calculator=spec)["results"]["energy"] != first["results"]["energy"]

    def test_the_version_of_the_package_counts(self, own_rows, monkeypatch):
        before = explain(static_job, bulk("Cu"), calculator=f"own:{own_rows}").key
        monkeypatch.setattr("adatom.calculators.models.rows.metadata.version", lambda package: f"{package} 99")
        after = explain(static_job, bulk("Cu"), calculator=f"own:{own_rows}").key
        assert before != after

    def test_a_class_and_an_instance_have_keys(self):
        keys = {explain(static_job, bulk("Cu"), calculator=one).key for one in (EMT, EMT(), LennardJones(rc=5))}
        assert len(keys) == 3
        assert explain(static_job, bulk("Cu"), calculator=EMT()).key in keys
