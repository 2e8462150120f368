#!/usr/bin/python3
"""Holds the order of the folders of src/ (docs/architecture.md): a file includes only from its own folder or
from one before it; folders of one rank do not include each other. Public headers (include/lectern/) may be included
by all and include nothing but each other. A test lies where its subject lies: tests/FOLDER/x_test.cpp
belongs to an x.h or x.cpp in src/FOLDER; a source file without a test of its name is listed with the reason.
Strings outside of cli/ name settings ("use a smaller `mode`"), not options of the command line.
CONTRIBUTING.md shows the same floors, docs/architecture.md has a row for every room, docs/environment.md one for every
variable of the environment that src/ reads, and docs/devices.md names what every lowering is made of.

    check_layers.py [--root DIR]     prints every violation; ends with 1 if there is one
    check_layers.py --self-test      shows that each kind of violation is found
"""
import argparse
import pathlib
import re
import sys
import tempfile

# One line a floor; rooms of one floor do not include each other.
FLOORS = [
    ["core"],
    ["pdf_helper", "device", "image"],
    ["lines", "layout", "hub", "checkpoint"],
    ["vision", "language"],
    ["engine", "input", "output"],
    ["reading", "diagnose"],
    ["job"],
    ["server"],
    ["cli"],
]
RANK = {room: rank for rank, floor in enumerate(FLOORS) for room in floor}
# What names no device: of src/device/ these include only what lies in that folder itself or in its operators/.
ANY_DEVICE = {"checkpoint", "vision", "language", "engine", "reading", "job", "server"}
# Folders of tests/ that hold no mirrored tests.
TESTS_EXEMPT = {"fuzz", "data", "support", "fake_cann"}
# Tests without a single file as their subject, each with the reason.
TESTS_ALLOWED: dict[str, str] = {
    "tests/cli/interrupted_read_test.cpp": "`lectern read` interrupted, killed, and gone on with",
    "tests/cli/read_on_devices_test.cpp": "`lectern read` on cards, over ranks, with processes of its own",
    "tests/engine/ascend_goldens_test.cpp": "the whole model on a card against the reference",
    "tests/engine/company_test.cpp": "sequences in random company against each alone, down to the kernels",
    "tests/engine/deepseek_ocr_2_test.cpp": "the whole of DeepSeek-OCR-2 against the reference",
    "tests/engine/goldens_test.cpp": "the whole model against the reference",
    "tests/engine/parallel_goldens_test.cpp": "the whole model as several ranks against one",
    "tests/engine/unlimited_ocr_test.cpp": "the whole of Unlimited-OCR against the reference",
    "tests/input/broken_pdf_test.cpp": "files against the reader, the helper and poppler together",
    "tests/reading/worker/lost_worker_test.cpp": "processes of models that die, hang and talk nonsense",
}

