"""Paper: the colours, the style sheet and the frame of a page that needs nothing but itself. Pure.

Text from outside enters a page through `safe` alone.
"""

import re
from html import escape

from davy.pipeline.core.text.sanitize import one_line

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b1f24",
    "soft": "#59636e",
    "grid": "#dfe3e8",
    "limit": "#6b3d00",
    "h0": "#1b1f24",
    "h1": "#0063a6",
    "h2": "#c24a00",
    "h3": "#007a5c",
    "h4": "#9c3d7c",
    "h5": "#8a6500",
    "h6": "#5a4fcf",
    "h7": "#8a929b",
    "h8": "#8c3b2a",
    "h9": "#0f6e78",
}
"""Hues that people who see colours differently tell apart; lines differ by their dashes as well."""
DARK = {
    "paper": "#12161c",
    "ink": "#eceff3",
    "soft": "#a3adb8",
    "grid": "#2c333c",
    "limit": "#f2c078",
    "h0": "#f4f6f8",
    "h1": "#58b4f5",
    "h2": "#ff9350",
    "h3": "#35cfa0",
    "h4": "#e893c8",
    "h5": "#e5c446",
    "h6": "#a99bff",
    "h7": "#7d8894",
    "h8": "#d99a86",
    "h9": "#6fc7cf",
}
DASHES = ("", "", "", "", "7 3", "9 3 2 3", "5 4", "", "12 3", "3 2")
"""By hue."""
UNFIT = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""What neither UTF-8 nor XML can hold, though a str can."""
LONGEST = 300
FONT = "system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


def safe(text: str, longest: int = LONGEST) -> str:
    """Text from outside on one line, harmless, escaped for elements and attributes, and cut where it is too long."""
    plain = UNFIT.sub("\ufffd", one_line(text))
    return escape(cut(plain, longest), quote=True)


def cut(text: str, longest: int) -> str:
    """At most so many letters."""
    return text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def colors(palette: dict[str, str]) -> str:
    """As custom properties."""
    return "".join(f"--{name}:{value};" for name, value in palette.items())


def _hues() -> str:
    rules = []
    for hue, dashes in enumerate(DASHES):
        dashed = f"stroke-dasharray:{dashes};" if dashes else ""
        rules.append(f".l{hue}{{stroke:var(--h{hue});{dashed}}}.f{hue}{{fill:var(--h{hue})}}")
    return "".join(rules)


def drawing(scope: str = "svg.figure") -> str:
    """The rules of the figures; they are needed by a page and by an SVG that stands alone."""
    return (
        f":root{{color-scheme:light dark;{colors(LIGHT)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{colors(DARK)}}}}}"
        f"{scope}{{font:12px {FONT};font-variant-numeric:tabular-nums}}"
        f"{_hues()}{scope} text{{fill:var(--ink)}}{scope} .soft{{fill:var(--soft)}}{scope} .end{{text-anchor:end}}"
        f"{scope} .mid{{text-anchor:middle}}{scope} .note{{font-size:11px}}{scope} .b{{font-weight:600}}"
        f"{scope} .halo{{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}}"
        ".g{stroke:var(--grid);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}"
        ".line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:butt}.l0.line{stroke-width:2.6}"
        ".l7.line{stroke-width:1}"
        ".limit{stroke:var(--limit);stroke-width:1.4;stroke-dasharray:1 3;stroke-linecap:round}"
        ".limit.one{stroke:var(--soft)}"
        f"{scope} text.limitword{{fill:var(--limit);font-size:11px}}"
        ".moment{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:4 3}"
        ".band{fill-opacity:.22;stroke:none}.whisker{stroke-width:1.4;stroke-dasharray:none}"
        ".spot{fill:var(--paper);stroke:var(--limit);stroke-width:2}.strip{fill:var(--soft);fill-opacity:.45}"
    )


PAGE = """
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:70rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.35rem;line-height:1.35;margin:.2rem 0 .6rem;max-width:52rem}
h2{font-size:1.15rem;margin:2.2rem 0 .2rem}
p{max-width:52rem;margin:.3rem 0}.quiet{color:var(--soft)}
.outcome{font-weight:700;text-transform:none}.outcome::before{content:"";display:inline-block;width:.7em;height:.7em;
margin-right:.5em;border-radius:50%;background:var(--h7)}
.roll_back::before{background:var(--h2);border-radius:0}.promote::before{background:var(--h3)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1.2rem 2rem}
figure{margin:1rem 0 0;max-width:40rem;min-width:0}
figcaption{font-weight:600}figcaption span{display:block;font-weight:400;color:var(--soft);font-size:.9rem}
svg.figure{display:block;width:100%;height:auto;margin-top:.4rem}
.legend{list-style:none;margin:.3rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.9rem}
.legend svg{width:26px;height:10px;margin-right:.4rem;vertical-align:middle}.legend b{font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;width:100%;margin-top:.6rem}
caption{text-align:left;color:var(--soft);padding-bottom:.3rem}
th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid var(--grid);vertical-align:top;overflow-wrap:normal}
th{font-weight:600}td{white-space:nowrap}th:first-child{text-align:left;overflow-wrap:anywhere;min-width:8rem}
@media (max-width:40rem){th,td{padding:.3rem .4rem}}
@media print{body{max-width:none;padding:0;font-size:10pt}figure,tr{break-inside:avoid}h2{break-after:avoid}
.figures{grid-template-columns:1fr 1fr}.scroll{overflow:visible}
svg{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""A browser that knows it runs no script and fetches nothing, whatever the page holds."""


def sheet(title: str, body: str) -> str:
    """A whole page. `title` is text from outside, `body` is made already."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        '<meta name="color-scheme" content="light dark"/>\n'
        f"<title>{safe(title)}</title>\n<style>{drawing()}{PAGE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
