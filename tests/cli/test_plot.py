import json

import pytest

from adatom.schemas.save import load_results, save_results


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_what_was_run_is_drawn(cli, tmp_path):
    assert cli("run", "emt.eos_flow", "bulk:Cu", "--out", "eos.json").exit_code == 0
    result = cli("plot", "eos.json")
    assert (result.exit_code, result.stdout) == (0, "eos.png\n")
    assert (tmp_path / "eos.png").read_bytes().startswith(b"\x89PNG")
    result = cli("plot", "eos.json", "-o", "other.svg")
    assert (result.exit_code, result.stdout) == (0, "other.svg\n")
    assert "<svg" in (tmp_path / "other.svg").read_text()


def test_every_file_is_named(cli, tmp_path):
    assert cli("run", "emt.eos_flow", "bulk:Cu", "--set", "relax_ions=false", "--out", "eos.json").exit_code == 0
    save_results([load_results("eos.json")] * 3, "three.json")
    result = cli("plot", "three.json")
    assert (result.exit_code, result.stdout.split()) == (0, ["three-1.png", "three-2.png", "three-3.png"])
    assert {file.name for file in tmp_path.glob("*.png")} == set(result.stdout.split())
    (tmp_path / "late-3.png").mkdir()  # the third file cannot be written
    result = cli("plot", "three.json", "-o", "late.png")
    assert (result.exit_code != 0, result.stdout.split()) == (True, ["late-1.png", "late-2.png"])
    assert "late-3.png" in result.stderr


def test_what_cannot_be_drawn_is_bad_input(cli, tmp_path):
    (tmp_path / "empty.json").write_text(json.dumps({"a": 1}))
    for arguments in (["empty.json"], ["absent.json"], ["empty.json", "-o", "x.gif"]):
        result = cli("plot", *arguments)
        assert result.exit_code == 2
        assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("*.png"))


def test_documents_are_printed_with_their_units(cli):
    result = cli("run", "emt.eos_flow", "bulk:Cu", "--set", "relax_ions=false", "--out", "eos.json")
    eos = load_results("eos.json")["eos"]
    shown = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.strip()}
    assert shown["eos"] == ["value", "unit"]
    assert shown["bulk_modulus"] == [f"{eos['bulk_modulus']:.6g}", "GPa"]
    assert shown["v0"] == [f"{eos['v0']:.6g}", "Å³"]
    assert shown["equation"] == ["birch_murnaghan"]
    printed = json.loads(cli("run", "emt.eos_flow", "bulk:Cu", "--json").stdout)
    assert printed["documents"]["eos"]["v0"] == eos["v0"]