# Sources that no test of their name covers, each with what covers them.
UNTESTED: dict[str, str] = {
    "src/checkpoint/safetensors_writer.cpp": "checkpoint_test and trace_test read what it writes",
    "src/checkpoint/weights.cpp": "checkpoint_test and goldens_test load every weight through it",
    "src/cli/bench/bench_report.cpp": "bench_test",
    "src/cli/bench/decoding.cpp": "bench_test",
    "src/cli/commands/quantize.cpp": "engine/quantize_test and cli/read_test",
    "src/cli/doctor/doctor_report.cpp": "doctor_test",
    "src/cli/doctor/doctor_times.cpp": "doctor_test",
    "src/cli/help/definitions.cpp": "completion_test and manual_test print all of it",
    "src/cli/live_text.cpp": "read_test reads the terminal",
    "src/cli/main.cpp": "every test of cli runs it",
    "src/cli/model_options.cpp": "read_test and models_test",
    "src/cli/output_options.cpp": "read_test and convert_test",
    "src/cli/progress_line.cpp": "read_test",
    "src/core/files/json_file.cpp": "config_test and the fuzzer of safetensors",
    "src/device/ascend/probe.cpp": "ascend_device_test",
    "src/device/ascend/runtime/errors.cpp": "session_test",
    "src/device/ascend/runtime/functions.cpp": "library_test",
    "src/device/ascend/runtime/prototypes.cpp": "library_test",
    "src/device/ascend/runtime/repeated_calls.cpp": "session_test",
    "src/device/ascend/runtime/session_copies.cpp": "session_test",
    "src/device/ascend/runtime/session_memory.cpp": "session_test",
    "src/device/ascend/runtime/staging.cpp": "session_test",
    "src/device/cpu/attention/bf16_cache_attention.cpp": "cache_attention_test",
    "src/device/cpu/attention/bf16_encoder_attention.cpp": "encoder_attention_test",
    "src/device/cpu/cpu_device.cpp": "device_test",
    "src/device/cpu/matmul/bf16_products.cpp": "panel_products_test",
    "src/device/cpu/matmul/float_products.cpp": "panel_products_test and linear_test",
    "src/device/cpu/matmul/int8_products.cpp": "panel_products_test",
    "src/device/cpu/peak.cpp": "measures",
    "src/device/cpu/reference/dense_primitives.cpp": "tests of device/lowering",
    "src/device/cpu/reference/strided_primitives.cpp": "tests of device/lowering",
    "src/device/lowering/lowerings.cpp": "operator_table_test",
    "src/device/cases/operator_cases.cpp": "diagnose/operator_check_test",
    "src/device/cases/operator_trial.cpp": "diagnose/operator_check_test",
    "src/device/cases/row_cases.cpp": "diagnose/operator_check_test",
    "src/engine/guard/token_classes.cpp": "guard_test",
    "src/engine/model_runner.cpp": "engine_test and goldens_test run through it",
    "src/image/vips_start.cpp": "picture_file_test",
    "src/input/input_file.cpp": "inputs_test and page_source_test",
    "src/job/run_prompt.cpp": "documents_test reads with every kind of prompt",
    "src/language/added_tokens.cpp": "tokenizer_test",
    "src/language/pre_tokenizer.cpp": "tokenizer_test",
    "src/job/page_preparation.cpp": "documents_test",
    "src/lines/pix.cpp": "deskew_test and grey_picture_test",
    "src/output/box_drawing.cpp": "boxes_writer_test",
    "src/output/html/html_page.cpp": "html_writer_test",
    "src/output/output_file.cpp": "writer_test",
    "src/output/page_note.cpp": "tests of the writers",
    "src/output/pdf/glyphless_font.cpp": "pdf_writer_test",
    "src/output/pdf/pdf_document.cpp": "pdf_writer_test",
    "src/output/pdf/pdf_text.cpp": "pdf_writer_test",
    "src/output/pdf/spool.cpp": "pdf_writer_test",
    "src/pdf_helper/assembly/assembly.cpp": "input/pdf_assembly_test",
    "src/pdf_helper/assembly/bookmarks.cpp": "input/pdf_assembly_test",
    "src/pdf_helper/breakout.cpp": "confinement_test runs it",
    "src/pdf_helper/document_facts.cpp": "input/pdf_file_test",
    "src/pdf_helper/assembly/drawn_notes.cpp": "input/pdf_assembly_test",
    "src/pdf_helper/assembly/form_fields.cpp": "input/pdf_assembly_test",
    "src/pdf_helper/missing_glyphs.cpp": "input/pdf_file_test",
    "src/pdf_helper/main.cpp": "input/pdf_helper_test and broken_pdf_test run it",
    "src/pdf_helper/assembly/hidden_text.cpp": "input/pdf_assembly_test",
    "src/pdf_helper/open_by_qpdf.cpp": "input/pdf_assembly_test",
    "src/pdf_helper/passwords.cpp": "input/pdf_file_test",
    "src/pdf_helper/reports.cpp": "input/pdf_file_test",
    "src/pdf_helper/assembly/seen_text.cpp": "input/pdf_assembly_test",
    "src/pdf_helper/short_pictures.cpp": "input/pdf_file_test",
    "src/reading/page_readers.cpp": "job/documents_test reads the samples line by line, the mini model whole",
    "src/server/openai/picture_request.cpp": "chat_request_test and responses_request_test",
    "src/server/openai/answer_form.cpp": "chat_answer_test and responses_answer_test",
    "src/server/openai/answer_json.cpp": "chat_answer_test and responses_answer_test",
    "src/server/openai/picture_answer.cpp": "openai_api_test",
    "src/server/documents/job_source.cpp": "documents_test",
    "src/input/first_page.cpp": "image_test",
    "src/server/documents/job_json.cpp": "documents_test",
    "src/server/documents/store/sqlite.cpp": "document_store_test",
    "src/server/documents/task_queue.cpp": "documents_test",
    "src/vision/deep_encoder/clip.cpp": "goldens_test",
    "src/vision/deep_encoder/deep_encoder.cpp": "vision/encoder_test",
    "src/vision/deep_encoder_2/qwen2.cpp": "deep_encoder_2_test",
    "src/vision/sam.cpp": "goldens_test",
}

