"""What comes from a file commands no terminal."""

import json

import pytest

from adatom.cli.say import say
from adatom.cli.tables import print_json, print_table, print_text

TITLE = "\x1b]0;owned\x07"
EVIL = {
    TITLE: r"\u001b]0;owned\u0007",
    "a\x1b[2Jb": r"a\u001b[2Jb",
    "a\rb": r"a\u000db",
    "\x9b31m": r"\u009b31m",
    "abc\u202exyz": r"abc\u202exyz",
    "Å µ → ü": "Å µ → ü",
    "a\tb\nc": "a\tb\nc",
}


@pytest.mark.parametrize("text", EVIL)
def test_control_characters_are_shown_as_escapes(text, capsys):
    say(text)
    say(text, err=True)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (EVIL[text] + "\n", EVIL[text] + "\n")


def test_tables_and_texts(capsys):
    print_table([f"name{i}" for i in range(2)], [[TITLE, "1"]])
    print_text(TITLE)
    printed = capsys.readouterr().out
    assert printed.count(EVIL[TITLE]) == 2
    assert "\x1b" not in printed


@pytest.mark.parametrize("text", EVIL)
def test_json_stays_json(text, capsys):
    print_json({"name": text})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"name": text}
    assert not set(printed) & set("\x1b\x07\x9b\r\u202e")


def test_the_journal_and_a_failure(capsys, monkeypatch, tmp_path):
    """A job's cause is what an exception says, which a program may have written."""
    from typer.testing import CliRunner

    from adatom import change_settings, job
    from adatom.cli import app
    from adatom.errors import JobFailure

    @job
    def shout():
        raise ValueError(TITLE)

    with change_settings(results_dir=tmp_path):
        with pytest.raises(JobFailure):
            shout()
        listed = CliRunner().invoke(app, ["jobs", "failed"])
    assert listed.exit_code == 0, listed.output
    assert "\x1b" not in listed.output
    assert "owned" in listed.output
