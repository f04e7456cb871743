"""Servers that benchmarks ask, and users that ask them: HTTP, and Streamlit's WebSocket."""

from __future__ import annotations

import atexit
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from benchmarks.frame import Figures

_ROOT = Path(__file__).resolve().parents[1]
_PICTURE = re.compile(rb"/(?:thumbs|media)/[\w/.-]+\w")
_WAIT_S, _ANSWER_S = 120, 120
Ask = Callable[[int], bool]  # asks a question by its number; whether it was answered


class Server:
    """A process that answers on a port of its own until it is stopped or this process ends.

    Args:
        command: arguments of Python; `{port}` among them is the port.
        environment: variables beside those of this process.
    """

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.host = f"127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", *(part.replace("{port}", str(port)) for part in command)],
            cwd=_ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.stop)
        self._wait()

    def figures(self) -> dict[str, float]:
        """Seconds of the processor and the most memory so far."""
        place = Path(f"/proc/{self._process.pid}")
        ticks = place.joinpath("stat").read_text("utf-8").rpartition(") ")[2].split()[11:13]
        lines = place.joinpath("status").read_text("utf-8").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return {
            "server CPU s": sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
            "server MiB": int(peak.split()[1]) / 1024,
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + _WAIT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                httpx.get(f"http://{self.host}/healthz", timeout=5)
            except httpx.HTTPError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError("the server did not answer")

    def stop(self) -> None:
        """End the process."""
        atexit.unregister(self.stop)
        self._process.terminate()
        self._process.wait(timeout=60)


def streamlit(script: str, environment: Mapping[str, str]) -> Server:
    """A Streamlit app."""
    options = ["--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    quiet = ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    return Server(["streamlit", "run", script, *options, *quiet], environment)


class Visitor:
    """One tab of a Streamlit app: a session over its WebSocket, and the pictures that it shows.

    Args:
        host: of the app.
        page: name of the page, as in the address.
    """

    def __init__(self, host: str, page: str) -> None:
        self._page, self._seen = page, set[bytes]()
        self._open = ExitStack()
        self._pictures = self._open.enter_context(
            httpx.Client(base_url=f"http://{host}", timeout=_ANSWER_S)
        )
        self._socket = self._open.enter_context(
            connect(f"ws://{host}/_stcore/stream", subprotocols=["streamlit"], max_size=None)
        )

    def close(self) -> None:
        """End the session; the end of this process does so too."""
        self._open.close()

    @property
    def n_pictures(self) -> int:
        """Different pictures shown so far."""
        return len(self._seen)

    def visit(self, address: str) -> bool:
        """Ask for the page at an address, such as `q=ds:7`, as the browser's Back does.

        Returns as soon as page and new pictures are there; whether nothing went wrong.
        """
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string, state.page_name, state.is_history_navigation = address, self._page, True
        self._socket.send(asked.SerializeToString())
        is_fine, pictures = True, set[bytes]()
        while True:
            content = self._socket.recv(timeout=_ANSWER_S)
            assert isinstance(content, bytes)
            message = ForwardMsg.FromString(content)
            pictures |= set(_PICTURE.findall(content)) - self._seen
            kind = message.WhichOneof("type")
            is_fine &= kind != "page_not_found"
            is_fine &= message.delta.new_element.WhichOneof("type") != "exception"
            if kind == "script_finished":
                is_fine &= message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
                break
        self._seen |= pictures
        return is_fine & all(self._pictures.get(p.decode()).is_success for p in sorted(pictures))


def load(users: Sequence[Ask], each: int) -> Figures:
    """All users at once ask so many questions each; how long an answer took, and errors."""
    times, n_errors, lock = list[float](), 0, threading.Lock()

    def work(number: int, ask: Ask) -> None:
        nonlocal n_errors
        for question in range(number * each, (number + 1) * each):
            began = time.perf_counter()
            try:
                is_fine = ask(question)
            except Exception:  # whatever it is, it counts
                is_fine = False
            taken = time.perf_counter() - began
            with lock:
                times.append(1000 * taken)
                n_errors += not is_fine

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p95 = np.percentile(times, [50, 95])
    return {
        "count": len(times),
        "users": len(users),
        "errors": n_errors,
        "p50 ms": float(p50),
        "p95 ms": float(p95),
    }
