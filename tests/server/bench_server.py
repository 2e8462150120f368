"""Pages a second, processor time a page, and seconds to the first token and between tokens of `lectern serve`, beside
`lectern read` on the same pages: scripts/bench_server.sh.

Each turn starts a process anew, and its processor time is all of it, loading included, so that both are measured alike.
The clients are niced, in a process of their own.
"""
import argparse
import asyncio
import multiprocessing
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
import pathlib
import subprocess

import soak_client as client


def usage_of(process: subprocess.Popen) -> float:
    """Waits for it; its processor time in seconds."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"ended with {process.returncode}"
    return used.ru_utime + used.ru_stime


def ask(port: int, names: list[str], clients: int, more: dict, results):
    os.nice(10)

    async def one(queue, firsts, betweens):
        while queue:
            _, first, between = await client.timed_stream(port, client.request(client.chat(queue.pop(), **more)))
            firsts.append(first)
            betweens.extend(between)

    async def run():
        queue, firsts, betweens = list(names), [], []
        start = time.monotonic()
        await asyncio.gather(*(one(queue, firsts, betweens) for _ in range(clients)))
        return time.monotonic() - start, firsts, betweens

    results.put(asyncio.run(run()))


def serve_turn(options, names: list[str], clients: int):
    server = client.Server(options.lectern, model=options.model)
    more = {"stream": True, "lectern": {"mode": options.mode}}
    if options.max_tokens:
        more["max_tokens"] = options.max_tokens
    results = multiprocessing.Queue()
    asking = multiprocessing.Process(target=ask, args=(server.port, names, clients, more, results))
    asking.start()
    seconds, firsts, betweens = results.get()
    asking.join()
    server.process.terminate()
    return seconds, usage_of(server.process), firsts, betweens


def read_turn(options, names: list[str]):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lectern-bench-"))
    try:
        for i, name in enumerate(names):
            shutil.copy(client.SAMPLES / name, folder / f"{i:04}-{name}")
        command = [options.lectern, "read", "--quiet", "--raw", "--model", options.model, "--mode", options.mode]
        if options.max_tokens:
            command += ["--max-tokens", str(options.max_tokens)]
        start = time.monotonic()
        process = subprocess.Popen([*command, folder, "-o", folder / "out"], stdout=subprocess.DEVNULL)
        used = usage_of(process)
        return time.monotonic() - start, used
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def share(values: list[float], part: float) -> str:
    if not values:
        return "–"
    values = sorted(values)
    return f"{values[min(len(values) - 1, int(part * len(values)))] * 1000:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("lectern")
    parser.add_argument("--model", default="models/primer")
    parser.add_argument("--mode", default="auto")
    parser.add_argument("--max-tokens", type=int, default=0)
    parser.add_argument("--clients", default="1,4,16,64")
    parser.add_argument("--pages", type=int, default=64, help="a turn")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    names = (client.FILES * (options.pages // len(client.FILES) + 1))[:options.pages]
    counts = [int(count) for count in options.clients.split(",")]
    read, served = [], {count: [] for count in counts}
    for turn in range(options.rounds):
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
        read.append(read_turn(options, names))
        for count in counts:
            served[count].append(serve_turn(options, names, count))
    version = subprocess.run([options.lectern, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{version}, {platform.processor() or platform.machine()}, {os.cpu_count()} processors; {options.pages} pages, "
          f"mode {options.mode}, {options.rounds} rounds in turns, medians; seconds of the processor include loading.\n")
    print("| clients | pages/s | processor s a page | of `lectern read` | first token, ms (median, 99 %) "
          "| between pieces of text, ms (median, 99 %) |\n|---|---|---|---|---|---|")
    alone = statistics.median(used for _, used in read) / options.pages
    wall = statistics.median(seconds for seconds, _ in read)
    print(f"| `lectern read` | {options.pages / wall:.2f}, loading included | {alone:.3f} | 100 % | | |")
    for count, turns in served.items():
        cost = statistics.median(used for _, used, _, _ in turns) / options.pages
        pages = options.pages / statistics.median(seconds for seconds, _, _, _ in turns)
        firsts = [value for _, _, some, _ in turns for value in some]
        between = [value for _, _, _, some in turns for value in some]
        print(f"| {count} | {pages:.2f} | {cost:.3f} | {100 * cost / alone:.1f} % | {share(firsts, 0.5)}, "
              f"{share(firsts, 0.99)} | {share(between, 0.5)}, {share(between, 0.99)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
