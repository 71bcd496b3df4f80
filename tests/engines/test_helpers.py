"""The processes and servers that an engine starts beside its workers: who may talk to them, and what if one dies."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.engines.conftest import is_tested
from tests.engines.processes import listening, script, wait_until

SLOW = """
import os, time
from pathlib import Path
from adatom import flow, job

HERE = Path.cwd()

@job(retries=1)
def slow(i):
    (HERE / f"started{i}").touch()
    time.sleep(0.5)
    return i

@flow
def campaign():
    return [slow(i) for i in range(12)]

print(campaign())
"""


@pytest.fixture
def environment(environment):
    """Without a server that is there already."""
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT_API_")}


# Of each engine: what is in the command line of a helper, whether one or all are killed, and the words at the end of
# the flow; none where work goes on.
HELPERS = {
    "parsl": [("HTEX interchange", 1, "Parsl's interchange .* died"), ("process_worker_pool", 1, "")],
    "dask": [("dask spec", 2, "All 2 Dask workers of this script died"), ("dask spec", 1, "")],
    "prefect": [("uvicorn", 1, "")],
}


@pytest.mark.deep_but_on("parsl", reason="each waits for what Parsl, Dask or Prefect notices after ten seconds or more")
@pytest.mark.parametrize("which", [0, 1])
def test_after_the_death_of_a_helper_work_goes_on_or_the_flow_ends_with_its_name(environment, tmp_path, which):
    helpers = HELPERS.get(environment["ADATOM_WORKFLOW_ENGINE"], [])
    if len(helpers) <= which:
        pytest.skip("it has no such helper")
    helper, number, words = helpers[which]
    with script(tmp_path, SLOW, **environment) as running:
        wait_until(lambda: list(tmp_path.glob("started*")) or running.process.poll() is not None, "no job started")
        found = [pid for pid, command in running.alive().items() if helper in command]
        assert len(found) >= number, running.alive()
        for pid in found[:number]:
            os.kill(pid, signal.SIGKILL)
        status = running.wait()
        if words:
            assert status == 1
            assert re.search(words, running.output), running.output
        else:
            assert status == 0, running.output
            assert str(list(range(12))) in running.output
        wait_until(lambda: not running.alive(), f"still running: {running.alive()}", 60)


@pytest.fixture
def server(environment, tmp_path):
    """A server of the user's: its process, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # In this process group alone: one that is killed leaves nothing.
    running = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"],
        env={**os.environ, **environment, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdout=(tmp_path / "server.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )

    def answers():
        assert running.poll() is None, (tmp_path / "server.log").read_text()
        with socket.socket() as asked:
            return asked.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, "the server does not answer", 120)
    yield running, f"http://127.0.0.1:{port}/api"
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


@pytest.mark.deep(reason="a server is started, and given up after ten seconds")
@pytest.mark.skipif(not is_tested("prefect"), reason="another environment tests it, or adatom[prefect] is missing")
@pytest.mark.parametrize("running", ["prefect"], indirect=True)
@pytest.mark.parametrize(("seconds", "end"), [(0.5, str(list(range(12)))), (8, "does not answer any more")])
def test_after_the_death_of_the_users_own_server_the_script_ends(environment, server, tmp_path, seconds, end):
    """With results, which need no server; or with an error that names it, where jobs run on for longer."""
    process, url = server
    text = SLOW.replace("time.sleep(0.5)", f"time.sleep({seconds})")
    with script(tmp_path, text, **environment, PREFECT_API_URL=url) as running:
        wait_until(lambda: list(tmp_path.glob("started*")) or running.process.poll() is not None, "no job started")
        os.killpg(process.pid, signal.SIGKILL)
        assert (running.wait(90) == 0) == (seconds < 1), running.output
        assert end in running.output
        wait_until(lambda: not running.alive(), f"still running: {running.alive()}", 60)


LISTENING = """
import json, os, subprocess, sys, time
from pathlib import Path
from adatom import flow, job

HERE = Path.cwd()

@job
def wait():
    (HERE / "started").touch()
    while not (HERE / "stop").exists():
        time.sleep(0.1)

@flow
def campaign():
    return [wait() for i in range(2)]

campaign()
"""

NOBODY = 65534  # the user that owns nothing

# What a stranger tries: pages of a server, and a greeting, as Dask's processes give to each that they talk to.
STRANGER = """
import json, os, socket, ssl, urllib.error, urllib.request

def pages(port):
    for path in ("/", "/info/main/workers.html", "/metrics", "/api/admin/version", "/api/flows/count"):
        try:
            yield urllib.request.urlopen(f"http://127.0.0.1:{{port}}{{path}}", timeout=1).status
        except urllib.error.HTTPError as error:
            yield error.code
        except Exception as error:
            yield type(error).__name__

def greetings(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for wrap in (lambda plain: plain, context.wrap_socket):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as plain, wrap(plain) as talk:
                yield len(talk.recv(8))
        except Exception as error:
            yield type(error).__name__

list(pages(1)), list(greetings(1))  # imports all modules, which may be root's own
os.setgid({nobody}), os.setuid({nobody})
print(json.dumps(dict((port, (list(pages(port)), list(greetings(port)))) for port in {ports})))
"""


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.mark.deep_but_on("dask", reason="a stranger waits at each port, and Dask's is the one that ran code")
def test_another_user_of_this_machine_gets_nothing(environment, own_jobs, tmp_path):
    if os.getuid():
        pytest.skip("only root can become another user")
    with script(tmp_path, LISTENING, **environment) as running:
        wait_until(lambda: (tmp_path / "started").exists() or running.process.poll() is not None, "no job started")
        assert running.process.poll() is None, running.output
        found = listening(running.alive())
        assert {address for address, _ in found} <= LOOPBACK
        assert bool(found) == (environment["ADATOM_WORKFLOW_ENGINE"] in HELPERS)
        ports = sorted(port for _, port in found)
        stranger = STRANGER.format(nobody=NOBODY, ports=ports)
        said = subprocess.run([sys.executable, "-c", stranger], capture_output=True, text=True, check=True, cwd="/")
        for port, (pages, greetings) in json.loads(said.stdout).items():
            assert not {200, "LookupError", "ImportError"}.intersection(pages), (port, pages)
            if environment["ADATOM_WORKFLOW_ENGINE"] == "dask":  # ZeroMQ and HTTP greet before they ask for a key
                assert not [greeting for greeting in greetings if greeting not in (0, "TimeoutError", "SSLError")]
        (tmp_path / "stop").touch()
        assert running.wait() == 0, running.output
