"""FHI-aims, CASTEP and ONETEP, with the programs that stand in for them: input, output, failures."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.config import cfg
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

from adatom import JobFailure, change_settings
from adatom.calculations import run_static
from adatom.errors import ConvergenceError, InputError, ProgramError
from adatom.recipes import aims, castep, emt, onetep
from tests import standins
from tests.standins.castep import DISPERSION


@dataclass
class Row:
    """What differs between the codes.

    Attributes
    ----------
    program
        Name of the program, with what its build adds to it.
    settings
        Arguments that each calculation needs.
    inputs
        Names of the files of its input.
    key
        Name of the directory of its data in ASE's configuration.
    forces, stress
        Digits of the output, in eV/Å and eV/Å³; no stress: None.
    said
        Errors of failures, by the name of the failure.
    """

    module: ModuleType
    program: str
    settings: dict[str, Any]
    inputs: list[str]
    key: str
    forces: float
    stress: float | None
    said: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.module.__name__.rpartition(".")[2]

    def static(self, atoms: Atoms, properties: Any = ("energy", "forces"), **more: Any) -> Any:
        return self.module.static_job(atoms, properties=properties, calc_kwargs={**self.settings, **more})

    def text(self, result: Any) -> str:
        return "\n".join((Path(result["dir_name"]) / name).read_text() for name in self.inputs)

    def calculator(self, atoms: Atoms) -> Any:
        return getattr(self.module, self.name).calculator(atoms, self.settings)


ROWS = [
    Row(
        aims,
        "aims.231212.scalapack.mpi.x",
        {"kspacing": 0.3},
        ["geometry.in", "control.in"],
        "default_species_directory",
        1e-8,
        1e-7,
        {
            "scf": "The SCF of aims.x did not converge. Raise sc_iter_limit",
            "truncated": "(?s)aims.x ended without a result.*Self-consistency cycle converged",
            "keyword": r"(?s)aims.x ended with exit status 1.*unknown keyword.*line: 'mixer linear'",
        },
    ),
    Row(
        castep,
        "castep.mpi",
        {"kspacing": 0.3},
        ["castep.cell", "castep.param"],
        "pp_path",
        1e-5,
        1e-7,
        {
            "scf": "The SCF of castep did not converge. Raise max_scf_cycles",
            "truncated": "(?s)castep ended without a result.*castep.castep:.*MP grid size",
            "keyword": "(?s)castep ended with exit status 1.*castep.0001.err:.*keyword mixer is unknown",
            "licence": "(?s)castep ended with exit status 1.*FlexNet Licensing error.*The licence server is silent",
        },
    ),
    Row(
        onetep,
        "onetep.archer2",
        {},
        ["onetep.dat"],
        "pseudo_path",
        1e-6,
        None,
        {
            "scf": "The SCF of onetep did not converge. Raise maxit_ngwf_cg",
            "truncated": "(?s)onetep ended without a result.*END INPUT FILE",
            "keyword": "(?s)onetep ended with exit status 1.*keyword mixer is unknown",
        },
    ),
]
SAID = {"killed": "was killed by SIGKILL", "memory": "(?s)insufficient virtual memory.*Give the job more memory"}
KEYWORD = {"aims": {"mixer": "linear"}, "castep": {"param": {"mixer": 1}}, "onetep": {"keywords": {"mixer": 1}}}


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def code(request):
    return request.param


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    place, data = tmp_path / "bin", tmp_path / "data"
    for directory in (place, *(data / row.name for row in ROWS)):
        directory.mkdir(parents=True)
    for atom in Atoms("HNOAlNiCuAu"):
        (data / "aims" / f"{atom.number:02}_{atom.symbol}_default").write_text(f"  species        {atom.symbol}\n")
        (data / "castep" / f"{atom.symbol}_C19.usp").touch()
        (data / "onetep" / f"{atom.symbol}_NCP19_PBE_OTF.usp").touch()
    for variable in ("AIMS_SPECIES_DIR", "CASTEP_PP_PATH", "PSPOT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    for row in ROWS:  # ASE's configuration, which workers have, too
        program = standins.install(row.program, place, row.name)
        cfg.parser[row.name] = {"command": str(program), row.key: str(data / row.name)}
    yield place
    for row in ROWS:
        cfg.parser.remove_section(row.name)


def by_emt(atoms):
    known = atoms.copy()
    known.calc = EMT()
    return known


def alloy():
    """Species that are in no code's order, out of place, one atom out of the cell."""
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[[0, 2]] = "Au"
    atoms.rattle(0.1, seed=1)
    atoms.positions[1] -= atoms.cell[0]
    return atoms


