"""Documents say their units by key, in a table that people and programs read."""

import re
from importlib import import_module
from inspect import cleandoc
from typing import get_type_hints

import pytest

from adatom.analysis.documents import DOCUMENTS, find_documents, units_of


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_key_is_described(name):
    module, _, kind = DOCUMENTS[name].partition(":")
    document = getattr(import_module(module), kind)
    described = re.findall(r"^(\w[\w, ]*)$", cleandoc(document.__doc__).partition("Attributes\n")[2], re.MULTILINE)
    assert {key for names in described for key in names.split(", ")} == set(get_type_hints(document))
    assert set(units_of(name)) == set(get_type_hints(document))
    assert "name" in get_type_hints(document)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_units_are_those_of_the_description(name):
    module, _, kind = DOCUMENTS[name].partition(":")
    text = " ".join(getattr(import_module(module), kind).__doc__.split())
    for unit in set(units_of(name).values()) - {""}:
        assert unit in text, unit


def test_documents_are_found_wherever_they_are():
    eos = {"name": "eos", "v0": 1.0}
    value = [{"a": {"eos": eos}, "name": "mine"}, (eos, {"name": ["eos"]}), 3]
    assert list(find_documents(value)) == [("[0].a.eos", eos), ("[1][0]", eos)]
