"""Run of an operation on a set of structures, from its inputs to its outputs."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ase import Atoms

from adatom.cache.canonical import digest
from adatom.configs.autopara import AutoparaInfo
from adatom.configs.columns import item_digest, unpack
from adatom.configs.configset import ConfigSet
from adatom.configs.groups import GroupNames, with_names
from adatom.configs.input_files import files_of, paths_of, place_of
from adatom.configs.memory import Memory
from adatom.configs.operation import Operation, Shape, count_structures
from adatom.configs.output_file import OutputFile
from adatom.configs.outputs import OutputSpec
from adatom.configs.stream import Batch, Stream
from adatom.configs.tree import Tree
from adatom.configs.writing import check_single
from adatom.errors import InputError, ItemError, UnfinishedError, UnknownNameError
from adatom.execution.context import in_job
from adatom.execution.engine import Engine
from adatom.execution.failure import Failure
from adatom.execution.observer import current_observer
from adatom.execution.progress import progress_shown
from adatom.execution.registry import drop_engine, get_engine, lasting_engine
from adatom.execution.signals import second_ends_at_once, stops_in_order
from adatom.settings import EMBEDDED_ENGINE, change_settings, get_settings
from adatom.settings.places import profile_places

if TYPE_CHECKING:
    from adatom.configs.remote import RemoteInfo

__all__ = ["Outputs", "run_operation"]

_ON_ERROR = ("raise", "keep", "skip", "retry")
Outputs = OutputSpec | str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None

logger = logging.getLogger(__name__)


def run_operation(
    operation: Operation,
    inputs: Any,
    outputs: Outputs,
    identity: Mapping[str, str],
    info: AutoparaInfo | None,
    sample: Atoms | None = None,
) -> ConfigSet:
    """Apply an operation to each item of a stream, and put the outputs in memory or in files.

    Parameters
    ----------
    operation
        Operation to apply to each item.
    inputs, outputs, info
        Same as `inputs`, `outputs` and `autopara_info` of `adatom.configs.map`.
    identity
        Texts that identify the operation, by name; equal operations have equal texts.
    sample
        Structure with `info` and arrays like those of the outputs, which the format of a file has to hold; None: these
        are not known.

    Returns
    -------
    ConfigSet
        Outputs, in the order and the groups of the inputs.
    """
    info = AutoparaInfo() if info is None else info
    if not isinstance(info, AutoparaInfo):
        raise InputError(f"autopara_info={info!r}: give an AutoparaInfo, such as AutoparaInfo(workers=2).")
    if operation.on_error not in _ON_ERROR:
        raise UnknownNameError("on_error", operation.on_error, _ON_ERROR)
    spec = outputs if isinstance(outputs, OutputSpec) else OutputSpec(outputs)
    if not isinstance(inputs, Iterable) or isinstance(inputs, Atoms | str | Mapping):
        inputs = ConfigSet(inputs)
    elif not isinstance(inputs, ConfigSet | list | tuple):
        inputs = list(inputs)  # it may give them but once
    restarts = _restarts(operation, info)
    retries = restarts if operation.on_error == "retry" else 0
    operation = replace(operation, retries=retries, restarts=restarts, initializer=info.initializer, tags=spec.tags)
    return _Run(operation, inputs, spec, identity, info, _remote(info, operation.name), sample).result()


def _remote(info: AutoparaInfo, operation: str) -> RemoteInfo | None:
    said = info.remote_info is not None or get_settings().remote_info is not None
    if not said and not any(place.exists() for place in profile_places()):
        return None  # at no cost: what reads profiles takes long to import
    from adatom.configs.remote_runner import find_remote

    return find_remote(info, operation)


def _restarts(operation: Operation, info: AutoparaInfo) -> int:
    """Return the number of further attempts for an item: what is said here, else of the job, else the default."""
    if info.retries is not None:
        return info.retries
    of_job: int = getattr(getattr(operation.function, "options", None), "retries", 0)
    return max(of_job, 2) if operation.on_error == "retry" else of_job


class _Run:
    def __init__(
        self,
        operation: Operation,
        inputs: Any,
        spec: OutputSpec,
        identity: Mapping[str, str],
        info: AutoparaInfo,
        remote: RemoteInfo | None,
        sample: Atoms | None,
    ) -> None:
        self._inputs, self._info, self._remote = inputs, info, remote
        self._identity = digest(repr(sorted(identity.items())))
        self._grouped = not spec.memory and not spec.single
        written = {name: repr(sorted(getattr(spec, name).items())) for name in ("tags", "write_kwargs")}
        self._places = _places(inputs, spec, {**identity, **written}, _with_tags(sample, spec.tags))
        checks = {repr(place.target.check): place.target.check for place in self._places if place.target.check}
        self._operation = replace(operation, write_kwargs=_same_kind(self._places), checks=tuple(checks.values()))

    def result(self) -> ConfigSet:
        if not all(place.is_done() for place in self._places):
            with progress_shown(self._operation.name):
                self._work()
        start = 0
        failed: dict[int, str] = {}
        for place in self._places:
            failed |= {start + number: why for number, why in place.target.failed.items()}
            start += place.target.count
        if failed:
            first = "; ".join(f"structure {number}: {why}" for number, why in islice(failed.items(), 3))
            logger.warning("%s: %d of %d failed. %s", self._operation.name, len(failed), start, first)
        whole = self._gathered()
        whole.failures = failed
        return whole

    def _work(self) -> None:
        remote = self._remote
        engine = _engine(self._info) if remote is None else _engine_of(remote)
        budget = self._info.time_budget
        end = None if budget is None else time.monotonic() + budget
        stream = Stream(engine, self._operation, self._identity, self._info.batch, end)
        if remote is not None:
            stream.sends_jobs(remote.items_per_job, remote.wait)
        failed: list[ItemError] = []

        def body() -> None:
            if current_observer():
                stream.tell("added", len(self._inputs))
            try:
                with closing(self._items(stream)) as items:
                    stream.run(items, self._consume)
            except ItemError as error:
                if not remote:
                    raise
                failed.append(error)  # the flow ends well, so that the next run does not find this failure
            if stream.left_running:
                raise _LeftRunning

        with stops_in_order():
            try:
                engine.run_flow(self._operation.name, body, {})
            except _LeftRunning:
                engine.interrupt()  # which leaves the jobs to their batch jobs, also when this process ends
            except BaseException as error:
                if not isinstance(error, Exception):  # such as Ctrl-C
                    with second_ends_at_once():
                        drop_engine(engine, at_once=True)
                raise
            finally:
                for place in self._places:
                    place.target.close()
        if failed:
            raise failed[0]
        if stream.stopped:
            done = sum(place.target.count for place in self._places)
            raise UnfinishedError(
                f"{self._operation.name} stopped after {done} structures: {stream.stopped}. What is done and what is "
                "left are .done and .left of this error; with an output file, run it again, and it goes on.",
                self._gathered(),
                self._left(),
            )

    def _items(self, stream: Stream) -> Generator[tuple[int, Any, Any], None, None]:
        start = 0
        for place in self._places:
            before = None
            for number, item, mark in place.items():
                before = number if before is None else before
                yield start + number, item, (place, mark)
            start += place.total
            done = place.total if before is None else before
            stream.tell("done", done)
            stream.tell("cached", done)
            place.finish_if_done()

    def _consume(self, batch: Batch) -> None:
        assert batch.part is not None
        part, start = batch.part, 0
        made = iter(unpack(part.output) if isinstance(part.output, bytes) else part.output)
        for place, run in groupby(batch.extra, key=itemgetter(0)):
            marks = [mark for _, mark in run]
            end = start + len(marks)
            failed = {each - start: part.failures[each] for each in range(start, end) if each in part.failures}
            done = min(failed) if failed and self._operation.on_error == "raise" else len(marks)
            if done:
                self._write(place, marks[:done], part.shapes[start : start + done], made, failed)
            if done < len(marks):
                raise self._failed(batch.numbers[start + done], failed[done]) from failed[done].cause
            place.finish_if_done()
            start = end

    def _write(
        self, place: _Place, marks: list[bytes], shapes: list[Shape], made: Iterator[Any], failed: dict[int, Failure]
    ) -> None:
        """Write the output of consecutive items of one place, the next of those that are made."""
        texts = self._operation.write_kwargs is not None
        output = list(islice(made, len(marks) if texts else count_structures(shapes)))
        reasons = {each: failure.in_short for each, failure in failed.items() if each < len(marks)}
        place.target.write(marks, shapes, place.named(output, shapes) if texts else output, reasons)

    def _failed(self, number: int, failure: Failure) -> ItemError:
        where, why = place_of(self._inputs, number), failure.in_short.rstrip(".")
        return ItemError(
            f"{self._operation.name} failed for structure {number}{where}: {why}. Those before it are done: .done of "
            "this error, with .left. To go on after failures, say on_error='keep', 'skip' or 'retry'.",
            failure,
            self._gathered(),
            self._left(),
        )

    def _gathered(self) -> ConfigSet:
        """Return the outputs that are done; if each group has its own file, each file is a group."""
        if not self._grouped:
            return self._places[0].gathered()
        whole = ConfigSet()
        whole._parts = [place.gathered() for place in self._places if place.target.count or place.result is not None]
        return whole

    def _left(self) -> Any:
        return self._inputs[sum(place.target.count for place in self._places) :]


class _LeftRunning(Exception):
    """The time to wait for jobs is over, and they go on: their flow has not ended."""


class _Place:
    """Destination of outputs, a file or memory, with the inputs that belong to it."""

    def __init__(self, target: OutputFile | Memory, inputs: Any) -> None:
        self.target, self._inputs = target, inputs
        self._files = files_of(inputs) if isinstance(target, OutputFile) else None
        self._tree = Tree()
        self._names = GroupNames(self._tree.tokens)
        self.total: int = -1  # not yet known
        self.result: ConfigSet | None = None

    def is_done(self) -> bool:
        if self.result is None and self.target.is_made_of(self._files):
            self.total = self.target.count
            self.result = self.target.finish([], None)
        return self.result is not None

    def items(self) -> Iterator[tuple[int, Any, bytes]]:
        """Yield number, item and digest of each item that is not done."""
        if self.is_done():
            return
        in_file = isinstance(self.target, OutputFile)
        marked = ((item, item_digest(item) if in_file else b"") for item in self._tree.watch(self._inputs))
        total = None
        for item, mark in self.target.unfinished(marked):
            total = self.target.count if total is None else total  # items of earlier runs
            yield total, item, mark
            total += 1
        self.total = self.target.count if total is None else total

    def named(self, texts: list[bytes], shapes: list[Shape]) -> list[bytes]:
        """Return the texts of the next items with the names of their groups, if the file can hold them."""
        if not self.target.names_groups:
            return texts
        self._names.skip(self.target.shapes)  # items that an earlier run has done
        counts = (count_structures([shape]) for shape in shapes)
        return list(map(with_names, texts, self._names.of(shapes), counts))

    def finish_if_done(self) -> None:
        if self.result is None and self.target.count == self.total:
            self.result = self.target.finish(self._tree.tokens, self._files)

    def gathered(self) -> ConfigSet:
        return self.target.so_far(self._tree.tokens) if self.result is None else self.result


def _places(inputs: Any, spec: OutputSpec, identity: Mapping[str, str], sample: Atoms | None) -> list[_Place]:
    if spec.memory:
        return [_Place(Memory(), inputs)]
    groups = [inputs] if spec.single else _groups(inputs, len(spec.files))
    read = {source.resolve() for source in paths_of(inputs)}
    for file in spec.files:
        if file.resolve() in read:
            raise InputError(f"{str(file)!r} is an input, too. Give the output another name.")
    places = []
    for file, group in zip(spec.files, groups, strict=True):
        target = OutputFile(file, identity, spec.write_kwargs, spec.overwrite)
        _check_format(target, group, sample)
        places.append(_Place(target, group))
    return places


def _with_tags(sample: Atoms | None, tags: Mapping[str, Any]) -> Atoms | None:
    if not tags:
        return sample
    sample = Atoms("H") if sample is None else sample.copy()
    sample.info.update(tags)
    return sample


def _check_format(target: OutputFile, inputs: Any, sample: Atoms | None) -> None:
    """Refuse a file whose format holds one structure only, or not everything that is attached to a structure."""
    if target.kind is not None and target.kind.single:
        check_single(target.path, target.kind, len(inputs))
    if target.complete is None:
        target.check_holds(sample)


def _groups(inputs: Any, count: int) -> list[ConfigSet]:
    """Return the groups of the inputs, one for each of several output files."""
    parts = list(inputs._in_groups()) if isinstance(inputs, ConfigSet) else []
    groups = [part for part in parts if isinstance(part, ConfigSet)]
    if not groups or len(groups) < len(parts):
        there = "no groups"
    elif len(groups) != count:
        there = f"{len(groups)} groups"
    else:
        return groups
    raise InputError(
        f"There are {count} output files, and the inputs have {there}. Give one name for all of them, "
        "OutputSpec('all.xyz'), or a list with a name for each group."
    )


def _same_kind(places: list[_Place]) -> dict[str, Any] | None:
    kinds = [place.target.text_kwargs for place in places]
    if any(kind != kinds[0] for kind in kinds):
        raise InputError("Some output files are extended XYZ and some are not. Give all of them one format.")
    return kinds[0] if kinds else None


def _engine_of(remote: RemoteInfo) -> Engine:
    from adatom.configs.remote_runner import remote_runner

    runner = remote_runner(remote)
    with change_settings(workflow_engine=lasting_engine()):
        return get_engine(runner)


def _engine(info: AutoparaInfo) -> Engine:
    workers = info.workers if info.workers is not None else get_settings().num_python_subprocesses
    if in_job():
        workers = 1
    if workers is None or info.runner is not None:
        engine = get_engine(info.runner)
        if engine.capabilities.waits_in_flow:
            return engine
        workers = get_settings().local_workers
    with change_settings(workflow_engine=EMBEDDED_ENGINE, local_workers=workers):
        return get_engine()
