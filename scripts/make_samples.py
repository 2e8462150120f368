#!/usr/bin/python3
"""Draws the samples of samples/, each with its text in samples/NAME.txt: small pictures, a PDF of two of them, and a
page with a heading, two columns and a table."""
import os
import textwrap
import time

from PIL import Image, ImageDraw, ImageFont

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "samples")
FONTS = "/usr/share/fonts/truetype/"
SANS, SANS_BOLD = FONTS + "dejavu/DejaVuSans.ttf", FONTS + "liberation/LiberationSans-Bold.ttf"
SERIF_BODY = FONTS + "liberation/LiberationSerif-Regular.ttf"
SERIF, LATO = FONTS + "freefont/FreeSerif.ttf", FONTS + "lato/Lato-Regular.ttf"

# File, width, height, paper, ink, left edge, then the lines: font, size, top, text.
SAMPLES = [
    ("hello.png", 256, 256, "#ffffff", "#1a1a1a", 20,
     [(SANS, 34, 50, "Hello,"), (SANS, 34, 100, "this is"), (SANS, 34, 150, "Lectern.")]),
    ("ticket.png", 256, 128, "#f7edd8", "#26324d", 16,
     [(SANS_BOLD, 32, 16, "NORTH LINE"), (SANS_BOLD, 32, 66, "9:45 platform")]),
    ("note.jpg", 256, 256, "#fdf6b8", "#30303a", 22,
     [(SERIF, 32, 60, "Call the doctor"), (SERIF, 32, 104, "and feed the cat")]),
    ("sign.png", 220, 256, "#17375e", "#f4f6f8", 20,
     [(LATO, 36, 56, "Museum"), (LATO, 36, 106, "open daily"), (LATO, 36, 156, "10 to 18")]),
]

# A PDF of pictures: it needs no fonts to be shown. At 200 dpi, as Lectern renders it, a pixel is a pixel.
PDF, PDF_PAGES, PDF_DPI = "pages", ["note.jpg", "ticket.png"], 200

PAGE_TITLE = "The Harbour Gazette"
PAGE_COLUMNS = [
    ["The new ferry left the harbour on Monday at half past six, with forty passengers and a band on board. It was "
     "built in two years and is the first that runs on batteries alone.",
     "A trip to the island now takes twenty minutes, and the last boat back leaves at eleven in the evening."],
    ["The town has planted three hundred trees along the quay. They were paid for by the people who walk there every "
     "day, and by the school, whose pupils dug the holes.",
     "Prices at the market have hardly changed since spring, as the table below shows."],
]
PAGE_TABLE = [("Goods", "May", "June"), ("Apples", "2.40", "2.35"), ("Bread", "3.10", "3.10"),
              ("Cheese", "7.80", "7.95")]


def draw_page() -> None:
    """samples/page.png, as scanned at 150 dpi."""
    page = Image.new("L", (960, 800), 252)
    draw = ImageDraw.Draw(page)
    body, title = ImageFont.truetype(SERIF_BODY, 25), ImageFont.truetype(SERIF_BODY, 48)
    draw.text((80, 70), PAGE_TITLE, font=title, fill=20)
    texts = [PAGE_TITLE]
    for column, paragraphs in enumerate(PAGE_COLUMNS):
        left, top = 80 + column * 440, 170
        for paragraph in paragraphs:
            for line in textwrap.wrap(paragraph, 33):
                assert body.getlength(line) <= 400, line
                draw.text((left, top), line, font=body, fill=20)
                top += 33
            top += 24
        texts += paragraphs
    for row, cells in enumerate(PAGE_TABLE):
        for column, cell in enumerate(cells):
            draw.text((80 + 240 * column, 570 + 42 * row), cell, font=body, fill=20)
    texts.append("\n".join("\t".join(cells) for cells in PAGE_TABLE))
    page.save(os.path.join(FOLDER, "page.png"), optimize=True)
    with open(os.path.join(FOLDER, "page.txt"), "w", encoding="utf-8") as file:
        file.write("\n\n".join(texts) + "\n")


def main() -> None:
    os.makedirs(FOLDER, exist_ok=True)
    draw_page()
    for name, width, height, paper, ink, left, lines in SAMPLES:
        picture = Image.new("RGB", (width, height), paper)
        draw = ImageDraw.Draw(picture)
        for font_file, size, top, text in lines:
            font = ImageFont.truetype(font_file, size)
            box = draw.textbbox((left, top), text, font=font)
            assert box[2] <= width - 4 and box[3] <= height - 4, f"{name}: {text!r} leaves the picture"
            draw.text((left, top), text, font=font, fill=ink)
        picture.save(os.path.join(FOLDER, name), quality=88)
        with open(os.path.join(FOLDER, os.path.splitext(name)[0] + ".txt"), "w", encoding="utf-8") as file:
            file.write("\n".join(text for _, _, _, text in lines) + "\n")
    pages = [Image.open(os.path.join(FOLDER, name)).convert("RGB") for name in PDF_PAGES]
    pages[0].save(os.path.join(FOLDER, PDF + ".pdf"), save_all=True, append_images=pages[1:], resolution=PDF_DPI,
                  title="Two pages", creationDate=time.gmtime(0), modDate=time.gmtime(0))
    with open(os.path.join(FOLDER, PDF + ".txt"), "w", encoding="utf-8") as file:
        lines_of = {name: [text for _, _, _, text in lines] for name, *_, lines in SAMPLES}
        file.write("\n\n".join("\n".join(lines_of[name]) for name in PDF_PAGES) + "\n")


if __name__ == "__main__":
    main()
