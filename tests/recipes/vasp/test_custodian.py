"""VASP under custodian: every handler that is recommended, and what no handler mends."""

import json
import logging
import os
import signal
import sys
import tarfile
import threading
import time
from pathlib import Path

import psutil
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom import JobFailure, change_settings
from adatom.calculations import run_native_relax, run_static
from adatom.errors import (
    ConvergenceError,
    IncompleteError,
    InputError,
    MissingExtraError,
    ProgramError,
    UnknownNameError,
)
from adatom.execution import deadline
from adatom.recipes.vasp import non_scf_job, relax_job, static_job, vasp
from tests import standins
from tests.codes import needs_code

pytestmark = needs_code("custodian")
deep = pytest.mark.deep(reason="one of each kind runs by default")


@pytest.fixture(autouse=True)
def recommended():
    with change_settings(vasp_handlers=["recommended"], vasp_validators=["recommended"]):
        yield


@pytest.fixture
def fails(monkeypatch):
    return lambda fault: monkeypatch.setenv(standins.FAILURE, fault)


def incar(result):
    lines = (Path(result["dir_name"]) / "INCAR").read_text().splitlines()
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines if "=" in line)}


def copper():
    return bulk("Cu", a=3.6)  # whose energy with EMT is negative


def aluminium():
    return bulk("Al", a=4)  # whose bands overlap


def atoms_by_emt(atoms):
    known = atoms.copy()
    known.calc = EMT()
    return known.get_potential_energy()


# The handlers, a fault and arguments with which each finds it, its name there, and what it changes.
CASES = [
    pytest.param("VaspErrorHandler", "edddav", {}, "edddav", {"algo": "All", "isearch": 1}, marks=deep),
    pytest.param("VaspErrorHandler", "brmix", {}, "brmix", {"imix": 1}, marks=deep),
    pytest.param("VaspErrorHandler", "tet", {"ismear": -5}, "tet", {"ismear": 0, "sigma": 0.05}, marks=deep),
    pytest.param("VaspErrorHandler", "real_optlay", {"lreal": "auto"}, "real_optlay", {"lreal": False}, marks=deep),
    pytest.param("VaspErrorHandler", "rhosyg", {}, "rhosyg", {"symprec": 1e-4}, marks=deep),
    pytest.param("VaspErrorHandler", "posmap", {}, "posmap", {"symprec": 1e-6}, marks=deep),
    pytest.param("VaspErrorHandler", "point_group", {}, "point_group", {"isym": 0}, marks=deep),
    pytest.param("VaspErrorHandler", "symprec_noise", {}, "symprec_noise", {"symprec": 1e-6}, marks=deep),
    pytest.param("VaspErrorHandler", "too_few_bands", {"nbands": 20}, "too_few_bands", {"nbands": 22}, marks=deep),
    pytest.param("VaspErrorHandler", "pricel", {}, "pricel", {"symprec": 1e-8, "isym": 0}, marks=deep),
    pytest.param("VaspErrorHandler", "eddrmm", {"algo": "fast"}, "eddrmm", {"algo": "Normal"}, marks=deep),
    pytest.param("VaspErrorHandler", "zheev", {"algo": "fast"}, "zheev", {"algo": "Normal"}, marks=deep),
    pytest.param("VaspErrorHandler", "pssyevx", {"algo": "fast"}, "pssyevx", {"algo": "Normal"}, marks=deep),
    pytest.param("VaspErrorHandler", "zpotrf", {}, "zpotrf", {"isym": 0}, marks=deep),
    pytest.param(
        "VaspErrorHandler", "dentet", {"kspacing": None, "kgamma": None, "kpts": (4, 4, 4), "ismear": -5}, "dentet",
        {"gamma": True}, marks=deep,
    ),
    pytest.param("VaspErrorHandler", "ksymm", {}, "ksymm", {"symprec": 1e-6}, marks=deep),
    pytest.param("VaspErrorHandler", "hnform", {}, "hnform", {"isym": 0}, marks=deep),
    pytest.param("VaspErrorHandler", "algo_tet", {"algo": "all", "ismear": -5}, "algo_tet", {"algo": "Fast"},
                 marks=deep),
    pytest.param("StdErrHandler", "star", {}, "kpoints_trans", {"isym": 0}, marks=deep),
    pytest.param(
        "MeshSymmetryErrorHandler", "mesh", {"kspacing": None, "kgamma": None, "kpts": (4, 4, 4)}, "mesh_symmetry",
        {"gamma": True}, marks=deep,
    ),
    pytest.param("UnconvergedErrorHandler", "scf", {}, "Unconverged", {"algo": "All", "isearch": 1}, marks=deep),
    pytest.param("PositiveEnergyErrorHandler", "high", {"algo": "fast"}, "Positive energy", {"algo": "Normal"},
                 marks=deep),
    pytest.param("LargeSigmaHandler", "entropy", {}, "LargeSigma", {"sigma": 0.004}, marks=deep),
    pytest.param("KspacingMetalHandler", "", {"kspacing": 0.4, "ismear": -5}, "ScanMetal", {"kspacing": 0.22},
                 marks=deep),
]  # fmt: skip
# The same of relaxations.
RELAXATIONS = [
    ("VaspErrorHandler", "zbrent", {}, "zbrent", {"nelmin": 8, "ediff": 1e-7}),
    ("PotimErrorHandler", "climbs", {"potim": 0.5}, "POTIM", {"potim": 0.25}),
    ("NonConvergingErrorHandler(nionic_steps=2)", "slow", {}, "Non-converging job", {"algo": "All", "isearch": 1}),
    ("IncorrectSmearingHandler", "", {"ismear": -5}, "IncorrectSmearing", {"ismear": 2, "sigma": 0.2}),
]


