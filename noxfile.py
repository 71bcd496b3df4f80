"""What has to pass before a change lands: `nox` runs all of it, `nox -s NAME` a part, `nox -l` lists the parts.

Environments are kept in `.nox` and brought up to date at every run; `nox -R` takes them as they are.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2026.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # engines start many interpreters: three times slower without bytecode
os.environ.setdefault("UV_HTTP_RETRIES", "5")
os.environ.setdefault("UV_HTTP_TIMEOUT", "120")
# What uv does not read of pip's configuration: a torch without CUDA, a tenth as large, may be there.
_find_links = subprocess.run(
    [sys.executable, "-m", "pip", "config", "get", "global.find-links"], capture_output=True, text=True
).stdout.strip() or os.environ.get("PIP_FIND_LINKS")
if _find_links:
    os.environ.setdefault("UV_FIND_LINKS", _find_links)

SCHEDULER_TESTS = (
    "tests/infra",
    "tests/machines/schedulers",
    "tests/machines/test_host.py",
    "tests/machines/test_host_directories.py",
    "tests/engines/clusters",
)
NOT_ON_SCHEDULERS = [f"--ignore={folder}" for folder in SCHEDULER_TESTS]
QUICK_ROOMS = ("analysis", "atoms", "cache", "execution", "journal", "schemas", "utils", "workflow")
QUICK_FILES = ("engines/test_conformance", "recipes/test_core", "test_errors", "test_import", "test_settings")
OWN_ENGINES = "local,queue"  # which need no package
MAIN_ENGINES = "dask,parsl,prefect"  # Covalent cannot share an environment with Prefect: see pyproject.toml
CODES = "tblite,dispersion,sella,pyscf,omat24,custodian,smiles,descriptors,gap"  # extras
FLOWS = "defects,phonons"  # extras that flows of all codes need
FILES = "configs"  # extras that read and write structures
PROGRAMS = "abinit,chromium,cp2k,elk,espresso,gpaw,lammps,mopac,nwchem,psi4"  # installed by tests (Debian, as root)
# Else codes have a thread on every core in each of the tests that run side by side, and in each of their workers.
WITH_CODES = {"TEST_CODES": f"{CODES},{FLOWS},{PROGRAMS}", "OMP_NUM_THREADS": "1"}


def install(session: nox.Session, extras: str, lock: str = "main") -> None:
    """Install adatom, in place, with these extras in the locked versions."""
    session.install("-c", f"constraints/{lock}.txt", "-e", f".[{extras}]")


@nox.session
def lint(session: nox.Session) -> None:
    """Rules and layout of the source, and which of its rooms may import which."""
    session.install("-c", "constraints/main.txt", "ruff", "import-linter")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", env={"PYTHONPATH": "src"})  # which reads the source, and imports none of it


@nox.session(default=False)
def types(session: nox.Session) -> None:
    """Types of the library, and what a type checker says of a user's script."""
    install(session, "dev,test")
    session.run("mypy", *session.posargs)
    pytest(session, "local", "tests/recipes/test_flat.py", "-k", "type_checker")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The documentation, into `site`; a broken link is an error."""
    install(session, f"{FILES},{FLOWS},docs,dev")
    session.run("mkdocs", "build", "--strict", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(venv_backend="venv", default=False)
def install_and_run(session: nox.Session) -> None:
    """What a new user does: pip, no extras, not in place."""
    session.install("--no-compile", "-c", "constraints/main.txt", ".")  # Python compiles what is imported
    session.chdir(session.create_tmp())
    session.run("adatom", "run", "emt.bulk_to_slabs_flow", "bulk:Cu")


@nox.session(venv_backend="none")
def all_parts(session: nox.Session) -> None:
    """Types, documentation and all tests but the deep ones, in three rows: those on batch schedulers mostly wait."""
    side_by_side(
        session,
        ["tests"],
        ["tests_schedulers", "tests_covalent(slurm)"],  # one after the other, as there is one Slurm
        ["types", "docs", "install_and_run", "tests_covalent(engines)", "tests_models"],
    )


@nox.session(venv_backend="none", default=False)
def deep(session: nox.Session) -> None:
    """The tests that are long by nature, and those with the oldest versions: every night, and before a release."""
    rows = ["tests"], ["tests_schedulers", "tests_over_ssh", "tests_covalent", "tests_models", "tests_campaign"]
    side_by_side(session, *([*row, "--", "-m", "deep"] for row in rows), ["tests_lowest"])


@nox.session(default=False)
def quick(session: nox.Session) -> None:
    """What to run all the time, in under two minutes: the local engine, without servers, codes and programs."""
    install(session, f"{FLOWS},{FILES},test")
    session.env.update({"TEST_CODES": FLOWS, "OMP_NUM_THREADS": "1"})
    files = [*(f"tests/{room}" for room in QUICK_ROOMS), *(f"tests/{file}.py" for file in QUICK_FILES)]
    pytest(session, "local", "-n", "2", "--dist", "loadgroup", *files)


@nox.session(default=False)
def tests(session: nox.Session) -> None:
    """All tests but those on Covalent and on batch schedulers."""
    install(session, f"{MAIN_ENGINES},{CODES},{FLOWS},{FILES},test")
    session.env.update(WITH_CODES)
    pytest(session, f"{OWN_ENGINES},{MAIN_ENGINES}", "-n", "2", "--dist", "loadgroup", *NOT_ON_SCHEDULERS)


@nox.session(default=False)
def tests_schedulers(session: nox.Session) -> None:
    """The tests on batch schedulers. What is missing of Slurm, Grid Engine and sshd is installed (Debian, as root)."""
    install(session, f"{MAIN_ENGINES},test")
    session.env["TEST_SCHEDULERS"] = "slurm,sge,sshd"
    # One after the other: they are as large as the machine.
    pytest(session, f"{OWN_ENGINES},{MAIN_ENGINES}", *SCHEDULER_TESTS)


@nox.session(default=False)
def tests_over_ssh(session: nox.Session) -> None:
    """The engine tests on the queue engine over ssh, with a Slurm behind it. All of them are deep."""
    install(session, f"{FLOWS},test")
    session.env.update(TEST_SCHEDULERS="slurm,sshd", OMP_NUM_THREADS="1")
    files = [f"tests/engines/test_{name}.py" for name in ("conformance", "stream", "recipes")]
    pytest(session, "queue-ssh", *files)


@nox.session(default=False)
@nox.parametrize("part", ["engines", "slurm"], ids=["engines", "slurm"])
def tests_covalent(session: nox.Session, part: str) -> None:
    """The engine tests on Covalent; they start a server of their own."""
    install(session, f"covalent,{FLOWS},test", lock="covalent")
    session.env.update({**WITH_CODES, "TEST_CODES": PROGRAMS, "TEST_SCHEDULERS": "slurm"})
    if part == "slurm":
        return pytest(session, "covalent", "tests/engines/clusters/test_slurm.py")
    elsewhere = [f"--ignore=tests/engines/{name}" for name in ("clusters", "test_local.py")]
    pytest(session, "covalent", "tests/engines", *elsewhere)
    pytest(session, "covalent", "tests/test_docs.py")  # alone: Covalent reads where its server is when it is imported


@nox.session(default=False)
@nox.parametrize("codes", ["chgnet,sevennet,matcalc,phonons", "mace"], ids=["models", "mace"])
def tests_models(session: nox.Session, codes: str) -> None:
    """The tests on machine-learned potentials, which cannot all share an environment."""
    install(session, f"{codes},test", lock="mace" if codes == "mace" else "models")
    session.env.update(TEST_CODES=codes, OMP_NUM_THREADS="1")
    pytest(session, "local", "-n", "2", "--dist", "loadgroup", "tests/recipes/test_mlip.py")
    pytest(session, "local", "tests/test_docs.py", "-k", "needs_something and mlip.md")


@nox.session(default=False)
def tests_campaign(session: nox.Session) -> None:
    """One campaign with models that cannot share an environment. All of it is deep."""
    install(session, f"{MAIN_ENGINES},test")
    session.env.update(TEST_CODES="chgnet,sevennet,mace", TEST_SCHEDULERS="slurm", OMP_NUM_THREADS="1")
    for lock, packages in {"models": ["chgnet", "sevenn"], "mace": ["mace-torch"]}.items():
        folder = Path(session.virtualenv.location, "environments", lock)
        python = str(folder / "bin" / "python")
        if not folder.exists():
            session.run("python", "-m", "venv", "--without-pip", str(folder))
        there = {"UV_PYTHON": python, "PIP_PYTHON": python}  # whichever installs
        session.install("-c", f"constraints/{lock}.txt", *packages, env=there)
        for package in packages:
            session.env[f"ADATOM_INTERPRETERS__{package.replace('-', '_').upper()}"] = str(folder)
    pytest(session, "local,dask,prefect", "tests/engines/clusters/test_environments.py")


@nox.session(default=False, venv_backend="uv")
def tests_lowest(session: nox.Session) -> None:
    """The tests of the session `tests` with the oldest versions that pyproject.toml admits."""
    session.install("--resolution=lowest-direct", "-e", f".[{MAIN_ENGINES},{CODES},{FLOWS},{FILES},test]")
    session.env.update(WITH_CODES)
    pytest(session, f"{OWN_ENGINES},{MAIN_ENGINES}", "-n", "2", "--dist", "loadgroup", *NOT_ON_SCHEDULERS)


def pytest(session: nox.Session, engines: str, *args: str) -> None:
    """Run the tests. An engine in TEST_ENGINES that cannot be tested is a failure, any other is skipped."""
    session.run(
        "pytest",
        *("-m", "not deep"),  # which another `-m` of the command line replaces
        *("--durations", "20", "--durations-min", "10"),
        *args,
        *session.posargs,
        env={"TEST_ENGINES": engines},
        success_codes=[0, 5] if session.posargs else [0],  # a choice need not find a test in every part
        interrupt_timeout=60,  # what its tests have started ends with them
        terminate_timeout=10,
    )


def side_by_side(session: nox.Session, *rows: list[str]) -> None:
    """Run rows of sessions at the same time: the first as it comes, the others into files, which are printed then."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: it ends all rows
    logs = [Path(session.create_tmp(), f"{row[0]}.log") for row in rows[1:]]
    session.log(f"{rows[0][0]} is shown here, and after it what stands in {', '.join(map(str, logs))}.")
    running: list[subprocess.Popen[bytes]] = []
    try:
        for row, log in zip(rows, [None, *logs], strict=True):
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "nox", "--session", *row],
                    stdin=subprocess.DEVNULL,
                    stdout=log and log.open("wb"),
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # a process group for `end`
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # though `nohup` ignores it
                )
            )
        for row in running:
            row.wait()
    finally:
        end(running)
        for log in filter(Path.exists, logs):
            print(f"\n{f' {log.stem} ':=^120}\n{log.read_text(errors='replace')}", flush=True)
    if failed := [row[0] for row, process in zip(rows, running, strict=True) if process.returncode]:
        session.error(f"Failed in the rows that begin with {', '.join(failed)}: see above.")


def end(rows: list[subprocess.Popen[bytes]]) -> None:
    """End the rows that run: in order if they can, so that no server stays behind."""
    try:
        for row in rows:
            if row.poll() is None:
                os.killpg(row.pid, signal.SIGINT)
        for row in rows:
            row.wait(90)
    finally:
        for row in rows:
            if row.poll() is None:
                os.killpg(row.pid, signal.SIGKILL)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Make the constraints anew (`nox -s lock -- --upgrade`: with the newest versions)."""
    session.install("uv")
    for name, extras in {
        "main": f"{MAIN_ENGINES},{CODES},{FLOWS},{FILES},test,docs,dev",
        "covalent": f"covalent,{FLOWS},test",
        "models": "chgnet,sevennet,matcalc,phonons,test",
        "mace": "mace,test",
    }.items():
        session.run(
            "uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.11", "--no-annotate",
            "--custom-compile-command=nox -s lock", *(f"--extra={extra}" for extra in extras.split(",")),
            f"--output-file=constraints/{name}.txt", "pyproject.toml", *session.posargs,
        )  # fmt: skip