def slope(code, one, other):
    """Change of the energy from one structure to another."""
    energies = [code.static(atoms, ["energy"])["results"]["energy"] for atoms in (one, other)]
    return energies[1] - energies[0]


def test_a_crystal(code, programs):
    """Energies, and forces and stress as derivatives of these."""
    known, properties = by_emt(alloy()), ["energy", "forces", *(["stress"] if code.stress else [])]
    results = code.static(alloy(), properties)["results"]
    assert (programs / f"{code.program}.runs").read_text() == "run\n"
    assert results["energy"] == pytest.approx(known.get_potential_energy(), abs=1e-6)
    assert results["forces"] == pytest.approx(known.get_forces(), abs=code.forces)
    back, forth = alloy(), alloy()
    back.positions[3, 1] -= 0.01
    forth.positions[3, 1] += 0.01
    assert results["forces"][3, 1] == pytest.approx(-slope(code, back, forth) / 0.02, abs=1e-3)
    if code.stress:
        assert results["stress"] == pytest.approx(known.get_stress(), abs=code.stress)
        for atoms, scale in ((back, 0.997), (forth, 1.003)):
            atoms.positions[:] = known.positions
            atoms.set_cell(scale * known.cell.array, scale_atoms=True)
        slope_by_volume = slope(code, back, forth) / (forth.get_volume() - back.get_volume())
        assert results["stress"][:3].mean() == pytest.approx(slope_by_volume, rel=0.01)


def test_a_relaxation(code):
    relax_cell = code.stress is not None
    atoms = bulk("Cu", cubic=True, a=3.55)
    atoms.positions[2, 0] += 0.05
    atoms.set_constraint(FixAtoms([0]))
    relaxed = code.module.relax_job(atoms, relax_cell=relax_cell, fmax=0.2, calc_kwargs=code.settings)
    known = by_emt(atoms)
    BFGS(FrechetCellFilter(known) if relax_cell else known, logfile=None).run(0.2)
    assert relaxed["atoms"].positions == pytest.approx(known.positions, abs=1e-3)
    assert relaxed["atoms"].cell.array == pytest.approx(known.cell.array, abs=1e-3)
    assert relaxed["steps"] > 1
    assert "constrain" not in code.text(relaxed)


def test_one_atom():
    forces = onetep.static_job(bulk("Cu"))["results"]["forces"]
    assert forces == pytest.approx(np.zeros((1, 3)), abs=1e-6)


def test_onetep_has_no_stress():
    with pytest.raises(JobFailure, match="stress"):
        onetep.relax_job(bulk("Cu"), relax_cell=True)


MOMENTS = {
    "aims": [
        r"(?s)Ni\s+initial_charge +0.5\d*\s+initial_moment +2.0.*Ni\s+initial_charge +0.5\d*\s+initial_moment +-1.0",
        r"spin +collinear",
    ],
    "castep": [r"(?s)Ni [^\n]* SPIN=2.0.*Ni [^\n]* SPIN=-1.0", "spin_polarized : true", "spin : 1.0"],
    "onetep": [r'Ni1 "SOLVE INIT SPIN=2"', r'Ni2 "SOLVE INIT SPIN=-1"', "spin : 1", "(?m)^Ni2 Ni 28 -1 9.0"],
}


