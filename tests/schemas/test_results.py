import pytest
from ase.build import bulk, molecule

from adatom.calculations import thermochemistry
from adatom.recipes.emt import emt, freq_job, md_job, relax_job, static_job
from adatom.schemas.results import MDResult, RelaxResult, StaticResult, Thermo, VibResult
from tests.schemas.typed import violations

CU, H2O = bulk("Cu") * (2, 1, 1), molecule("H2O")


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: static_job(CU), StaticResult),
        (lambda: static_job(H2O, properties=["energy", "magmoms"]), StaticResult),
        (lambda: relax_job(CU, relax_cell=True), RelaxResult),
        (lambda: relax_job(H2O), RelaxResult),
        (lambda: md_job(CU, temperature=300, steps=3), MDResult),
        (lambda: md_job(CU, dynamics="NPT", temperature=300, steps=3), MDResult),
        (lambda: freq_job(relax_job(H2O)["atoms"]), VibResult),
        (lambda: freq_job(CU), VibResult),
        (lambda: thermochemistry(H2O, [0.1, 0.2, 0.3]), Thermo),
        (lambda: thermochemistry(H2O, [0.1, 0.2, 0.3], model="harmonic"), Thermo),
    ],
)
def test_results_are_what_their_types_say(make, hint):
    assert violations(make(), hint) == []


def test_the_check_can_fail():
    good = static_job(CU)
    assert emt.name == "EMT"
    for wrong, said in [
        ({**good, "converged": 1}, ".converged"),
        ({**good, "more": 1}, ".more is not in StaticResult"),
        ({key: value for key, value in good.items() if key != "dir_name"}, ".dir_name is missing"),
        ({**good, "results": {}}, ".results.energy is missing"),
        ({**good, "results": {**good["results"], "forces": [[0.0]]}}, ".results.forces"),
        ({**good, "provenance": {**good["provenance"], "duration": "1 s"}}, ".provenance.duration"),
        ({**good, "provenance": {**good["provenance"], "versions": {"ase": 3}}}, ".provenance.versions.ase"),
    ]:
        (found,) = violations(wrong, StaticResult)
        assert found.startswith(said)
