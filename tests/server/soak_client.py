"""A client of HTTP for soak.py and bench_server.py: one request a connection, by asyncio, as rude as it is told to be."""
import asyncio
import base64
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time
import urllib.request

SAMPLES = pathlib.Path("samples")
FILES = ["hello.png", "note.jpg", "sign.png", "ticket.png"]


class Server:
    """`lectern serve` on a port of its own."""

    def __init__(self, lectern: str, *options: str, port: int = 0, model: str = "models/primer", environment=None):
        self.process = subprocess.Popen(
            [lectern, "serve", "--port", str(port), "--model", model, "--quiet", "--max-connections-per-address", "0",
             *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, **(environment or {})})
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://"), line
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def metric(self, name: str) -> float:
        """The sum over its labels."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def resident_megabytes(self) -> float:
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the server is gone")

    def count(self, what: str) -> int:
        """Of its open files (fd) or threads (task)."""
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/{what}").iterdir()))

    def processor_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def held(self) -> dict[str, float]:
        return {"MB": round(self.resident_megabytes()), "files": self.count("fd"), "threads": self.count("task")}

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self, seconds: float = 60) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)


def chat(name: str | bytes, **more) -> bytes:
    data = name if isinstance(name, bytes) else (SAMPLES / name).read_bytes()
    part = {"type": "image_url", "image_url": {"url": "data:;base64," + base64.b64encode(data).decode()}}
    return json.dumps({"messages": [{"role": "user", "content": [part]}], **more}).encode()


def asking(path: str, method: str = "GET", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close",
             *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def request(body: bytes, path: str = "/v1/chat/completions", kind: str = "application/json") -> bytes:
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


async def connect(port: int):
    return await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)


def vanish(writer: asyncio.StreamWriter):
    """Closes with a reset, as a machine does that loses its power."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def exchange(port: int, data: bytes, half_close: bool = False) -> tuple[int, bytes]:
    """Status, 0 where the connection ended without one, and body."""
    reader, writer = await connect(port)
    try:
        writer.write(data)
        try:
            await writer.drain()
            if half_close:
                writer.write_eof()
            answer = await reader.read(-1)
        except ConnectionError:
            return 0, b""
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        return 0, b""
    if b"transfer-encoding: chunked" in head.lower():
        whole, rest = b"", body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            count = int(size or b"0", 16)
            whole, rest = whole + rest[:count], rest[count + 2:]
        body = whole
    return int(head[9:12]), body


def events_of(answer: bytes) -> list[dict[str, str]]:
    """The whole server-sent events in the beginning of a chunked answer; an event without an id has none."""
    _, _, rest = answer.partition(b"\r\n\r\n")
    stream = b""
    while b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size or b"0", 16)
        stream, rest = stream + rest[:count], rest[count + 2:]
    events = []
    for text in stream.decode(errors="replace").split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(":"))
        if "data" in fields:
            events.append(fields)
    return events


def text_of(body: bytes, stream: bool) -> str:
    if not stream:
        return json.loads(body)["choices"][0]["message"]["content"]
    text = ""
    for line in body.decode().splitlines():
        if line.startswith("data: {"):
            for choice in json.loads(line[6:])["choices"]:
                text += choice["delta"].get("content", "")
    return text


async def timed_stream(port: int, data: bytes) -> tuple[str, float, list[float]]:
    """Text, seconds to its first piece, and seconds between the pieces."""
    start = time.monotonic()
    reader, writer = await connect(port)
    writer.write(data)
    text, times = "", []
    async for line in reader:
        if not line.startswith(b"data: {"):
            continue
        for choice in json.loads(line[6:])["choices"]:
            if piece := choice["delta"].get("content", ""):
                text += piece
                times.append(time.monotonic())
    writer.close()
    return text, times[0] - start if times else time.monotonic() - start, [b - a for a, b in zip(times, times[1:])]
