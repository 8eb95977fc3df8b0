"""`MqttPublisher`: publish values to an MQTT broker, for Home Assistant and others."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from mnist_runtime.errors import BackendError, OutputError, UsageError, install_command
from mnist_runtime.reading.metering.csv_file import utc_now
from mnist_runtime.reading.metering.regions import Region
from mnist_runtime.reading.metering.values import Value
from mnist_runtime.system.command import echo, warn

__all__ = ["MOST_WAITING", "MqttPublisher"]

MOST_WAITING = 10_000
"""Values that wait for the broker: a week of one value a minute."""
PATIENCE = 5.0
"""Seconds to wait at the end for the broker to confirm all values."""
RECONNECT = (1, 60)
"""First and longest wait, in seconds, before a lost connection is tried again; each wait doubles."""
PORTS = {"mqtt": 1883, "mqtts": 8883}
USER, PASSWORD = "MNIST_MQTT_USER", "MNIST_MQTT_PASSWORD"
"""Variables of the environment with the credentials."""
REFUSED = ("Not authorized", "Bad user name or password", "Bad authentication method", "Banned")
"""Answers of a broker that rejects the credentials, so that another try would fail too."""


class MqttPublisher:
    """Publish values to a broker, and whether this program is running.

    Values are retained JSON at ``TOPIC/NAME/state``, with the time (UTC) at which they were read; ``TOPIC/status`` is
    ``online`` or ``offline``, the latter also if the connection is lost. Each region is announced to Home Assistant
    (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery). While the broker is away, values wait in memory,
    and the connection is tried again.

    Parameters
    ----------
    url : str
        ``mqtt://HOST[:PORT][/TOPIC]``, or ``mqtts://`` for TLS. The default topic is ``mnist``.
    regions : sequence of Region
        The values that will be published.
    credentials : str or Path, optional
        A file with the user on its first line and the password on its second. Default: the variables
        ``MNIST_MQTT_USER`` and ``MNIST_MQTT_PASSWORD`` of the environment, if they are set.
    discovery : str
        Topic under which Home Assistant listens for announcements.

    Raises
    ------
    UsageError
        If the address or the file of credentials is wrong, or two values have the same topic.
    BackendError
        If paho-mqtt is not installed.
    """

    def __init__(
        self,
        url: str,
        regions: Sequence[Region],
        *,
        credentials: str | Path | None = None,
        discovery: str = "homeassistant",
    ) -> None:
        try:
            import paho.mqtt.client as paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise BackendError(f"MQTT needs paho-mqtt. Install it with: {install_command('mqtt')}") from error
        host, port, self.topic, is_encrypted = _address(url)
        self._regions, self._discovery = tuple(regions), discovery
        names: dict[str, str] = {}
        for region in regions:
            if (other := names.setdefault(_slug(region.name), region.name)) != region.name:
                raise UsageError(f"{other} and {region.name} have the same MQTT topic. Rename one.")
        self._refused = threading.Event()
        self._refused_by = ""
        self._lock = threading.Lock()
        self._values: deque[tuple[str, str]] = deque()  # topic and text of unconfirmed values, in order
        self._sent: int | None = None  # message number of the first of them
        self._last: dict[str, str] = {}  # topic -> last value
        self._is_connected = False
        self._is_full = self._is_away = self._is_closing = False
        identity = hashlib.sha256(f"{platform.node()}/{self.topic}".encode()).hexdigest()[:16]
        self._identity = f"mnist-{identity}"
        self._client = paho.Client(CallbackAPIVersion.VERSION2, self._identity, clean_session=False)
        self._client.reconnect_delay_set(*RECONNECT)
        self._client.will_set(f"{self.topic}/status", "offline", qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = lambda *_: self._report_away(f"cannot be reached at {host}:{port}")
        self._client.on_disconnect = self._disconnected
        self._client.on_publish = lambda _client, _data, number, *_: self._confirmed(number)
        user, password = _credentials(credentials)
        if user:
            self._client.username_pw_set(user, password)
        if is_encrypted:
            self._client.tls_set_context(ssl.create_default_context())
        self._client.connect_async(host, port, keepalive=30)
        self._client.loop_start()

    def _connected(self, _client: Any, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        """Announce and publish all values again after each connection: the broker may have lost them."""
        if reason.is_failure:
            self._refused_by = str(reason)
            if self._refused_by in REFUSED:
                self._refused.set()
            return
        self._is_away = False
        for region in self._regions:
            topic = f"{self._discovery}/sensor/{self._identity}/{_slug(region.name)}/config"
            self._client.publish(topic, json.dumps(self._announcement(region)), retain=True)
        self._client.publish(f"{self.topic}/status", "online", retain=True)
        with self._lock:
            waiting = {topic for topic, _ in self._values}
            self._values.extend(item for item in self._last.items() if item[0] not in waiting)
            self._is_connected = True
            self._send()

    def _disconnected(self, *_: object) -> None:
        self._is_connected = False
        self._report_away("has gone")

    def _confirmed(self, number: int) -> None:
        """Send the next value only after the last one is confirmed: paho repeats lost messages, but not in order."""
        with self._lock:
            if number == self._sent:
                self._values.popleft()
                self._sent = None
                self._send()

    def _send(self) -> None:
        """Send the first waiting value, unless one is not confirmed yet."""
        if self._is_connected and self._sent is None and self._values:
            topic, text = self._values[0]
            self._sent = self._client.publish(topic, text, qos=1, retain=True).mid

    def _report_away(self, what: str) -> None:
        """Print once that the broker cannot be reached."""
        if not (self._is_away or self._is_closing):
            echo(f"note: The MQTT broker {what}. Values wait, and the connection is tried again.")
        self._is_away = True

    def _announcement(self, region: Region) -> dict[str, Any]:
        facts = {
            "name": region.name,
            "unique_id": f"{self._identity}-{_slug(region.name)}",
            "state_topic": f"{self.topic}/{_slug(region.name)}/state",
            "value_template": "{{ value_json.value }}",
            "json_attributes_topic": f"{self.topic}/{_slug(region.name)}/state",
            "availability_topic": f"{self.topic}/status",
            "state_class": "measurement" if region.may_fall else "total_increasing",
            "device": {"identifiers": [self._identity], "name": self.topic, "manufacturer": "mnist-runtime"},
        }
        return {**facts, "unit_of_measurement": region.unit} if region.unit else facts

    def publish(self, values: Sequence[Value]) -> None:
        """Queue values for the broker.

        Raises
        ------
        OutputError
            If the broker has refused the credentials.
        """
        if self._refused.is_set():
            raise OutputError(
                f"The MQTT broker refuses the connection: {self._refused_by}. Check the user and the password, in "
                f"{USER} and {PASSWORD} or --mqtt-credentials."
            )
        now = utc_now()
        for value in values:
            topic, text = f"{self.topic}/{_slug(value.name)}/state", json.dumps({"time": now, **value.as_dict()})
            with self._lock:
                self._last[topic] = text
                is_full = len(self._values) >= MOST_WAITING
                if is_full:
                    del self._values[0 if self._sent is None else 1]
                self._values.append((topic, text))
                self._send()
            if is_full and not self._is_full:
                warn(
                    f"warning: {MOST_WAITING:,} values wait for the MQTT broker. The oldest are lost until it is back."
                )
            self._is_full = is_full

    def close(self) -> None:
        """Wait some seconds until the broker has all values, publish the status ``offline``, and disconnect."""
        self._is_closing = True
        end = time.monotonic() + PATIENCE
        while self._values and time.monotonic() < end and not self._refused.is_set():
            time.sleep(0.02)
        if self._values:
            warn(f"warning: The MQTT broker has not confirmed {len(self._values)} messages.")
        done = self._client.publish(f"{self.topic}/status", "offline", qos=1, retain=True)
        with contextlib.suppress(RuntimeError, ValueError):  # it is not connected
            done.wait_for_publish(max(0.0, end - time.monotonic()))
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> MqttPublisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _address(url: str) -> tuple[str, int, str, bool]:
    """Return host, port, topic and whether TLS is used.

    Examples
    --------
    >>> _address("mqtts://broker.local/house/water")
    ('broker.local', 8883, 'house/water', True)
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"The MQTT address {url!r} is wrong ({error}). Give mqtt://HOST[:PORT][/TOPIC].") from error
    if parts.username or parts.password:
        raise UsageError(f"Give user and password in {USER} and {PASSWORD} or --mqtt-credentials, not in the address.")
    topic = unquote(parts.path).strip("/") or "mnist"
    if parts.scheme not in PORTS or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"The MQTT address {url!r} is not mqtt://HOST[:PORT][/TOPIC], or mqtts:// for TLS.")
    if re.search(r"[+#\0]", topic) or not topic.isprintable():
        raise UsageError(f"The MQTT topic {topic!r} contains +, # or a control character. Choose another one.")
    return parts.hostname, port or PORTS[parts.scheme], topic, parts.scheme == "mqtts"


def _credentials(path: str | Path | None) -> tuple[str, str | None]:
    if path is None:
        return os.environ.get(USER, ""), os.environ.get(PASSWORD)
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}. Check the path.") from error
    if len(lines) < 2:
        raise UsageError(f"{path}: Give the user on the first line and the password on the second.")
    return lines[0], lines[1]


def _slug(name: str) -> str:
    """Return `name` as a part of a topic.

    Examples
    --------
    >>> _slug("Water, cold"), _slug("水")
    ('water-cold', 'e6b0b4')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or name.encode().hex()
