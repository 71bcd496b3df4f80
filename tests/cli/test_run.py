import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ase.build import add_adsorbate, bulk, fcc100
from ase.constraints import FixAtoms
from ase.io import write

from adatom import change_settings
from adatom.schemas.save import load_results
from tests.cli.conftest import OWN, command, environment, process


def saved(result):
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Saved ")]
    return load_results(line.removeprefix("Saved "))


def rows(result):
    """The table on the standard output, by column."""
    table, last, _ = result.stdout.partition("Directories are in ")  # behind it is what flows made of their runs
    heading, *lines = table.splitlines()
    assert last
    columns = [column for column in heading.split("  ") if column.strip()]
    starts = [heading.index(column) for column in columns]
    # numbers stand to the right, so a cell is what overlaps with its heading
    cells = [[word for word in line.split("  ") if word.strip()] for line in lines]
    assert all(len(line) == len(starts) for line in cells), result.stdout
    names = [column.strip() for column in columns]
    return [dict(zip(names, (word.strip() for word in line), strict=True)) for line in cells]


def test_a_plan_runs_nothing(cli, tmp_path):
    result = cli("run", "emt.bulk_to_slabs_flow", "bulk:Cu", "bulk:Ag", "--plan", "--set", "run_static=false")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0].startswith("bulk_to_slabs_flow.map: ")
    shown = json.loads(cli("run", "emt.relax_job", "bulk:Cu", "--plan", "--json").stdout)
    assert (shown["count"], shown["jobs"][0]["name"]) == (1, "relax_job")
    assert not list(tmp_path.rglob("*.json"))
    refused = cli("run", "emt.eos_flow", "bulk:Cu", "--plan", "--set", "equation=birch_murnagan")
    assert refused.exit_code == 2
    assert "Did you mean 'birch_murnaghan'?" in refused.stderr


def test_one_structure_and_a_job(cli, tmp_path):
    result = cli("run", "emt.relax_job", "bulk:Cu")
    assert result.exit_code == 0
    (row,) = rows(result)
    assert (row["run"], row["formula"], row["converged"], row["steps"]) == ("relax", "Cu", "yes", "0")
    assert float(row["energy (eV)"]) == pytest.approx(-0.005682, abs=1e-6)
    document = saved(result)
    assert document["atoms"] == bulk("Cu")
    assert document["results"]["energy"] == pytest.approx(-0.00568151, abs=1e-8)
    assert document["structure_metadata"]["formula_pretty"] == "Cu"
    assert Path(document["dir_name"]).is_dir()
    assert (tmp_path / "runs" / row["directory"]) == Path(document["dir_name"])


def test_a_flow_and_its_parameters(cli):
    args = "--set", "run_static=false", "--set", "slab_kwargs.max_index=1", "--set", "job_params.relax_job.fmax=0.1"
    result = cli("run", "emt.bulk_to_slabs_flow", "bulk:Cu", *args)
    assert result.exit_code == 0, result.stderr
    document = saved(result)
    assert set(document) == {"relax", "bulk", "surface_energies"}
    assert {relaxed["parameters"]["fmax"] for relaxed in document["relax"]} == {0.1}
    assert [row["result"] for row in rows(result)] == [*(f"relax[{i}]" for i in range(len(document["relax"]))), "bulk"]
    assert [float(row["energy (eV)"]) for row in rows(result)] == pytest.approx(
        [run["results"]["energy"] for run in (*document["relax"], document["bulk"])], abs=1e-6
    )


def hop():
    """An adatom on a hollow site of Al(100), and on the next."""
    first = fcc100("Al", (2, 2, 2), vacuum=4.0, periodic=True)
    first.set_constraint(FixAtoms(range(4)))
    add_adsorbate(first, "Al", 1.7, "hollow")
    last = first.copy()
    last.positions[-1, 0] += last.cell[0, 0] / 2
    return first, last


