"""Many clients, honest and hostile, against `lectern serve` with the model that ships: scripts/soak.sh.

Honest clients compare each text with that of `lectern read`; others are slow, half close, vanish, or send requests that
are broken at random. Documents are read by a server that is killed and started anew. What is looked at: that nothing is
lost, nothing left hanging, memory flat, and that the server ends in peace.
"""
import argparse
import asyncio
import collections
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import soak_client as client

FULL = {"seconds": 600, "clients": 64, "broken": 20_000, "kills": 30}
SHORT = {"seconds": 75, "clients": 24, "broken": 2_000, "kills": 3}


class Report:
    def __init__(self):
        self.rows: list[tuple[str, str, str]] = []
        self.counts = collections.Counter()

    def row(self, what: str, found: str, good: bool | None):
        """`good`: None for what was not run."""
        mark = "not run" if good is None else "ok" if good else "**FAILED**"
        self.counts[mark] += 1
        self.rows.append((what, found, mark))
        print(f"{mark:10} {what}: {found}", file=sys.stderr, flush=True)

    def markdown(self) -> str:
        lines = ["| what | found | |", "|---|---|---|"]
        return "\n".join(lines + [f"| {what} | {found} | {mark} |" for what, found, mark in self.rows])


def broken(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, lost, doubled, or the end cut off."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if not out:
            break
        at, count = rng.randrange(len(out)), rng.randint(1, 16)
        match rng.randrange(5):
            case 0: out[at] = rng.randrange(256)
            case 1: del out[at:at + count]
            case 2: out[at:at] = out[at:at + count]
            case 3: out[at:at] = bytes(rng.randrange(256) for _ in range(count))
            case 4: out = out[:at] if rng.random() < 0.2 else out
    return bytes(out)


def form(data: bytes, name: str, **fields: str) -> tuple[bytes, str]:
    mark = uuid.uuid4().hex
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
             for key, value in fields.items()]
    parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + data)
    return b"".join(parts) + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


