"""Prefect's server: this script's own or the user's, and the settings for both."""

from __future__ import annotations

import math
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from adatom.errors import EngineError
from adatom.execution.cleanup import guarded
from adatom.execution.registry import announce

__all__ = ["Server", "quick_settings"]

_PATIENCE = 10.0  # seconds for which a server of the user's may refuse connections, for example as it is restarted
_STARTS = 5  # of this script's own server, each after the one before has died


class Server:
    """Server that keeps the states of this process's runs: the user's, or one that ends with this process.

    Raises
    ------
    EngineError
        No server is set, and one of this process's own does not start.
    """

    def __init__(self) -> None:
        from prefect.settings import PREFECT_API_URL

        self._url: str | None = PREFECT_API_URL.value()
        self._own: Any = None
        self._starts = 0
        self._answered = self._asked = -math.inf
        if self._url:
            self._refuses(self._url)  # a server that answers now, and dies before it is looked after, is one lost
        else:
            announce("prefect: no server is set (PREFECT_API_URL); one of this script's own ends with it.")
            self._start()

    def _start(self) -> None:
        from prefect.server.api.server import SubprocessASGIServer
        from prefect.settings import PREFECT_HOME

        self._own = SubprocessASGIServer()
        if not self._own.running:  # else a script has started it, and it answers those whom Prefect's settings say
            _ask_for_a_key()
        self._starts += 1
        try:
            with guarded(), quick_settings():
                self._own.start()
        except RuntimeError as error:
            raise EngineError(
                f"Prefect's own server did not start: {error} Its log is above. Can {PREFECT_HOME.value()} be "
                "written? Or start one with `prefect server start`, and set PREFECT_API_URL."
            ) from error

    def look_after(self) -> str:
        """Start the own server again, at its address and with its database, if it died.

        Returns
        -------
        str
            Reason for which no flow can run any more; empty: all is well.
        """
        if self._url:
            return self._refuses(self._url)
        process = self._own.server_process
        if process is None or process.poll() is None:  # None: Prefect ended it, at exit
            return ""
        if self._starts == _STARTS:
            return f"Prefect's own server died {_STARTS} times. Start one with `prefect server start`."
        self._own.running = False
        try:
            self._start()
        except EngineError as error:
            return str(error)
        return ""

    def _refuses(self, url: str) -> str:
        """Return why a server of the user's is lost; empty while it takes connections, or may be restarted.

        One behind a proxy takes none from here, and is left alone.
        """
        now = time.monotonic()
        if now < self._asked + _PATIENCE / 4:
            return ""
        self._asked = now
        try:
            _connect(url)
            self._answered = now
        except ConnectionRefusedError as error:
            if math.isfinite(self._answered) and now > self._answered + _PATIENCE:
                _give_up()
                return f"Prefect's server at {url} does not answer any more ({error}). Start it again."
        except OSError:  # it is busy, or the network is
            pass
        return ""

    def close(self) -> None:
        """Give up what is still to be sent, if a server of the user's died and does not come back."""
        end = time.monotonic() + _PATIENCE
        while self._url and math.isfinite(self._answered):
            try:
                _connect(self._url)
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    return _give_up()
                time.sleep(0.5)
            except OSError:
                return
            else:
                return


def _ask_for_a_key() -> None:
    """Let this script's own server answer those alone who know a key, which is in Prefect's settings here."""
    import prefect.context
    from pydantic import SecretStr

    current = prefect.context.get_settings_context().settings
    known = current.server.api.auth_string or current.api.auth_string
    key = known or SecretStr(f"adatom:{secrets.token_urlsafe(32)}")
    for settings in (current, prefect.context.GLOBAL_SETTINGS_CONTEXT.settings):
        settings.api.auth_string = settings.server.api.auth_string = key
        # Each assignment marks a value as set: only those are given to the server and to task runs elsewhere.
        settings.server.api, settings.server, settings.api = settings.server.api, settings.server, settings.api


def _connect(url: str) -> None:
    address = urlsplit(url)
    socket.create_connection((address.hostname, address.port or 443), timeout=5).close()


def _give_up() -> None:
    """Let Prefect neither try requests again nor send events: it would do so for minutes."""
    _try_once()
    _drop_events()


def _try_once() -> None:
    """Let no request be tried again, as the server is gone: the last would end minutes from now."""
    from prefect.context import get_settings_context

    for settings in filter(None, (get_settings_context().settings, _quick.get("settings"))):
        settings.client.max_retries = 0


def _drop_events() -> None:
    """Let no event be sent any more: at exit, each would be tried for ten seconds, one after the other."""
    from prefect.events.clients import NullEventsClient
    from prefect.events.worker import EventsWorker

    EventsWorker.set_client_override(NullEventsClient)
    for worker in list(EventsWorker._instances.values()):
        task, loop = getattr(worker, "_task", None), getattr(worker, "_loop", None)
        if isinstance(worker, EventsWorker) and task and loop:
            loop.call_soon_threadsafe(task.cancel)


@contextmanager
def quick_settings() -> Iterator[None]:
    """Set Prefect's settings for a flow run and for the server that it may need."""
    from prefect.context import SettingsContext, get_settings_context

    context = get_settings_context()
    if _quick.get("base") is not context.settings:  # once for all flows: it takes 25 ms
        _quick["base"], _quick["settings"] = context.settings, _made_quick(context.settings)
    with SettingsContext(profile=context.profile, settings=_quick["settings"]):
        yield


_quick: dict[str, Any] = {}


def _made_quick(settings: Any) -> Any:
    from prefect.settings import (
        PREFECT_CLIENT_MAX_RETRIES,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
        PREFECT_SERVER_ANALYTICS_ENABLED,
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
        PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE,
        PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL,
    )

    wanted = {
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # it would keep each flow run waiting for a second at its end
        PREFECT_SERVER_ANALYTICS_ENABLED: False,  # nobody asked for the server, and compute nodes have no network
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 180,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore",  # a job that no flow calls
    }
    # A server with SQLite writes the events of thousands of task runs one by one, for minutes, and meanwhile does not
    # answer a flow run. So our own server writes many at once, and requests to any other are tried for more than 62 s.
    unless_set = {
        PREFECT_CLIENT_MAX_RETRIES: 7,  # 254 s
        PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE: 200,
        PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL: 1,  # s, cut to a whole number: 0 never rests
    }
    return settings.copy_with_update(updates=wanted, set_defaults=unless_set)
