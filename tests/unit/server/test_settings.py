"""Settings and the command line: flags over environment over defaults, and mistakes called by their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from uploads.server import options, settings
from uploads.server.errors import UserError
from uploads.server.options import Options


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("UPLOADS_", "AWS_")):
            monkeypatch.delenv(name)


def test_the_defaults_start_the_embedded_store_on_loopback() -> None:
    found = settings.load(Options())
    assert (found.host, found.port, found.data, found.bucket) == ("127.0.0.1", 8000, Path("data"), "uploads")
    assert found.embedded
    assert found.own_origins == ("http://127.0.0.1:8000", "http://localhost:8000")


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADS_PORT", "9001")
    monkeypatch.setenv("UPLOADS_BUCKET", "from-environment")
    found = settings.load(options.parse(["--port", "9002"]))
    assert (found.port, found.bucket) == (9002, "from-environment")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_an_endpoint_means_another_store(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9000/")
    found = settings.load(Options())
    assert not found.embedded
    assert found.endpoint == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("host", "value", "framing"),
    [
        ("127.0.0.1", None, "'self' http://127.0.0.1:* http://localhost:*"),
        ("0.0.0.0", None, "'self'"),  # noqa: S104 - told apart, not bound
        ("127.0.0.1", "https://a.example", "https://a.example"),
    ],
)
def test_who_may_frame_the_page(
    monkeypatch: pytest.MonkeyPatch, host: str, value: str | None, framing: str
) -> None:
    if value is not None:
        monkeypatch.setenv("UPLOADS_FRAME_ANCESTORS", value)
    assert settings.load(Options(host=host)).framing_pages == framing


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADS_ALLOWED_ORIGINS", "https://a.example, http://b.example:81")
    found = settings.load(Options())
    assert found.page_origins[-2:] == ("https://a.example", "http://b.example:81")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("UPLOADS_GUESTS", "off", "UPLOADS_GUESTS.*UPLOADS_JWT_SECRET or UPLOADS_JWKS_URL"),
        ("UPLOADS_JWKS_URL", "http://keys.example/set", "UPLOADS_JWKS_URL.*https"),
        ("UPLOADS_JWKS_URL", "keys", "UPLOADS_JWKS_URL"),
        ("UPLOADS_WEBHOOK_URL", "https://a.example/hook", "UPLOADS_WEBHOOK_SECRET go together"),
        ("UPLOADS_WEBHOOK_URL", "a.example/hook", "UPLOADS_WEBHOOK_URL"),
        ("UPLOADS_CLOUDFRONT_KEY_ID", "K1", "UPLOADS_CLOUDFRONT_PRIVATE_KEY"),
        ("UPLOADS_CDN_URL", "cdn", "UPLOADS_CDN_URL"),
        ("UPLOADS_ALLOWED_NAMES", "(", "UPLOADS_ALLOWED_NAMES.*regular expression"),
        ("UPLOADS_SECRET_BEFORE", "long enough for a secret,short", "UPLOADS_SECRET_BEFORE.*16"),
        ("UPLOADS_PORT", "0", "UPLOADS_PORT"),
        ("UPLOADS_PORT", "many", "UPLOADS_PORT"),
        ("UPLOADS_BUCKET", "Not A Bucket", "UPLOADS_BUCKET"),
        ("UPLOADS_ALLOWED_ORIGINS", "https://a.example/path", "UPLOADS_ALLOWED_ORIGINS"),
        ("UPLOADS_ALLOWED_ORIGINS", "*", "UPLOADS_ALLOWED_ORIGINS"),
        ("UPLOADS_FRAME_ANCESTORS", "x; script-src *", "UPLOADS_FRAME_ANCESTORS"),
        ("UPLOADS_SECRET", "short", "UPLOADS_SECRET"),
        ("UPLOADS_PREFIX", "../x", "UPLOADS_PREFIX"),
        ("AWS_ENDPOINT_URL_S3", "store:9000", "AWS_ENDPOINT_URL_S3"),
        ("UPLOADS_PUBLIC_ENDPOINT", "ftp://x", "UPLOADS_PUBLIC_ENDPOINT"),
        ("UPLOADS_URL_EXPIRE", "5", "did you mean UPLOADS_URL_EXPIRY?"),
    ],
)
def test_a_wrong_setting_is_called_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=says.replace("?", r"\?")) as caught:
        settings.load(Options())
    assert "\n" not in str(caught.value)


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADS_SECRET", "a-very-secret-secret")
    found = settings.load(Options())
    assert "a-very-secret" not in repr(found)


def test_the_commands_and_their_arguments() -> None:
    assert options.parse([]).command == "run"
    assert options.parse(["--host", "::1", "run", "--data", "d"]) == Options(host="::1", data=Path("d"))
    assert options.parse(["build", "--out", "x"]) == Options("build", out=Path("x"))
    for command in ("test", "bench"):
        assert options.parse([command, "-k", "name", "-x"]).further == ("-k", "name", "-x")


@pytest.mark.parametrize("argv", [["--prot", "1"], ["--port", "0"], ["--bucket", "x"], ["fly"]])
def test_a_wrong_argument_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        options.parse(argv)
    assert "error" in capsys.readouterr().err


def test_the_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        options.parse(["--help"])
    said = capsys.readouterr().out
    for field in settings.Settings.model_fields:
        assert settings.variable_of(field) in said, field
