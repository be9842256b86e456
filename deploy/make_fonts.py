"""Make the fonts of the printed forms: `python deploy/make_fonts.py NODE_MODULES FONT_DIR`.

A full Chinese font costs WeasyPrint seconds a document; one with the 6,763 characters of GB 2312
costs half a second. The full font is kept beside it, second in the family list, for the rare
character. TTF only: WOFF2, OTF and collections are many times slower.

Noto Sans SC (OFL) has no ☐ ☑ ☒: draw boxes by CSS, or use □ ■ √ × ✓, which it has.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from fontTools import subset

PACKAGE = "@expo-google-fonts/noto-sans-sc"
WEIGHTS = {"Regular": "400Regular", "Bold": "700Bold"}


def common_characters() -> str:
    """GB 2312 with its signs, Latin, and what addresses, prices and tables need besides."""
    rows, cells = range(0xA1, 0xF8), range(0xA1, 0xFF)
    chinese = "".join(
        bytes((row, cell)).decode("gb2312", errors="ignore") for row in rows for cell in cells
    )
    latin = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x180)]))
    return chinese + latin + "–—‘’“”•…€℃㎡㎜㎏✓"


def make(source: Path, target: Path) -> None:
    options = subset.Options(hinting=False, layout_features=["kern", "locl", "vert"])
    font = subset.load_font(str(source), options, lazy=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=common_characters())
    subsetter.subset(font)
    subset.save_font(font, str(target), options)


def main(node_modules: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for weight, part in WEIGHTS.items():
        source = node_modules / PACKAGE / part / f"NotoSansSC_{part}.ttf"
        make(source, folder / f"NotoSansSC-{weight}-Common.ttf")
        shutil.copyfile(source, folder / f"NotoSansSC-{weight}.ttf")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