def test_moments_and_charges_reach_the_input(code):
    nickel = bulk("Ni", cubic=True)[:2]
    nickel.set_initial_magnetic_moments(None)  # those that ASE gives the element
    plain = by_emt(nickel).get_potential_energy()
    said = code.static(nickel, charge=-1)
    nickel.set_initial_magnetic_moments([2, -1])
    nickel.set_initial_charges([0.5, 0.5])
    carried = code.static(nickel)
    for words in MOMENTS[code.name]:
        assert re.search(words, code.text(carried)), words
    # The stand-ins add these for the charge and for the one unpaired electron.
    assert said["results"]["energy"] == pytest.approx(plain - 0.25, abs=1e-6)
    assert carried["results"]["energy"] == pytest.approx(plain + 0.25 + 0.0625, abs=1e-6)
    if code.name == "castep":
        assert carried["results"]["magmoms"] == pytest.approx([0.5, 0.5])
    nickel.set_initial_magnetic_moments(None)
    nickel.set_initial_magnetic_moments([[0, 0, 1], [0, 0, 1]])
    with pytest.raises(JobFailure, match="moments are vectors"):
        code.static(nickel)


def lattice_of(code, result):
    lines = code.text(result).splitlines()
    if code.name == "aims":
        rows = [line.split()[1:4] for line in lines if line.startswith("lattice_vector")]
    else:
        start = next(number for number, line in enumerate(lines) if line.lower() == "%block lattice_cart")
        rows = [line.split() for line in lines[start + 2 : start + 5]]
    return np.array(rows, float)


def test_a_left_handed_cell_is_turned(code):
    left = alloy()
    left.set_cell(left.cell.array[[1, 0, 2]])
    assert left.cell.handedness == -1
    result = code.static(left)
    assert np.linalg.det(lattice_of(code, result)) > 0
    assert result["results"]["forces"] == pytest.approx(by_emt(alloy()).get_forces(), abs=code.forces)


GRIDS = {"aims": r"k_grid +4 4 1\n", "castep": r"kpoint_mp_grid : 4 4 1\n.*offset : 0.125 0.125 0\n"}


def test_a_slab_has_one_k_point_along_its_normal(code):
    slab = fcc111("Cu", (2, 2, 2), vacuum=6)
    slab.set_constraint(FixAtoms([0]))
    slab.set_tags([1, 1, 1, 1, 2, 2, 2, 2])
    result = code.static(slab)
    if code.name in GRIDS:
        assert re.search(GRIDS[code.name].replace("4", "5").replace("0.125 0.125", "0 0"), code.text(result)), (
            code.text(result)
        )
    assert lattice_of(code, result) == pytest.approx(slab.cell.array, abs=1e-8)
    assert result["results"]["forces"] == pytest.approx(
        by_emt(slab).get_forces(apply_constraint=False), abs=code.forces
    )
    flat = slab.copy()
    flat.cell[2] = 0
    with pytest.raises(JobFailure, match="needs a cell of three vectors.*axis=2"):
        code.static(flat)


def test_a_molecule(code):
    water = molecule("H2O")
    if code.name == "aims":
        result = code.static(water)
        assert not re.search("k_grid|lattice_vector", code.text(result))
    else:
        with pytest.raises(JobFailure, match=r"needs a cell of three vectors.*atoms.center\(vacuum=8\)"):
            code.static(water)
        water.center(vacuum=4)
        result = code.static(water)
    assert result["results"]["forces"] == pytest.approx(by_emt(water).get_forces(), abs=code.forces)


def test_atoms_move_without_their_velocities():
    copper = bulk("Cu", cubic=True)
    copper.set_velocities(np.full((4, 3), 0.01) * [[1], [-1], [1], [-1]])
    options = {"steps": 2, "keep_velocities": True, "dynamics": "VelocityVerlet"}
    run = aims.md_job(copper, **options, calc_kwargs=ROWS[0].settings)
    known = emt.md_job(copper, **options)
    assert run["atoms"].positions == pytest.approx(known["atoms"].positions, abs=1e-4)
    assert run["atoms"].positions != pytest.approx(copper.positions, abs=1e-3)
    assert "velocity" not in ROWS[0].text(run)