def corrected(result, handler, error, changes, runs):
    [correction] = result["corrections"]
    assert correction["handler"] == handler.partition("(")[0]
    assert error in correction["errors"]
    assert correction["actions"]
    assert runs() == 2
    parameters = result["parameters"]["calculator"]
    place = Path(result["dir_name"])
    for key, value in changes.items():
        close = pytest.approx(value, rel=0.3) if isinstance(value, float) else value
        assert parameters[key] == close
        if key != "gamma":
            assert key.upper() in incar(result)
    with tarfile.open(place / "error.1.tar.gz") as kept:
        assert any(name.endswith("/INCAR") for name in kept.getnames())
    assert json.loads((place / "custodian.json").read_text())[0]["corrections"]


@pytest.mark.parametrize(("handler", "fault", "arguments", "error", "changes"), CASES)
def test_a_handler_corrects_a_static(handler, fault, arguments, error, changes, fails, runs):
    atoms = copper() if fault else aluminium()
    fails(fault)
    with change_settings(vasp_handlers=[handler]):
        result = static_job(atoms, calc_kwargs=arguments)
    corrected(result, handler, error, changes, runs)
    assert result["results"]["energy"] == pytest.approx(atoms_by_emt(atoms), abs=1e-6)


@deep
@pytest.mark.parametrize(("handler", "fault", "arguments", "error", "changes"), RELAXATIONS)
def test_a_handler_corrects_a_relaxation(handler, fault, arguments, error, changes, fails, runs):
    atoms = aluminium().repeat((1, 1, 2))
    atoms.rattle(0.05, seed=1)
    fails(fault)
    with change_settings(vasp_handlers=[handler], vasp_check_every=0.2):
        result = relax_job(atoms, fmax=0.02, calc_kwargs=arguments)
    corrected(result, handler, error, changes, runs)
    assert result["converged"]


def found(result):
    return [(one["handler"], *one["errors"]) for one in result["corrections"]]


def test_handlers_one_after_the_other(fails, runs):
    fails("high scf mesh star")
    result = static_job(copper(), calc_kwargs={"algo": "fast", "kspacing": None, "kgamma": None, "kpts": (4, 4, 4)})
    assert found(result) == [
        ("PositiveEnergyErrorHandler", "Positive energy"),
        ("UnconvergedErrorHandler", "Unconverged"),
        ("MeshSymmetryErrorHandler", "mesh_symmetry"),
        ("StdErrHandler", "kpoints_trans"),
    ]
    assert runs() == 5
    changed = {"algo": "All", "isearch": 1, "isym": 0, "gamma": True}
    assert result["parameters"]["calculator"].items() >= changed.items()
    assert (Path(result["dir_name"]) / "error.4.tar.gz").exists()
    assert result["results"]["energy"] == pytest.approx(atoms_by_emt(copper()), abs=1e-6)


