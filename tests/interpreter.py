"""Python in a fresh interpreter, with an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path


def run(code: str, cwd: Path, *arguments: object, check: bool = True, **environment: object) -> str:
    """What a script prints; its error output, if it is to fail (``check=False``). Its home is its working directory."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        env=bare_environment(cwd, **environment),
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == check, done.stdout + done.stderr
    return done.stdout if check else done.stderr


def bare_environment(home: Path, **more: object) -> dict[str, str]:
    """The variables that an interpreter needs to find what this one finds, and these."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name: str(value) for name, value in more.items()},
    }