def test_a_flow_holds_the_k_points():
    options = {"strains": [-0.15, -0.05, 0, 0.05, 0.15], "relax_ions": False}
    own = castep.eos_flow(bulk("Cu"), **options, job_params={"all": {"calc_kwargs": {"kspacing": 0.32}}})
    other = emt.eos_flow(bulk("Cu"), **options)
    assert own["eos"]["bulk_modulus"] == pytest.approx(other["eos"]["bulk_modulus"], rel=1e-3)
    grids = {re.search("kpoint_mp_grid : (.*)", ROWS[1].text(job))[1] for job in own["points"]}
    assert len(grids) == 1, "the number of k points changes with the volume"


@pytest.mark.deep(reason="many runs of the program")
@pytest.mark.parametrize("row", [row for row in ROWS if row.stress], ids=lambda row: row.name)
def test_flows(row):
    slabs = {"min_slab_size": 5, "min_vacuum_size": 8, "min_length_width": None}
    relax, calc_kwargs = {"fmax": 0.1}, {"kspacing": 0.5}
    params = {"all": {"calc_kwargs": calc_kwargs}, "relax_job": relax}
    own = row.module.bulk_to_slabs_flow(bulk("Cu"), slab_kwargs=slabs, job_params=params)
    other = emt.bulk_to_slabs_flow(bulk("Cu"), slab_kwargs=slabs, job_params={"relax_job": relax})
    energies = [[one["results"]["energy"] for one in flow["static"]] for flow in (own, other)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-3)
    # Of each slab and of the crystal that it is compared with.
    key = {"aims": "k_grid +", "castep": "kpoint_mp_grid : "}[row.name]
    for slab, crystal in zip(own["static"], own["oriented"], strict=True):
        of_slab, of_crystal = (re.search(rf"{key}(\d+) (\d+) (\d+)", row.text(one)) for one in (slab, crystal))
        assert of_slab.groups() == (*of_crystal.groups()[:2], "1")
    clamped = {"relax_ions": False, "run_relax": False}
    own = row.module.elastic_tensor_flow(bulk("Cu"), **clamped, job_params={"all": {"calc_kwargs": calc_kwargs}})
    other = emt.elastic_tensor_flow(bulk("Cu"), **clamped)
    tensors = [flow["elasticity"]["elastic_tensor"]["raw"] for flow in (own, other)]
    assert tensors[0] == pytest.approx(tensors[1], abs=0.5)  # GPa


@pytest.mark.deep(reason="many runs of the program")
def test_vibrations(code):
    nitrogen = molecule("N2", cell=[8, 8, 8])
    kwargs = {"calc_kwargs": {} if code.name == "aims" else code.settings}
    frequencies = code.module.freq_job(nitrogen, **kwargs)["results"]["frequencies"]
    assert frequencies == pytest.approx(emt.freq_job(nitrogen)["results"]["frequencies"], rel=1e-3)


def test_images_of_a_path_have_directories_of_their_own():
    start = fcc111("Al", (1, 1, 2), vacuum=6)
    start += Atoms("Al", [start.positions[1] + (0, 0, 2.4)])
    start.set_constraint(FixAtoms([0, 1]))
    band = [start.copy() for _ in range(3)]
    for image, way in zip(band, (0, 0.3, 0.6), strict=True):
        image.positions[2, 0] += way
    own, other = (module.neb_job(band, fmax=3, climb=False) for module in (onetep, emt))
    assert own["points"]["energies"] == pytest.approx(other["points"]["energies"], abs=1e-3)
    assert len([*Path(own["dir_name"]).glob("image-*/onetep.dat")]) == 3


def test_energies_of_castep_include_dispersion():
    atoms = alloy()
    result = castep.static_job(atoms, calc_kwargs={"kpts": [2, 2, 2], "param": {"sedc_apply": True}})
    expected = by_emt(atoms).get_potential_energy() + DISPERSION * len(atoms)
    assert result["results"]["energy"] == pytest.approx(expected, abs=1e-6)
    assert result["results"]["free_energy"] == pytest.approx(expected, abs=1e-6)


