import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.constraints import FixAtoms

from adatom.atoms.bands import make_band, unwrapped
from adatom.errors import InputError, UnknownNameError


def vacancy():
    """A vacancy of aluminium, and the same after the hop of a neighbour over the edge of the cell."""
    crystal = bulk("Al", cubic=True) * (2, 2, 2)
    crystal.positions += 0.1
    initial, final = crystal[1:], crystal[1:]
    shifts = crystal.get_distances(0, range(1, 32), mic=True, vector=True)
    hops = int(np.flatnonzero(shifts[:, 0] < -1)[0])
    final.positions[hops] = crystal.positions[0]
    return initial, final


def test_a_line_takes_the_shortest_way_over_the_edge_of_the_cell():
    initial, final = vacancy()
    band = make_band(initial, final, 3, "linear")
    moves = np.linalg.norm(np.diff([image.positions for image in band], axis=0), axis=2)
    assert moves.sum() == pytest.approx(4.05 / np.sqrt(2))  # nearest neighbours
    assert np.ptp(moves.sum(axis=1)) < 1e-12
    assert [len(image) for image in band] == [31] * 5
    wrapped = [image.copy() for image in band]
    for image in wrapped:
        image.wrap()
    again = [image.positions for image in unwrapped(wrapped)]
    np.testing.assert_allclose(np.diff(again, axis=0), np.diff([image.positions for image in band], axis=0), atol=1e-9)


def test_idpp_turns_what_a_line_would_squeeze():
    """Half a turn of a water molecule, its oxygen fixed: on straight lines the hydrogen atoms meet it."""
    initial = molecule("H2O")
    initial.set_constraint(FixAtoms([0]))
    final = initial.copy()
    final.rotate(180, "z", center=initial.positions[0])
    final.rotate(140, "x", center=initial.positions[0])

    def shortest(method):
        return min(image.get_distances(0, [1, 2]).min() for image in make_band(initial, final, 3, method))

    assert shortest("linear") < 0.6 < 0.8 < shortest("idpp")


def test_a_molecule_is_laid_on_the_other_end():
    initial = molecule("NH3")
    final = initial.copy()
    final.positions[0, 2] -= 2 * (final.positions[0, 2] - final.positions[1:, 2].mean())  # inverted
    elsewhere = final.copy()
    elsewhere.rotate(70, (1, 2, 3))
    elsewhere.translate((4, 5, 6))
    near = np.linalg.norm(make_band(initial, final)[-1].positions - initial.positions)
    far = np.linalg.norm(make_band(initial, elsewhere)[-1].positions - initial.positions)
    assert far == pytest.approx(near, abs=1e-6)


def test_the_ends_are_not_changed():
    initial, final = vacancy()
    before = initial.copy(), final.copy()
    make_band(initial, final)
    assert (initial, final) == before


def held(index):
    atoms = bulk("Al", cubic=True)
    atoms.set_constraint(FixAtoms([index]))
    return atoms


def moved(atoms, index=1, by=0.5):
    other = atoms.copy()
    other.positions[index] += by
    return other


AL = bulk("Al", cubic=True)
TURNED = molecule("CH4")
TURNED.rotate(120, (1, 1, 1))


@pytest.mark.parametrize("method", ["linear", "idpp"])
def test_atoms_that_meet_are_named(method):
    pair = Atoms("Ar2", positions=[[0, 0, 0], [4, 0, 0]], cell=[9, 9, 9], pbc=True)
    swapped = moved(pair, [0, 1], [[4, 0, 0], [-4, 0, 0]])
    with pytest.raises(InputError, match=f"Atoms 0 and 1 meet in image 2 of the '{method}' band"):
        make_band(pair, swapped, 3, method)


@pytest.mark.parametrize(
    ("initial", "final", "changes", "said"),
    [
        (AL, AL, {}, "The ends are the same structure: no atom moves more than 0.000 Å"),
        (AL, moved(AL, by=3.0 - 3.0 + 4.05), {}, "same structure"),  # a lattice vector further
        (molecule("CH4"), TURNED, {}, "same structure"),
        (AL, AL[:3], {}, "these are Al4 and Al3"),
        (Atoms("NaCl", AL.positions[:2]), Atoms("ClNa", AL.positions[:2]), {}, "atom 0 is Na in one and Cl"),
        (AL, moved(bulk("Al", cubic=True, a=4.1)), {}, "same cell.*relax_cell=False"),
        (AL, Atoms("Al4", positions=moved(AL).positions), {}, "periodic in the same directions"),
        (held(1), moved(AL), {}, "Atom 1 .Al. is held by a constraint, and is 0.866 Å from there"),
        (AL, "Al", {}, "this is 'Al'"),
        (AL, moved(AL), {"images": 0}, "images is 0"),
        (AL, moved(AL), {"method": "spline"}, "'spline'.*Valid: idpp, linear"),
    ],
)
def test_ends_without_a_band_are_refused(initial, final, changes, said):
    with pytest.raises(UnknownNameError if "method" in changes else InputError, match=said):
        make_band(initial, final, **changes)
