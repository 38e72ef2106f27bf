"""The settings, from flags and environment, checked by name. Reads the environment; touches nothing else."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from uploads.server.errors import UserError
from uploads.server.options import Options, bucket_name
from uploads.server.parts import MIB

PREFIX = "UPLOADS_"
DAY = 86_400

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of an http(s) address. Raises `ValueError` for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is no http:// or https:// address")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class Settings(BaseSettings):
    """Everything that can be set; `serve.py --help` explains each. Times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    data: Path = Path("data")
    bucket: str = "uploads"
    workers: int = Field(1, ge=1, le=64)

    store: Literal["auto", "embedded", "s3"] = "auto"
    endpoint: str | None = Field(
        None, validation_alias=AliasChoices("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "UPLOADS_ENDPOINT")
    )
    public_endpoint: str | None = None
    region: str = Field(
        "us-east-1", validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION", "UPLOADS_REGION")
    )
    addressing: Literal["auto", "path", "virtual"] = "auto"
    profile: Literal["auto", "aws", "ceph", "seaweedfs", "swift", "minio", "r2", "b2"] = "auto"

    log: Literal["text", "json"] = "text"
    hooks: CommaSeparated = ()
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = Field(None, min_length=24)
    cdn_url: str | None = None
    cloudfront_key_id: str | None = Field(None, min_length=1)
    cloudfront_private_key: Path | None = None
    trusted_proxies: str = "127.0.0.1,::1"
    drain: float = Field(0, ge=0, le=3600)
    metrics_port: int | None = Field(None, ge=1, le=65535)
    metrics_host: str = "127.0.0.1"

    secret: SecretStr | None = Field(None, min_length=16)
    secret_before: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    guests: bool = True
    authorize: str | None = None
    jwt_secret: SecretStr | None = Field(None, min_length=32)
    jwks_url: str | None = None
    jwt_audience: str | None = Field(None, min_length=1)
    jwt_issuer: str | None = Field(None, min_length=1)
    allowed_origins: CommaSeparated = ()
    frame_ancestors: str | None = Field(None, pattern=r"^[^;,\r\n]+$")
    secure_cookies: bool = False

    prefix: str = Field(
        "uploads", pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", max_length=200
    )
    url_expiry: int = Field(900, ge=10, le=7 * DAY)
    upload_expiry: int = Field(7 * DAY, ge=60, le=365 * DAY)
    max_file_size: int | None = Field(None, ge=1)
    min_file_size: int = Field(0, ge=0)
    small_file_size: int = Field(8 * MIB, ge=0, le=64 * MIB)
    allowed_types: CommaSeparated = ()
    allowed_names: str | None = None
    max_open_uploads: int | None = Field(None, ge=1, le=1000)
    max_bytes_per_day: int | None = Field(None, ge=1)
    max_requests_per_second: float | None = Field(None, gt=0)
    max_signatures: int | None = Field(None, ge=1)

    @field_validator("allowed_origins", "allowed_types", "hooks", "secret_before", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("allowed_origins")
    @classmethod
    def _exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin_of(origin) != origin:
                raise ValueError(f"{origin!r} is no exact origin, like {origin_of(origin)}")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _web(cls, value: str | None) -> str | None:
        if value:
            origin_of(value)
        return value or None

    @field_validator("jwks_url")
    @classmethod
    def _safe(cls, value: str | None) -> str | None:
        """Keys that travel in the clear are anybody's: https, or this machine."""
        if not value:
            return None
        origin_of(value)
        parts = urlsplit(value)
        if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(f"{value!r} has to be an https:// address")
        return value

    @field_validator("allowed_names")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is no regular expression: {error}") from None
        return value

    @field_validator("secret_before")
    @classmethod
    def _long(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(secret) < 16 for secret in value):
            raise ValueError("each secret has at least 16 characters")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise ValueError(
                "UPLOADS_WEBHOOK_URL and UPLOADS_WEBHOOK_SECRET go together: set both or neither"
            )
        if (self.cloudfront_key_id is None) != (self.cloudfront_private_key is None) or (
            self.cloudfront_key_id and not self.cdn_url
        ):
            raise ValueError(
                "UPLOADS_CDN_URL, UPLOADS_CLOUDFRONT_KEY_ID and UPLOADS_CLOUDFRONT_PRIVATE_KEY make signed URLs together"
            )
        if not self.guests and not self.jwt_secret and not self.jwks_url:
            raise ValueError(
                "UPLOADS_GUESTS: without guests nobody could upload; set UPLOADS_JWT_SECRET or UPLOADS_JWKS_URL"
            )
        return self

    @field_validator("endpoint", "public_endpoint", "cdn_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if not value:
            return None
        origin_of(value)
        return value.rstrip("/")

    @field_validator("bucket")
    @classmethod
    def _bucket(cls, value: str) -> str:
        import argparse

        try:
            return bucket_name(value)
        except argparse.ArgumentTypeError as error:
            raise ValueError(str(error)) from None

    @property
    def embedded(self) -> bool:
        """Whether the store is the one that is started here."""
        return self.store == "embedded" or (self.store == "auto" and self.endpoint is None)

    @property
    def own_origins(self) -> tuple[str, ...]:
        """The origins at which a browser on this machine sees the page."""
        local = {"127.0.0.1", "localhost", "0.0.0.0", "::"}  # noqa: S104 - told apart, not bound
        names = ["127.0.0.1", "localhost"] if self.host in local else [self.host]
        return tuple(f"http://{f'[{name}]' if ':' in name else name}:{self.port}" for name in names)

    @property
    def framing_pages(self) -> str:
        """Which pages may frame ours, in the words of `frame-ancestors`.

        Unless it is set: our own; on loopback all of this machine, whose ports are one site to a browser anyway.
        """
        if self.frame_ancestors is not None:
            return self.frame_ancestors
        on_loopback = self.host in {"127.0.0.1", "localhost", "::1"}
        return "'self' http://127.0.0.1:* http://localhost:*" if on_loopback else "'self'"

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names by which browsers may call this server; `None` where it can be reached from elsewhere by any."""
        if self.host not in {"127.0.0.1", "localhost", "::1"}:
            return None
        named = (urlsplit(origin).hostname or "" for origin in self.allowed_origins)
        return frozenset({"127.0.0.1", "localhost", "::1", *named})

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Every origin whose pages may call the API and the store."""
        return (
            *self.own_origins,
            *(origin for origin in self.allowed_origins if origin not in self.own_origins),
        )


def variable_of(field: str) -> str:
    """The environment variable (or, for aliased fields, the first of them) that sets `field`."""
    alias = Settings.model_fields[field].validation_alias if field in Settings.model_fields else None
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else PREFIX + field.upper()


def load(options: Options) -> Settings:
    """The settings: flags first, then the environment, then defaults. Raises `UserError` naming what is wrong."""
    fields = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            raise UserError(
                f"{name} is no setting{f'; did you mean {near[0]}?' if near else ''} (see --help)."
            )
    flags = {name: getattr(options, name) for name in ("host", "port", "data", "bucket", "workers")}
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = str(first["loc"][0]) if first["loc"] else ""
        name = where if where.isupper() else variable_of(where)
        what = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{name}: {what}." if where else f"{what}.") from None
