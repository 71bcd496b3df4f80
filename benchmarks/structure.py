"""How large the parts of adatom are, how its docstrings read, and how many calls one call makes.

``python benchmarks/structure.py`` prints all figures. Nothing here depends on the speed of the machine.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

SOURCE = Path(__file__).parents[1] / "src" / "adatom"

# The way of one call of a job in plain Python on the local engine, from the user's line to the function.
WAY = (
    "workflow/job.py",
    "workflow/graph.py",
    "workflow/building.py",
    "execution/calls.py",
    "execution/dispatcher.py",
    "engines/local.py",
    "execution/worker.py",
)
QUESTION = re.compile(r"(What|Whether|Who|Whose|How|Where|When|Which|Why)\b")
SECTION = re.compile(r"^(Parameters|Attributes|Returns|Yields|Raises|Notes|References|Examples)\n-+\n", re.MULTILINE)
ENTRY = re.compile(r"^\S.*\n((?:[ \t]+\S.*\n?|[ \t]*\n)+)", re.MULTILINE)
LONGEST_FILE = 350  # lines
MOST_COMPLEX = 15


def sources() -> Iterator[tuple[Path, str]]:
    """The files of the library, and what is in them."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, path.read_text()


def docstrings(text: str) -> Iterator[tuple[str, str]]:
    """Each docstring with the name of what it is of."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found = ast.get_docstring(node)
            if found:
                yield getattr(node, "name", "module"), found


def entries(docstring: str) -> Iterator[str]:
    """What is said of each parameter and attribute."""
    parts = SECTION.split(docstring + "\n")
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title in ("Parameters", "Attributes"):
            yield from (" ".join(entry.split()) for entry in ENTRY.findall(body))


def code_lines(text: str) -> int:
    """Lines with code: no blank ones, no comments, no docstrings."""
    lines = {number for number, line in enumerate(text.splitlines(), 1) if line.strip() and line.strip()[0] != "#"}
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                lines -= set(range(value.lineno, (value.end_lineno or value.lineno) + 1))
    return len(lines)


def lines_of_codes() -> dict[str, tuple[int, int]]:
    """The code lines of each code's recipes, and of these with its calculator, without presets."""
    from adatom.recipes.registry import codes

    def lines(place: str) -> int:
        files = [*SOURCE.glob(f"{place}.py"), *SOURCE.glob(f"{place}/*.py")]
        return sum(code_lines(path.read_text()) for path in files)

    of_recipes = {code: lines(f"recipes/{code}") for code in codes()}
    return {code: (own, own + lines(f"calculators/{code}")) for code, own in of_recipes.items()}


def calls_of(function: Any) -> tuple[int, int]:
    """How many calls inside adatom a call makes, in all threads, and over how many of its files."""
    import threading

    where: Counter[str] = Counter()

    def count(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(SOURCE)):
            where[frame.f_code.co_filename] += 1

    function()  # what is done once in a process does not count
    found = []
    for _ in range(5):  # checkpoints are written by the clock: the fewest calls are those without
        where.clear()
        threading.setprofile(count)
        sys.setprofile(count)
        try:
            function()
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        found.append((sum(where.values()), len(where)))
    return min(found)


def complexities() -> list[tuple[int, str]]:
    """The cyclomatic complexity of each function, with where it is."""
    from radon.complexity import cc_visit

    return [
        (block.complexity, f"{path.relative_to(SOURCE)}:{block.name}")
        for path, text in sources()
        for block in cc_visit(text)
        if block.letter in "FM"
    ]


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="also print each docstring, entry and function that counts")
    shown = parser.parse_args().list
    of_package: Counter[str] = Counter()
    questions, short, long_files, documented = [], [], [], 0
    for path, text in sources():
        name = str(path.relative_to(SOURCE))
        of_package[name.partition("/")[0]] += code_lines(text)
        if text.count("\n") > LONGEST_FILE:
            long_files.append(f"{name} {text.count(chr(10))}")
        for owner, docstring in docstrings(text):
            documented += 1
            if QUESTION.match(docstring):
                questions.append(f"{name}:{owner}: {docstring.splitlines()[0]}")
            short += [f"{name}:{owner}: {entry}" for entry in entries(docstring) if len(entry.split()) <= 3]

    print("code lines")
    for package, lines in of_package.most_common():
        print(f"  {package:16}{lines:6}")
    there = [SOURCE / name for name in WAY if (SOURCE / name).exists()]
    print(f"the way of one call: {len(there)} files, {sum(code_lines(path.read_text()) for path in there)} code lines")
    print(f"docstrings: {documented}; that open with a question word: {len(questions)}")
    print(f"entries of parameters and attributes of three words or fewer: {len(short)}")
    print(f"files above {LONGEST_FILE} lines: {len(long_files)}")
    of_codes = lines_of_codes()
    own, all_lines = (median(values) for values in zip(*of_codes.values(), strict=True))
    print(f"codes: {len(of_codes)}; code lines of the recipes: median {own:g}; with the calculator: {all_lines:g}")
    try:
        found = complexities()
    except ImportError:
        found = []
        print("complexity: install radon")
    complex_ones = sorted((f"{value} {where}" for value, where in found if value > MOST_COMPLEX), reverse=True)
    if found:
        mean = sum(value for value, _ in found) / len(found)
        print(f"complexity: mean {mean:.2f}, above {MOST_COMPLEX}: {len(complex_ones)}")
    if shown:
        print(*questions, *short, *long_files, *complex_ones, sep="\n")
        print(*(f"{own:4} {total:4} {code}" for code, (own, total) in of_codes.items()), sep="\n")

    os.chdir(tempfile.mkdtemp())
    from ase.build import bulk

    from adatom.recipes.emt import bulk_to_slabs_flow, static_job

    for name, function in (
        ("static_job(bulk('Cu'))", lambda: static_job(bulk("Cu"))),
        ("bulk_to_slabs_flow(bulk('Cu'))", lambda: bulk_to_slabs_flow(bulk("Cu"))),
    ):
        count, files = calls_of(function)
        print(f"{name}: {count} calls inside adatom, over {files} files")


if __name__ == "__main__":
    main()
