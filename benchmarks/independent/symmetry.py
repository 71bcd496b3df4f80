"""Symmetry: numbers of planes, sites and rotations."""

from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.spacegroup import crystal

from adatom.atoms.adsorption import make_adsorption
from adatom.atoms.slabs import make_slabs
from adatom.recipes import emt

from .row import Row
from .theirs import planes

TITLE = "Symmetry"

THIN = {"min_slab_size": 1.0, "min_vacuum_size": 5.0, "min_length_width": None, "z_fix": None}
SAPPHIRE = crystal(
    ["Al", "O"],
    [(0, 0, 0.3522), (0.3063, 0, 0.25)],
    spacegroup=167,
    cellpar=[4.759, 4.759, 12.991, 90, 90, 120],
)
ORDERED = Atoms("CuAu", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=[2.8, 2.8, 3.67], pbc=True)


def number_of_planes(atoms: Atoms, max_index: int) -> int:
    return len({tuple(slab.info["miller_index"]) for slab in make_slabs(atoms, max_index=max_index, **THIN)})


def symmetry_number(name: str) -> int:
    flow = emt.freq_job(molecule(name), ignore_imaginary=True)
    return flow["thermo"]["symmetry_number"]


def space_group() -> int:
    flow = emt.phonon_flow(ORDERED, supercell_matrix=[1, 1, 1], mesh=[1, 1, 1], ignore_imaginary=True)
    return int(flow["phonons"]["space_group"].partition("(")[2].rstrip(")"))


ROWS = (
    *(
        Row(
            f"Planes of {name} up to index {most}",
            "",
            "atoms.slabs.make_slabs",
            "pymatgen's search for planes in the conventional cell",
            lambda args=(atoms, most): number_of_planes(*args),
            lambda args=(atoms, most): planes.by_pymatgen(*args),
            quick=name == "hcp Mg",
        )
        for name, atoms, most in (
            ("fcc Cu", bulk("Cu", cubic=True), 3),
            ("hcp Mg", bulk("Mg"), 2),
            ("diamond", bulk("C", cubic=True), 2),
        )
    ),
    *(
        Row(
            f"Planes of {name} up to index {most}",
            "",
            "atoms.slabs.make_slabs",
            "orbits under the rotations of spglib",
            lambda args=(atoms, most): number_of_planes(*args),
            lambda args=(atoms, most): planes.by_spglib(*args),
            quick=most == 1,
        )
        for name, atoms, most in (("sapphire", SAPPHIRE, 2), ("ordered CuAu", ORDERED, 1))
    ),
    Row(
        "Kinds of sites on an fcc (1 1 1) surface",
        "",
        "atoms.adsorption.make_adsorption",
        "textbook: on top, bridge, and hollows above the second and the third layer",
        lambda: len(make_adsorption(fcc111("Cu", (2, 2, 3), vacuum=8), "O")),
        lambda: 4,
        quick=True,
    ),
    *(
        Row(
            f"Rotational symmetry number of {name}",
            "",
            "emt.freq_job",
            "pymatgen's `PointGroupAnalyzer`",
            lambda name=name: symmetry_number(name),
            lambda name=name: planes.symmetry_number(molecule(name)),
            quick=name == "CH4",
        )
        for name in ("CH4", "NH3", "C2H4", "C6H6")
    ),
    Row(
        "Number of the space group of ordered CuAu",
        "",
        "emt.phonon_flow",
        "pymatgen's `SpacegroupAnalyzer`",
        space_group,
        lambda: planes.space_group(ORDERED),
        needs="phonons",
    ),
)
