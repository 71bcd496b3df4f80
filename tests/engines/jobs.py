"""Jobs and flows that the conformance suite runs; in a module of their own so that workers can import them."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase.build import bulk

from adatom import flow, get_settings, job, subflow
from adatom.errors import IncompleteError
from adatom.execution.context import batch_value, current_job
from adatom.execution.directories import run_directory
from adatom.workflow import Failure


@dataclass
class Pair:
    left: Any
    right: Any


class Box:
    def __init__(self, content):
        self.content = content


@job
def add(a, b=1):
    return a + b


@job
def mult(a, b):
    return a * b


def squares(values):
    return [("together", value**2) for value in values]


@job(batch_function=squares)
def square(value):
    return batch_value() or ("alone", value**2)


@job(lockstep=3)
def with_others(value):
    meeting = current_job().meeting
    return meeting.ask("all", lambda values: [values] * len(values), value) if meeting else [value]


@job
def same(value):
    return value


@job
def collect(*args, **kwargs):
    return {"args": args, "kwargs": kwargs}


@job
def messages(values, least=0):
    """Of the failures among some values."""
    found = [value.message if isinstance(value, Failure) else "" for value in values]
    if found.count("") < least:
        raise ValueError("too many failures")
    return found


@job()
def with_parentheses(value):
    return -value


def plain(value):
    return value + 100


@job
def deep():
    return {"a": [{"b": 7}, {"b": 8}], "box": Box({"x": (1, 2)}), "pair": Pair(3, 4)}


@job
def numbers(n):
    return list(range(n))


@job
def fail(value, message="deliberate"):
    print("before the end")
    raise ValueError(f"{message} {value}")


@job
def write(path, text="done"):
    Path(path).write_text(text)
    return str(path)


@job
def append_and_read(path):
    with open(path, "a") as file:
        file.write("x")
    return len(Path(path).read_text())


@job
def fail_until(path, times):
    """Fail the first `times` times that it is called with this path."""
    with open(path, "a") as file:
        file.write("x")
    tries = len(Path(path).read_text())
    if tries <= times:
        raise RuntimeError(f"try {tries}")
    return tries


@job
def incomplete_until(path, times):
    """Stop, as for want of time, the first `times` times that it is called with this path."""
    with open(path, "a") as file:
        file.write("x")
    tries = len(Path(path).read_text())
    if tries <= times:
        raise IncompleteError(f"try {tries}")
    return tries


@job
def die_until(path, times):
    """Kill the worker the first `times` times that it is called with this path."""
    with open(path, "a") as file:
        file.write("x")
    if len(Path(path).read_text()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


@job
def die_once_at_5(number, folder):
    """Kill the worker the first time that 5 comes; else give a structure."""
    died = Path(folder) / "died"
    if number == 5 and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return bulk("Cu", a=3.5 + number / 100)


@job
def exit_interpreter():
    sys.exit(3)


@job
def meet(directory, name, other, patience):
    """Whether the job called ``other`` has started within ``patience`` seconds while this one runs."""
    Path(directory, name).touch()
    end = time.monotonic() + patience
    while not (met := Path(directory, other).exists()) and time.monotonic() < end:
        time.sleep(0.02)
    return met


@job
def sleep_in_child(seconds, path):
    """Have a child process write a file after a while."""
    code = f"import time, pathlib; time.sleep({seconds}); pathlib.Path({str(path)!r}).write_text('still alive')"
    subprocess.run([sys.executable, "-c", code], check=True)


@job
def files(text):
    """Two files in a directory of its own."""
    with run_directory("files") as run:
        (run.path / "data.txt").write_text(text)
    return {"dir_name": str(run.final), "text": text}


@job
def read_files(result):
    return (Path(result["dir_name"]) / "data.txt").read_text()


@job
def speak(word):
    print(f"{word} printed")
    print(f"{word} to stderr", file=sys.stderr)
    logging.getLogger("somebody").warning("%s logged", word)
    warnings.warn(f"{word} warned", stacklevel=1)
    with run_directory("speak") as run:
        return str(run.final)


@job
def seen_settings(pause=0.0):
    time.sleep(pause)
    return get_settings().results_dir.name, get_settings().gzip


@job
def where():
    """What tells one runner from another."""
    time.sleep(0.05)
    return os.getpid(), os.getcwd()


@job
async def add_async(a, b):
    await asyncio.sleep(0.01)
    return a + b


@job
def make_generator(n):
    return (i for i in range(n))


@job
def call_inside(value):
    """A job that calls a job: a plain call, with a plain result."""
    return add(value, 1) * 10


@subflow
def add_each(values, b=1):
    return [add(value, b) for value in values]


@subflow
def apply_each(function, values):
    return {"first": function(values[0]), "all": [function(value) for value in values]}


@subflow
def nested_subflow(values):
    return {"inner": add_each(values), "count": len(values)}


@subflow
def return_none(values):
    for value in values:
        same(value)


@subflow
def meet_in_subflow(value, *arguments):
    return [meet(*arguments)]


@flow
def inner_flow(a, b):
    return {"sum": add(a, b), "product": mult(a, b)}


@flow
def flow_with_jobs(value, *, first=add, second=with_parentheses):
    return second(first(value))
