"""The broker of ``scripts/tool stress meter``."""

import json
import queue
import shutil
from pathlib import Path

import pytest

from mnist_tools.stress.live.broker import PLACES, Broker, wait_for

paho = pytest.importorskip("paho.mqtt.client")


@pytest.mark.parametrize("keeps", [True, False])
def test_messages_are_kept_only_if_they_are_compared(keeps: bool, tmp_path: Path) -> None:
    """A list of all messages would be a growth of its own in a measurement of memory."""
    if not (shutil.which("mosquitto") or shutil.which("mosquitto", path=PLACES)):
        pytest.skip("mosquitto is not installed")
    broker = Broker(tmp_path, "meter", keeps=keeps)
    broker.start()
    came: queue.SimpleQueue[str] = queue.SimpleQueue()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = lambda *given: came.put(given[2].topic)
    client.on_subscribe = lambda *_: client.publish("meter/water/state", json.dumps({"value": 1.0, "time": "now"}), 1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe("meter/#", 1)
    assert came.get(timeout=30) == "meter/water/state", "the broker gives it to its own listener before"
    if keeps:
        wait_for(lambda: broker.heard)
    client.disconnect()
    client.loop_stop()
    broker.kill()
    assert [value for _, value in broker.heard] == ([{"value": 1.0}] if keeps else [])
