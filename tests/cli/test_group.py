"""Commands are imported when they are used."""

import inspect
import subprocess
import sys

import pytest
from typer.main import get_command

from adatom.cli import app
from adatom.cli.group import load
from tests.cli.conftest import environment

COMMANDS = get_command(app)
ENTRIES = [
    *((f"adatom {entry.name}", entry) for entry in COMMANDS.entries),
    *(
        (f"adatom {group.name} {entry.name}", entry)
        for group in COMMANDS.entries
        for entry in getattr(load(group), "entries", ())
    ),
]


@pytest.mark.parametrize("entry", [entry for _, entry in ENTRIES], ids=[name for name, _ in ENTRIES])
def test_the_table_says_what_the_command_says(entry):
    command = load(entry)
    assert command.name == entry.name
    assert entry.help == " ".join(inspect.cleandoc(command.help).split("\n\n")[0].split())


def test_all_groups_are_in_the_tables():
    assert len(ENTRIES) > len(COMMANDS.entries) + 10


def imported(code, *names):
    """The modules of `names` that a process of its own has imported after `code`."""
    code = f"import sys\n{code}\nsys.exit(str([name for name in {names} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    return done.stderr.strip()


def test_the_version_imports_no_command():
    code = "from adatom.cli import app\ntry:\n    app(['--version'])\nexcept SystemExit:\n    pass"
    assert imported(code, "ase", "numpy", "adatom.cli.run", "adatom.cli.tables", "adatom.cli.jobs") == "[]"


def test_the_help_of_all_imports_no_command():
    code = "from adatom.cli import app\ntry:\n    app(['--help'])\nexcept SystemExit:\n    pass"
    assert imported(code, "ase", "numpy", "adatom.cli.run", "adatom.cli.jobs", "adatom.cli.cache") == "[]"


def test_the_help_of_a_command_imports_nothing_heavy():
    targets = sorted({entry.target.partition(":")[0] for _, entry in ENTRIES})
    code = f"import importlib\nfor name in {targets}:\n    importlib.import_module(name)"
    assert imported(code, "ase", "numpy", "sqlite3", "matplotlib", "prefect") == "[]"


def test_a_shell_completes_names_and_options():
    for words, found in (("adatom jobs re", "retry"), ("adatom profiles att", "attach"), ("adatom run --wor", "--wor")):
        code = "from adatom.cli import app\napp(prog_name='adatom')"
        variables = {"_ADATOM_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment(**variables)
        )
        assert done.stdout.startswith(found), done.stderr
