"""``python -m adatom``: the command line."""

from adatom.cli import app

if __name__ == "__main__":
    app(prog_name="adatom")
