"""A flow of one's own: the formation energy of an alloy, from three relaxations that can run at the same time."""

from ase import Atoms
from ase.build import bulk

from adatom import flow, job
from adatom.recipes.emt import relax_job


@job
def formation_energy(alloy, elements):
    """In eV per atom."""
    pure = {result["atoms"].symbols[0]: result["results"]["energy"] / len(result["atoms"]) for result in elements}
    symbols = alloy["atoms"].symbols
    return (alloy["results"]["energy"] - sum(pure[symbol] for symbol in symbols)) / len(symbols)


@flow
def alloy_flow(alloy):
    relaxed = relax_job(alloy, relax_cell=True)
    elements = [relax_job(bulk(symbol), relax_cell=True) for symbol in sorted(set(alloy.symbols))]
    return {"alloy": relaxed["atoms"], "formation_energy": formation_energy(relaxed, elements)}


corners_and_faces = [(0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
cu3au = Atoms("AuCu3", scaled_positions=corners_and_faces, cell=[3.75] * 3, pbc=True)

out = alloy_flow(cu3au)
print(f"lattice constant  {out['alloy'].cell.lengths()[0]:.3f} Å")
print(f"formation energy  {out['formation_energy']:.4f} eV/atom")