# Programs of their own, whose options are theirs.
OPTIONS_ALLOWED = {"cli", "pdf_helper"}
OPTION = re.compile(r'"(?:[^"\\\n]|\\.)*?(?<![-!<])(--[a-z][a-z-]+)')

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path: pathlib.Path):
    """-> line number, whether quoted, name."""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1] == '"', match[2]


def sources(folder: pathlib.Path):
    return sorted(p for suffix in ("*.h", "*.cpp") for p in folder.rglob(suffix))


def include_error(folder: str, quoted: bool, name: str, root: pathlib.Path) -> str | None:
    """What is wrong with an include in a file of src/FOLDER, or of include/ when FOLDER is 'public'."""
    target = name.split("/")[0]
    if ".." in name.split("/"):
        return "write the path from src/, without '..'"
    if target == "lectern":
        generated = (root / "include" / f"{name}.in").exists()
        return None if generated or (root / "include" / name).exists() else f"there is no include/{name}"
    if target not in RANK:
        if quoted and "/" not in name:
            return "write the path from src/"
        return None  # another library
    if not quoted:
        return "put Lectern's own headers in quotes"
    if not (root / "src" / name).exists():
        return f"there is no src/{name}"
    if folder == "public":
        return "a public header includes only public headers"
    if target == "device" and folder in ANY_DEVICE and name.count("/") > 1 and not name.startswith("device/operators/"):
        return f"{folder} runs on any device and names none"
    if target == folder or RANK[target] < RANK[folder]:
        return None
    beside = RANK[target] == RANK[folder]
    return f"{folder} and {target} do not include each other" if beside else f"{folder} comes before {target}"


def check(root: pathlib.Path, untested: dict[str, str]) -> list[str]:
    errors = []
    for base in ("include", "src"):
        for path in sources(root / base):
            parts = path.relative_to(root / base).parts
            folder = "public" if base == "include" else parts[0]
            if base == "src" and (len(parts) < 2 or folder not in RANK):
                errors.append(f"{path.relative_to(root)}: lies in none of the folders {', '.join(RANK)}")
                continue
            for line, quoted, name in includes(path):
                if error := include_error(folder, quoted, name, root):
                    errors.append(f"{path.relative_to(root)}:{line}: includes {name}: {error}")
            if base == "src" and folder not in OPTIONS_ALLOWED:
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                    if match := OPTION.search(line.split("//")[0]):
                        errors.append(f"{path.relative_to(root)}:{number}: names the option {match[1]}; name the setting"
                                      " in back quotes (cli/settings.cpp)")
    for path in sources(root / "tests"):
        parts = path.relative_to(root / "tests").parts
        shown = str(path.relative_to(root))
        errors += [f"{shown}:{line}: includes {name}: write the path from src/ or tests/, without '..'"
                   for line, _, name in includes(path) if ".." in name.split("/")]
        if parts[0] in TESTS_EXEMPT or shown in TESTS_ALLOWED or not path.name.endswith("_test.cpp"):
            continue
        subject = path.name.removesuffix("_test.cpp")
        if parts[0] not in RANK or len(parts) < 2:
            errors.append(f"{shown}: tests lie in a folder named as in src/")
        elif not any(p.stem == subject for p in sources(root / "src" / parts[0])):
            errors.append(f"{shown}: there is no {subject}.h or {subject}.cpp in src/{parts[0]}/")
    tested = {(p.relative_to(root / "tests").parts[0], p.name.removesuffix("_test.cpp"))
              for p in sources(root / "tests") if p.name.endswith("_test.cpp")}
    for path in sources(root / "src"):
        shown, parts = str(path.relative_to(root)), path.relative_to(root / "src").parts
        if path.suffix == ".cpp" and (parts[0], path.stem) not in tested and shown not in untested:
            errors.append(f"{shown}: has no {path.stem}_test.cpp in tests/{parts[0]}/; write it, or list the file"
                          " in UNTESTED with what covers it")
    for shown in untested:
        path = pathlib.Path(shown)
        if not (root / path).exists() or (path.parts[1], path.stem) in tested:
            errors.append(f"{shown}: listed in UNTESTED, but it is gone or has a test of its name")
    return errors


