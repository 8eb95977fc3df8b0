"""Load `mnist-runtime serve` on loopback: requests a second, latency, memory, also among slow and broken clients."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import os
import random
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mnist_runtime import Classifier
from mnist_runtime.backends.registry import backend_version
from mnist_tools.checkout import ROOT, ToolError, command
from mnist_tools.memory import STEPS, growth, resident_bytes

__all__ = ["BOUND", "Load", "load_server", "main", "memory_growth", "server"]

CLIENTS = (1, 8, 64)
SECONDS = 10.0
BOUND = 4 << 20
"""Largest allowed growth of the server's memory, in bytes."""
WARM_UP = 20
"""Number of steps at the start in which the growth of the memory is ignored."""
HOSTILE = {"silent": 100, "slow headers": 50, "slow body": 50, "not reading": 30, "broken": 10}
"""Kind of client -> number that are connected at a time."""
PAGE = ROOT / "docs" / "results" / "serving.md"


@dataclass(frozen=True)
class Load:
    """Result of a load test.

    Parameters
    ----------
    clients : int
        Number of clients, each with one request at a time.
    a_second : float
        Answers a second, of all clients.
    p50, p99, worst : float
        Latency in milliseconds.
    cpu : float
        Processor time of the server for an answer, in milliseconds.
    wrong : int
        Requests without the right answer.
    """

    clients: int
    a_second: float
    p50: float
    p99: float
    worst: float
    cpu: float
    wrong: int


