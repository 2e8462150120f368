"""The page of `lectern serve`, in Debian's Chromium, with the model that ships.

    page_test.py LECTERN [--screenshots FOLDER]     the last line is "N passed, N failed, 0 skipped"

LECTERN may also be the address of a server that runs.
"""
import argparse
import contextlib
import io
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import traceback
import zipfile

import axe_playwright_python
import page_states
from playwright.sync_api import Browser, Page, expect, sync_playwright

SAMPLES = pathlib.Path("samples")
AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
WIDTHS = {360: 740, 768: 1024, 1440: 900}
PATIENCE = 120_000  # milliseconds, however slow the machine is
expect.set_options(timeout=PATIENCE)

HOSTILE = [
    ("text", "Look: <img src=x onerror=\"window.hit=1\"> and <svg onload='window.hit=2'> end"),
    ("text", "<script>window.hit=3</script>"),
    ("text", "[press](javascript:window.hit=4) <a href=\"javascript:window.hit=5\">here</a> [good](https://example.org/)"),
    ("table", "<table onclick=\"window.hit=6\"><tr><td style=\"position:fixed\">cell<img src=x onerror=window.hit=7></td></tr></table>"),
    ("text", "<iframe srcdoc=\"<script>parent.hit=8</script>\"></iframe><math><mi//xlink:href=\"data:x,1\">"),
    ("equation", "\\[\\href{javascript:window.hit=9}{x} + \\frac{1}{2}\\]"),
    ("text", "![picture](https://example.org/x.png) and </div></main><b>bold</b>"),
]


def hostile_page() -> dict:
    """As lectern-document/1, with every text that should stay text."""
    blocks = [{"label": label, "boxes": [[10, 10 + 90 * i, 900, 90 + 90 * i]], "raw_boxes": [], "text": text}
              for i, (label, text) in enumerate(HOSTILE)]
    blocks[0]["lines"] = [{"box": [10, 10, 900, 90], "text": "Look: end", "words": [
        {"box": [10, 10, 90, 90], "text": "Look:", "confidence": 0.31},
        {"box": [700, 10, 800, 90], "text": "end", "confidence": 0.99}]}]
    return {"number": 1, "width": 960, "height": 800, "blank": False, "mode": "native", "blocks": blocks, "confidence": 0.5,
            "raw": "<b>raw</b>", "tokens": {"vision": 1, "prompt": 1, "text": 9}, "warnings": [
                {"code": "doubtful", "message": "<img src=x onerror=window.hit=10>"}],
            "seconds": {"render": 0, "encode": 1, "prefill": 1, "decode": 1}}


class Server:
    def __init__(self, lectern: str, *options: str):
        self.process = None
        self.url = lectern
        if lectern.startswith("http://"):
            return
        self.data = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [lectern, "serve", "--port", "0", "--model", "models/primer", "--quiet", "--data", self.data.name, *options],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://"), line
        self.url = line.split()[-1]

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait() == 0
            self.data.cleanup()


