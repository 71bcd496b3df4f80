"""What a job needs, in the words of people."""

import pickle

import pytest

from adatom.errors import InputError, UnknownNameError
from adatom.machines import Resources
from adatom.machines.resources import parse_memory


def test_what_is_derived():
    needs = Resources(nodes=2, ranks_per_node=8, threads_per_rank=4, memory="16G", walltime="01:30:00")
    assert (needs.ranks, needs.cores_per_node, needs.memory, needs.walltime) == (16, 32, 16 * 2**30, 5400)
    assert pickle.loads(pickle.dumps(needs)) == needs


@pytest.mark.parametrize(
    ("text", "size"), [("500M", 500 * 2**20), ("1.5 GiB", 3 * 2**29), ("2gb", 2**31), ("1T", 2**40), ("10b", 10)]
)
def test_memory(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("memory", "16", "'16': Give a number with a unit, such as 500M or 16G"),
        ("memory", "16 X", "Give a number with a unit"),
        ("walltime", "2 fortnights", "Give seconds, HH:MM:SS"),
        ("walltime", -1, "greater than 0"),
        ("nodes", 0, "greater than 0"),
        ("ranks_per_node", "many", "valid integer"),
        ("gpus_per_node", -1, "greater than or equal to 0"),
    ],
)
def test_bad_values_are_named(field, value, said):
    with pytest.raises(InputError, match=said) as caught:
        Resources(**{field: value})
    assert f"{field!r} of Resources" in str(caught.value)


def test_an_unknown_key():
    with pytest.raises(UnknownNameError, match=r"'node'\. Did you mean 'nodes'\? Valid: gpus_per_node, memory, nodes"):
        Resources(node=1)


def test_it_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Resources().nodes = 2
