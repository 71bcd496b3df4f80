"""``adatom bench``: benchmarks of models that need no reference."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adatom.cli.group import LateGroup
from adatom.cli.say import say
from adatom.settings import change_settings

__all__ = ["bench"]

bench = typer.Typer(cls=LateGroup, rich_markup_mode="markdown", add_completion=False)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")]
_Directory = Annotated[Path, typer.Option("--out", "-o", metavar="DIRECTORY", help="Where the records are.")]
_HERE = Path("adatom_bench")


class Size(StrEnum):
    """Size of the set of systems, as `adatom.arena.benchmark.SIZES` has them."""

    SMALL, MEDIUM, FULL = "small", "medium", "full"


@bench.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Benchmarks of models that need no reference: list, run, report, compare."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@bench.command(name="list")
def list_(as_json: _Json = False) -> None:
    """List the benchmarks, and the number of systems in the small, medium and full set of each."""
    from adatom.cli.actions.bench.listing import list_benchmarks

    list_benchmarks(as_json)


@bench.command()
def run(
    benchmark: Annotated[
        list[str], typer.Argument(metavar="BENCHMARK...", help="Names that `adatom bench list` shows; or all.")
    ],
    models: Annotated[str, typer.Option(metavar="NAME,...", help="Models: chgnet,7net-0,emt.")],
    size: Annotated[Size, typer.Option(help="Of the set of systems.")] = Size.SMALL,
    elements: Annotated[
        str | None, typer.Option(metavar="H-Ar,...", help="Only systems of these elements, from the full set.")
    ] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=1, help="Kill a job that takes longer.")] = 3600.0,
    engine: Annotated[str | None, typer.Option(help="Who runs the jobs; `adatom engines` lists them.")] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Runner profile of batch jobs; `adatom profiles` lists them.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes of an engine on this machine.")] = None,
    out: _Directory = _HERE,
    plan: Annotated[
        bool, typer.Option("--plan", help="Time a few calls, say how long it will take, and stop.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Run benchmarks of models, and print their scores.

    A job that crashes, hangs or lacks a package fails alone. What is done is kept: the same command goes on after a
    kill. The exit status is 0 if all went well, 1 if a system failed, 2 if the input is bad and 130 after Ctrl-C.
    """
    changes = {"workflow_engine": engine, "local_workers": workers}
    with change_settings({key: value for key, value in changes.items() if value is not None}):
        try:
            from adatom.cli.actions.bench.run import run_bench  # ASE: too slow for --help

            run_bench(benchmark, models.split(","), size.value, elements, timeout, profile, out, plan, as_json)
        except KeyboardInterrupt:
            say(f"Interrupted. What is done is in {out}; the same command goes on.", err=True)
            raise typer.Exit(130) from None


@bench.command()
def report(
    place: Annotated[
        list[Path] | None, typer.Argument(metavar="[PLACE]...", help=f"Directories or files of records; else {_HERE}.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="A .html page; or a table: .csv, .json, .md.")
    ] = Path("bench.html"),
) -> None:
    """Write a page that opens from disk, or a table of the scores."""
    from adatom.cli.actions.bench.report import write_report

    write_report(place or [_HERE], out)


@bench.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="A record.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="Another of the same benchmark.")],
    as_json: _Json = False,
) -> None:
    """Compare two records of a benchmark: of two models, or of one at two times."""
    from adatom.cli.actions.bench.compare import compare_records

    compare_records(first, second, as_json)
