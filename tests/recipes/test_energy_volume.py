"""Energies of a crystal far from equilibrium."""

import numpy as np
import pytest
from ase.build import bulk

from adatom.errors import InputError
from adatom.recipes.emt import energy_volume_flow, static_job


def test_copper_by_the_protocol_of_mlip_arena():
    curve = energy_volume_flow(bulk("Cu", a=3.9), arena_compat=True)["curve"]
    assert curve["tortuosity"] == pytest.approx(1.2235, abs=1e-4)
    assert curve["compression"] == pytest.approx(-0.7333, abs=1e-4)
    assert curve["volumes"][[0, -1]] / bulk("Cu", a=3.9).get_volume() == pytest.approx([0.512, 1.728])


def test_each_volume_has_its_energy():
    result = energy_volume_flow(bulk("Cu"), max_strain=0.1, number=5)
    curve = result["curve"]
    assert (len(curve["volumes"]), curve["missing"], curve["tortuosity"]) == (5, 0, 1.0)
    atoms = bulk("Cu")
    atoms.set_cell(atoms.cell * 0.95, scale_atoms=True)
    assert result["scan"]["points"]["energies"][1] == pytest.approx(static_job(atoms)["results"]["energy"])
    assert np.ptp(curve["energies"]) > 0.1


@pytest.mark.parametrize("given", [{"max_strain": 0}, {"max_strain": 1}, {"number": 4}])
def test_bad_input_is_refused(given):
    with pytest.raises(InputError, match="Give one between 0 and 1, and 5 or more"):
        energy_volume_flow(bulk("Cu"), **given)
