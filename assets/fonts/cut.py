#!/usr/bin/env python3
"""Cuts the fonts in this folder from the published ones; see README.md for where those come from.

    pip install fonttools brotli
    python3 cut.py --inter DIR --mono DIR --cjk DIR --phosphor DIR [--texts ../i18n]

DIRs are folders that hold Inter-Regular.otf and Inter-SemiBold.otf, JetBrainsMono-Regular.ttf,
NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc, and the `src` of the npm package @phosphor-icons/web.
"""

import argparse
import json
import pathlib
import re

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = pathlib.Path(__file__).parent

LATIN = [
    *range(0x20, 0x7F), *range(0xA0, 0x180),  # Latin, Latin-1, Latin Extended-A
    *range(0x391, 0x3CA),  # Greek: beta, gamma, lambda in formulas
    *range(0x400, 0x460),  # Cyrillic
    *range(0x2010, 0x2028), *range(0x2030, 0x203B), 0x2044, 0x20AC,
    0x2070, *range(0x2074, 0x2080), *range(0x2080, 0x208A),  # super- and subscripts
    0x2122, *range(0x2190, 0x219A), 0x21A9, 0x21BA, 0x2206, 0x2211, 0x2212, 0x2219, 0x221A, 0x221E,
    0x2248, 0x2260, 0x2264, 0x2265, 0x25CF, 0x25CB, 0x25B2, 0x25BC, 0x2713, 0x2717,
]
MONO = [*LATIN, *range(0x2500, 0x2580), *range(0x2580, 0x25A0), 0x2423, 0x21B5, 0x2400]

# Names of Phosphor icons that the window uses; the constants in ui/src/icons.rs follow them.
ICONS = """house-line cube database sliders-horizontal chart-line-down chats-circle gear-six scroll magnifying-glass play pause
stop floppy-disk folder-open folder file file-text file-arrow-down file-code x check-circle warning warning-circle
info question caret-down caret-up arrow-right arrow-left arrow-counter-clockwise arrows-clockwise copy trash plus
minus cpu graphics-card memory clock translate sun moon monitor paper-plane-right user sparkle snowflake paperclip
flame stack eraser eye guitar note scissors target table list-checks sign-out ruler star archive export image
chart-line chart-scatter chart-bar git-diff book-open exam compass map-trifold funnel queue shuffle scales trophy
eye-slash pencil-simple caret-right caret-left link graph flask magic-wand arrow-u-up-left check
clock-counter-clockwise bell brain path rows columns steps grid-four warning-octagon copy-simple wave-sine
circles-three-plus hourglass gauge signpost graduation-cap arrows-out-line-horizontal crosshair play-circle
skip-forward thumbs-up thumbs-down equals flag tag user-circle keyboard ranking list-numbers git-branch
note-pencil gavel arrow-up arrow-down dots-six-vertical handshake chat-centered-text code upload-simple
download-simple seal-check chats""".split()


