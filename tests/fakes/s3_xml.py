"""S3's XML, written and read."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from tests.fakes.s3_errors import S3Error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def document(root: str, **fields: Any) -> bytes:
    """An answer: see ``element``."""
    content = "".join(element(name, value) for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{content}</{root}>'.encode()


def element(name: str, value: Any) -> str:
    """A mapping becomes an element of elements, a list one element for each, None nothing."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(element(name, one) for one in value)
    if isinstance(value, dict):
        return f"<{name}>{''.join(element(*pair) for pair in value.items())}</{name}>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"


def error_body(code: str, message: str = "", request_id: str = "scripted") -> bytes:
    """The document of a failure."""
    fields = element("Code", code) + element("Message", message) + element("RequestId", request_id)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{fields}</Error>'.encode()


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def parse(body: bytes) -> ET.Element:
    """A request's document, without its namespace. Raises ``S3Error``."""
    try:
        root = ET.fromstring(body)  # noqa: S314 - written by our own tests
    except ET.ParseError:
        raise malformed() from None
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
    return root


def texts(node: ET.Element, name: str) -> list[str]:
    return [found.text or "" for found in node.findall(name)]


def text(node: ET.Element, name: str, default: str = "") -> str:
    return next(iter(texts(node, name)), default)


def malformed() -> S3Error:
    return S3Error(400, "MalformedXML", "The XML you provided was not well-formed")


def completed_parts(body: bytes) -> list[tuple[int, str]]:
    """Number and ETag, without quotes, of the parts of a Complete. Raises ``S3Error``."""
    parts: Iterable[ET.Element] = parse(body).findall("Part")
    found = [(int(text(part, "PartNumber", "0")), text(part, "ETag").strip('"')) for part in parts]
    if not found:
        raise malformed()
    return found