def documented_floors(text: str) -> list[list[str]]:
    """The first indented lines below "## The folders"."""
    lines = text.split("## The folders\n", 1)[-1].splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("    ")), len(lines))
    floors = []
    for line in lines[start:]:
        if not line.startswith("    "):
            break
        floors.append([room.strip() for room in line.split(",")])
    return floors


def check_lowerings(table: str, documented: str) -> list[str]:
    """Whether the table of docs/devices.md names what every lowering of lowerings.cpp is made of."""
    rows = {}
    for line in documented.split("## What replaces what", 1)[-1].split("\n## ", 1)[0].splitlines():
        if match := re.match(r"\| ([a-z0-9_, ]+?)(?: of f16 and bf16)?(?: \(f32\))? \| (.*) \|$", line):
            for name in match[1].split(", "):
                rows[name] = set(re.findall(r"\w+", match[2]))
    errors = []
    for match in re.finditer(r"LECTERN_(LOWERING|WAY|ON_HOST)\(([a-z0-9_,\s]+)\)", table):
        name, *made_of = re.split(r",\s*", match[2])
        if name == "name":  # of a macro
            continue
        missing = set(made_of[1:] if match[1] == "WAY" else made_of) - rows.get(name, set())
        if name not in rows or missing:
            errors.append(f"docs/devices.md: 'What replaces what' lacks {name}: {', '.join(sorted(missing))}")
    return errors


def check_documents(root: pathlib.Path) -> list[str]:
    errors = check_lowerings((root / "src/device/lowering/lowerings.cpp").read_text(encoding="utf-8"),
                             (root / "docs/devices.md").read_text(encoding="utf-8"))
    contributing, architecture, environment = (
        (root / name).read_text(encoding="utf-8")
        for name in ("CONTRIBUTING.md", "docs/architecture.md", "docs/environment.md"))
    if documented_floors(contributing) != FLOORS:
        errors.append("CONTRIBUTING.md: 'The folders' does not show the floors of scripts/check_layers.py")
    for room in sorted(p.name for p in (root / "src").iterdir() if p.is_dir()):
        if f"| `{room}/` |" not in architecture:
            errors.append(f"docs/architecture.md: has no row for `{room}/`")
    for path in sources(root / "src"):
        for variable in re.findall(r'getenv\("(\w+)"\)', path.read_text(encoding="utf-8")):
            if f"`{variable}`" not in environment and variable != "PATH":
                errors.append(f"{path.relative_to(root)}: reads {variable}, which docs/environment.md does not have")
    return errors


