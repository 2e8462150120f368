"""Many clients, honest and hostile, against `lectern serve` with the model that ships: scripts/soak.sh.

Honest clients compare each text with that of `lectern read`; others are slow, half close, vanish, follow events over
connections that break off, or send requests that are broken at random (soak_load.py). Documents are read by a server that
is killed, whose disk is full, whose clock jumps (soak_faults.py). What is looked at: that nothing is lost, nothing left
hanging, memory flat, and that the server ends in peace.
"""
import argparse
import asyncio
import collections
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import soak_client as client
from soak_faults import Faults, wait_until
from soak_load import Load

FULL = {"seconds": 600, "clients": 64, "broken": 20_000, "kills": 30}
SHORT = {"seconds": 20, "clients": 24, "broken": 1_000, "kills": 3}


class Report:
    def __init__(self):
        self.rows: list[tuple[str, str, str]] = []
        self.counts = collections.Counter()
        self.held: list[dict] = []  # by the server, over time

    def row(self, what: str, found: str, good: bool | None):
        """`good`: None for what was not run."""
        mark = "not run" if good is None else "ok" if good else "**FAILED**"
        self.counts[mark] += 1
        self.rows.append((what, found, mark))
        print(f"{mark:10} {what}: {found}", file=sys.stderr, flush=True)

    def markdown(self) -> str:
        lines = ["| what | found | |", "|---|---|---|"]
        lines += [f"| {what} | {found} | {mark} |" for what, found, mark in self.rows]
        lines += ["", "| after | resident | open files | threads |", "|---|---|---|---|"]
        lines += [f"| {moment['seconds']:.0f} s | {moment['MB']} MB | {moment['files']} | {moment['threads']} |"
                  for moment in self.held]
        return "\n".join(lines)


def raw_text(lectern: str, name: str) -> str:
    return subprocess.run([lectern, "read", "--quiet", "--raw", "--model", "models/primer", client.SAMPLES / name],
                          check=True, capture_output=True).stdout.decode()


def load_part(lectern: str, options, report: Report, data: pathlib.Path):
    expected = {name: raw_text(lectern, name) for name in client.FILES}
    (data / "load").mkdir(mode=0o700)
    server = client.Server(lectern, "--data", str(data / "load"))
    asyncio.run(client.exchange(server.port, client.request(client.chat("hello.png"))))
    files, threads = server.count("fd"), server.count("task")
    load = Load(server, expected, options.seed)
    start = time.monotonic()
    held = asyncio.run(load.run(options.seconds, options.clients, options.broken))
    seconds = time.monotonic() - start
    honest, breaks, documents = (load.statuses[kind] for kind in ("honest", "broken", "documents"))
    report.row(f"{options.clients} clients for {seconds:.0f} s: texts as `lectern read` has them",
               f"{honest[200]} texts, {honest[429]} told to come again, {len(load.wrong)} wrong {load.wrong[:3] or ''}",
               honest[200] > 0 and not load.wrong)
    report.row("documents whose events break off again and again: every event once, and the same text",
               f"{documents[201]} documents, {documents.total() - documents[201]} told to come again",
               documents[201] > 0 and not load.wrong)
    report.row("clients that vanish, half close, or are slow", ", ".join(f"{n} {k}" for k, n in load.rude.items()),
               len(load.rude) == 4)
    refusals = (503, 505, 507)  # no time now, another version of HTTP in a broken head, no room
    bad = {status: n for status, n in breaks.items() if status >= 500 and status not in refusals}
    shown = ", ".join(f"{n} × {status or 'no answer'}" for status, n in sorted(breaks.items()))
    report.row(f"{breaks.total()} broken requests, none of which is the server's failure", shown,
               not bad and breaks.total() >= options.broken)
    alive = server.process.poll() is None
    report.row("the server goes on", f"{sum(counts.total() for counts in load.statuses.values()) + load.rude.total()} requests later", alive)
    if not alive:
        return
    idle = wait_until(lambda: server.metric("lectern_pages_waiting") == 0 and
                      server.metric("lectern_pages_reading") == 0, 120)
    report.row("nothing is left hanging", "no page waits or is read" if idle else "pages are left", idle)
    # Jobs of broken documents may still be opened, and threads that decode pictures end when they were idle for a while.
    as_before = wait_until(lambda: server.count("fd") <= files + 8 and server.count("task") <= threads + 2, 180)
    report.row("open files and threads as before", f"files {files} → {server.count('fd')}, threads {threads} → "
               f"{server.count('task')}", as_before)
    third = max(1, len(held) // 3)
    before, after = (statistics.median(moment["MB"] for moment in part)
                     for part in (held[third:2 * third] or held, held[-third:]))
    # In a minute caches have hardly been filled.
    slack = 30 if options.seconds > 120 else 150
    report.row("resident memory is flat", f"{before:.0f} MB in the second third, {after:.0f} MB in the last",
               after < before * 1.15 + slack)
    report.held = held[::max(1, len(held) // 12)]
    code = server.end()
    report.row("SIGTERM", f"ends with {code}", code == 0)


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
    report = Report()
    data = pathlib.Path(tempfile.mkdtemp(prefix="lectern-soak-"))
    start = time.monotonic()
    try:
        load_part(options.lectern, options, report, data)
        faults = Faults(options.lectern, options, report, data)
        faults.killed()
        faults.terminated()
        faults.full_disk()
        faults.clock_jumps()
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