@contextlib.contextmanager
def tab(browser: Browser, server: Server, **more):
    """A page of a browser that remembers nothing. Whatever goes wrong in it fails the test."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **more})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    wrong = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith((server.url + "/", "blob:" + server.url))
            else wrong.append("asked " + request.url))
    page.on("dialog", lambda dialog: (wrong.append("dialog " + dialog.message), dialog.dismiss()))
    page.goto(server.url + "/")
    expect(page.locator("#prompt option").nth(1)).to_be_attached()
    page.wrong = wrong
    try:
        yield page
        assert not wrong, wrong
    finally:
        context.close()


def choose(page: Page, *files):
    page.set_input_files("#files", files)


def wait_for_end(page: Page):
    expect(page.locator("#download")).to_be_visible()
    expect(page.locator(".block").first).to_be_visible()


def download(page: Page, format: str) -> tuple[str, bytes]:
    page.click("#download summary")
    with page.expect_download() as found:
        page.click(f"[data-format={format}]")
    return found.value.suggested_filename, pathlib.Path(found.value.path()).read_bytes()


def shown_text(page: Page) -> str:
    """Without what is there for screen readers alone."""
    return page.evaluate("""() => {
      const copy = document.querySelector('#panel').cloneNode(true);
      copy.querySelectorAll('.sr, .katex-mathml').forEach((node) => node.remove());
      return copy.textContent;
    }""")


def reads_a_picture(browser, server, _):
    with tab(browser, server) as page:
        choose(page, SAMPLES / "page.png")
        wait_for_end(page)
        assert "The Harbour Gazette" in page.locator("#panel h3").inner_text()
        assert page.locator("#panel table tr").count() >= 3
        expect(page.locator("#picture-image")).to_be_visible()
        assert page.locator("#picture-image").evaluate("image => image.complete && image.naturalWidth > 0")

        # Links both ways: pointing at a word marks its box, a click on a box marks its words.
        word = page.locator(".word", has_text="Gazette").first
        link = word.get_attribute("data-link")
        word.hover()
        expect(page.locator(f".word-box[data-link='{link}']")).to_have_class("word-box on")
        page.mouse.move(0, 0)
        other = page.locator(".word-box[data-link='1.0']")
        other.click()
        expect(page.locator(".word[data-link='1.0']")).to_have_class("word on")
        expect(page.locator(".block[data-link='1']")).to_have_class("block around")
        page.keyboard.press("Escape")
        expect(page.locator(".on")).to_have_count(0)

        # By keyboard: into the text, a block on, a word on.
        page.locator(".block").first.focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.dataset.link") == "1"
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.dataset.link") == "1.0"
        expect(page.locator(".word-box[data-link='1.0']")).to_have_class("word-box on")

        page.keyboard.press("2")
        expect(page.locator("#panel .source")).to_contain_text("# The Harbour Gazette")
        page.keyboard.press("3")
        assert json.loads(page.locator("#panel .source").inner_text())["blocks"]
        page.keyboard.press("4")
        expect(page.locator("#panel .source")).to_contain_text("The Harbour Gazette")
        page.keyboard.press("1")

        name, bytes_ = download(page, "md")
        assert name == "page.md" and b"# The Harbour Gazette" in bytes_, (name, bytes_)
        name, bytes_ = download(page, "json")
        assert json.loads(bytes_)["pages"][0]["blocks"], name
        name, bytes_ = download(page, "pdf")
        assert name == "page.pdf" and bytes_.startswith(b"%PDF-"), name


def reads_a_pdf(browser, server, _):
    with tab(browser, server) as page:
        choose(page, SAMPLES / "pages.pdf")
        wait_for_end(page)
        expect(page.locator("#page-count")).to_have_text("of 2")
        page.locator("#viewer-title").focus()
        first = page.locator("#page-number").input_value()
        page.keyboard.press("p" if first == "2" else "n")
        expect(page.locator("#page-number")).to_have_value("1" if first == "2" else "2")
        expect(page.locator(".block").first).to_be_visible()
        name, bytes_ = download(page, "txt")
        assert name == "pages.txt" and len(bytes_) > 20, name
        name, bytes_ = download(page, "zip")
        names = zipfile.ZipFile(io.BytesIO(bytes_)).namelist()
        for ending in (".md", ".txt", ".json", ".html", ".hocr", ".pdf"):
            assert any(entry.endswith(ending) for entry in names), names
        # What is shown stands in the address.
        page.reload()
        wait_for_end(page)


def keeps_a_history(browser, server, _):
    with tab(browser, server) as page:
        choose(page, SAMPLES / "hello.png", SAMPLES / "sign.png")
        wait_for_end(page)
        expect(page.locator("#document-list li")).to_have_count(2)
        page.goto(server.url + "/")
        expect(page.locator("#document-list li")).to_have_count(2)
        expect(page.locator("#documents")).to_contain_text("hello.png")
        page.get_by_role("button", name="Delete hello.png").click()
        page.locator("#remove-dialog button[value=yes]").click()
        expect(page.locator("#document-list li")).to_have_count(1)
        page.reload()
        expect(page.locator("#document-list li")).to_have_count(1)
        expect(page.locator("#documents")).not_to_contain_text("hello.png")
        # One that was deleted elsewhere goes from the list.
        ids = page.evaluate("JSON.parse(localStorage['lectern.documents'])")
        page.request.delete(f"{server.url}/v1/documents/{ids[0]}")
        page.wrong.clear()
        page.reload()
        while page.evaluate("localStorage['lectern.documents']") != "[]":
            page.wait_for_timeout(50)
        expect(page.locator("#documents")).to_be_hidden()
        page.wrong[:] = [text for text in page.wrong if "404" not in text]  # the browser's own note


def takes_drops_and_pastes(browser, server, _):
    with tab(browser, server) as page:
        for kind in ("drop", "paste"):
            page.evaluate("""async ([kind, bytes]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, {type: 'image/png'}));
              document.dispatchEvent(kind === 'drop'
                ? new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})
                : new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
            }""", [kind, list((SAMPLES / "hello.png").read_bytes())])
            expect(page.locator("#document-list")).to_contain_text(f"{kind}.png")
        wait_for_end(page)


def shows_hostile_text_as_text(browser, server, _):
    data = hostile_page()
    with tab(browser, server) as page:
        page.route("**/v1/documents/*/pages/1", lambda route: route.fulfill(json={
            "object": "document.page", "number": 1, "state": "done", "error": None, "page": data,
            "markdown": "<script>window.hit=11</script>", "text": "text"}))
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "<img src=x onerror=window.hit=12>.png")
            file.write_bytes((SAMPLES / "hello.png").read_bytes())
            choose(page, file)
            wait_for_end(page)
        expect(page.locator(".katex").first).to_be_visible()
        text = shown_text(page)
        for piece in ("<img src=x onerror=\"window.hit=1\">", "<svg onload='window.hit=2'>", "<script>window.hit=3</script>",
                      "[press](javascript:window.hit=4)", "<a href=\"javascript:window.hit=5\">here</a>",
                      "<img src=x onerror=window.hit=7>", "<iframe srcdoc="):
            assert piece in text, (piece, text)
        assert page.locator("#panel :is(img, script, svg[onload], iframe, [onclick], [style*=fixed])").count() == 0
        assert page.locator("#panel a").evaluate_all("links => links.map(link => link.href)") == [
            "https://example.org/", "https://example.org/x.png"]
        expect(page.locator("#viewer-title")).to_have_text("<img src=x onerror=window.hit=12>.png")
        # A doubtful word says so in words.
        expect(page.locator(".doubt")).to_have_count(1)
        assert "doubtful, 31" in page.locator(".doubt").inner_text() or "doubtful, 31" in page.locator(".doubt").text_content()
        for view in "234":
            page.locator("#viewer-title").focus()
            page.keyboard.press(view)
            expect(page.locator("#panel .source")).to_be_visible()
        assert page.evaluate("window.hit") is None
        axe(page, "hostile text")


def axe(page: Page, where: str):
    page.evaluate(AXE)
    for violation in page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]:
        nodes = [node["html"][:200] + " " + node.get("failureSummary", "")[:300] for node in violation["nodes"][:3]]
        raise AssertionError(f"axe, {where}: {violation['id']}: {violation['help']}: {nodes}")


def look_at(page: Page, name: str, widths: dict[int, int], options):
    """At these widths, in both themes: nothing scrolls sideways, and axe finds nothing."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width, height in widths.items():
            page.set_viewport_size({"width": width, "height": height})
            where = f"{name}, {width} px, {scheme}"
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"{where}: scrolls sideways by {over} px"
            axe(page, where)
            if options.screenshots:
                page.screenshot(path=pathlib.Path(options.screenshots, f"{name}-{width}-{scheme}.png"))


