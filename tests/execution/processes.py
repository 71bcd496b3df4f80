"""Processes that tests start and wait for."""

import subprocess
import sys
import time

import psutil


def until(condition):
    """Wait for what another process does."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(*pids):
    """Whether processes have ended, those that nobody has yet asked for their status too."""
    return all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in pids)


def sleeper():
    """Start a process that sleeps; its id."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
