"""Point defects of copper: a vacancy, an atom in a hole, and aluminium in the place of an atom."""

from ase.build import bulk

from adatom.recipes.emt import bulk_to_defects_flow, relax_job

copper, aluminium = (relax_job(bulk(symbol), relax_cell=True) for symbol in ("Cu", "Al"))
result = bulk_to_defects_flow(
    copper["atoms"],
    defect_kwargs={"substitutions": {"Cu": "Al"}, "interstitials": ["Cu"]},
    supercell_kwargs={"min_length": 7.0, "min_atoms": 20},  # Å; small, to be fast
    chemical_potentials={"Al": aluminium["results"]["energy"]},
    run_static=False,
)
for run, entry in zip(result["relax"], result["formation_energies"]["defects"], strict=True):
    print(f"{entry['defect']:5} {run['atoms'].get_chemical_formula():9} {entry['formation_energy']:.2f} eV")