def shows_every_state(browser, server, options):
    narrow_and_wide = {360: 740, 1440: 900}
    with tab(browser, server) as page:
        page_states.serve_states(page, str(SAMPLES / "page.png"))

        def open_(where: str):
            page.goto(f"{server.url}/{where}")
            page.reload()

        open_("")
        expect(page.locator("#document-list li")).to_have_count(4)
        look_at(page, "history", narrow_and_wide, options)
        open_(f"#{page_states.DONE}/2")
        expect(page.locator(".doubt")).to_have_count(2)
        expect(page.locator(".katex").first).to_be_visible()
        look_at(page, "table-and-formula", narrow_and_wide, options)
        open_(f"#{page_states.READING}/6")
        expect(page.locator(".live")).to_contain_text("The chairman")
        # What came before is no speed.
        expect(page.locator("#viewer-facts")).not_to_contain_text("/s")
        look_at(page, "reading", narrow_and_wide, options)
        open_(f"#{page_states.FAILED}")
        expect(page.locator("#viewer-notes")).to_contain_text("scan it again")
        expect(page.locator("#pair")).to_be_hidden()
        look_at(page, "failed", narrow_and_wide, options)


def is_for_everybody(browser, server, options):
    with tab(browser, server) as page:
        def look(name, widths):
            look_at(page, name, widths, options)

        look("start", WIDTHS)
        page.click("#options summary")
        look("options", {360: 740, 1440: 900})
        choose(page, SAMPLES / "page.png")
        wait_for_end(page)
        look("document", WIDTHS)
        page.keyboard.press("?")
        expect(page.locator("#help-dialog")).to_be_visible()
        look("keys", {360: 740})
        page.keyboard.press("Escape")
        # The switch overrides the system.
        page.emulate_media(color_scheme="light")
        page.click("#theme-button")
        page.click("#theme-button")
        page.reload()
        assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
        # The first stop of the tab key leads past the head.
        page.goto(server.url + "/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def says_what_is_wrong(browser, server, _):
    with tab(browser, server) as page, tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "broken.png")
        file.write_bytes((SAMPLES / "hello.png").read_bytes()[:60])
        choose(page, file)
        row = page.locator("#document-list li", has_text="broken.png")
        expect(row).to_have_class("failed")
        words = row.locator(".facts").inner_text()
        assert len(words) > 10 and "undefined" not in words, words
        page.wrong[:] = [text for text in page.wrong if "status of 4" not in text]  # the browser's own note of the answer


