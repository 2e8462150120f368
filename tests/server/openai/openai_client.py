"""OpenAI's own packages against `lectern serve` with the model that ships.

    openai_client.py LECTERN                  that of PyPI; the last line is "N passed, N failed, 0 skipped"
    openai_client.py LECTERN --node FOLDER    that of npm, which is in FOLDER
"""
import asyncio
import base64
import json
import pathlib
import signal
import subprocess
import sys
import shutil
import tempfile
import traceback

import openai

SAMPLES = pathlib.Path("samples")
FILES = ["hello.png", "note.jpg", "sign.png", "ticket.png"]


class Server:
    def __init__(self, lectern: str, *options: str):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [lectern, "serve", "--port", "0", "--model", "models/primer", "--quiet",
             "--data", f"{self.folder.name}/data", *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://"), line
        self.url = line.split()[-1] + "/v1"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait() == 0
        self.folder.cleanup()

    def client(self, key="none", kind=openai.OpenAI):
        return kind(base_url=self.url, api_key=key, max_retries=0)


def part(name: str) -> dict:
    digits = base64.b64encode((SAMPLES / name).read_bytes()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/{name[-3:]};base64,{digits}"}}


def request(*names: str, **more) -> dict:
    return {"model": "primer", "messages": [{"role": "user", "content": [part(name) for name in names]}], **more}


def raw(lectern: str, name: str) -> str:
    return subprocess.run([lectern, "read", "--quiet", "--raw", "--model", "models/primer", str(SAMPLES / name)],
                          check=True, capture_output=True).stdout.decode()


def whole_answers(lectern, server):
    client = server.client()
    assert [model.id for model in client.models.list()] == ["primer"]
    assert client.models.retrieve("primer").object == "model"
    for name in FILES:
        answer = client.chat.completions.create(**request(name))
        assert answer.choices[0].message.content == raw(lectern, name), name
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
        assert answer._request_id


def streams(lectern, server):
    text, usage, reason = "", None, None
    for event in server.client().chat.completions.create(
            **request("note.jpg", stream=True, stream_options={"include_usage": True})):
        usage = event.usage or usage
        for choice in event.choices:
            text += choice.delta.content or ""
            reason = choice.finish_reason or reason
    assert text == raw(lectern, "note.jpg")
    assert reason == "stop"
    assert usage.completion_tokens > 0


def options(lectern, server):
    client = server.client()
    cut = client.chat.completions.create(**request("note.jpg", max_completion_tokens=5))
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage.completion_tokens == 5
    native = {"lectern": {"mode": "native"}}
    sure = client.chat.completions.create(**request("hello.png", logprobs=True, extra_body=native))
    assert len(sure.choices[0].logprobs.content) == sure.usage.completion_tokens
    plain = client.chat.completions.create(**request("hello.png", extra_body={"lectern": {"text": "plain"}}))
    assert plain.choices[0].message.content.strip()


def responses(lectern, server):
    client = server.client()
    picture = part("note.jpg")["image_url"]["url"]
    given = {"model": "primer", "input": [{"role": "user", "content": [
        {"type": "input_image", "detail": "auto", "image_url": picture}, {"type": "input_text", "text": "free"}]}]}
    answer = client.responses.create(**given)
    assert answer.output_text == raw(lectern, "note.jpg")
    assert answer.status == "completed" and answer.error is None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    text, events = "", []
    for event in client.responses.create(**given, stream=True):
        events.append(event.type)
        text += event.delta if event.type == "response.output_text.delta" else ""
    assert text == answer.output_text
    assert events[0] == "response.created" and events[-1] == "response.completed", events
    with client.responses.stream(**given) as stream:  # which puts the response together from its events
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == text
    cut = client.responses.create(**given, max_output_tokens=5)
    assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens"
    sure = client.responses.create(**given, include=["message.output_text.logprobs"],
                                   extra_body={"lectern": {"mode": "native"}})
    assert len(sure.output[0].content[0].logprobs) == sure.usage.output_tokens


def many_at_once(lectern, server):
    expected = {name: raw(lectern, name) for name in FILES}

    async def ask(client, name, stream):
        if not stream:
            return (await client.chat.completions.create(**request(name))).choices[0].message.content
        text = ""
        async for event in await client.chat.completions.create(**request(name, stream=True)):
            text += event.choices[0].delta.content or ""
        return text

    async def run():
        async with server.client(kind=openai.AsyncOpenAI) as client:
            names = FILES * 4
            texts = await asyncio.gather(*(ask(client, name, i % 2 == 0) for i, name in enumerate(names)))
            for name, text in zip(names, texts):
                assert text == expected[name], name

    asyncio.run(run())


def leaves_early(_lectern, server):
    client = server.client()
    with client.chat.completions.create(**request("page.png", stream=True)) as stream:
        next(iter(stream))
    assert client.chat.completions.create(**request("hello.png")).choices[0].message.content


def errors(_lectern, server):
    client = server.client()

    def refused(kind, **changes):
        try:
            client.chat.completions.create(**{**request("hello.png"), **changes})
        except kind as error:
            return error.body
        raise AssertionError(f"{changes} was taken")

    assert refused(openai.NotFoundError, model="gpt")["code"] == "model_not_found"
    assert refused(openai.BadRequestError, n=2)["param"] == "n"
    assert refused(openai.BadRequestError, extra_body={"top_k": 3})["param"] == "top_k"
    assert refused(openai.BadRequestError, messages=[{"role": "system", "content": "x"}])["param"] == "messages[0].role"
    broken = {"type": "image_url", "image_url": {"url": "data:image/png;base64,bm8gcGljdHVyZQ=="}}
    body = refused(openai.APIStatusError, messages=[{"role": "user", "content": [broken]}])
    assert "not a picture" in body["message"], body


def keys(lectern, _server):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("secret\n")
        file.flush()
        with Server(lectern, "--api-key-file", file.name) as guarded:
            assert list(guarded.client("secret").models.list())
            try:
                guarded.client("wrong").models.list()
            except openai.AuthenticationError as error:
                assert error.body["code"] == "invalid_api_key", json.dumps(error.body)
            else:
                raise AssertionError("a wrong key was taken")


def node(lectern, server):
    script = pathlib.Path(sys.argv[3]) / "openai_client.mjs"  # node looks for packages where the script is
    shutil.copy(pathlib.Path(__file__).with_suffix(".mjs"), script)
    done = subprocess.run(["node", script, server.url, SAMPLES / "ticket.png"], check=True, capture_output=True)
    got = json.loads(done.stdout)
    expected = raw(lectern, "ticket.png")
    for name in ["whole", "streamed", "response", "response_streamed"]:
        assert got[name] == expected, name
    assert got["models"] == ["primer"] and got["reason"] == "stop" and got["tokens"] > 0, got
    assert got["events"][0] == "response.created" and got["events"][-1] == "response.completed", got
    assert got["refusal"] == {"kind": "NotFoundError", "code": "model_not_found", "status": 404}, got


def main() -> int:
    lectern = sys.argv[1]
    tests = [node] if "--node" in sys.argv else [whole_answers, streams, options, responses, many_at_once, leaves_early,
                                                 errors, keys]
    failed = 0
    with Server(lectern) as server:
        for test in tests:
            try:
                test(lectern, server)
                print(f"ok      {test.__name__}")
            except Exception:  # all are shown, and counted
                failed += 1
                print(f"FAILED  {test.__name__}\n{traceback.format_exc()}")
    print(f"{len(tests) - failed} passed, {failed} failed, 0 skipped")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
