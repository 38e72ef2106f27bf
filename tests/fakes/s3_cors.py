"""A bucket's CORS rules, as S3 applies them: to preflights and to every answer, errors too.

Source: Amazon S3 user guide, "How does Amazon S3 evaluate the CORS configuration on a bucket?"
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from tests.fakes.http_wire import Request, Response
from tests.fakes.s3_errors import S3Error
from tests.fakes.s3_xml import parse, text, texts


@dataclass(frozen=True)
class CorsRule:
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    max_age: str

    def fits(self, origin: str, method: str, headers: list[str]) -> bool:
        """The first rule that fits counts. Header names are compared without their case."""
        return (
            any(fnmatch.fnmatchcase(origin, one) for one in self.origins)
            and method in self.methods
            and all(any(fnmatch.fnmatchcase(name, one.lower()) for one in self.headers) for name in headers)
        )

    def answer(self, origin: str, asked: list[str]) -> dict[str, str]:
        anyone = "*" in self.origins
        found = {"Access-Control-Allow-Origin": "*" if anyone else origin, "Vary": "Origin"}
        found["Access-Control-Allow-Methods"] = ", ".join(self.methods)
        if not anyone:
            found["Access-Control-Allow-Credentials"] = "true"
        if asked:
            found["Access-Control-Allow-Headers"] = ", ".join(asked)
        if self.exposed:
            found["Access-Control-Expose-Headers"] = ", ".join(self.exposed)
        if self.max_age:
            found["Access-Control-Max-Age"] = self.max_age
        return found


def read_rules(body: bytes) -> list[CorsRule]:
    """The rules of a PutBucketCors. Raises ``S3Error``."""
    return [
        CorsRule(
            origins=tuple(texts(rule, "AllowedOrigin")),
            methods=tuple(texts(rule, "AllowedMethod")),
            headers=tuple(texts(rule, "AllowedHeader")),
            exposed=tuple(texts(rule, "ExposeHeader")),
            max_age=text(rule, "MaxAgeSeconds"),
        )
        for rule in parse(body).findall("CORSRule")
    ]


def cors_headers(rules: list[CorsRule], request: Request) -> dict[str, str]:
    """What an answer to this request carries; nothing when no rule fits."""
    origin = request.headers.get("origin")
    if not origin:
        return {}
    method = request.headers.get("access-control-request-method", request.method)
    named = request.headers.get("access-control-request-headers", "").lower().split(",")
    asked = [name.strip() for name in named if name.strip()]
    rule = next((rule for rule in rules if rule.fits(origin, method, asked)), None)
    return rule.answer(origin, asked) if rule else {}


def preflight(rules: list[CorsRule] | None, request: Request) -> Response:
    """The answer to OPTIONS. Raises ``S3Error``."""
    found = cors_headers(rules or [], request)
    if not found:
        why = "This CORS request is not allowed." if rules else "CORS is not enabled for this bucket."
        raise S3Error(403, "AccessForbidden", f"CORSResponse: {why}")
    return Response(200, found)