def written(row, atoms, **arguments):
    """The input of a calculation that is not run."""
    calculator = getattr(row.module, row.name).calculator(atoms, arguments)
    calculator.write_inputfiles(atoms, ["energy"])
    return row.text({"dir_name": "."})


def test_potentials_and_blocks_of_castep(programs):
    species_pot = {"Cu": "Cu_C19.usp", "Au": "NCP"}
    text = written(ROWS[1], alloy(), kpts=[1, 1, 1], species_pot=species_pot, cell={"SYMMETRY_GENERATE": False})
    potential = programs.parent / "data" / "castep" / "Cu_C19.usp"
    assert f"%BLOCK species_pot\nAu NCP\nCu {potential}\n%ENDBLOCK species_pot\n" in text
    assert "symmetry_generate : false\n" in text
    assert "xc_functional : PBE\n" in text
    assert "kpoint_mp_grid : 1 1 1\nkpoint_mp_offset : 0 0 0\n" in text
    text = written(ROWS[1], bulk("Cu"), species_pot="C19", cell={"kpoint_list": ["0 0 0 1"]}, param={"spin": None})
    assert "%BLOCK species_pot\nC19\n%ENDBLOCK species_pot\n" in text
    assert "%BLOCK kpoint_list\n0 0 0 1\n%ENDBLOCK kpoint_list\n" in text
    assert "kpoint_mp_grid" not in text


def test_species_of_aims_in_a_directory_of_their_own(programs):
    tight = programs.parent / "data" / "aims" / "tight"
    tight.mkdir()
    (tight / "29_Cu_default").write_text("  species        Cu\n# tight\n")
    text = written(ROWS[0], bulk("Cu"), kpts=[2, 2, 2], species_dir="tight")
    assert "# tight" in text
    assert "atomic_zora scalar" in text


@pytest.mark.parametrize(
    ("module", "atoms", "arguments", "message"),
    [
        (aims, bulk("Cu"), {}, r"kpts is None. Give three integers above 0, such as \[4, 4, 4\], or kspacing=0.2"),
        (aims, bulk("Cu"), {"kpts": [4, 4]}, r"kpts is \[4, 4\]. Give three integers"),
        (aims, bulk("Cu"), {"kpts": [4, 4, 4], "kspacing": 0.2}, "Give one"),
        (aims, bulk("Cu"), {"kspacing": -1}, "kspacing is -1. Give a number above 0"),
        (aims, molecule("H2O"), {"kpts": [4, 4, 4]}, "not periodic, and its grid of k points"),
        (aims, bulk("Cu"), {"kpts": [4, 4, 4], "relax_geometry": "bfgs 0.01"}, "With relax_geometry FHI-aims moves"),
        (aims, bulk("Cu"), {"kpts": [4, 4, 4], "plus_u": {"Cu": "3 d 4"}}, "ASE cannot write plus_u"),
        (aims, bulk("Pt"), {"kpts": [4, 4, 4]}, "no file .*78_Pt_default. Set ADATOM_DATA_DIRS__AIMS"),
        (castep, bulk("Cu"), {}, "kpts is None. Give three integers above 0"),
        (castep, bulk("Cu"), {"cut_off_energy": 400}, "Unknown argument of CASTEP 'cut_off_energy'"),
        (castep, bulk("Cu"), {"param": {"TASK": "geometryoptimization"}}, "task is set by the job. Leave it out"),
        (castep, bulk("Cu"), {"cell": {"kpoint_mp_grid": "4 4 4"}}, "kpoint_mp_grid is set by kpts or kspacing"),
        (
            castep,
            bulk("Cu"),
            {"kspacing": 0.2, "species_pot": {"Cu": "Cu_00.usp"}},
            "potential .*Cu_00.usp.*species_pot='C19'",
        ),
        (onetep, bulk("Cu"), {"kspacing": 0.2}, "Unknown argument of ONETEP 'kspacing'"),
        (onetep, bulk("Cu"), {"paw": True}, "Unknown argument of ONETEP 'paw'"),
        (onetep, bulk("Cu"), {"keywords": {"Charge": 1}}, "charge is set by charge. Leave it out of keywords"),
        (onetep, bulk("Pt"), {}, r"no pseudopotential .*onetep/Pt\*. Set ADATOM_DATA_DIRS__ONETEP"),
        (onetep, bulk("Cu"), {"pseudopotentials": {"Cu": "Cu.usp"}}, "no pseudopotential .*onetep/Cu.usp"),
        (onetep, Atoms("Ni", cell=[4, 4, 4], pbc=True, magmoms=[0.6]), {}, "add up to 0.6; ONETEP takes whole numbers"),
    ],
)
def test_bad_input_is_refused(module, atoms, arguments, message, programs):
    with pytest.raises(JobFailure, match=message):
        module.static_job(atoms, calc_kwargs=arguments)
    assert not list(programs.glob("*.runs"))


