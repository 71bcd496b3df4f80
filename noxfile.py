"""What has to pass before a change lands: `nox` runs all of it, `nox -s NAME` a part, `nox -l` lists the parts.

Environments are kept in `.nox` and brought up to date at every run; `nox -R` takes them as they are.
"""

import os
import shutil
import subprocess
import sys

import nox
from nox.command import CommandFailed

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
    "tests/engines/clusters",
)
MAIN_ENGINES = "dask,parsl,prefect"  # Covalent cannot share an environment with Prefect: see pyproject.toml
CODES = "tblite,dispersion,sella"  # extras
FLOWS = "defects,phonons"  # extras that flows of all codes need
FILES = "configs"  # extras that read and write structures
PROGRAMS = "espresso"  # which the tests install (Debian, as root)
# Else codes have a thread on every core in each of the tests that run side by side, and in each of their workers.
WITH_CODES = {"TEST_CODES": f"{CODES},{FLOWS},{PROGRAMS}", "OMP_NUM_THREADS": "1"}


def install(session: nox.Session, extras: str, lock: str = "main") -> None:
    """Install adatom, in place, with these extras in the locked versions."""
    session.install("-c", f"constraints/{lock}.txt", "-e", f".[{extras}]")


@nox.session
def lint(session: nox.Session) -> None:
    """Rules and layout of the source."""
    session.install("-c", "constraints/main.txt", "ruff")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Types of the library."""
    install(session, "dev")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, into `site`; a broken link is an error."""
    install(session, f"{FILES},docs,dev")
    session.run("mkdocs", "build", "--strict", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(venv_backend="venv")
def install_and_run(session: nox.Session) -> None:
    """What a new user does: pip, no extras, not in place."""
    session.install("-c", "constraints/main.txt", ".")
    session.chdir(session.create_tmp())
    session.run("adatom", "run", "emt.bulk_to_slabs_flow", "bulk:Cu")


@nox.session(venv_backend="none")
def all_tests(session: nox.Session) -> None:
    """All tests, in two rows side by side: those on batch schedulers wait most of the time."""
    row, beside = (
        [sys.executable, "-m", "nox", "--session", *names]
        for names in (["tests"], ["tests_schedulers", "tests_covalent", "tests_models"])
    )
    with open(os.path.join(session.create_tmp(), "beside.log"), "w+") as log:
        others = subprocess.Popen(beside, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            failed = [subprocess.call(row), others.wait()]
        finally:
            if others.poll() is None:
                others.terminate()
                others.wait()
            log.seek(0)
            shutil.copyfileobj(log, sys.stdout)
    if any(failed):
        raise CommandFailed("Some tests failed: see above.")


@nox.session(default=False)
def tests(session: nox.Session) -> None:
    """All tests but those on Covalent and on batch schedulers."""
    install(session, f"{MAIN_ENGINES},{CODES},{FLOWS},{FILES},test")
    session.env.update(WITH_CODES)
    elsewhere = [f"--ignore={folder}" for folder in SCHEDULER_TESTS]
    pytest(session, f"local,{MAIN_ENGINES}", "-n", "2", "--dist", "loadgroup", *elsewhere)


@nox.session(default=False)
def tests_schedulers(session: nox.Session) -> None:
    """The tests on batch schedulers. What is missing of Slurm, Grid Engine and sshd is installed (Debian, as root)."""
    install(session, f"{MAIN_ENGINES},test")
    session.env["TEST_SCHEDULERS"] = "slurm,sge,sshd"
    pytest(session, f"local,{MAIN_ENGINES}", *SCHEDULER_TESTS)  # one after the other: they are as large as the machine


@nox.session(default=False)
def tests_covalent(session: nox.Session) -> None:
    """The engine tests on Covalent; they start a server of their own."""
    install(session, f"covalent,{FLOWS},test", lock="covalent")
    session.env.update({**WITH_CODES, "TEST_CODES": PROGRAMS})
    pytest(session, "covalent", "tests/engines", "--ignore=tests/engines/clusters")
    session.env["TEST_SCHEDULERS"] = "slurm"
    pytest(session, "covalent", "tests/engines/clusters/test_slurm.py")  # alone, as the next
    pytest(session, "covalent", "tests/test_docs.py")  # alone: Covalent reads where its server is when it is imported


@nox.session(default=False)
@nox.parametrize("codes", ["chgnet,sevennet,matcalc,phonons", "mace"], ids=["models", "mace"])
def tests_models(session: nox.Session, codes: str) -> None:
    """The tests on machine-learned potentials, which cannot all share an environment."""
    install(session, f"{codes},test", lock="mace" if codes == "mace" else "models")
    session.env.update(TEST_CODES=codes, OMP_NUM_THREADS="1")
    pytest(session, "local", "-n", "2", "--dist", "loadgroup", "tests/recipes/test_mlip.py")
    pytest(session, "local", "tests/test_docs.py", "-k", "mlip.md")


@nox.session(default=False, venv_backend="uv")
def tests_lowest(session: nox.Session) -> None:
    """All tests with the oldest versions that pyproject.toml admits."""
    session.install("--resolution=lowest-direct", "-e", f".[{MAIN_ENGINES},{CODES},{FLOWS},{FILES},test]")
    session.env.update(WITH_CODES)
    pytest(session, f"local,{MAIN_ENGINES}", "-n", "2", "--dist", "loadgroup")


def pytest(session: nox.Session, engines: str, *args: str) -> None:
    """Run the tests. An engine in TEST_ENGINES that cannot be tested is a failure, any other is skipped."""
    session.run("pytest", *args, *session.posargs, env={"TEST_ENGINES": engines})


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
