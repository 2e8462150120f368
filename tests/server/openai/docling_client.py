"""docling's request to a remote model and its reader of DeepSeek-OCR's format, with the options of its own preset
DEEPSEEKOCR_OLLAMA but for address and model, against `lectern serve`: scripts/test_docling.sh."""
import collections
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from docling.datamodel.vlm_model_specs import DEEPSEEKOCR_OLLAMA
from docling.utils.api_image_request import api_image_request
from docling.utils.deepseekocr_utils import parse_deepseekocr_markdown
from docling_core.types.doc.base import Size
from PIL import Image


def main() -> int:
    folder = tempfile.mkdtemp(prefix="lectern-docling-")
    server = subprocess.Popen([sys.argv[1], "serve", "--port", "0", "--model", "models/primer", "--quiet", "--data", f"{folder}/data"],
                              stdout=subprocess.PIPE, text=True)
    passed = False
    url = server.stdout.readline().split()[-1] + "/v1/chat/completions"
    try:
        picture = Image.open(pathlib.Path("samples/page.png"))
        params = {**DEEPSEEKOCR_OLLAMA.params, "model": "primer", "temperature": DEEPSEEKOCR_OLLAMA.temperature}
        answer = api_image_request(picture, DEEPSEEKOCR_OLLAMA.prompt, url, timeout=120, **params)
        assert answer.error is None, answer.error
        assert answer.text and "<|" not in answer.text, answer.text
        document = parse_deepseekocr_markdown(answer.text, Size(width=picture.width, height=picture.height), 1)
        # The model that ships writes no layout tags, of which docling makes its document: the words are in the answer.
        assert document.pages[1].size.width == picture.width
        written = subprocess.run([sys.argv[1], "read", "--quiet", "--raw", "--model", "models/primer", "samples/page.png"],
                                 check=True, capture_output=True, text=True).stdout
        assert answer.text.split() == re.sub(r"<\|.*?\|>", "", written).split(), (answer.text, written)
        words = pathlib.Path("samples/page.txt").read_text(encoding="utf-8").split()
        wrong = sum((collections.Counter(words) - collections.Counter(answer.text.split())).values())
        print(f"docling got what lectern read writes; {wrong} of the {len(words)} words of the page are not in it")
        passed = wrong <= len(words) // 20
    finally:
        server.send_signal(signal.SIGTERM)
        passed = server.wait() == 0 and passed
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{int(passed)} passed, {int(not passed)} failed, 0 skipped")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
