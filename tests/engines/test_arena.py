"""A campaign of benchmarks gives the same records on every engine, whatever a model does to its worker."""

import pytest
from ase.calculators.emt import EMT

from adatom import change_settings, flow
from adatom.arena import get_calculator, run_benchmarks
from adatom.arena.tasks import OPT
from adatom.execution.failure import Failure
from tests.arena.potentials import Crashing
from tests.arena.test_tasks import copper

pytestmark = pytest.mark.deep_on("covalent", reason="the engine's own failures and timeouts are tested on it")
WAITS = "in the body of a flow of Covalent's nothing can be waited for"


@pytest.fixture(scope="session")
def here(tmp_path_factory):
    """The metrics of a campaign in this process."""
    with change_settings(workflow_engine="local", local_workers=1):
        (record,) = run_benchmarks(
            ["extensivity"], {"emt": EMT}, elements=["Cu"], directory=tmp_path_factory.mktemp("bench")
        )
    return record["systems"]["Cu"]["metrics"]


def test_a_campaign(engine, here, tmp_path):
    found = run_benchmarks(
        ["extensivity"],
        {"emt": EMT, "crashing": Crashing},
        elements=["Cu"],
        timeout=60,
        directory=tmp_path / "bench",
        runner=engine.runner,
    )
    healthy, crashed = (record["systems"]["Cu"] for record in found)
    assert healthy["failure"] is None
    assert healthy["metrics"] == pytest.approx(here)
    assert healthy["score"] == 1
    assert crashed["failure"]["kind"] == "WorkerDiedError"
    assert all(record["machine"]["versions"] for record in found)


def test_tasks_of_mlip_arena(engine):
    if not engine.capabilities.waits_in_flow:
        pytest.skip(WAITS)

    @flow(runner=engine.runner)
    def relaxations():
        futures = [
            OPT.submit(atoms=copper(), calculator=get_calculator(model), criterion={"fmax": 0.01})
            for model in ("emt", "7net-l3i5")
        ]
        return [future.result(raise_on_failure=False) for future in futures]

    relaxed, missing = relaxations()
    assert relaxed["converged"]
    assert relaxed["provenance"]["engine"] == engine.engine
    assert isinstance(missing, Failure)
