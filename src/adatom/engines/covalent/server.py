"""Dispatches on the Covalent server: their state, their outcomes, their end."""

from __future__ import annotations

import sys
import tarfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from adatom.errors import EngineError, WorkerDiedError
from adatom.execution.call import Call
from adatom.execution.failure import Failure

if TYPE_CHECKING:
    from adatom.engines.covalent.electrons import Step

__all__ = ["START", "WATCH", "Dispatch", "address", "check", "check_python"]

START = "Start one with `covalent start`."
WATCH = 2.0  # seconds between two checks of a job that its dispatch has not ended
_PATIENCE = 30.0  # seconds for one answer of the server; if it was killed, its workers keep its port open
_RESTART = "Its local executor runs nothing more: restart the server with `covalent restart`."


def address() -> str:
    """Return the URL of the server, as Covalent is configured here."""
    import covalent as ct

    return f"http://{ct.get_config('dispatcher.address')}:{ct.get_config('dispatcher.port')}"


def check_python() -> None:
    """Check that Covalent works with this Python.

    Raises
    ------
    EngineError
        ``tarfile`` has no filters, by which Covalent unpacks the results of its workers. They came with Python 3.11.4.
    """
    if not hasattr(tarfile, "tar_filter"):
        version = ".".join(map(str, sys.version_info[:3]))
        raise EngineError(
            f"Covalent needs Python 3.11.4 or later, and this is {version}: its server could not read a result. Make "
            "an environment with a later Python, or set ADATOM_WORKFLOW_ENGINE to local, dask, parsl or prefect."
        )


def check() -> None:
    """Check that the server answers.

    Raises
    ------
    EngineError
        The server does not answer.
    """
    _get(address(), "", count=1, status_only=True)


@dataclass(frozen=True)
class Dispatch:
    """A lattice that was given to the server, or a sublattice of one.

    Parameters
    ----------
    server
        URL of the Covalent server.
    id
        Id of the dispatch on the server.
    """

    server: str
    id: str

    @property
    def ended(self) -> bool:
        """Return whether the whole dispatch is completed, failed or cancelled."""
        found = _get(self.server, "", dispatch_id=self.id, status_only=True)["dispatches"]
        return found[0]["status"] in ("COMPLETED", "FAILED", "CANCELLED")

    def wait(self) -> None:
        """Wait until the whole dispatch has ended, also while the server is too busy to answer.

        Raises
        ------
        EngineError
            The server does not answer any more.
        """
        # Another thread asks the server: Python only prints a Ctrl-C that comes in a finaliser, as of a connection.
        ended: Future[None] = Future()
        threading.Thread(target=self._watch, args=(ended,), daemon=True).start()
        ended.result()

    def _watch(self, ended: Future[None]) -> None:
        try:
            self._poll()
        except BaseException as error:
            ended.set_exception(error)
        else:
            ended.set_result(None)

    def _poll(self) -> None:
        pause, heard = 0.05, time.monotonic()
        while True:
            try:
                if self.ended:
                    return
                heard = time.monotonic()
            except EngineError:
                if time.monotonic() > heard + _PATIENCE:
                    raise
            time.sleep(pause)
            pause = min(1.0, 1.1 * pause)

    def outcomes(self, steps: Sequence[Step]) -> list[tuple[Any, list[Failure]]]:
        """Return the outcome of each step and, for a subflow, the failures of jobs that its value does not show.

        Parameters
        ----------
        steps
            Steps that the lattice was made of, in order.
        """
        # Covalent has nodes of its own between the steps; their names begin with a colon.
        own = [node for node in self._nodes() if _is_step(node["metadata"]["name"])]
        outcomes: list[tuple[Any, list[Failure]]] = []
        for step, node in zip(steps, own, strict=True):
            if node["metadata"]["status"] == "COMPLETED":
                outcomes.append(_value(step.task.call, node))
            else:
                outcomes.append((self._failure(step, node, outcomes), []))
        return outcomes

    def cancel(self) -> None:
        """End the dispatch with the electrons that run: Covalent's own `cancel` only keeps others from starting."""
        import covalent as ct

        ct.cancel(self.id)
        self._end_running()

    def _end_running(self) -> None:
        import requests

        ending = []
        for node in self._nodes():
            if below := node["metadata"]["sub_dispatch_id"]:
                Dispatch(self.server, below)._end_running()
            elif node["metadata"]["status"] == "RUNNING":
                url = f"{self.server}/api/v2/dispatches/{self.id}/electrons/{node['id']}/job"
                requests.put(url, json={"status": "CANCELLED"}, timeout=_PATIENCE)
                ending.append(node["id"])
        deadline = time.monotonic() + 3 * WATCH
        while ending and time.monotonic() < deadline:  # until the electrons have sent their last output
            ending = [node["id"] for node in self._nodes() if node["id"] in ending and not _size(node, "output")]
            time.sleep(0.1)

    def _nodes(self) -> list[dict[str, Any]]:
        """Return the server's record of each electron."""
        nodes = _get(self.server, f"/{self.id}")["lattice"]["transport_graph"]["nodes"]
        return sorted(nodes, key=lambda node: node["id"])

    def _failure(self, step: Step, node: dict[str, Any], before: Sequence[tuple[Any, Any]]) -> Failure:
        """Return the failure of an electron that Covalent did not complete."""
        call = step.task.call
        for index in step.upstream:
            if isinstance(needed := before[index][0], Failure):
                return needed.skip(call.name)
        if why := self._why(node):
            return replace(call.failure(EngineError(why.splitlines()[-1])), traceback=why)
        if node["metadata"]["status"] == "FAILED":
            return call.failure(WorkerDiedError(f"Covalent's process died. {_RESTART}"))
        return call.failure(EngineError(f"Covalent did not run it: {node['metadata']['status']}"))

    def _why(self, node: dict[str, Any]) -> str:
        """Return the error text that Covalent kept of an electron, or of the electrons of a sublattice."""
        for key in ("error", "stderr"):
            if _size(node, key) and (text := _asset(node, key).decode(errors="replace").strip()):
                return f"{text}. {_RESTART}" if "process pool is not usable" in text else text
        below = node["metadata"]["sub_dispatch_id"]
        inner = Dispatch(self.server, below)._nodes() if below else []
        return next(filter(None, map(self._why, inner)), "")


def _is_step(name: str) -> bool:
    return not name.startswith(":") or name.startswith(":sublattice:")


def _value(call: Call, node: dict[str, Any]) -> tuple[Any, list[Failure]]:
    from covalent import TransportableObject

    try:
        return TransportableObject.deserialize(_asset(node, "output")).get_deserialized().open()
    except Exception as error:
        return call.failure(error), []


def _size(node: dict[str, Any], key: str) -> int:
    return node["assets"][key]["size"] or 0


def _asset(node: dict[str, Any], key: str) -> bytes:
    import requests

    response = requests.get(node["assets"][key]["remote_uri"], timeout=_PATIENCE)
    response.raise_for_status()
    return response.content


def _get(server: str, path: str, **params: Any) -> Any:
    import requests

    try:
        response = requests.get(f"{server}/api/v2/dispatches{path}", params=params, timeout=_PATIENCE)
        response.raise_for_status()
    except requests.RequestException as error:
        raise EngineError(f"No Covalent server answers at {server} ({type(error).__name__}). {START}") from error
    return response.json()