@pytest.mark.parametrize("given", [["final=ends.traj@1"], ["--set", "final=ends.traj@1"]])
def test_a_second_structure(cli, given):
    write("ends.traj", hop())
    result = cli(
        "run", "emt.neb_flow", "ends.traj@0", *given, "--set", "images=1", "--set", "job_params.neb_job.fmax=0.2"
    )
    assert result.exit_code == 0, result.stderr
    document = saved(result)
    first, last = (run["atoms"].positions[-1, 0] for run in document["relax"])
    assert last - first == pytest.approx(hop()[0].cell[0, 0] / 2, abs=0.05)
    assert document["path"]["forward_barrier"] > 0.1


def test_several_structures_and_a_job(cli):
    write("metals.xyz", [bulk("Cu"), bulk("Ag")])
    result = cli("run", "emt.static_job", "bulk:Au", "metals.xyz@:", "molecule:CO")
    assert result.exit_code == 0
    assert [(row["result"], row["formula"]) for row in rows(result)] == [
        ("[0]", "Au"), ("[1]", "Cu"), ("[2]", "Ag"), ("[3]", "CO"),
    ]  # fmt: skip
    assert [len(document["atoms"]) for document in saved(result)] == [1, 1, 1, 2]
    assert saved(result)[3]["molecule_metadata"]["formula_pretty"] == "CO"


def test_the_largest_force_leaves_out_what_constraints_hold(cli):
    write("held.traj", _held())
    (row,) = rows(cli("run", "emt.static_job", "held.traj"))
    assert float(row["max force (eV/Å)"]) == 0


def _held():
    from ase.constraints import FixAtoms

    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    atoms.set_constraint(FixAtoms(range(4)))
    return atoms


def test_one_bad_structure_does_not_stop_the_others(cli):
    result = cli("run", f"{OWN}:document", "bulk:Cu", "bulk:Al", "bulk:Ag")
    assert result.exit_code == 1
    assert [row["formula"] for row in rows(result)] == ["Cu", "Ag"]
    assert "1 failed:\ndocument" in result.stderr
    assert "ValueError: no such luck" in result.stderr
    assert "files: " in result.stderr
    assert "Traceback" not in result.stderr
    good, failed, _ = saved(result)
    assert good["results"]["energy"] == pytest.approx(-0.00568151, abs=1e-8)
    assert (failed["failure"]["kind"], failed["failure"]["message"]) == ("ValueError", "no such luck")
    assert "in document" in failed["failure"]["traceback"]


def test_one_bad_structure_does_not_stop_the_others_in_a_flow(cli):
    result = cli("run", f"{OWN}:pair", "bulk:Al", "bulk:Cu", "--set", "n=1", "--set", "label=x")
    assert result.exit_code == 1
    assert [(row["result"], row["formula"]) for row in rows(result)] == [("[1].first", "Cu"), ("[1].rest[0]", "Cu2")]
    assert "2 failed:" in result.stderr
    assert saved(result)[1]["label"] == "x"


def test_a_failure_that_the_flow_does_not_return_is_one(cli):
    result = cli("run", f"{OWN}:unused_failure", "bulk:Cu")
    assert result.exit_code == 1
    assert len(rows(result)) == 1
    assert "1 failed:" in result.stderr


def test_skipped_jobs_are_told_apart(cli):
    result = cli("run", f"{OWN}:needs_failed", "bulk:Cu")
    assert result.exit_code == 1
    assert "1 failed, 1 skipped:" in result.stderr
    assert "needs document" in result.stderr


def test_only_a_failure_is_not_saved(cli, tmp_path):
    for recipe, message in (("document", "ValueError: no such luck"), ("broken_body", "RuntimeError: the body")):
        result = cli("run", f"{OWN}:{recipe}", "bulk:Al")
        assert (result.exit_code, result.stdout) == (1, "")
        assert message in result.stderr
        assert "Saved" not in result.stderr
        assert not list((tmp_path / "runs").glob("*.json"))


def test_the_traceback_is_shown_when_debugging(cli):
    with change_settings(log_level="DEBUG"):
        result = cli("run", f"{OWN}:document", "bulk:Al")
    assert result.exit_code == 1
    assert "| Traceback" in result.stderr


def test_a_value_that_is_no_result_is_printed(cli):
    result = cli("run", f"{OWN}:energy", "bulk:Cu", "--set", "scale=2", "--set", "sizes=[1]")
    assert result.exit_code == 0
    assert result.stdout == f"{saved(result)}\n"
    assert saved(result)["given"] == [2.0, "a", 1, False, [1]]