def test_a_potential_that_is_not_the_only_one(programs):
    (programs.parent / "data" / "onetep" / "cu-other.recpot").touch()
    with pytest.raises(JobFailure, match="Which pseudopotential of Cu.* has Cu_NCP19_PBE_OTF.usp, cu-other.recpot"):
        onetep.static_job(bulk("Cu"))
    assert "Cu cu-other.recpot" in written(ROWS[2], bulk("Cu"), pseudopotentials={"Cu": "cu-other.recpot"})


@pytest.mark.parametrize("name", ["aims", "onetep"])
def test_no_directory_of_data(name):
    row = next(row for row in ROWS if row.name == name)
    cfg.parser.remove_option(name, row.key)
    with (
        change_settings(data_dirs={}),
        pytest.raises(
            InputError, match=f"There is no directory set for .* of {name}. Set ADATOM_DATA_DIRS__{name.upper()}"
        ),
    ):
        row.calculator(bulk("Cu"))


def test_a_program_that_is_not_there(code):
    cfg.parser.remove_option(code.name, "command")
    with (
        change_settings(commands={code.name: f"/nowhere/{code.program}"}),
        pytest.raises(InputError, match=f"(?s)/nowhere/{code.program} is not there.*ADATOM_COMMANDS__.*https://"),
    ):
        code.calculator(bulk("Cu"))
    with (
        change_settings(commands={code.name: "/bin/true"}),
        pytest.raises(InputError, match="'/bin/true', which has no"),
    ):
        code.calculator(bulk("Cu"))


@pytest.mark.parametrize(
    ("row", "failure"),
    [
        pytest.param(row, failure, id=f"{row.name}-{failure}")
        for row in ROWS
        for failure in ("scf", "truncated", "killed", "memory", "licence")
        if failure in row.said or failure in SAID
    ],
)
def test_failures(row, failure, monkeypatch):
    monkeypatch.setenv(standins.FAILURE, failure)
    error = ConvergenceError if failure == "scf" else ProgramError
    with pytest.raises(error, match={**SAID, **row.said}[failure]):
        run_static(bulk("Cu"), row.calculator(bulk("Cu")))


def test_a_failure_keeps_its_files(code):
    with pytest.raises(JobFailure, match=code.said["keyword"]) as caught:
        code.static(bulk("Cu"), **KEYWORD[code.name])
    for name in code.inputs:
        assert (Path(caught.value.failure.directory) / name).exists()


def test_errors_of_an_earlier_run_of_castep_are_forgotten():
    calculator = castep.castep.calculator(bulk("Cu"), {"kpts": [1, 1, 1]})
    Path("castep.0001.err").write_text("Error: of another run\n")
    Path("castep.castep").write_text(
        " *Warning* max. SCF cycles performed but system has not reached the groundstate.\n"
    )
    copper = bulk("Cu")
    copper.calc = calculator
    assert copper.get_potential_energy() == pytest.approx(by_emt(bulk("Cu")).get_potential_energy(), abs=1e-6)