def test_handlers_of_relaxations_one_after_the_other(fails, runs):
    atoms = aluminium().repeat((1, 1, 2))
    atoms.rattle(0.05, seed=1)
    fails("zbrent climbs slow")
    with change_settings(vasp_handlers=[case[0] for case in RELAXATIONS], vasp_check_every=0.2):
        result = relax_job(atoms, fmax=0.02, calc_kwargs={"potim": 0.5, "ismear": -5})
    assert found(result) == [
        ("VaspErrorHandler", "zbrent"),
        ("PotimErrorHandler", "POTIM"),
        ("NonConvergingErrorHandler", "Non-converging job"),
        ("IncorrectSmearingHandler", "IncorrectSmearing"),
        ("NonConvergingErrorHandler", "Non-converging job"),  # that changed only the mixing before, with tetrahedra
    ]
    assert runs() == 5
    changed = {"nelmin": 8, "potim": 0.25, "algo": "All", "ismear": 2}
    assert result["parameters"]["calculator"].items() >= changed.items()
    assert result["converged"]


@pytest.mark.deep(reason="VASP has to be silent for longer than it takes to start")
def test_a_frozen_run_is_ended(fails, runs):
    fails("frozen")
    with change_settings(vasp_handlers=["recommended", "FrozenJobErrorHandler(timeout=10)"], vasp_check_every=1):
        result = static_job(copper(), calc_kwargs={"algo": "fast"})
    corrected(result, "FrozenJobErrorHandler", "Frozen job", {"algo": "Normal"}, runs)


@pytest.mark.parametrize(
    ("validator", "fault", "arguments"),
    [
        ("VasprunXMLValidator", "vasprun", {}),
        ("VaspFilesValidator", "no_oszicar", {}),
        ("VaspNpTMDValidator", "no_tbdyn", {"mdalgo": 3}),
    ],
)
def test_a_validator_refuses_the_output(validator, fault, arguments, fails):
    with change_settings(vasp_handlers=[], vasp_validators=[validator]):
        if arguments:
            static_job(copper(), calc_kwargs=arguments)
        fails(fault)
        with pytest.raises(ProgramError, match=f"{validator} refuses its output. Directory: /"):
            run_static(copper(), vasp.calculator(copper(), arguments))


def test_what_no_handler_mends(fails, runs, caplog):
    fails("memory")
    with pytest.raises(
        ProgramError, match="(?s)ended with exit status 1, and.*Directory: /.*virtual memory.*Give the job more memory"
    ):
        run_static(copper(), vasp.calculator(copper()))
    fails("read_error")
    with pytest.raises(ProgramError, match="(?s)an error remains.*found read_error; nothing helps.*Error reading item"):
        run_static(copper(), vasp.calculator(copper()))
    assert runs() == 2


def test_too_many_errors(fails, runs):
    fails("scf")
    message = "(?s)1. UnconvergedErrorHandler found Unconverged; .*ALGO = Normal.*ADATOM_VASP_MAX_ERRORS.*calc_kwargs"
    calculator = vasp.calculator(copper(), {"algo": "fast"})
    with change_settings(vasp_max_errors=0), pytest.raises(ConvergenceError, match=message):
        run_static(copper(), calculator)
    assert runs() == 1


@deep
def test_the_files_of_a_failure_are_kept(fails):
    fails("scf")
    with pytest.raises(JobFailure, match="error.*tar.gz") as caught:
        with change_settings(vasp_max_errors=0):
            static_job(copper(), calc_kwargs={"algo": "fast"})
    left = Path(caught.value.failure.directory)
    assert (left / "error.1.tar.gz").exists()
    assert (left / "custodian.json").exists()


def test_corrections_are_kept_for_the_runs_after_it(fails, runs, caplog):
    fails("edddav")
    calculator, atoms = vasp.calculator(copper()), copper()
    with caplog.at_level(logging.WARNING, "adatom"):
        run_static(atoms, calculator)
    assert "VaspErrorHandler found edddav; CHGCAR: file delete, INCAR: ALGO = All" in caplog.text
    assert runs() == 2
    atoms.rattle(0.01, seed=3)
    result = run_static(atoms, calculator)
    assert runs() == 3
    assert len(result["corrections"]) == 1


