"""Documents as the server would give them, in the states that a page of the model's own does not come to at will: a long
name, a table and a formula, doubtful words, several pages, one that is read, one that waits, one that failed."""
import json
import time

from playwright.sync_api import Page

LONG_NAME = "Protokoll der 47. ordentlichen Hauptversammlung der Vereinigten Wasserwerke_final_v3_unterschrieben(2).pdf"
READING, DONE, FAILED, WAITING = (f"doc_{letter * 32}" for letter in "abcd")
WORDS = [("Measurements", 0.98), ("were", 0.99), ("taken", 0.71), ("between", 0.97), ("March", 0.42), ("and", 0.99),
         ("September,", 0.95), ("twice", 0.99), ("a", 0.99), ("day.", 0.98)]
TABLE = ("<table><tr><th>Station</th><th>Depth, m</th><th>Temperature, °C</th><th>Conductivity, S/m</th><th>Remarks</th></tr>"
         + "".join(f"<tr><td>St. {i}</td><td>{1000 * i}</td><td>{12.5 - i:.2f}</td><td>{3 + i / 10:.3f}</td>"
                   "<td>calibrated twice, before and after</td></tr>" for i in range(1, 6)) + "</table>")


def block(label: str, box: list[int], text: str, **more) -> dict:
    return {"label": label, "boxes": [box], "raw_boxes": [], "text": text, **more}


def page_json(number: int) -> dict:
    """As lectern-document/1."""
    words = [{"box": [80 + 80 * i, 110, 150 + 80 * i, 150], "text": text, "confidence": confidence}
             for i, (text, confidence) in enumerate(WORDS)]
    line = " ".join(text for text, _ in WORDS)
    return {"number": number, "width": 1240, "height": 1754, "blank": False, "mode": "native", "confidence": 0.91,
            "raw": line, "tokens": {"vision": 256, "prompt": 10, "text": 812},
            "warnings": [{"code": "doubtful", "message": "2 words of this page are doubtful"}],
            "seconds": {"render": 0.1, "encode": 1, "prefill": 0.4, "decode": 11},
            "blocks": [block("title", [80, 40, 900, 90], "# On the Conductivity of Sea Water"),
                       block("text", [80, 110, 920, 240], line,
                             lines=[{"box": [80, 110, 920, 150], "text": line, "words": words}]),
                       block("equation", [200, 270, 800, 330], "\\[ \\sigma(T, p) = \\sigma_0 \\left(1 + \\alpha (T - T_0)"
                             "\\right) e^{-p / p_0} + \\sum_{k=1}^{n} \\frac{c_k}{k!}\\,(T - T_0)^k \\]"),
                       block("table", [80, 360, 920, 640], TABLE),
                       block("text", [80, 680, 920, 900], "Conductivity falls:\n\n- with temperature,\n- with depth.")]}


def job(id_: str, status: str, name: str, pages: int | None, done: int, error: dict | None = None) -> dict:
    ended, now = status in ("completed", "failed"), int(time.time())
    return {"object": "document", "id": id_, "status": status, "name": name, "model": "primer", "options": {},
            "created": now - 90, "started": None if status == "queued" else now - 80, "finished": now - 5 if ended else None,
            "pages": pages, "done": done, "failed_pages": 0, "error": error, "expires": now + 600_000 if ended else None}


def jobs() -> dict[str, dict]:
    error = {"message": "torn scan.tif: not a picture: its end is missing; scan it again", "code": "invalid_document"}
    all_ = [job(READING, "running", LONG_NAME, 12, 5), job(DONE, "completed", "report.pdf", 3, 3),
            job(FAILED, "failed", "torn scan.tif", None, 0, error), job(WAITING, "queued", "IMG_2041.HEIC", None, 0)]
    return {made["id"]: made for made in all_}


def events(made: dict) -> str:
    told = [("job", made), ("page", {"number": 6, "state": "reading"}), ("text", {"number": 6, "restart": True}),
            ("text", {"number": 6, "text": "The chairman opened the meeting at ten o'clock.\n\nHe noted that the inv"})]
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in told)


def serve_states(page: Page, picture: str):
    """Answers for the server, and puts all of the documents into the browser's history."""
    made = jobs()

    def answer(route):
        id_, _, rest = route.request.url.split("/v1/documents/")[1].partition("/")
        if id_ not in made:
            return route.continue_()
        if not rest:
            return route.fulfill(json=made[id_])
        if rest == "events":
            return route.fulfill(content_type="text/event-stream", body=events(made[id_]))
        if "/picture" in rest:
            return route.fulfill(path=picture, content_type="image/png")
        number = int(rest.removeprefix("pages/"))
        return route.fulfill(json={"object": "document.page", "number": number, "state": "done", "error": None,
                                   "page": page_json(number), "markdown": "# On", "text": "On"})

    page.route("**/v1/documents/**", answer)
    page.evaluate("ids => localStorage.setItem('lectern.documents', JSON.stringify(ids))", list(made))