def test_what_jobs_print_is_kept_out_of_the_output(cli):
    result = cli("run", f"{OWN}:energy", "bulk:Cu", "--json")
    assert json.loads(result.stdout)["value"]["energy"] == pytest.approx(-0.00568151, abs=1e-8)
    assert "energy of Cu" in result.stderr


def test_json(cli):
    result = cli("run", f"{OWN}:document", "bulk:Cu", "bulk:Al", "--json")
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert (printed["recipe"], printed["engine"]) == (f"{OWN}:document", "local")
    (row,) = printed["results"]
    assert row["energy"] == pytest.approx(-0.00568151, abs=1e-8)
    assert {**row, "energy": 0, "max_force": 0} == {
        "result": "[0]", "name": "document", "formula": "Cu", "energy": 0, "max_force": 0, "converged": True,
        "steps": 7, "directory": "/runs/Cu",
    }  # fmt: skip
    (failure,) = printed["failures"]
    assert (failure["kind"], failure["message"], failure["skipped_because"]) == ("ValueError", "no such luck", None)
    assert load_results(printed["saved"])[0]["name"] == "document"


def test_out(cli, refused):
    result = cli("run", f"{OWN}:document", "bulk:Cu", "--out", "new/folder/my.json.gz")
    assert result.exit_code == 0
    assert json.loads(gzip.decompress(Path("new/folder/my.json.gz").read_bytes()))["name"] == "document"
    before = Path("new/folder/my.json.gz").read_bytes()
    said = refused("run", f"{OWN}:document", "bulk:Cu", "--out", "new/folder/my.json.gz")
    assert "--out new/folder/my.json.gz is there already" in said
    assert Path("new/folder/my.json.gz").read_bytes() == before


def test_what_cannot_be_saved_is_said_and_is_no_success(cli, tmp_path):
    result = cli("run", f"{OWN}:unsaveable", "bulk:Cu")
    assert result.exit_code == 1
    assert "Not saved: " in result.stderr
    assert "Saved" not in result.stderr
    assert not list((tmp_path / "runs").glob("*.json"))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["emt.relx_job", "bulk:Cu"], "Did you mean 'emt.relax_job'?"),
        (["emt.relax_job", "missing.xyz"], "There is no file 'missing.xyz'. Valid: FILE, "),
        (["emt.relax_job", "bulk:Cu", "missing.xyz"], "There is no file 'missing.xyz'"),
        (["emt.neb_flow", "bulk:Cu", "final=missing.xyz"], "There is no file 'missing.xyz'. Valid: FILE, "),
        (["emt.neb_flow", "bulk:Cu", "final=two.xyz@:"], "final of neb_flow is one structure, and two.xyz@: has 2."),
        (["emt.neb_flow", "bulk:Cu", "final=bulk:Al"], "these are Cu and Al"),
        (["emt.neb_flow", "bulk:Cu"], "neb_flow needs final: give final=STRUCTURE."),
        (["emt.neb_flow", "final=bulk:Cu"], "Give the STRUCTURE to run on too"),
        (["emt.neb_flow", "initial=bulk:Cu", "bulk:Cu"], "initial of neb_flow is the STRUCTURE: give it alone"),
        (["emt.relax_job", "bulk:Cu", "--set", "fmx=1"], "Did you mean 'fmax'?"),
        (["emt.relax_job", "bulk:Cu", "--set", "fmax=a"], "relax_job takes: float"),
        (["emt.relax_job", "bulk:Cu", "--set", "fmax=-1"], "fmax is -1.0. Give a number above 0."),
        (["emt.relax_job", "bulk:Cu", "--set", "optimizer=BFG"], "Unknown optimizer 'BFG'. Did you mean 'BFGS'?"),
        (["emt.relax_job", "bulk:Fe"], "EMT has no parameters for Fe"),
        (["emt.relax_job", "bulk:Fe", "bulk:Cr"], "EMT has no parameters for Cr"),
        ([f"{OWN}:document", "bulk:Cu", "--set", "refuse=true"], "refused"),
        (["emt.relax_job", "bulk:Cu", "--engine", "dsk"], "Unknown engine 'dsk'. Did you mean 'dask'?"),
        (["emt.relax_job", "bulk:Cu", "--workers", "0"], "Invalid value for '--workers'"),
        (["emt.relax_job", "bulk:Cu", "--out", "results.xyz"], "Valid: FILE.json, FILE.json.gz"),
        (["emt.relax_job", "bulk:Cu", "--out", "/dev/null/a.json"], "Cannot write /dev/null/a.json"),
        (["emt.relax_job", "bulk:Cu", "--out", "folder.json"], "Cannot write folder.json"),
        (["emt.relax_job"], "Missing argument"),
        (["emt.relax_job", "bulk:Cu", "--sett", "a=1"], "No such option"),
    ],
)
def test_bad_input_is_one_line(refused, args, said, tmp_path):
    Path("folder.json").mkdir()
    write("two.xyz", [bulk("Cu"), bulk("Al")])
    assert said in refused("run", *args)
    assert not list((tmp_path / "runs").glob("*.json"))


