from collections import Counter
from pathlib import Path

import pytest

from adatom.errors import InputError
from adatom.recipes import emt, registry
from adatom.recipes.registry import codes, find_recipe, recipes_of
from adatom.workflow import Job

SCRIPT = """
from adatom import job

@job
def double(atoms):
    return 2
"""


def test_every_code_and_no_common_part_is_found():
    package = Path(emt.__file__).parent
    files = [*package.glob("*.py"), *package.glob("[a-z]*/")]
    assert codes() == sorted({path.stem for path in files} - {"__init__", "common", "registry"})


def test_recipes_are_found_once_where_they_are_bound():
    found = {recipe.name: recipe for recipe in recipes_of("emt")}
    assert {"emt.static_job", "emt.relax_job", "emt.md_job", "emt.freq_job"} <= set(found)
    assert {"emt.bulk_to_slabs_flow", "emt.slab_to_ads_flow"} <= set(found)
    assert (found["emt.relax_job"].module, found["emt.relax_job"].kind) == ("adatom.recipes.emt", "job")
    assert found["emt.bulk_to_slabs_flow"].kind == "flow"


def test_short_names_are_unique():
    names = Counter(recipe.name for code in codes() for recipe in recipes_of(code))
    assert set(names.values()) == {1}


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("emt.relax_job", emt.relax_job),
        ("adatom.recipes.emt.relax_job", emt.relax_job),
        ("emt.bulk_to_slabs_flow", emt.bulk_to_slabs_flow),
        ("adatom.recipes.emt:bulk_to_slabs_flow", emt.bulk_to_slabs_flow),
    ],
)
def test_names_of_a_recipe(text, step):
    assert find_recipe(text).step is step


@pytest.mark.parametrize("text", ["some_script.py:double", "./some_script.py:double", "some_script:double"])
def test_a_users_own_recipe(text, monkeypatch):
    monkeypatch.delitem(registry.sys.modules, "some_script", raising=False)
    Path("some_script.py").write_text(SCRIPT)
    recipe = find_recipe(text)
    assert isinstance(recipe.step, Job)
    assert (recipe.name, recipe.module, recipe.function) == (text, "some_script", "double")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("emt.relx_job", "Unknown recipe 'emt.relx_job'. Did you mean 'emt.relax_job'? Valid: emt."),
        ("emt.core.relax_job", "Did you mean 'emt.relax_job'"),
        ("emt", "Unknown recipe 'emt'"),
        ("emtt.relax_job", "Unknown code 'emtt'. Did you mean 'emt'? Valid: "),
        ("common.relax_job", "Unknown code 'common'"),
        ("relax_job", "of which code? Valid: "),
        ("relx_job", "Did you mean"),
        ("", "Unknown recipe ''"),
        ("no_such_module:f", "No module named 'no_such_module'"),
        (":f", "cannot be imported"),
        ("missing.py:f", "no file 'missing.py'"),
        ("good.py", "good.py:FUNCTION"),
        ("good.py:treble", "Unknown recipe of good.py 'treble'. Valid: double."),
        ("good.py:dubble", "Did you mean 'double'"),
        ("broken.py:f", "ZeroDivisionError"),
        ("json.py:f", "Rename the file"),
        ("two.dots.py:f", "Rename the file"),
        ("tests.cli.own_recipes:plain_function", "is no recipe: put @job or @flow above"),
        ("tests.cli.own_recipes:EMT", "is no recipe"),
    ],
)
def test_bad_recipes(text, said, monkeypatch):
    for name in ("good", "broken"):
        monkeypatch.delitem(registry.sys.modules, name, raising=False)
    Path("good.py").write_text(SCRIPT)
    Path("broken.py").write_text("1 / 0")
    Path("json.py").write_text(SCRIPT)
    Path("two.dots.py").write_text(SCRIPT)
    with pytest.raises(InputError) as caught:
        find_recipe(text)
    assert said in str(caught.value)
