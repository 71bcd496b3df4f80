"""Transition states, and what they connect."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from adatom import FlowFailure, flow
from adatom.recipes import tblite
from adatom.recipes.emt import irc_flow, neb_flow, relax_job, ts_flow
from adatom.recipes.tblite import relax_job as tblite_relax_job
from tests.codes import needs_code
from tests.recipes.test_neb import adatom

pytestmark = needs_code("sella")


def test_sella_finds_the_top_of_the_band_and_its_ends():
    """A gold adatom on Al(100): the saddle point, and down from it to the two sites that the band began with."""

    @flow
    def workflow():
        band = neb_flow(adatom("Al"), adatom("Al", 1.0), images=3, job_params={"neb_job": {"fmax": 0.02}})
        start = adatom("Al", 0.4)
        start.positions[-1, 2] += 0.4  # a bridge is higher than a hollow
        found = ts_flow(start, job_params={"freq_job": {"indices": [12]}})
        down = irc_flow(found["ts"]["atoms"], job_params={"irc_job": {"irc_kwargs": {"dx": 0.5}}})
        return band, found, down

    band, found, down = workflow()
    energies = band["neb"]["points"]["energies"]
    assert found["ts"]["results"]["energy"] == pytest.approx(energies.max(), abs=1e-3)
    assert found["transition_state"]["energy"] == pytest.approx(found["ts"]["results"]["energy"])
    assert 20 < found["transition_state"]["imaginary_frequency"] < 200
    assert found["freq"]["thermo"]["model"] == "harmonic"
    path = down["path"]
    assert path["forward_barrier"] == pytest.approx(band["path"]["forward_barrier"], abs=2e-3)
    assert path["reverse_barrier"] == pytest.approx(path["forward_barrier"], abs=2e-3)
    assert path["energies"][path["highest"]] == path["forward_barrier"]
    ends = [run["atoms"].positions[-1] for run in down["relax"]]
    assert np.abs(ends[0] - ends[1])[:2] == pytest.approx([2.864, 0.0], abs=0.02)  # one nearest-neighbour distance


def test_a_minimum_is_no_transition_state():
    relaxed = relax_job(molecule("N2"), fmax=0.001)["atoms"]
    with pytest.raises(FlowFailure, match="has one imaginary mode, and this has 0"):
        ts_flow(relaxed)


@needs_code("tblite")
def test_the_inversion_of_ammonia():
    """By symmetry its transition state is flat: a relaxation that starts flat ends there too."""
    flat = Atoms("NH3", positions=[[0, 0, 0], *(np.array([np.cos(a), np.sin(a), 0]) for a in np.arange(3) * 2.0944)])
    nearly = flat.copy()
    nearly.positions[0, 2] = 0.1
    found = tblite.ts_flow(nearly)
    by_symmetry = tblite_relax_job(flat)["results"]["energy"]
    assert found["transition_state"]["energy"] == pytest.approx(by_symmetry, abs=1e-4)
    assert len(found["freq"]["results"]["frequencies"]) == 6
    down = tblite.irc_flow(found["ts"]["atoms"])
    pyramid = tblite_relax_job(molecule("NH3"))["results"]["energy"]
    assert down["path"]["forward_barrier"] == pytest.approx(by_symmetry - pyramid, abs=1e-3)
    assert down["path"]["reverse_barrier"] == pytest.approx(by_symmetry - pyramid, abs=1e-3)