def test_a_results_directory_that_cannot_be_written_is_found_before_the_work(refused):
    Path("file").touch()
    with change_settings(results_dir="file/runs"):
        assert "Set ADATOM_RESULTS_DIR" in refused("run", f"{OWN}:slow", "bulk:Cu")


def test_an_engine_that_is_not_installed_is_one_line(refused, monkeypatch):
    from adatom.execution import registry

    monkeypatch.setattr(registry, "is_installed", lambda kind: False)
    monkeypatch.setattr(registry.engine_class("dask"), "package", "distributed")
    line = refused("run", "emt.relax_job", "bulk:Cu", "--engine", "dask")
    assert line == "distributed is not installed. Get it with: pip install 'adatom[dask]'"


@pytest.mark.parametrize("workers", [1, 2])
def test_in_a_process_of_its_own(workers):
    done = process("run", "emt.relax_job", "bulk:Cu", "bulk:Ag", "--workers", workers)
    assert done.returncode == 0, done.stderr
    assert [row["formula"] for row in rows(done)] == ["Cu", "Ag"]
    assert len(saved(done)) == 2
    assert Path("adatom_results").is_dir()


def test_workers_print_above_the_results():
    done = process("run", f"{OWN}:energy", "bulk:Cu", "bulk:Ag", "--workers", 2, "--json")
    assert len(json.loads(done.stdout)["value"]) == 2
    assert "energy of Cu" in done.stderr


def test_a_script_of_the_users_own():
    Path("mine.py").write_text(
        "from adatom import flow\nfrom adatom.recipes.emt import static_job\n\n\n@flow\ndef both(atoms):\n"
        "    return [static_job(atoms), static_job(atoms * (2, 1, 1))]\n"
    )
    done = process("run", "mine.py:both", "bulk:Cu", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert [row["formula"] for row in rows(done)] == ["Cu", "Cu2"]


def test_bad_input_in_a_process_of_its_own():
    done = process("run", "emt.relax_job", "bulk:Cu", "--set", "fmx=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("adatom: Unknown parameter of relax_job 'fmx'.")
    assert done.stderr.count("\n") == 1


def test_bad_input_shows_where_it_comes_from_when_debugging():
    done = process("run", "emt.relax_job", "bulk:Cu", "--set", "fmx=1", ADATOM_LOG_LEVEL="DEBUG")
    assert done.returncode != 0
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_ends_everything(workers):
    running = subprocess.Popen(
        command("run", f"{OWN}:slow", "bulk:Cu", "bulk:Ag", "--workers", workers),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert "asleep" in running.stderr.readline()
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    start = time.monotonic()
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert err.splitlines()[-1] == f"Interrupted. What was finished is in {Path('adatom_results').absolute()}"
    assert "Traceback" not in err
    assert time.monotonic() - start < 20
    assert list(Path("adatom_results").glob("FLOW-*/failed-*"))


def test_a_parameter_in_the_place_of_a_structure(refused):
    said = refused("run", "emt.relax_job", "bulk:Cu", "fmax=0.1")
    assert "There is no file 'fmax=0.1'. A parameter is given as --set fmax=0.1." in said
