"""index.html, pyscript.toml and the page's modules agree with each other, and with the site's CSP."""

import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

from uploads.protocol import PHASES
from uploads.ui import words

ROOT = Path(__file__).resolve().parents[3]
ENTRY = "py/uploads/ui/main.py"
TYPES_ONLY = "py/uploads/protocol/types.py"  # nothing imports it at run time


class Elements(HTMLParser):
    """Every start tag of a page, as (tag, attributes)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements() -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed((ROOT / "index.html").read_text("utf-8"))
    return parser.found


def page_config() -> dict[str, dict[str, str]]:
    return tomllib.loads((ROOT / "pyscript.toml").read_text("utf-8"))


def test_pyscript_loads_every_module_that_the_page_may_import() -> None:
    folders = [ROOT / "py/uploads" / name for name in ("protocol", "client", "ui")]
    modules = {path.relative_to(ROOT).as_posix() for folder in folders for path in folder.glob("*.py")}
    wanted = (modules | {"py/uploads/__init__.py"}) - {ENTRY, TYPES_ONLY}
    files = page_config()["files"]
    assert {source.removeprefix("./") for source in files} == wanted
    assert all(source == target.replace("./uploads", "./py/uploads") for source, target in files.items())


def test_nothing_in_the_page_is_inline_or_foreign() -> None:
    """The CSP allows neither inline script nor inline style, and the site names no other host."""
    for tag, values in elements():
        assert "style" not in values, tag
        assert not [name for name in values if name.startswith("on")], tag
        assert tag != "style"
        assert tag != "script" or values.get("src")
        for name in ("href", "src", "action"):
            assert not re.match(r"(\w+:)?//|/", values.get(name) or ""), values
    css = (ROOT / "py/uploads/ui/page.css").read_text("utf-8")
    assert "url(" not in css
    assert "@import" not in css


def test_every_icon_that_is_used_is_there() -> None:
    icons = {values.get("id") for tag, values in elements() if tag == "symbol"}
    used = {(values["href"] or "").removeprefix("#") for tag, values in elements() if tag == "use"}
    kinds = {f"icon-{kind}" for kind in ("image", "video", "audio", "archive", "text", "file")}
    assert used | kinds == icons


def test_the_static_page_says_what_the_code_says() -> None:
    page = (ROOT / "index.html").read_text("utf-8")
    assert f">{words.NOTHING_YET}<" in page
    assert f">{words.ENGINE['starting']}<" in page
    assert set(words.PHASES) == set(PHASES)


def test_contrast_of_every_text_colour() -> None:
    """WCAG 2.2, 1.4.3: 4.5 : 1 for text, in light and in dark, on each surface that carries it."""
    css = (ROOT / "py/uploads/ui/page.css").read_text("utf-8")
    both = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\);", css)
    light = {name: colour for name, colour, _ in both}
    dark = {name: colour for name, _, colour in both}
    for colours in (light, dark):
        for text, surfaces in {
            "text": ("page", "card", "hover"),
            "quiet": ("page", "card"),
            "accent": ("card", "hover"),
            "good": ("card", "hover"),
            "wait": ("card", "page"),
            "alarm": ("card", "alarm-soft"),
            "on-accent": ("accent", "accent-strong"),
        }.items():
            for surface in surfaces:
                ratio = contrast(colours[text], colours[surface])
                assert ratio >= 4.5, (text, surface, round(ratio, 2))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of "#rgb" or "#rrggbb" (WCAG 2.2, "relative luminance")."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
