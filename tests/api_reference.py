"""Writes the hook's reference: ``.venv/bin/python -m tests.api_reference --write``.

Everything in ``docs/api.md`` is read from the sources of ``uploads.client`` and ``uploads.protocol``: signatures, docstrings,
records and settings. Nothing is imported but the list of settings. A test holds the page against it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api.md"
PACKAGE = ROOT / "py" / "uploads"
INSPECTORS = ROOT / "worker" / "upload_inspectors"
SHIPPED = ("exif", "tables", "archives", "sniffing", "compression", "encryption")
COMMAND = ".venv/bin/python -m tests.api_reference --write"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def page() -> str:
    """The whole page."""
    hook = _read("client/hook.py")
    known, client = _read("client/known.py"), _read("client/client.py")
    paragraphs = [
        "# The hook",
        f"<!-- Made from the docstrings by `{COMMAND}`: change those, then run this again. -->",
        "```python\nfrom uploads import use_upload_worker\n```",
        *_functions(hook.body, "##"),
        "## `UploadClient`",
        _said(_class(client, "UploadClient")),
        "### What is known",
        _said(_class(known, "KnownUploads")),
        *_functions(_class(known, "KnownUploads").body, "####"),
        "### Commands",
        *_functions(_class(client, "UploadClient").body, "####"),
        "## Errors",
        *_errors(),
        "## Records",
        "Python names; on the wire they are camelCase. "
        + _said(_read("protocol/types.py")).split("\n\n", 1)[1],
        *_records(),
        "## Settings",
        "The defaults of `DEFAULT_UPLOAD_CONFIG`.",
        f"```python\n{_settings('config.py', 'DEFAULT_UPLOAD_CONFIG')}\n```",
        "## Inspectors",
        _said(_inspector_module("__init__")),
        "The defaults of an entry of `inspectors`:",
        f"```python\n{_settings('inspectors.py', 'DEFAULT_INSPECTOR')}\n```",
        *_inspectors(),
    ]
    return "\n\n".join(paragraph.strip() for paragraph in paragraphs if paragraph.strip()) + "\n"


def _read(name: str) -> ast.Module:
    return ast.parse((PACKAGE / name).read_text("utf-8"))


def _said(node: ast.Module | ast.ClassDef | Function) -> str:
    """A docstring, its lines joined to paragraphs; what is indented stays as code."""
    # A module's has no indentation of its own to be taken away.
    docstring = (ast.get_docstring(node, clean=not isinstance(node, ast.Module)) or "").strip("\n")
    paragraphs = docstring.split("\n\n")
    told = [
        text if text.startswith(("    ", "| ")) else re.sub(r"\s*\n\s*", " ", text) for text in paragraphs
    ]
    # A docstring whose first sentence is longer than a line goes on after a blank one.
    return re.sub(r"([^.:`])\n\n(?=[a-z`\"])", r"\1 ", "\n\n".join(told))


def _class(module: ast.Module, name: str) -> ast.ClassDef:
    return next(node for node in ast.walk(module) if isinstance(node, ast.ClassDef) and node.name == name)


def _functions(body: list[ast.stmt], heading: str) -> Iterator[str]:
    """The public ones, with their headings."""
    for node in body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield f"{heading} `{_signature(node)}`"
            yield _said(node)


def _signature(node: Function) -> str:
    returns = _annotation(node.returns)
    if any(isinstance(entry, ast.Name) and entry.id == "property" for entry in node.decorator_list):
        return f"{node.name}: {returns}"
    given = node.args.args[1:] if node.args.args and node.args.args[0].arg == "self" else node.args.args
    defaults = [None] * (len(given) - len(node.args.defaults)) + list(node.args.defaults)
    told = []
    for argument, default in zip(given, defaults, strict=True):
        text = f"{argument.arg}: {_annotation(argument.annotation)}"
        told.append(text if default is None else f"{text} = {ast.unparse(default)}")
    if node.args.kwonlyargs:
        told.append("*")
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        text = f"{argument.arg}: {_annotation(argument.annotation)}"
        told.append(text if default is None else f"{text} = {ast.unparse(default)}")
    return f"{node.name}({', '.join(told)})" + (f" -> {returns}" if returns != "None" else "")


def _annotation(node: ast.expr | None) -> str:
    """As it is written, without the quotes that hide it from MicroPython."""
    if node is None:
        return ""
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _errors() -> Iterator[str]:
    module = _read("client/errors.py")
    yield _said(module)
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            bases = ", ".join(ast.unparse(base) for base in node.bases)
            yield f"- `{node.name}({bases})`: {_said(node)}"


def _records() -> Iterator[str]:
    source = (PACKAGE / "protocol" / "types.py").read_text("utf-8").splitlines()
    for node in ast.walk(_read("protocol/types.py")):
        if isinstance(node, ast.ClassDef):
            lines = source[node.lineno - 1 : node.end_lineno]
            body = "\n".join(line.removeprefix("    ") for line in lines)
            yield f"### `{node.name}`\n\n```python\n{body}\n```"


def _inspector_module(name: str) -> ast.Module:
    return ast.parse((INSPECTORS / f"{name}.py").read_text("utf-8"))


def _inspectors() -> Iterator[str]:
    """What an inspector is given and says, and those that come along."""
    files, verdicts = _inspector_module("files"), _inspector_module("verdict")
    for module, name in ((files, "InspectedFile"), (files, "NewFile"), (verdicts, "Verdict")):
        yield f"### `{name}`"
        yield _said(_class(module, name))
        if name == "InspectedFile":
            yield from _functions(
                [node for node in _class(module, name).body if getattr(node, "name", "") == "new_file"],
                "####",
            )
    yield from _functions(verdicts.body, "###")
    for name in SHIPPED:
        module = _inspector_module(name)
        yield f"### `upload_inspectors.{name}`"
        yield _said(module)
        yield from _functions(
            [node for node in module.body if getattr(node, "name", "") == "inspect"], "####"
        )


def _settings(module: str, name: str) -> str:
    source = (PACKAGE / "protocol" / module).read_text("utf-8")
    table = source.partition(name)[2].partition("= {\n")[2].partition("\n}")[0]
    return re.sub(r"^    ", "", table, flags=re.MULTILINE)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"docs/api.md is out of date: run {COMMAND}")
