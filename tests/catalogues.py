"""The sentences that people can meet, as the keys of the catalogues in `py/uploads/ui/languages`.

`python -m tests.catalogues` prints what each catalogue lacks and has too much.

They are read from the sources: the elements of index.html with `data-say`, all texts of `words.py` and its like, what is
given to `say` and `counted` elsewhere, and every sentence (a capital, a full stop) of the rooms that speak to people.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "py"))

from uploads.ui.speech import ENGLISH, LANGUAGES, sentences  # noqa: E402

UI = ROOT / "py" / "uploads" / "ui"
CATALOGUES = UI / "languages"
ENGINE = ROOT / "worker" / "upload_engine"
SPEAKING = (
    *(
        ENGINE / name
        for name in ("account.py", "dispatcher.py", "engine.py", "intake.py", "kept_files.py", "main.py")
    ),
    ENGINE / "rules.py",
    ENGINE / "core" / "explain.py",
    ENGINE / "signers" / "companion.py",
    *(ENGINE / "demo" / name for name in ("bucket.py", "desk.py", "signer.py", "tally.py", "transport.py")),
    *(ROOT / "py" / "uploads" / "client" / name for name in ("book.py", "client.py", "inspection.py")),
    *(ROOT / "py" / "uploads" / "server" / name for name in ("file_rules.py", "limits.py", "permission.py")),
)
"""Whose sentences reach people through the page."""
PARTS = (ENGINE / "core" / "fingerprint.py", ENGINE / "browser" / "blob.py")
"""Whose texts stand within such sentences."""
MORE = (
    "The uploader could not start: {}",
    "The upload engine could not start.",
    "The upload worker stopped again and again.",
    "It was asleep.",
    "This page is of another version than the uploader that now works for it.",
    "Reload it when its uploads are done.",
    "Another version of the uploader finishes what it has on its way.",
    "This page goes on in a moment.",
    "1 request",
    "{} requests",
    "it changes while it is sent",
    "the file is not at hand",
)
"""What is put together in other ways, or in JavaScript."""
FOR_OPERATORS = re.compile(
    r"UPLOADS_|s3\.awsClientOptions|^We encountered|^Please reduce|There is no such call|no such call|^\{\}: |^Please |^It was told|^The engine runs already|^They stay in force|^CONFIGURE must|^The restrictions are|^A File must|^The locale must|^The browser opens a picker"
)
"""What only those can meet who set the site up or write to its interfaces, and what the demo's store says in S3's own words."""
NOT_WORDS = re.compile(r"^[\W\d_]*(\{\}[\W\d_]*)*$|^\S+/\*$|^  to ")


def _constants(tree: ast.AST) -> Iterator[str]:
    """Every text of a module as a template; docstrings and what only names things are left out."""
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in inner or id(node) in told:
            continue
        text = _template(node)
        if text is not None:
            yield text


def _template(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def _in_page() -> Iterator[str]:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []
            self.takes = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            self.takes = "data-say" in given
            if "data-say-label" in given:
                self.found.append(given["aria-label"] or "")

        def handle_data(self, data: str) -> None:
            if self.takes:
                self.found.append(data)
                self.takes = False

    reader = Reader()
    reader.feed((ROOT / "index.html").read_text(encoding="utf-8"))
    yield from reader.found
    yield "Uploads"  # the tab's title


def _in_words(path: Path) -> Iterator[str]:
    """The values of a module of words: constants, the values of mappings, what `counted` has for many."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and value is not None:
            name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            yield from (text for text in _values(value) if not _is_name(name, text))
    yield from _in_calls(path)


def _is_name(name: str, text: str) -> bool:
    """Kinds of happenings, and languages by their own names, are no words."""
    return text == text.lower() and " " not in text and name.isupper() and not name.startswith("_")


def _values(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Dict):
        for value in node.values:
            yield from _values(value)
    elif isinstance(node, (ast.Tuple, ast.List)):
        texts = list(node.elts)
        if len(texts) in (2, 3):  # (kind, …): the kind is no text; of three, one and many
            texts = texts[1:]
        for value in texts:
            yield from _values(value)
    elif isinstance(node, ast.BinOp):
        for part in ast.walk(node):
            yield from sentences((_template(part) or "").strip())
    else:
        text = _template(node)
        if text:
            yield text


def _in_calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).split(".")[-1]
        if name == "say" and node.args:
            yield from filter(None, [_template(node.args[0])])
        elif name == "counted":
            yield from filter(None, [_template(node.args[2])])


def _in_rooms() -> Iterator[str]:
    for path in SPEAKING:
        for text in _constants(ast.parse(path.read_text(encoding="utf-8"))):
            for sentence in re.split(r"(?<=[.!]) (?=[A-Z{])", text):
                if re.match(r"^(\{\} |[A-Z]).*\s.*[.!]$", sentence):
                    yield sentence
    for path in PARTS:
        for text in _constants(ast.parse(path.read_text(encoding="utf-8"))):
            if re.match(r"^(it|the) ", text):
                yield text
    yield from MORE


def keys() -> list[str]:
    """All of them, in an order that lasts."""
    found = dict.fromkeys(_in_page())
    for path in sorted(UI.glob("*words.py")):
        found |= dict.fromkeys(_in_words(path))
    for path in sorted(UI.glob("*.py")):
        found |= dict.fromkeys(_in_calls(path))
    found |= dict.fromkeys(_in_rooms())
    return [key for key in found if key and not NOT_WORDS.match(key) and not FOR_OPERATORS.search(key)]


def read(language: str) -> dict[str, str | dict[str, str]]:
    """A language's catalogue."""
    path = CATALOGUES / f"{language}.json"
    found: dict[str, str | dict[str, str]] = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    )
    return found


def main() -> None:
    """Prints what is missing."""
    wanted = keys()
    if sys.argv[1:] == ["--list"]:
        print("\n".join(wanted))
        return
    for language in LANGUAGES:
        if language != ENGLISH:
            known = read(language)
            print(language, "lacks", [key for key in wanted if key not in known])
            print(language, "has too much", [key for key in known if key not in wanted])


if __name__ == "__main__":
    main()