class Load:
    def __init__(self, server: client.Server, expected: dict[str, str], seed: int, documents: bool):
        self.server, self.expected, self.documents = server, expected, documents
        self.random = random.Random(seed)
        self.statuses = {kind: collections.Counter() for kind in ("honest", "broken")}
        self.wrong: list[str] = []
        self.rude = collections.Counter()
        self.running = True

    async def honest(self):
        while self.running:
            name, stream = self.random.choice(client.FILES), self.random.random() < 0.5
            status, body = await client.exchange(self.server.port, client.request(client.chat(name, stream=stream)))
            self.statuses["honest"][status] += 1
            if status == 429:
                await asyncio.sleep(1)
            elif status != 200 or client.text_of(body, stream) != self.expected[name]:
                self.wrong.append(f"{name}: {status}")

    async def vanishing(self):
        while self.running:
            reader, writer = await client.connect(self.server.port)
            writer.write(client.request(client.chat(self.random.choice(client.FILES), stream=True)))
            if self.random.random() < 0.7:
                await reader.read(self.random.randint(1, 2000))
            client.vanish(writer)
            self.rude["vanished"] += 1
            await asyncio.sleep(self.random.random())

    async def half_closing(self):
        while self.running:
            await client.exchange(self.server.port, client.request(client.chat("note.jpg")), half_close=True)
            self.rude["half closed"] += 1
            await asyncio.sleep(self.random.random())

    async def slow(self):
        data = client.request(client.chat("sign.png"))
        while self.running:
            reader, writer = await client.connect(self.server.port)
            try:
                for at in range(self.random.randint(10, 60)):
                    writer.write(data[at * 5:at * 5 + 5])
                    await writer.drain()
                    await asyncio.sleep(0.1)
            except ConnectionError:
                pass
            writer.close()
            self.rude["slow"] += 1

    def broken_request(self) -> bytes:
        rng = self.random
        pictures = client.FILES[:1] + client.FILES[2:]
        kind = rng.randrange(5 if self.documents else 3)
        if kind == 0:  # a picture that is broken within a request that is not
            picture = broken((client.SAMPLES / rng.choice(pictures)).read_bytes(), rng)
            return client.request(client.chat(picture, max_tokens=1))
        if kind == 1:  # JSON
            return client.request(broken(client.chat("hello.png", max_tokens=1, lectern={"mode": "native"}), rng))
        if kind == 2:  # the head
            body = client.chat("hello.png", max_tokens=1)
            head, _, rest = client.request(body).partition(b"\r\n\r\n")
            return broken(head, rng) + b"\r\n\r\n" + rest
        name = "pages.pdf" if kind == 3 else rng.choice(pictures)
        body, type_ = form(broken((client.SAMPLES / name).read_bytes(), rng), name, max_tokens="1", pages="1")
        if kind == 4:
            body = broken(body, rng)
        return client.request(body, "/v1/documents", type_)

    async def breaking(self, budget: list[int]):
        while self.running and budget[0] > 0:
            budget[0] -= 1
            # What waits for the rest of a body that never comes is given up; so does the server, later.
            work = client.exchange(self.server.port, self.broken_request(), half_close=self.random.random() < 0.5)
            try:
                status, _ = await asyncio.wait_for(work, 20)
            except asyncio.TimeoutError:
                status = 0
            self.statuses["broken"][status] += 1

    async def run(self, seconds: float, clients: int, broken_requests: int) -> list[float]:
        budget = [broken_requests]
        kinds = [self.honest] * 5 + [self.vanishing, self.half_closing, self.slow]
        tasks = [asyncio.create_task(kinds[i % len(kinds)]()) for i in range(clients)]
        tasks += [asyncio.create_task(self.breaking(budget)) for _ in range(max(2, clients // 8))]
        resident, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(min(2.0, seconds / 20))
            resident.append(self.server.resident_megabytes())
        self.running = False
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                self.wrong.append(f"a client failed: {result!r}")
        return resident


def raw_text(lectern: str, name: str) -> str:
    return subprocess.run([lectern, "read", "--quiet", "--raw", "--model", "models/primer", client.SAMPLES / name],
                          check=True, capture_output=True).stdout.decode()


def wait_until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def load_part(lectern: str, options, report: Report, data: pathlib.Path):
    expected = {name: raw_text(lectern, name) for name in client.FILES}
    server = client.Server(lectern, *data_options(options, data / "load"))
    asyncio.run(client.exchange(server.port, client.request(client.chat("hello.png"))))
    files, threads = server.count("fd"), server.count("task")
    load = Load(server, expected, options.seed, options.documents)
    start = time.monotonic()
    resident = asyncio.run(load.run(options.seconds, options.clients, options.broken))
    seconds = time.monotonic() - start
    honest, breaks = load.statuses["honest"], load.statuses["broken"]
    report.row(f"{options.clients} clients for {seconds:.0f} s: texts as `lectern read` has them",
               f"{honest[200]} texts, {honest[429]} told to come again, {len(load.wrong)} wrong {load.wrong[:3] or ''}",
               honest[200] > 0 and not load.wrong)
    report.row("clients that vanish, half close, or are slow", ", ".join(f"{n} {k}" for k, n in load.rude.items()),
               len(load.rude) == 3)
    bad = {status: n for status, n in breaks.items() if status >= 500 and status not in (503, 507)}
    shown = ", ".join(f"{n} × {status or 'no answer'}" for status, n in sorted(breaks.items()))
    report.row(f"{sum(breaks.values())} broken requests, none of which is the server's failure", shown, not bad)
    alive = server.process.poll() is None
    report.row("the server goes on", f"{honest.total() + breaks.total()} requests later", alive)
    if not alive:
        return
    idle = wait_until(lambda: server.metric("lectern_pages_waiting") == 0 and
                      server.metric("lectern_pages_reading") == 0, 120)
    report.row("nothing is left hanging", "no page waits or is read" if idle else "pages are left", idle)
    closed = wait_until(lambda: server.count("fd") <= files + 8, 90)
    report.row("open files and threads as before", f"files {files} → {server.count('fd')}, threads {threads} → "
               f"{server.count('task')}", closed and server.count("task") <= threads + 2)
    third = max(1, len(resident) // 3)
    before, after = statistics.median(resident[third:2 * third] or resident), statistics.median(resident[-third:])
    # In a minute caches have hardly been filled.
    slack = 30 if options.seconds > 120 else 150
    report.row("resident memory is flat", f"{before:.0f} MB in the second third, {after:.0f} MB in the last",
               after < before * 1.15 + slack)
    code = server.end()
    report.row("SIGTERM", f"ends with {code}", code == 0)


def data_options(options, folder: pathlib.Path) -> list[str]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ["--data", str(folder)] if options.documents else []


def call(url: str, data: bytes | None = None, headers=None, method: str | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}, method=method), timeout=60) as answer:
        return answer.read()


def start_job(server: client.Server, pages: pathlib.Path) -> str:
    body, type_ = form(pages.read_bytes(), pages.name)
    return json.loads(call(server.url + "/v1/documents", body, {"Content-Type": type_}))["id"]


def result_of(server: client.Server, job: str, seconds: float) -> str | None:
    """The text of a finished job; None where it fails or does not end."""
    state = {}

    def ended() -> bool:
        nonlocal state
        state = json.loads(call(f"{server.url}/v1/documents/{job}"))
        return state["status"] not in ("queued", "running")

    if not wait_until(ended, seconds) or state["status"] != "completed":
        return None
    return call(f"{server.url}/v1/documents/{job}/result?format=txt").decode()


def kill_part(lectern: str, options, report: Report, data: pathlib.Path):
    if not options.documents:
        return report.row("kill -9 within jobs", "this server keeps no documents", None)
    rng = random.Random(options.seed)
    pages = client.SAMPLES / "pages.pdf"
    folder = data_options(options, data / "kills")
    server = client.Server(lectern, *folder)
    start = time.monotonic()
    expected = result_of(server, start_job(server, pages), 300)
    undisturbed = time.monotonic() - start
    same = 0
    for _ in range(options.kills):
        job = start_job(server, pages)
        time.sleep(rng.uniform(0, undisturbed))
        server.kill()
        server = client.Server(lectern, *folder)
        same += result_of(server, job, 300) == expected
    code = server.end()
    report.row(f"kill -9 at {options.kills} random moments within jobs, and started anew",
               f"{same} results as undisturbed", expected is not None and same == options.kills and code == 0)


def full_disk_part(lectern: str, options, report: Report, data: pathlib.Path):
    what = "a full disk"
    if not options.documents:
        return report.row(what, "this server keeps no documents", None)
    small = data / "small"
    small.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", small],
                                                   capture_output=True).returncode == 0
    if not mounted:
        return report.row(what, "needs a file system of its own, which only root can mount", None)
    try:
        server = client.Server(lectern, "--data", str(small))
        with open(small / "filler", "wb") as filler:
            try:
                while True:
                    filler.write(bytes(1 << 16))
                    filler.flush()
            except OSError:
                pass
        try:
            start_job(server, client.SAMPLES / "pages.pdf")
            status = 201
        except urllib.error.HTTPError as error:
            status = error.code
        (small / "filler").unlink()
        text = result_of(server, start_job(server, client.SAMPLES / "pages.pdf"), 300)
        code = server.end()
        report.row(what, f"{status}, and after there is room again {'a text' if text else 'none'}; ends with {code}",
                   status == 507 and bool(text) and code == 0)
    finally:
        subprocess.run(["umount", "-l", small], check=False)


def has_documents(lectern: str) -> bool:
    return "--data" in subprocess.run([lectern, "serve", "--help"], capture_output=True, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("lectern")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=12)
    options = parser.parse_args()
    for name, value in (SHORT if options.short or options.seconds else FULL).items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    options.documents = has_documents(options.lectern)
    report = Report()
    data = pathlib.Path(tempfile.mkdtemp(prefix="lectern-soak-"))
    start = time.monotonic()
    try:
        for part in (load_part, kill_part, full_disk_part):
            part(options.lectern, options, report, data)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    version = subprocess.run([options.lectern, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"`scripts/soak.sh`, {version}, {os.cpu_count()} processors, {time.monotonic() - start:.0f} s, "
          f"seed {options.seed}:\n\n{report.markdown()}\n")
    counts = report.counts
    print(f"{counts['ok']} passed, {counts['**FAILED**']} failed, {counts['not run']} skipped")
    return 1 if counts["**FAILED**"] else 0


if __name__ == "__main__":
    sys.exit(main())
