"""A headless Chromium, spoken to over pipes by the DevTools protocol, without another package."""

import base64
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.infra.machine import wait_for

KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowRight": 39}


class Browser:
    """A page of Chromium."""

    def __init__(self, directory: Path):
        reads, self._write = os.pipe()
        self._read, writes = os.pipe()
        command = (
            "exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
            f"--disable-background-networking --hide-scrollbars --user-data-dir='{directory}' "
            f"--remote-debugging-pipe about:blank 3<&{reads} 4>&{writes}"
        )
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            pass_fds=(reads, writes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TZ": "UTC"},
            start_new_session=True,
        )
        os.close(reads)
        os.close(writes)
        self._rest, self._count, self.session, self.events = b"", 0, None, []
        (target,) = [each for each in self.ask("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        self.session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def close(self):
        try:
            self.session = None
            self.ask("Browser.close")
            self._process.wait(20)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        finally:
            os.close(self._read)
            os.close(self._write)

    def ask(self, method, **parameters):
        """What the browser answers to a command. Events that come before are kept."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        while b"\0" not in self._rest:
            found = os.read(self._read, 1 << 20)
            if not found:
                raise EOFError("Chromium has ended")
            self._rest += found
        first, _, self._rest = self._rest.partition(b"\0")
        return json.loads(first)

    def open(self, path, scripts=True):
        """Open a file. The script of a page of ours says when it is ready."""
        self.events.clear()
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.ask("Page.navigate", url=path.as_uri())
        ready = "document.documentElement?.dataset.ready === ''" if scripts else "document.readyState === 'complete'"
        wait_for(lambda: self.run(f"location.href === {json.dumps(path.as_uri())} && {ready}"), f"{path} to be ready")

    def run(self, script):
        """The value of an expression of JavaScript."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def texts(self, selector):
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((each) => each.textContent)")

    def click(self, selector, text=None):
        """Click the middle of an element: the first of the selector, or the first with a text."""
        chosen = "true" if text is None else f"each.textContent.trim() === {json.dumps(text)}"
        place = self.run(
            f"(() => {{ const found = [...document.querySelectorAll({json.dumps(selector)})].find((each) => {chosen});"
            "found.scrollIntoView({ block: 'center', inline: 'center' });"
            "const box = found.getBoundingClientRect();"
            "return { x: box.x + box.width / 2, y: box.y + box.height / 2 }; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def point(self, x, y):
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key, times=1):
        text = {"Enter": "\r", " ": " "}.get(key)
        for _ in range(times):
            self.ask(
                "Input.dispatchKeyEvent",
                type="keyDown",
                key=key,
                windowsVirtualKeyCode=KEYS[key],
                **({"text": text} if text else {}),
            )
            self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=KEYS[key])

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def size(self, width, height):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        time.sleep(0.1)  # lines are drawn anew

    def prefer(self, scheme):
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def complaints(self):
        """Errors and warnings that a user would see in the console, and what was loaded from the network."""
        self.run("0")
        found = []
        for event in self.events:
            details = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(details["exceptionDetails"]))
            elif event["method"] == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning"):
                found.append(str(details["args"]))
            elif event["method"] == "Log.entryAdded":
                found.append(details["entry"]["text"])
            elif event["method"] == "Network.requestWillBeSent":
                if not details["request"]["url"].startswith(("file:", "data:", "blob:")):
                    found.append(details["request"]["url"])
        return found

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))
