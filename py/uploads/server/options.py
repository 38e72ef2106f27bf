"""The command line: what `serve.py` understands, with its help. Standard library only, since it runs before `.venv` exists."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ENVIRONMENT = """\
environment (a flag wins over its variable):
  UPLOADS_HOST, UPLOADS_PORT, UPLOADS_DATA, UPLOADS_BUCKET, UPLOADS_WORKERS
                            as the flags of the same names
  AWS_ENDPOINT_URL_S3       use this S3 store; nothing embedded is started
                            (AWS_ENDPOINT_URL does the same)
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE,
  AWS_REGION, AWS_DEFAULT_REGION, …
                            the usual chain of credentials and regions of AWS
  UPLOADS_STORE             "embedded", "s3", or "auto" (default): s3 when an endpoint above
                            is set; "s3" without an endpoint means AWS itself
  UPLOADS_PUBLIC_ENDPOINT   the store's address as browsers reach it, when it differs
                            (http://localhost:9000, not http://store:9000)
  UPLOADS_ADDRESSING        "path", "virtual", or "auto" (default): virtual on AWS, else path
  UPLOADS_PROFILE           what kind of store it is: "aws", "ceph", "seaweedfs", "swift", "minio", "r2", "b2", or
                            "auto" (default): recognised by its address and its answers
  UPLOADS_SECRET            signs upload ids and cookies; the same on every replica
                            (default: made once and kept in the data directory)
  UPLOADS_SECRET_BEFORE     earlier secrets, comma-separated: what they have signed is still
                            good, while all that is new is signed with UPLOADS_SECRET
  UPLOADS_GUESTS            "off": only an application's users may upload (on)
  UPLOADS_AUTHORIZE         package.module:function, which decides who may upload what
                            (everybody everything, within the limits below)
  UPLOADS_JWT_SECRET        an application's users come with bearer tokens: JWTs (HS256) signed
                            with this, at least 32 characters, with sub and exp
  UPLOADS_JWKS_URL          the same, signed with a private key (RS256, PS256, ES256, EdDSA and
                            their kin) whose public half is in the key set at this address
  UPLOADS_JWT_AUDIENCE, UPLOADS_JWT_ISSUER
                            what aud and iss of these tokens have to be (no aud; any iss)
  UPLOADS_ALLOWED_ORIGINS   other pages that may call the API, comma-separated, exact:
                            https://app.example.com,https://www.example.com
  UPLOADS_FRAME_ANCESTORS   pages that may frame this one, sandboxed or not, space-separated:
                            https://app.example.com; "*" is every page (default: 'self', and
                            on loopback all pages of this machine's servers)
  UPLOADS_PREFIX            keys begin with this (uploads)
  UPLOADS_URL_EXPIRY        seconds that a signed URL lives (900)
  UPLOADS_UPLOAD_EXPIRY     seconds that an unfinished upload can be resumed (604800: 7 days)
  UPLOADS_MAX_FILE_SIZE     bytes; larger files are refused (no limit)
  UPLOADS_MIN_FILE_SIZE     bytes; smaller files are refused (0)
  UPLOADS_SMALL_FILE_SIZE   bytes up to which a file is sent whole, by one request, at most 64 MiB;
                            0: all files go in parts, as they do where types are allowed by name
                            (8388608: 8 MiB)
  UPLOADS_ALLOWED_TYPES     comma-separated: image/*,text/csv,.zip (all); what a file's first
                            bytes tell is compared with them when it has arrived
  UPLOADS_ALLOWED_NAMES     a regular expression for all of a file's name: [\\w .-]+ (all)
  UPLOADS_MAX_OPEN_UPLOADS  unfinished uploads that a user may have, at most 1000 (no limit)
  UPLOADS_MAX_BYTES_PER_DAY bytes that a user may store from midnight to midnight UTC (no limit)
  UPLOADS_MAX_REQUESTS_PER_SECOND
                            of one user, ten seconds' worth at once; each process counts for
                            itself (no limit)
  UPLOADS_MAX_SIGNATURES    how often one part is signed; each process counts for itself (no limit)
  UPLOADS_HOOKS             what to do with a file when it has arrived, by its type, comma-separated:
                            image/*=package.module:function,.mp4=other:probe (nothing)
  UPLOADS_WEBHOOK_URL, UPLOADS_WEBHOOK_SECRET
                            where to tell of completed uploads, by a POST that is signed with the
                            secret (Standard Webhooks; at least 24 characters) (nowhere)
  UPLOADS_CDN_URL           the address of a content delivery network in front of the bucket, from
                            which objects are fetched then (the store itself)
  UPLOADS_CLOUDFRONT_KEY_ID, UPLOADS_CLOUDFRONT_PRIVATE_KEY
                            sign these addresses for CloudFront: the id of the public key, and
                            the PEM file with the private one
  UPLOADS_TRUSTED_PROXIES   addresses or networks of proxies that are believed about the browser's
                            address and scheme, comma-separated (127.0.0.1,::1)
  UPLOADS_DRAIN             seconds after SIGTERM for which /readyz says 503 and all goes on (0)
  UPLOADS_METRICS_PORT      port for Prometheus's /metrics (none), at UPLOADS_METRICS_HOST (127.0.0.1)
  UPLOADS_LOG               "json": one JSON object a line (text)
  UPLOADS_SECURE_COOKIES    "true" behind HTTPS (false)
  UPLOADS_FILE_KEY          the key of `serve.py decrypt`, base64 of 32 bytes
  CHROMIUM                  the browser that `serve.py test` drives (default: looked for)
"""


@dataclass(frozen=True)
class Options:
    """What was asked for. `None` means: not given here, so the environment or the default decides."""

    command: str = "run"
    host: str | None = None
    port: int | None = None
    data: Path | None = None
    bucket: str | None = None
    workers: int | None = None
    out: Path = Path("dist")
    signer_url: str | None = None
    locked: Path | None = None
    opened: Path | None = None
    key_file: Path | None = None
    further: tuple[str, ...] = field(default=())


def port_number(text: str) -> int:
    """A TCP port from text. Raises `argparse.ArgumentTypeError` outside 1–65535."""
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port number (1–65535)")
    return int(text)


def worker_count(text: str) -> int:
    """A number of processes from text. Raises `argparse.ArgumentTypeError` outside 1–64."""
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes (1–64)")
    return int(text)


def bucket_name(text: str) -> str:
    """A bucket's name as S3 allows it (its user guide, "General purpose bucket naming rules")."""
    import re

    if not re.fullmatch(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no bucket name (3–63 lower-case letters, digits, dots and hyphens)"
        )
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="serve.py",
        description="Large files from the browser into S3, whole whatever happens on the way.\n"
        "The first start sets everything up (.venv, browser assets, site); later starts only start.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="{run,build,decrypt,test,bench}")
    for target in (
        parser,
        commands.add_parser("run", help="serve the page, the API and the store (the default)"),
    ):
        # A sub-parser's defaults would overwrite what stood before its name.
        target.add_argument("--host", default=argparse.SUPPRESS, help="address to listen on (127.0.0.1)")
        target.add_argument(
            "--port",
            type=port_number,
            default=argparse.SUPPRESS,
            metavar="N",
            help="port to listen on (8000)",
        )
        target.add_argument(
            "--data",
            type=Path,
            default=argparse.SUPPRESS,
            metavar="DIR",
            help="where keys and the embedded store's files live (./data)",
        )
        target.add_argument(
            "--bucket",
            type=bucket_name,
            default=argparse.SUPPRESS,
            metavar="NAME",
            help="the bucket (uploads)",
        )
        target.add_argument(
            "--workers",
            type=worker_count,
            default=argparse.SUPPRESS,
            metavar="N",
            help="processes that answer (1); one that ends is replaced",
        )
    build = commands.add_parser("build", help="write the static site and stop")
    build.add_argument(
        "--out", type=Path, default=Path("dist"), metavar="DIR", help="where to write it (./dist)"
    )
    build.add_argument(
        "--signer-url",
        metavar="URL",
        help="where the signing API is, when not at the site's own origin; it can be changed in config.json",
    )
    decrypt = commands.add_parser("decrypt", help="open a file that the page has locked before its upload")
    decrypt.add_argument("locked", type=Path, metavar="FILE", help="the object, as it was downloaded")
    decrypt.add_argument(
        "--key-file",
        type=Path,
        metavar="KEY",
        help="holds the key, base64 of 32 bytes (default: the variable UPLOADS_FILE_KEY)",
    )
    decrypt.add_argument(
        "--out", type=Path, dest="opened", metavar="FILE", help="where to write it (FILE without .enc)"
    )
    commands.add_parser(
        "test", add_help=False, help="run the linters and the tests; further arguments go to pytest"
    )
    commands.add_parser(
        "bench",
        add_help=False,
        help="measure uploads beside other uploaders (--quick: in under two minutes); more with bench --help",
    )
    return parser


def parse(argv: Sequence[str]) -> Options:
    """The options in `argv`. Prints help or a complaint and raises `SystemExit` (0 or 2) as argparse does."""
    parser = _parser()
    found, rest = parser.parse_known_args(list(argv))
    if rest and found.command not in ("test", "bench"):
        parser.error(f"unknown argument: {rest[0]}")
    values = vars(found)
    return Options(
        command=values.get("command") or "run",
        host=values.get("host"),
        port=values.get("port"),
        data=values.get("data"),
        bucket=values.get("bucket"),
        workers=values.get("workers"),
        out=values.get("out", Path("dist")),
        signer_url=values.get("signer_url"),
        locked=values.get("locked"),
        opened=values.get("opened"),
        key_file=values.get("key_file"),
        further=tuple(rest),
    )
