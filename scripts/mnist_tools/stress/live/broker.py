"""`Broker`: run a real mosquitto that can be killed and restarted, behind a proxy, so that no message is missed."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnist_tools.checkout import ToolError

__all__ = ["Broker", "wait_for"]

PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"


def wait_for(what: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until `what` returns something true.

    Raises
    ------
    ToolError
        If it does not in that time.
    """
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise ToolError(f"The expected event did not happen within {seconds:g} seconds.")
        time.sleep(0.01)


class Broker:
    """A mosquitto process that stores nothing on disk.

    Programs connect to `port`, a proxy. It accepts connections only after the listener has subscribed, so that the
    listener gets every message.

    Parameters
    ----------
    folder : Path
        For its configuration.
    topic : str
        Values below it are kept in `heard`, as (time of the message, value without its time).
    keeps : bool, optional
        Whether they are kept. Use False to measure memory, because kept messages make it grow.
    """

    def __init__(self, folder: Path, topic: str, *, keeps: bool = True) -> None:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path=PLACES)
        if program is None:
            raise ToolError("mosquitto is not installed. Install it with: sudo apt install mosquitto")
        self.heard: list[tuple[float, dict[str, Any]]] = []
        self.status: list[str] = []
        self._topic, self._keeps = topic, keeps
        self._inner = _free_port()
        (folder / "mosquitto.conf").write_text(f"listener {self._inner} 127.0.0.1\nallow_anonymous true\n")
        self._words = [program, "-c", str(folder / "mosquitto.conf")]
        self._process: subprocess.Popen[bytes] | None = None
        self._is_open = threading.Event()
        self._proxy = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._proxy.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def start(self) -> None:
        """Start the broker and its listener, then accept connections."""
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        self._process = subprocess.Popen(self._words, stderr=subprocess.DEVNULL)
        wait_for(self._answers)
        subscribed = threading.Event()
        listener = paho.Client(CallbackAPIVersion.VERSION2)
        listener.on_subscribe = lambda *_: subscribed.set()
        listener.on_message = self._store
        listener.connect("127.0.0.1", self._inner)
        listener.loop_start()
        listener.subscribe(f"{self._topic}/#", qos=1)
        wait_for(subscribed.is_set)
        self._listener = listener
        self._is_open.set()

    def kill(self) -> None:
        """Kill the broker; its stored messages are lost."""
        self._is_open.clear()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._listener.disconnect()
            self._listener.loop_stop()
        self._process = None

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._inner)) == 0

    def _store(self, _client: object, _data: object, message: Any) -> None:
        if not self._keeps:
            return
        text = message.payload.decode()
        if message.topic.endswith("/state"):
            value = json.loads(text)
            del value["time"]  # lines on stdout have none
            self.heard.append((time.monotonic(), value))
        elif message.topic.endswith("/status"):
            self.status.append(text)

    def _accept(self) -> None:
        while True:
            client, _ = self._proxy.accept()
            if not self._is_open.is_set():
                client.close()
                continue
            try:
                broker = socket.create_connection(("127.0.0.1", self._inner))
            except OSError:
                client.close()
                continue
            for source, target in ((client, broker), (broker, client)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
