"""A terminal for commands and scripts."""

import fcntl
import os
import pty
import struct
import subprocess
import termios


def run_on_terminal(command, environment, columns=200):
    """What a program shows on a terminal, and what it writes to the standard output that is not one."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(mine, 10000)
        except OSError:  # how Linux says that the other end is closed
            break
        if not data:
            break
        shown += data
    os.close(mine)
    return shown.decode(), running.communicate(timeout=60)[0].decode()
