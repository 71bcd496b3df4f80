from adatom import job
from adatom.cache.fixed import fixed_parts
from adatom.cache.key import make_key


@job
def inner(x, y=1):
    return x + y


bound = inner.bind(y=2)


def outer(x):
    return bound(x)


def test_a_default_of_a_job_that_is_changed_in_place_counts():
    before = make_key(outer, (1,), {}).digest
    assert make_key(outer, (1,), {}).digest == before
    bound.defaults["y"] = 3
    changed = make_key(outer, (1,), {}).digest
    bound.defaults["y"] = 2
    assert changed != before
    assert make_key(outer, (1,), {}).digest == before


def test_a_job_is_fixed_unless_a_default_can_be_changed():
    assert fixed_parts(bound) == (type(bound), inner._fn, None, "y", 2)
    assert fixed_parts(inner.bind(y=[2])) is None
    assert fixed_parts(inner.bind(y="a.xyz")) is None
