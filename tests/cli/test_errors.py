import json

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from adatom.analysis.property_errors import property_errors
from adatom.atoms.rattle import rattle
from adatom.configs import ConfigSet


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def computed(count=4, seed=1, **prefixes):
    """Rattled copper with results of EMT, moved by so much under each prefix."""
    rng, configs = np.random.default_rng(seed), []
    for number in range(count):
        atoms = rattle(bulk("Cu", cubic=True), 0.1, rng)
        atoms.info["config_type"] = "even" if number % 2 == 0 else "odd"
        copy = atoms.copy()
        copy.calc = EMT()
        for prefix, error in prefixes.items():
            atoms.info[f"{prefix}energy"] = copy.get_potential_energy() + 4 * error
            atoms.set_array(f"{prefix}forces", copy.get_forces() + error)
        configs.append(atoms)
    return configs


@pytest.fixture
def two():
    write("two.xyz", computed(REF_=0, M_=0.5))
    return "two.xyz"


def test_a_table_and_a_picture(cli, two, tmp_path):
    result = cli("errors", two, "--by", "config_type", "--plot", "parity.png")
    assert (result.exit_code, result.stderr) == (0, "Saved parity.png\n")
    head, *rows = [line.split() for line in result.stdout.splitlines()]
    assert head == ["model", "property", "category", "RMSE", "MAE", "max", "unit", "count", "worst"]
    assert [row[:3] for row in rows] == [
        ["M_", name, category]
        for name in ("energy_per_atom", "energy", "forces")
        for category in ("even", "odd", "all")
    ]
    assert [row[3] for row in rows] == ["0.5"] * 3 + ["2"] * 3 + ["0.5"] * 3
    assert [row[7] for row in rows] == ["2", "2", "4"] * 2 + ["24", "24", "48"]
    assert (tmp_path / "parity.png").read_bytes().startswith(b"\x89PNG")


def test_json_is_what_python_gives(cli, two):
    printed = json.loads(cli("errors", two, "--by", "config_type", "--norm", "--json", "--plot", "x.svg").stdout)
    assert printed == property_errors(ConfigSet(two), "M_", by=["config_type"], forces="norm")


def test_what_is_not_compared_is_named(cli):
    configs = computed(30, REF_=0, M_=0.5)
    configs[3].info["M_failed"] = True
    for atoms in configs[5:]:
        del atoms.info["REF_energy"]
    write("a.xyz", configs)
    _, table = cli("errors", "a.xyz").stdout.split("\nNot compared:\n")
    assert [" ".join(line.split()) for line in table.splitlines()] == [
        "model result reason structures which",
        "M_ all failed 1 3",
        f"M_ energy no reference 25 {' '.join(map(str, range(5, 25)))} ...",
    ]


def test_several_files_are_one_set(cli, two):
    write("more.xyz", computed(2, seed=2, REF_=0, M_=0.5))
    for files in ([two, "more.xyz"], ["*.xyz"]):
        assert json.loads(cli("errors", *files, "--json").stdout)["structures"] == 6


def test_structures_of_several_files_are_named_by_file_and_number(cli, two):
    more = computed(2, seed=2, REF_=0, M_=0.5)
    more[1].info["M_energy"] += 1
    more[0].info["M_failed"] = True
    write("more.xyz", more)
    text = cli("errors", two, "more.xyz").stdout
    table, missing = text.split("\nNot compared:\n")
    assert table.splitlines()[1].split()[-1] == "more.xyz:1"
    assert missing.splitlines()[1].split()[-1] == "more.xyz:0"


class TestPrefixes:
    def compared(self, cli, *options):
        printed = json.loads(cli("errors", "a.xyz", "--json", *options).stdout)
        return printed["reference"], list(dict.fromkeys(row["prefix"] for row in printed["errors"]))

    @pytest.mark.parametrize(
        ("there", "options", "expected"),
        [
            (["A_", "REF_"], [], ("REF_", ["A_"])),
            (["A_", "DFT_"], [], ("DFT_", ["A_"])),
            (["DFT_", "REF_"], [], ("REF_", ["DFT_"])),
            (["A_", "B_"], ["-r", "B_"], ("B_", ["A_"])),
            (["A_", "B_", "REF_"], ["-r", "REF_"], ("REF_", ["A_", "B_"])),
            (["A_", "B_", "REF_"], ["-p", "B_"], ("REF_", ["B_"])),
            (["A_", "B_", "REF_"], ["-p", "B_", "-p", "REF_", "-r", "A_"], ("A_", ["B_", "REF_"])),
            (["", "REF_"], [], ("REF_", [""])),
            (["A_", ""], ["-r", ""], ("", ["A_"])),
        ],
    )
    def test_what_is_not_said_is_found(self, cli, there, options, expected):
        write("a.xyz", computed(**dict.fromkeys(there, 0.1)))
        assert self.compared(cli, *options) == expected

    @pytest.mark.parametrize(
        ("there", "options", "said"),
        [
            (["A_", "B_"], [], "Results are under: 'A_', 'B_'. Say which is the reference: --reference PREFIX."),
            (["A_", "B_", "REF_"], [], "Results are under: 'A_', 'B_', 'REF_'. Say which is the reference"),
            (["REF_", "A_"], ["-p", "REF_"], "Say which is the reference"),
            (["REF_"], [], "There is no model to compare with the reference 'REF_'"),
            ([], [], "No structure has energies, forces or a stress. `adatom map RECIPE FILE -o OUT --prefix REF_`"),
            (["REF_", "A_"], ["-p", "B_"], "No structure has results under 'B_'. There are some under: 'A_', 'REF_'"),
            (["REF_", "A_"], ["--by", "type"], "No structure has 'type' in its info"),
            (["REF_", "A_"], ["--plot", "x.gif"], "pictures are .png, .svg, .pdf"),
        ],
    )
    def test_what_cannot_be_is_told_in_one_line(self, refused, there, options, said):
        write("a.xyz", computed(**dict.fromkeys(there, 0.1)))
        assert said in refused("errors", "a.xyz", *options)

    def test_a_file_that_is_not_there(self, refused):
        assert "There is no file 'absent.xyz'" in refused("errors", "absent.xyz")
