"""Values reach a real MQTT broker, also after it was away."""

import calendar
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_runtime import OutputError, UsageError
from mnist_runtime.reading.metering.mqtt import MqttPublisher
from mnist_runtime.reading.metering.regions import Region
from mnist_runtime.reading.metering.values import Value

pytest.importorskip("paho.mqtt")

REGIONS = [Region("Water", ((0, 0, 9, 9),), unit="m³"), Region("Room", ((0, 0, 9, 9),), may_fall=True)]


def value(number: float, name: str = "Water") -> Value:
    return Value(name, "m³", 0.0, number, str(number), "good", ())


class Broker:
    """A mosquitto on this machine that can be killed and started again."""

    def __init__(self, folder: Path, *lines: str) -> None:
        if shutil.which("mosquitto") is None:
            pytest.skip("mosquitto is not installed")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        settings = (f"listener {self.port} 127.0.0.1", *(lines or ("allow_anonymous true",)))
        self.config.write_text("\n".join([*settings, ""]))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(["mosquitto", "-c", str(self.config)], stderr=subprocess.DEVNULL)
        wait_for(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None


class Listener:
    """Every message that a broker has and gets, by topic."""

    def __init__(self, broker: Broker) -> None:
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        self.messages: list[tuple[str, str]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_message = lambda _client, _data, message: self.messages.append(
            (message.topic, message.payload.decode())
        )
        self.client.connect_async("127.0.0.1", broker.port)
        self.client.loop_start()

    def of(self, topic: str) -> list[str]:
        return [text for name, text in self.messages if name == topic]

    def numbers(self) -> list[float]:
        return [json.loads(text)["value"] for text in self.of("house/water/state")]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def wait_for(what: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = Broker(tmp_path)
    found.start()
    yield found
    found.kill()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    found = Listener(broker)
    yield found
    found.close()


def test_values_are_published_and_announced_to_home_assistant(broker: Broker, listener: Listener) -> None:
    with MqttPublisher(f"mqtt://127.0.0.1:{broker.port}/house", REGIONS) as publisher:
        publisher.publish([value(12.5)])
        wait_for(lambda: listener.numbers() == [12.5])
        (text,) = listener.of("house/water/state")
        read_at = calendar.timegm(time.strptime(json.loads(text)["time"], "%Y-%m-%dT%H:%M:%SZ"))
        assert abs(time.time() - read_at) < 60
        wait_for(lambda: listener.of("house/status") == ["online"])
    wait_for(lambda: listener.of("house/status")[-1] == "offline")
    announced = {topic: json.loads(text) for topic, text in listener.messages if topic.startswith("homeassistant/")}
    water, room = (facts for _, facts in sorted(announced.items(), reverse=True))
    assert water["state_topic"] == "house/water/state"
    assert (water["unit_of_measurement"], water["state_class"]) == ("m³", "total_increasing")
    assert (room["state_class"], room["availability_topic"]) == ("measurement", "house/status")
    assert water["unique_id"] != room["unique_id"]


@pytest.mark.long
def test_no_value_is_lost_while_the_broker_is_away(
    broker: Broker, listener: Listener, capfd: pytest.CaptureFixture[str]
) -> None:
    with MqttPublisher(f"mqtt://127.0.0.1:{broker.port}/house", REGIONS) as publisher:
        publisher.publish([value(0)])
        wait_for(lambda: listener.numbers() == [0])
        for round_ in (1, 2):
            broker.kill()
            time.sleep(0.2)
            publisher.publish([value(10 * round_ + number) for number in range(5)])
            broker.start()
            # The listener may come back after the publisher, and then gets the last value only.
            wait_for(lambda last=10 * round_ + 4: last in listener.numbers())
    assert listener.numbers()[-1] == 24
    assert capfd.readouterr().err.count("has gone") == 2


def test_two_values_with_the_same_topic_are_an_error() -> None:
    regions = [Region(name, ((0, 0, 9, 9),)) for name in ("Water, cold", "Gas", "Water (cold)")]
    with pytest.raises(UsageError, match=r"Water, cold and Water \(cold\) have the same MQTT topic. Rename one."):
        MqttPublisher("mqtt://127.0.0.1:1", regions)


def test_values_keep_their_order_while_the_connection_is_made(broker: Broker, listener: Listener) -> None:
    """Some are published between the connection and the answer of the broker."""
    for round_ in range(3):
        start = 1000 * round_
        with MqttPublisher(f"mqtt://127.0.0.1:{broker.port}/house", REGIONS) as publisher:
            for number in range(start, start + 200):
                publisher.publish([value(number)])
                time.sleep(0.0002)
        wait_for(lambda last=start + 199: last in listener.numbers())
    assert listener.numbers() == sorted(listener.numbers())
    assert len(listener.numbers()) >= 600


@pytest.mark.long
def test_a_broker_that_has_forgotten_the_values_gets_the_last_ones_again(broker: Broker) -> None:
    with MqttPublisher(f"mqtt://127.0.0.1:{broker.port}/house", REGIONS) as publisher:
        publisher.publish([value(1), value(2), value(20, "Room")])
        first = Listener(broker)
        wait_for(lambda: first.of("house/room/state"))
        first.close()
        broker.kill()
        broker.start()
        listener = Listener(broker)
        wait_for(lambda: listener.of("house/status"))
        listener.close()
        assert listener.numbers() == [2]
        assert json.loads(listener.of("house/room/state")[0])["value"] == 20


@pytest.mark.long
def test_every_value_of_an_outage_is_sent_when_a_broker_appears(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    late = Broker(tmp_path)
    with MqttPublisher(f"mqtt://127.0.0.1:{late.port}/house", REGIONS) as publisher:
        publisher.publish([value(number) for number in range(100)])
        late.start()
        listener = Listener(late)
        wait_for(lambda: 99 in listener.numbers())
    listener.close()
    late.kill()
    assert "has not confirmed" not in capfd.readouterr().err


def test_a_full_queue_is_told_once(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("mnist_runtime.reading.metering.mqtt.MOST_WAITING", 3)
    monkeypatch.setattr("mnist_runtime.reading.metering.mqtt.PATIENCE", 0.1)
    with MqttPublisher("mqtt://127.0.0.1:1/house", REGIONS) as publisher:
        for number in range(9):
            publisher.publish([value(number)])
    errors = capfd.readouterr().err
    assert errors.count("3 values wait for the MQTT broker") == 1
    assert "has not confirmed 3 messages" in errors


def test_credentials_are_used_and_wrong_ones_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = tmp_path / "passwords"
    guarded = Broker(tmp_path, "allow_anonymous false", f"password_file {passwords}", "user root")
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "meter", "secret"], check=True, capture_output=True)
    guarded.start()
    url = f"mqtt://127.0.0.1:{guarded.port}/house"
    (tmp_path / "credentials").write_text("meter\nsecret\n")
    with MqttPublisher(url, REGIONS, credentials=tmp_path / "credentials") as publisher:
        publisher.publish([value(1)])
    monkeypatch.setenv("MNIST_MQTT_USER", "meter")
    monkeypatch.setenv("MNIST_MQTT_PASSWORD", "wrong")
    with MqttPublisher(url, REGIONS) as publisher:

        def is_refused() -> bool:
            try:
                publisher.publish([value(1)])
            except OutputError as error:
                return "Check the user and the password" in str(error)
            return False

        wait_for(is_refused)
    guarded.kill()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("broker.local", "is not mqtt://"),
        ("http://broker.local", "is not mqtt://"),
        ("mqtt://", "is not mqtt://"),
        ("mqtt://broker:port", "is wrong"),
        ("mqtt://broker:99999", "is wrong"),
        ("mqtt://user:secret@broker", "MNIST_MQTT_USER"),
        ("mqtt://:secret@broker", "MNIST_MQTT_USER"),
        ("mqtt:///house", "is not mqtt://"),
        ("mqtt://broker/house/%23", "contains"),
        ("mqtt://broker/house/+/x", "contains"),
        ("mqtt://broker/two%0Alines", "contains"),
        ("mqtt://broker/a#b", "is not mqtt://"),
        ("mqtt://broker/a?b", "is not mqtt://"),
    ],
)
def test_a_wrong_address_is_refused(url: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        MqttPublisher(url, REGIONS)


@pytest.mark.parametrize("content", [b"", b"user only", b"\xff\xfe\n"])
def test_a_wrong_file_of_credentials_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_bytes(content)
    with pytest.raises(UsageError):
        MqttPublisher("mqtt://127.0.0.1:1", REGIONS, credentials=tmp_path / "credentials")