def self_test() -> None:
    good = {
        "include/lectern/error.h": "#include <string>\n",
        "include/lectern/model.h": '#include "lectern/error.h"\n',
        "src/core/tensor.h": '#include "lectern/error.h"\n',
        "src/core/threads.h": '#include "core/tensor.h"\n#include <vector>\n',
        "src/device/cpu/linear.cpp": '#include "core/tensor.h"\n#include "hwy/highway.h"\n',
        "src/device/operators/operators.h": "",
        "src/vision/clip.h": '#include "device/operators/operators.h"\n',
        "src/language/decoder.cpp": '#include "core/tensor.h"\n',
        "src/engine/reader.cpp": '#include "vision/clip.h"\n#include "lectern/model.h"\n',
        "include/lectern/version.h.in": "",
        "src/cli/main.cpp": '#include "vision/clip.h"\n#include "lectern/version.h"\n',
        "tests/core/tensor_test.cpp": '#include "core/tensor.h"\n',
        "tests/fuzz/anything_test.cpp": "",
        "tests/language/decoder_test.cpp": "",
        "tests/engine/reader_test.cpp": "",
    }
    untested = {"src/device/cpu/linear.cpp": "linear_test", "src/cli/main.cpp": "every test of cli"}
    bad = {
        "upward": ("src/core/a.h", '#include "vision/clip.h"\n'),
        "upward, indented": ("src/device/a.h", '  #  include "engine/reader.cpp"\n'),
        "vision to language": ("src/vision/a.h", '#include "language/decoder.cpp"\n'),
        "language to vision": ("src/language/a.h", '#include "vision/clip.h"\n'),
        "a device named": ("src/vision/a.h", '#include "device/cpu/linear.cpp"\n'),
        "dots": ("src/cli/a.h", '#include "../core/tensor.h"\n'),
        "dots in a test": ("tests/core/support.h", '#include "../src/core/tensor.h"\n'),
        "bare name": ("src/core/a.h", '#include "tensor.h"\n'),
        "angle brackets": ("src/cli/a.h", "#include <core/tensor.h>\n"),
        "missing header": ("src/cli/a.h", '#include "core/nothing.h"\n'),
        "public to private": ("include/lectern/a.h", '#include "core/tensor.h"\n'),
        "an option in a message": ("src/device/a.h", 'constexpr auto advice = "use a smaller --mode";\n'),
        "unknown folder": ("src/misc/a.h", ""),
        "no folder": ("src/a.h", ""),
        "test without a subject": ("tests/core/nothing_test.cpp", ""),
        "test of another folder's file": ("tests/vision/tensor_test.cpp", ""),
        "test without a folder": ("tests/tensor_test.cpp", ""),
        "source without a test": ("src/core/threads.cpp", ""),
        "source listed and tested": ("tests/device/linear_test.cpp", ""),
    }

    def errors_with(extra: dict[str, str]) -> list[str]:
        with tempfile.TemporaryDirectory() as name:
            for file, text in {**good, **extra}.items():
                path = pathlib.Path(name, file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check(pathlib.Path(name), untested)

    assert errors_with({}) == [], errors_with({})
    table = "LECTERN_LOWERING(conv2d, im2col,\n  linear), LECTERN_ON_HOST(sort), LECTERN_WAY(where, where_by, multiply, add)"
    rows = "| conv2d (f32) | im2col, linear |\n| top_k, sort (f32) | the host |\n| where (f32) | multiply |\n"
    assert check_lowerings(table, rows) == ["docs/devices.md: 'What replaces what' lacks where: add"]
    assert documented_floors("x\n## The folders\n\nwords\n\n    a, b\n    c\n\n    d\n") == [["a", "b"], ["c"]]
    for case, (file, text) in bad.items():
        found = errors_with({file: text})
        expected = untested if case == "source listed and tested" else [file]
        assert len(found) == 1 and found[0].startswith(tuple(expected)), f"{case}: expected one error, got {found}"


def main() -> int:
    parser = argparse.ArgumentParser(description="checks the order of the folders of src/ and the place of the tests")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        self_test()
        print("every kind of violation is found")
        return 0
    errors = check(options.root, UNTESTED) + check_documents(options.root)
    print("\n".join(errors), end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