def gb2312():
    """The 6763 characters of GB 2312 levels 1 and 2."""
    for high in range(0xB0, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                yield ord(bytes([high, low]).decode("gb2312"))
            except UnicodeDecodeError:
                pass


def cut(font, unicodes, out, features=("kern", "ccmp", "locl", "mark", "mkmk")):
    options = subset.Options()
    options.layout_features = list(features)
    options.hinting = False
    options.notdef_outline = True
    options.glyph_names = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["DSIG", "vhea", "vmtx", "VORG", "BASE", "STAT", "FFTM", "meta"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=unicodes)
    cutter.subset(font)
    font.save(HERE / out)
    print(f"{out}: {len(font.getBestCmap())} characters, {(HERE / out).stat().st_size / 1024:.0f} kB")


def tabular_digits(font):
    """Makes the tabular digits (OpenType feature tnum) the ordinary ones, so that running numbers do not jump."""
    swap = {}
    gsub = font["GSUB"].table
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for table in gsub.LookupList.Lookup[index].SubTable:
                    swap.update(getattr(table, "ExtSubTable", table).mapping)
    for table in font["cmap"].tables:
        for code, name in list(table.cmap.items()):
            if code in range(0x30, 0x3A) and name in swap:
                table.cmap[code] = swap[name]


def add_mark(path, svg):
    """Adds the house's own mark to the icons, at U+F8F0."""
    from fontTools.misc.transform import Transform
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.areaPen import AreaPen
    from fontTools.pens.recordingPen import RecordingPen
    from fontTools.pens.reverseContourPen import ReverseContourPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.svgLib.path import SVGPath

    font = TTFont(path)
    em, ascent = font["head"].unitsPerEm, font["hhea"].ascent
    scale = em / 384  # the viewBox of mark.svg is 96 64 384 384
    pen = TTGlyphPen(None)
    drawn = RecordingPen()
    SVGPath(svg, transform=Transform(scale, 0, 0, -scale, -96 * scale, ascent + 64 * scale)).draw(drawn)
    contour = RecordingPen()
    for operator, points in drawn.value:
        operator = "closePath" if operator == "endPath" else operator
        contour.value.append((operator, points))
        if operator == "closePath":
            # All contours turn the same way, so that none is a hole in another.
            area = AreaPen()
            contour.replay(area)
            out = Cu2QuPen(pen, max_err=1.0)
            contour.replay(ReverseContourPen(out) if area.value > 0 else out)
            contour = RecordingPen()
    name = "luthier_mark"
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    glyph = pen.glyph()
    glyph.recalcBounds(font["glyf"])
    font["glyf"][name] = glyph
    font["hmtx"][name] = (em, glyph.xMin)
    for table in font["cmap"].tables:
        table.cmap[0xF8F0] = name
    font.save(path)


def simplified_chinese(path):
    from fontTools.ttLib.ttCollection import TTCollection

    names = [f["name"].getDebugName(1) for f in TTCollection(path, lazy=True).fonts]
    return TTFont(path, fontNumber=names.index("Noto Sans CJK SC"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ["inter", "mono", "cjk", "phosphor"]:
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--texts", type=pathlib.Path, default=HERE.parent / "i18n")
    given = parser.parse_args()

    for weight in ["Regular", "SemiBold"]:
        font = TTFont(given.inter / f"Inter-{weight}.otf")
        tabular_digits(font)
        cut(font, LATIN, f"Inter-{weight}.otf")
    cut(TTFont(given.mono / "JetBrainsMono-Regular.ttf"), MONO, "JetBrainsMono-Regular.ttf", features=("ccmp", "locl"))

    common = [*gb2312(), *range(0x3000, 0x3040), *range(0xFF00, 0xFFF0), 0xB7, *range(0x2460, 0x2474)]
    cut(simplified_chinese(given.cjk / "NotoSansCJK-Regular.ttc"), common, "NotoSansSC-Regular.otf", features=("locl",))
    # Bold only where the interface itself is written in it: the characters of its own Chinese texts.
    guide = (HERE / "../guide/zh-CN").glob("*.md")  # its headings
    sources = [*given.texts.glob("*.yml"), *guide, HERE / "../../ui/src/format.rs", HERE / "../../ui/src/text.rs"]
    written = "".join(p.read_text(encoding="utf-8") for p in sorted(sources))
    own = sorted({ord(c) for c in written if ord(c) >= 0x3000} | {*range(0x3000, 0x3020), *range(0xFF00, 0xFF61)})
    cut(simplified_chinese(given.cjk / "NotoSansCJK-Bold.ttc"), own, "NotoSansSC-Bold.otf", features=("locl",))

    picked = json.loads((given.phosphor / "regular" / "selection.json").read_text())["icons"]
    code_of = {}
    for icon in picked:
        for name in re.split(r",\s*", icon["properties"]["name"]):
            code_of[name] = icon["properties"]["code"]
    missing = [name for name in ICONS if name not in code_of]
    if missing:
        raise SystemExit(f"Phosphor has no icon called {', '.join(missing)}")
    for style, name in [("regular", "Phosphor"), ("fill", "Phosphor-Fill")]:
        cut(TTFont(given.phosphor / style / f"{name}.ttf"), [code_of[n] for n in ICONS], f"../icons/{name}.ttf", features=())
    add_mark(HERE / "../icons/Phosphor-Fill.ttf", HERE / "../../icons/mark.svg")
    for name in ICONS:
        print(f'pub const {name.upper().replace("-", "_")}: char = \'\\u{{{code_of[name]:X}}}\';')


main()