def test_nothing_is_corrected(runs):
    result = static_job(copper())
    assert "corrections" not in result
    assert runs() == 1


@deep
def test_a_correction_of_bands(monkeypatch, runs):
    static = static_job(copper(), calc_kwargs={"lcharg": True})
    monkeypatch.setenv(standins.FAILURE, "tet")
    found = non_scf_job(static)
    assert found["parameters"]["calculator"]["ismear"] == 0
    assert found["corrections"][0]["errors"] == ["tet"]


def test_the_working_directory_and_threads_stay_as_they_are(fails):
    """Jobs that are threads of one process share both."""
    fails("edddav")
    before, earlier, results = os.getcwd(), {*threading.enumerate()}, []

    def one(settings):
        with change_settings(settings):
            results.append(run_static(copper(), vasp.calculator(copper())))

    settings = {"vasp_handlers": ["recommended"]}
    running = [threading.Thread(target=one, args=[settings]) for _ in range(2)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert [len(result["corrections"]) for result in results] == [1, 1]
    assert os.getcwd() == before
    assert not {*threading.enumerate()} - earlier


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def test_a_run_that_is_cancelled_ends_vasp(fails, runs):
    fails("frozen")
    calculator = vasp.calculator(copper())

    def interrupt(number, frame):
        if children() - earlier:
            raise KeyboardInterrupt
        signal.setitimer(signal.ITIMER_REAL, 0.1)

    earlier = children()  # workers of other tests of this process
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            run_static(copper(), calculator)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not children() - earlier


@pytest.mark.parametrize(
    ("handlers", "job"),
    [
        (["recommended"], "static"),
        pytest.param([], "static", marks=deep),
        pytest.param([], "relax", marks=deep),
        pytest.param(["recommended"], "relax", marks=deep),
    ],
)
def test_vasp_stops_in_time(handlers, job, fails, monkeypatch):
    calculator = vasp.calculator(copper())
    with change_settings(vasp_handlers=handlers):
        fails("endless")
        monkeypatch.setattr(deadline, "_start", lambda process: started)
        started = time.time()
        with (
            change_settings(walltime=12),  # it stops 5 s before, and is not started in the last 6
            pytest.raises(IncompleteError, match="stopped by STOPCAR.*CONTCAR.*WALLTIME"),
        ):
            if job == "static":
                run_static(copper(), calculator)
            else:
                run_native_relax(copper(), calculator)


def test_vasp_is_not_started_after_a_request_to_stop(monkeypatch, runs):
    monkeypatch.setattr(deadline, "_requested", "the worker was told to stop")
    with pytest.raises(IncompleteError, match="vasp_std was not started: the worker was told to stop"):
        run_static(copper(), vasp.calculator(copper()))
    assert runs() == 0


@pytest.mark.parametrize(
    "handlers", [["VaspErorHandler"], ["WalltimeHandler"], ["Vasp Error"], ["PotimErrorHandler(de=1)"]]
)
def test_bad_settings_are_refused_before_anything_runs(handlers, runs):
    message = {
        "VaspErorHandler": "'VaspErorHandler'. Did you mean 'VaspErrorHandler'.*MeshSymmetryErrorHandler",
        "WalltimeHandler": "adatom itself stops VASP in time",
        "Vasp Error": "vasp_handlers has 'Vasp Error'. Give the name of a class",
        "PotimErrorHandler(de=1)": "option of PotimErrorHandler 'de'.*Valid: dE_threshold",
    }[handlers[0]]
    with change_settings(vasp_handlers=handlers), pytest.raises(InputError, match=message):
        vasp.calculator(copper())
    assert runs() == 0


def test_an_unknown_validator():
    with (
        change_settings(vasp_validators=["XMLValidator"]),
        pytest.raises(UnknownNameError, match="VasprunXMLValidator"),
    ):
        vasp.calculator(copper())


def test_custodian_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "custodian", None)
    for name in [name for name in sys.modules if name.startswith("custodian.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r"pip install 'adatom\[custodian\]'"):
        vasp.calculator(copper())
    with change_settings(vasp_handlers=[], vasp_validators=[]):
        static_job(copper())
