"""Clients of every kind at the same time, for soak.py."""
import asyncio
import collections
import json
import random
import time
import uuid

import soak_client as client


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
    def __init__(self, server: client.Server, expected: dict[str, str], seed: int):
        self.server, self.expected = server, expected
        self.random = random.Random(seed)
        self.statuses = {kind: collections.Counter() for kind in ("honest", "documents", "broken")}
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

    async def watching(self):
        """Sends a document and follows its events over connections that break off: every event comes once."""
        while self.running:
            name = self.random.choice(client.FILES)
            body, kind = form((client.SAMPLES / name).read_bytes(), name, prompt="free")
            status, answer = await client.exchange(self.server.port, client.request(body, "/v1/documents", kind))
            self.statuses["documents"][status] += 1
            if status != 201:
                await asyncio.sleep(1)
                continue
            path = "/v1/documents/" + json.loads(answer)["id"]
            text, last, ended = "", "", False
            while not ended and self.running:
                events = await self.some_events(path + "/events", last)
                self.rude["streams of events that broke off"] += 1
                for event in events:
                    last = event.get("id", last)
                    data = json.loads(event["data"])
                    ended = ended or event["event"] == "end"
                    if event["event"] == "text":
                        text = "" if data.get("restart") else text + data["text"]
            if not ended:
                return
            _, answer = await client.exchange(self.server.port, client.asking(path + "/pages/1"))
            raw = json.loads(answer)["page"]["raw"]
            # Of a page that ended while nobody listened no text is told any more.
            if raw.strip() != self.expected[name].strip() or not raw.startswith(text):
                self.wrong.append(f"{name} as a document: {text[:40]!r}")

    async def some_events(self, path: str, last: str) -> list[dict]:
        """Those that come whole before the connection breaks off."""
        reader, writer = await client.connect(self.server.port)
        writer.write(client.asking(path, **({"Last_Event_ID": last} if last else {})))
        limit, got = self.random.randint(200, 4000), b""
        while len(got) < limit:
            more = await reader.read(limit - len(got))
            if not more:
                break
            got += more
        client.vanish(writer)
        return client.events_of(got)

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

    def broken_request(self) -> tuple[bytes, bool]:
        """Its bytes, and whether it is as long as its head says."""
        rng = self.random
        pictures = client.FILES[:1] + client.FILES[2:]
        kind = rng.randrange(5)
        if kind == 0:  # a picture that is broken within a request that is not
            picture = broken((client.SAMPLES / rng.choice(pictures)).read_bytes(), rng)
            return client.request(client.chat(picture, max_tokens=1)), True
        if kind == 1:  # JSON
            return client.request(broken(client.chat("hello.png", max_tokens=1, lectern={"mode": "native"}), rng)), True
        if kind == 2:  # the head
            body = client.chat("hello.png", max_tokens=1)
            head, _, rest = client.request(body).partition(b"\r\n\r\n")
            return broken(head, rng) + b"\r\n\r\n" + rest, False
        name = "pages.pdf" if kind == 3 else rng.choice(pictures)
        body, type_ = form(broken((client.SAMPLES / name).read_bytes(), rng), name, max_tokens="1", pages="1")
        if kind == 4:
            body = broken(body, rng)
        return client.request(body, "/v1/documents", type_), True

    async def breaking(self, budget: list[int]):
        while self.running and budget[0] > 0:
            budget[0] -= 1
            request, is_whole = self.broken_request()
            # Some of those that promise more than they send hang on, until client or server gives up.
            half_close = self.random.random() < (0.1 if is_whole else 0.97)
            work = client.exchange(self.server.port, request, half_close)
            try:
                status, answer = await asyncio.wait_for(work, 10)
                if status == 201:
                    job = client.asking(f"/v1/documents/{json.loads(answer)['id']}", "DELETE")
                    await client.exchange(self.server.port, job)
            except asyncio.TimeoutError:
                status = 0
            self.statuses["broken"][status] += 1

    async def run(self, seconds: float, clients: int, broken_requests: int) -> list[dict]:
        """What the server held, over time. It goes on until all broken requests were sent, for four times as long at most."""
        budget = [broken_requests]
        kinds = [self.honest] * 4 + [self.watching, self.vanishing, self.half_closing, self.slow]
        tasks = [asyncio.create_task(kinds[i % len(kinds)]()) for i in range(clients)]
        breakers = [asyncio.create_task(self.breaking(budget)) for _ in range(max(4, clients // 4))]
        held, start = [], time.monotonic()
        while True:
            now = time.monotonic() - start
            held.append({"seconds": now, **self.server.held()})
            if now >= seconds and (all(task.done() for task in breakers) or now >= 4 * seconds):
                break
            await asyncio.sleep(min(5.0, seconds / 20))
        self.running = False
        for result in await asyncio.gather(*tasks, *breakers, return_exceptions=True):
            if isinstance(result, Exception):
                self.wrong.append(f"a client failed: {result!r}")
        return held
