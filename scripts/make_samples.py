#!/usr/bin/python3
"""Draws the pictures of samples/, each with its text in samples/NAME.txt."""
import os

from PIL import Image, ImageDraw, ImageFont

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "samples")
FONTS = "/usr/share/fonts/truetype/"
SANS, SANS_BOLD = FONTS + "dejavu/DejaVuSans.ttf", FONTS + "liberation/LiberationSans-Bold.ttf"
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


def main() -> None:
    os.makedirs(FOLDER, exist_ok=True)
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


if __name__ == "__main__":
    main()
