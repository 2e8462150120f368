"""A server that is killed, whose disk is full, and whose clock jumps, while it reads documents; for soak.py. What comes of
a document is compared with what an undisturbed server made of it."""
import asyncio
import contextlib
import glob
import json
import os
import pathlib
import random
import signal
import subprocess
import time
import urllib.error
import urllib.request

import soak_client as client
from soak_load import form

ENDED = ("completed", "failed", "cancelled")
PATIENCE = 300  # seconds for a document


def call(url: str, data: bytes | None = None, headers=None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=60) as answer:
        return answer.read()


def wait_until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def start_job(server: client.Server, pages: bytes) -> str:
    body, kind = form(pages, "pages.pdf")
    return json.loads(call(server.url + "/v1/documents", body, {"Content-Type": kind}))["id"]


def state_of(server: client.Server, job: str) -> dict:
    return json.loads(call(f"{server.url}/v1/documents/{job}"))


def result_of(server: client.Server, job: str) -> tuple[str, str] | None:
    """Text and Markdown of a job that comes to its end; None where it fails, or does not end."""
    if not wait_until(lambda: state_of(server, job)["status"] in ENDED, PATIENCE):
        return None
    if state_of(server, job)["status"] != "completed":
        return None
    return tuple(call(f"{server.url}/v1/documents/{job}/result?format={format}").decode() for format in ("txt", "md"))


def deletes(server: client.Server, job: str) -> bool:
    address = f"{server.url}/v1/documents/{job}"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=60):
            pass
        state_of(server, job)
    except urllib.error.HTTPError as error:
        return error.code == 404
    return False


class Faults:
    def __init__(self, lectern: str, options, report, data: pathlib.Path):
        self.lectern, self.report, self.data = lectern, report, data
        self.kills = options.kills
        self.random = random.Random(options.seed)
        few, many = client.SAMPLES / "pages.pdf", data / "pages.pdf"
        subprocess.run(["qpdf", "--empty", "--pages", *[few] * 4, "--", many], check=True)
        self.pages = many.read_bytes()
        server = self.serve("undisturbed")
        start = time.monotonic()
        self.expected = result_of(server, start_job(server, self.pages))
        self.seconds = time.monotonic() - start  # that a document takes
        code = server.end()
        report.row("a document that nobody disturbs", f"{self.seconds:.1f} s, ends with {code}",
                   self.expected is not None and code == 0)

    def serve(self, name: str, **more) -> client.Server:
        folder = self.data / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return client.Server(self.lectern, "--data", str(folder), **more)

    def killed(self):
        server = self.serve("kills")
        same = within = 0
        for _ in range(self.kills):
            job = start_job(server, self.pages)
            time.sleep(self.random.uniform(0, self.seconds))
            server.kill()
            server = self.serve("kills")
            within += state_of(server, job)["status"] not in ENDED
            same += result_of(server, job) == self.expected
        code = server.end()
        self.report.row(f"kill -9 at {self.kills} random moments, {within} of them within the job, and started anew",
                        f"{same} results as undisturbed, ends with {code}", same == self.kills and code == 0)

    def terminated(self):
        """SIGTERM under load: answers that are on their way come, documents go on after the next start."""
        server = self.serve("terminated")
        jobs = [start_job(server, self.pages) for _ in range(6)]

        async def ask() -> int:
            request = client.request(client.chat("page.png", stream=True))
            streams = [await client.connect(server.port) for _ in range(6)]
            for _, writer in streams:
                writer.write(request)
            heads = [await reader.readuntil(b"\r\n\r\n") for reader, _ in streams]
            server.process.send_signal(signal.SIGTERM)
            ends = [await reader.read(-1) for reader, _ in streams]
            return sum(b" 200 " in head and b"[DONE]" in end for head, end in zip(heads, ends))

        answers = asyncio.run(ask())
        code = server.process.wait(timeout=60)
        server = self.serve("terminated")
        same = sum(result_of(server, job) == self.expected for job in jobs)
        server.end()
        self.report.row("SIGTERM under load, and started anew", f"ends with {code}; {answers} of 6 streams to their end; "
                        f"{same} of {len(jobs)} documents as undisturbed",
                        code == 0 and same == len(jobs) and answers == 6)

    def full_disk(self):
        what = "a disk that is full when a document comes, while one is read, and when it is deleted"
        small = self.data / "small"
        small.mkdir()
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", small], capture_output=True).returncode == 0
        if not mounted:
            return self.report.row(what, "needs a file system of its own, which only root can mount", None)
        try:
            server = client.Server(self.lectern, "--data", str(small))
            fill(small)
            try:
                start_job(server, self.pages)
                status = 201
            except urllib.error.HTTPError as error:
                status = error.code
            (small / "filler").unlink()
            job = start_job(server, self.pages)
            fill(small)
            wait_until(lambda: state_of(server, job)["done"] > 0 or state_of(server, job)["status"] == "queued",
                       self.seconds)
            time.sleep(self.seconds)
            before = state_of(server, job)
            (small / "filler").unlink()
            same = result_of(server, job) == self.expected
            fill(small)
            deleted = deletes(server, job)
            code = server.end()
            self.report.row(what, f"{status}; {before['done']} pages and {before['status']}, and with room again "
                            f"{'the same result' if same else 'ANOTHER RESULT'}; full, it is "
                            f"{'deleted' if deleted else 'NOT DELETED'}; ends with {code}",
                            status == 507 and before["status"] != "failed" and same and deleted and code == 0)
        finally:
            subprocess.run(["umount", "-l", small], check=False)

    def clock_jumps(self):
        what = "a clock that jumps by ten years, on and back, while documents are read"
        library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if not library:
            return self.report.row(what, "needs Debian's libfaketime", None)
        clock = self.data / "clock.txt"
        set_clock(clock, "+0")
        server = self.serve("clock", environment={
            "LD_PRELOAD": library[0], "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"})
        jobs = []
        for jump in ("+3650d", "-3650d", "+0"):
            jobs.append(start_job(server, self.pages))
            time.sleep(self.seconds / 2)
            set_clock(clock, jump)
            jobs.append(start_job(server, self.pages))
        same = sum(result_of(server, job) == self.expected for job in jobs)
        created = [state_of(server, job)["created"] for job in jobs]
        jumped = max(created) - min(created) > 7000 * 24 * 3600
        code = server.end()
        self.report.row(what, f"{same} of {len(jobs)} results as undisturbed{'' if jumped else ', but it DID NOT JUMP'}; "
                        f"ends with {code}", same == len(jobs) and jumped and code == 0)


def set_clock(clock: pathlib.Path, offset: str):
    """At once: libfaketime reads the file whenever somebody asks for the time."""
    other = clock.with_suffix(".new")
    other.write_text(offset)
    other.replace(clock)


def fill(folder: pathlib.Path):
    with open(folder / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(1 << 12))