def opens_an_encrypted_pdf(browser, server, _):
    with tab(browser, server) as page:
        choose(page, pathlib.Path("tests/data/pdf/user-and-owner-aes256.pdf"))
        row = page.locator("#document-list li.failed")
        expect(row).to_contain_text("give its password")
        page.goto(server.url + "/")
        page.click("#options summary")
        page.fill("#password", "sesame")
        choose(page, pathlib.Path("tests/data/pdf/user-and-owner-aes256.pdf"))
        expect(page.locator("#document-list li:not(.failed)")).to_contain_text("Read")
        assert page.evaluate("JSON.stringify([localStorage, sessionStorage])").find("sesame") < 0
        page.wrong.clear()  # the browser's own notes of the picture of what failed


def says_that_the_server_is_gone(browser, server, _):
    with tab(browser, server) as page:
        page.route("**/v1/documents", lambda route: route.abort())
        choose(page, SAMPLES / "hello.png")
        row = page.locator("#document-list li", has_text="hello.png")
        expect(row).to_contain_text("does not answer")
        page.unroute("**/v1/documents")
        page.wrong.clear()  # the browser's own note of the connection


def asks_for_the_key(browser, _, options):
    with tempfile.NamedTemporaryFile("w") as keys:
        keys.write("open-sesame\n")
        keys.flush()
        server = Server(options.lectern, "--api-key-file", keys.name)
        try:
            context = browser.new_context()
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(server.url + "/")
            expect(page.locator("#key-dialog")).to_be_visible()
            page.fill("#key-input", "wrong")
            page.keyboard.press("Enter")
            expect(page.locator("#key-error")).to_contain_text("keys")
            page.fill("#key-input", "open-sesame")
            page.keyboard.press("Enter")
            expect(page.locator("#key-dialog")).to_be_hidden()
            choose(page, SAMPLES / "hello.png")
            wait_for_end(page)
            expect(page.locator("#picture-image")).to_be_visible()
            assert download(page, "txt")[1]
            assert page.evaluate("JSON.stringify(localStorage)").find("sesame") < 0
            page.reload()  # the tab remembers it
            wait_for_end(page)
            context.close()
        finally:
            server.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("lectern")
    parser.add_argument("--screenshots")
    options = parser.parse_args()
    if options.screenshots:
        pathlib.Path(options.screenshots).mkdir(parents=True, exist_ok=True)
    tests = [reads_a_picture, reads_a_pdf, keeps_a_history, takes_drops_and_pastes, shows_hostile_text_as_text,
             shows_every_state, is_for_everybody, says_what_is_wrong, opens_an_encrypted_pdf, says_that_the_server_is_gone]
    if not options.lectern.startswith("http://"):
        tests.append(asks_for_the_key)
    passed = failed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium",
                                             args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        server = Server(options.lectern)
        try:
            for test in tests:
                try:
                    test(browser, server, options)
                    passed += 1
                    print("ok    ", test.__name__, flush=True)
                except Exception:
                    failed += 1
                    print("FAILED", test.__name__, flush=True)
                    traceback.print_exc(file=sys.stdout)
        finally:
            browser.close()
            server.close()
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