@contextlib.contextmanager
def server(*options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the server in a process of its own; yield it and its port."""
    line = command("mnist-runtime serve --port 0", *options)
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
            if found is None:
                raise ToolError(f"The server did not start: {said}")
            yield process, int(found[1])
        finally:
            process.terminate()


def request_of(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return a request to classify a picture."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    head = f"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content.getvalue())}\r\n\r\n"
    return head.encode() + content.getvalue()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Return status line and body of a response."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head)
    return head[:15] + await reader.readexactly(int(found[1]) if found else 0)


async def _client(port: int, requests: Iterator[tuple[bytes, bytes]], end: float, times: list[float]) -> int:
    """Send requests, at least one, until `end`, in seconds of the clock; return how many answers are wrong."""
    wrong = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request, expected in requests:
        started = time.perf_counter()
        try:
            writer.write(request)
            wrong += expected not in await asyncio.wait_for(_answer(reader), 60)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            wrong += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        times.append(time.perf_counter() - started)
        if time.perf_counter() >= end:
            break
    writer.close()
    return wrong


async def load_server(
    process: subprocess.Popen[str], port: int, requests: Sequence[tuple[bytes, bytes]], clients: int, seconds: float
) -> Load:
    """Send requests from several clients at the same time, and measure throughput, latency and wrong answers.

    Parameters
    ----------
    process : subprocess.Popen
        The server.
    port : int
        Its port on this computer.
    requests : sequence of (bytes, bytes)
        Requests, sent in turn, and what their answers must contain.
    clients : int
        Number of connections at the same time.
    seconds : float
        Duration of the test.
    """
    times: list[float] = []
    begun, used = time.perf_counter(), processor_seconds(process)
    sources = [itertools.islice(itertools.cycle(requests), index % len(requests), None) for index in range(clients)]
    wrong = sum(await asyncio.gather(*(_client(port, each, begun + seconds, times) for each in sources)))
    took, used = time.perf_counter() - begun, processor_seconds(process) - used
    milliseconds = np.sort(times) * 1000
    p50, p99 = np.percentile(milliseconds, [50, 99])
    cpu = used / len(times) * 1000
    return Load(clients, len(times) / took, float(p50), float(p99), float(milliseconds[-1]), cpu, wrong)


@contextlib.asynccontextmanager
async def hostile_clients(port: int, request: bytes) -> AsyncIterator[None]:
    """Keep `HOSTILE` clients connected. Each of them connects again when the server closes its connection."""
    tasks = [
        asyncio.ensure_future(_hostile(port, kind, request)) for kind, count in HOSTILE.items() for _ in range(count)
    ]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _hostile(port: int, kind: str, request: bytes) -> None:
    chance = random.Random(kind)
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                if kind == "silent":
                    await reader.read()
                elif kind == "not reading":
                    while True:
                        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
                        await writer.drain()
                elif kind == "broken":
                    cut = chance.randrange(len(request))
                    writer.write(request[:cut] + chance.randbytes(100) + request[cut:])
                    await asyncio.wait_for(reader.read(100), 1)
                else:
                    start = 0 if kind == "slow headers" else request.index(b"\r\n\r\n") + 4
                    writer.write(request[:start])
                    for sign in request[start:]:
                        writer.write(bytes([sign]))
                        await writer.drain()
                        await asyncio.sleep(0.5)
            except TimeoutError:
                pass
            finally:
                writer.transport.abort()
        await asyncio.sleep(0.1)


def processor_seconds(process: subprocess.Popen[str]) -> float:
    """Return the processor time of a process. Linux only."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_growth(
    process: subprocess.Popen[str], port: int, requests: Sequence[tuple[bytes, bytes]], count: int
) -> tuple[int, int, int]:
    """Send `count` requests from eight clients; return how much the server grew, its memory, and wrong answers."""

    async def some(number: int) -> int:
        each = [itertools.islice(itertools.cycle(requests), number) for _ in range(8)]
        return sum(await asyncio.gather(*(_client(port, part, float("inf"), []) for part in each)))

    memory, wrong = [], 0
    for _ in range(STEPS):
        wrong += asyncio.run(some(max(count // STEPS // 8, 1)))
        memory.append(resident_bytes(process.pid))
    return growth(memory, WARM_UP), memory[-1], wrong


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; return 1 if an answer is wrong, or the memory grows."""
    parser = argparse.ArgumentParser(prog="scripts/tool bench serve", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each measurement (default: {SECONDS:g})")
    parser.add_argument("--count", type=int, default=1_000_000, help="requests of the memory test (default: 1,000,000)")
    parser.add_argument("--write", action="store_true", help="write docs/results/serving.md")
    arguments = parser.parse_args(argv)
    with Classifier.load() as classifier:
        digits = [(request_of(image), b'200 OK{"digit":') for image in classifier.golden.images]
        backend = f"{classifier.backend_name} {backend_version(classifier.backend_name)}"
    photo = (request_of(np.asarray(Image.open(ROOT / "examples" / "seven.png"))), b'200 OK{"digit":7,')
    rows, busy = [], os.getloadavg()[0]
    with server() as (process, port):
        for name, requests in (("28x28 pixels", digits), ("photograph, 320x240", [photo])):
            for clients in CLIENTS:
                rows.append((name, asyncio.run(load_server(process, port, requests, clients, arguments.seconds))))
                _say(*rows[-1])

        async def among_others() -> Load:
            async with hostile_clients(port, photo[0]):
                return await load_server(process, port, digits, 8, max(arguments.seconds, 3))

        rows.append((f"28x28 pixels, among {sum(HOSTILE.values())} slow and broken", asyncio.run(among_others())))
        _say(*rows[-1])
        started = time.perf_counter()
        grown, memory, wrong = memory_growth(process, port, digits, arguments.count)
        took = time.perf_counter() - started
    said = (
        f"{'GROWS' if grown > BOUND else 'Flat'}: {arguments.count:,} requests in {took:.0f} s, {wrong} without a "
        f"right answer; the server has {memory / 1e6:.0f} MB at the end, grown by {grown / 1024:.0f} kB (bound "
        f"{BOUND >> 10:,} kB)."
    )
    print(said)
    if arguments.write:
        PAGE.write_text(_as_page(rows, said, backend, busy))
    return int(grown > BOUND or wrong > 0 or any(load.wrong for _, load in rows))


def _say(name: str, load: Load) -> None:
    print(
        f"{name}, {load.clients} clients: {load.a_second:,.0f} a second; p50 {load.p50:.1f}, p99 {load.p99:.1f}, worst "
        f"{load.worst:.0f} ms; {load.cpu:.2f} ms of processor time each; {load.wrong} wrong",
        flush=True,
    )


def _as_page(rows: Sequence[tuple[str, Load]], said: str, backend: str, load: float) -> str:
    """Return the page of the documentation."""
    lines = "".join(
        f"| {name} | {each.clients} | {each.a_second:,.0f} | {each.p50:.1f} | {each.p99:.1f} | {each.worst:.0f} "
        f"| {each.cpu:.2f} | {each.wrong} |\n"
        for name, each in rows
    )
    others = ", ".join(f"{count} {kind}" for kind, count in HOSTILE.items())
    return (
        "# The HTTP service under load\n\n"
        "Written by `scripts/tool bench serve --write`: `mnist-runtime serve` and its clients on one machine with "
        f"{os.cpu_count()} cores, {backend}; other work on it at the start: load {load:.1f}.\n"
        "Each client has one request at a time. *cpu* is the server's processor "
        "time for an answer, *wrong* the number of requests without the right one.\n\n"
        "| pictures | clients | answers a second | p50, ms | p99, ms | worst, ms | cpu, ms | wrong |\n"
        f"|---|--:|--:|--:|--:|--:|--:|--:|\n{lines}\n"
        f"The slow and broken clients are {others}; each comes back when it is dropped.\n\n{said}\n"
    )
