"""A site's own Python looks at files before they are uploaded, in real browsers and into a real SeaweedFS (ACCEPTANCE X1-X9)."""

from __future__ import annotations

import base64
import gzip
import io
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import zstandard
from PIL import Image
from uploads.server import assets
from uploads.server import site as builder
from uploads.server.decrypting import decrypt

from tests.browser.static_host import open_static_host, set_up
from tests.browser.uploads_page import MIB, UploadsPage, random_file
from tests.harness.browser import Browser, Visitor
from tests.harness.marks import mostly_long
from tests.harness.server import ServerProcess
from tests.harness.tabs import AnyBrowser, until

pytestmark = pytest.mark.browser
HERE = Path(__file__).with_name("inspectors")
KEY = base64.b64encode(bytes(range(32))).decode()
STATE = """
(name) => {
  const row = [...document.querySelectorAll("[data-upload-id]")].find((row) => row.textContent.includes(name));
  return row && { status: row.dataset.status, phase: row.dataset.phase, note: row.querySelector(".note").textContent };
}
"""
ENDED = f"(name) => {{ const found = ({STATE})(name); return ['completed', 'failed'].includes(found?.status) ? found : null; }}"


@dataclass
class Site:
    """A site on a static host whose settings a test writes, and its signing server."""

    folder: Path
    url: str
    server: ServerProcess

    def set_up(self, inspectors: str, more: str = "") -> None:
        set_up(self.folder, f'signer_url = "{self.server.url}"\n{more}\n{inspectors}')

    def object_of(self, name: str) -> tuple[bytes, dict[str, Any]]:
        """The bytes of the newest object whose key ends so, and what HEAD tells of it."""
        found = self.server.s3.list_objects_v2(Bucket=self.server.bucket).get("Contents", [])
        named = [entry for entry in found if entry["Key"].endswith(f"/{name}")]
        key = max(named, key=lambda entry: entry["LastModified"])["Key"]
        head = self.server.s3.head_object(Bucket=self.server.bucket, Key=key)
        return self.server.object_bytes(key), dict(head)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("inspected")
    with open_static_host(folder / "site") as url:
        shutil.copy(HERE / "order_check.py", folder / "site" / "order_check.py")
        server = ServerProcess(folder / "data", UPLOADS_ALLOWED_ORIGINS=url)
        try:
            server.start()
            yield Site(folder / "site", url, server)
        finally:
            server.discard()


@pytest.fixture
def send(every_browser: AnyBrowser, site: Site) -> Callable[..., dict[str, Any]]:
    """Chooses a file on a page of the site and waits for its end: its row's state."""

    def choose(file: Path) -> dict[str, Any]:
        page = every_browser.page
        page.goto(f"{site.url}/")
        until(page, "() => document.documentElement.dataset.engine === 'ready'")
        every_browser.choose_files(file)
        found: dict[str, Any] = until(page, ENDED, file.name)
        return found

    return choose


Send = Callable[..., dict[str, Any]]


def photograph() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "somewhere in Vienna"
    exif[0x0112] = 6
    saved = io.BytesIO()
    Image.frombytes("RGB", (300, 200), os.urandom(180_000)).save(saved, "JPEG", exif=exif)
    return saved.getvalue()


def test_where_a_photograph_was_taken_never_leaves_the_browser(
    send: Send, site: Site, tmp_path: Path
) -> None:
    """X4."""
    site.set_up('[[inspectors]]\nmatch = ["image/*"]\ncallable = "upload_inspectors.exif:inspect"')
    file = tmp_path / "photo.jpg"
    file.write_bytes(photograph())
    assert send(file)["status"] == "completed"
    stored, _ = site.object_of("photo.jpg")
    assert b"Vienna" not in stored
    assert dict(Image.open(io.BytesIO(stored)).getexif()) == {0x0112: 6}
    assert Image.open(io.BytesIO(stored)).tobytes() == Image.open(file).tobytes()


ORDERS = '[[inspectors]]\nmatch = [".csv"]\npackages = ["order_check.py"]\ncallable = "order_check:{}"\n{}'


def test_a_bad_table_is_refused_in_words_and_nothing_is_sent(send: Send, site: Site, tmp_path: Path) -> None:
    """X3, X5."""
    site.set_up(ORDERS.format("inspect", ""))
    bad = tmp_path / "bad.csv"
    bad.write_text("name,amount\na,1.5\nb,much\n")
    found = send(bad)
    assert found["status"] == "failed"
    assert 'Row 3, column "amount": "much" is no amount.' in found["note"]
    assert site.server.open_uploads() == []
    good = tmp_path / "good.csv"
    good.write_text("name,amount\na,1.5\nb,2\n")
    assert send(good)["status"] == "completed"
    stored, head = site.object_of("good.csv")
    assert stored == good.read_bytes()
    assert head["Metadata"]["checked"] == "yes"


WRONG = [
    ("for_ever", "time_limit = 2000", "it took too long"),
    ("wrong", "", "a bug of the inspector"),
    ("greedy", "memory_limit = 200_000_000", "MemoryError"),
    ("missing", "", "AttributeError"),
    ("wrong", 'on_failure = "accept"', ""),
    ("for_ever", 'time_limit = 2000\non_failure = "accept"', ""),
]


@pytest.mark.parametrize(("function", "limits", "words"), mostly_long(WRONG, {WRONG[0], WRONG[2], WRONG[4]}))
def test_an_inspector_that_goes_wrong_hurts_no_upload(
    send: Send, site: Site, tmp_path: Path, function: str, limits: str, words: str
) -> None:
    """X2."""
    site.set_up(ORDERS.format(function, limits))
    file = tmp_path / f"{function}.csv"
    file.write_text("name,amount\na,1\n")
    found = send(file)
    assert words in found["note"]
    assert found["status"] == ("failed" if words else "completed")
    if not words:
        assert site.object_of(file.name)[0] == file.read_bytes()


def unpack_zstd(content: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


PACKED = [("gzip", gzip.decompress), ("zstd", unpack_zstd)]


@pytest.mark.parametrize(("encoding", "unpack"), mostly_long(PACKED, {PACKED[1]}))
def test_a_packed_file_is_unpacked_by_whoever_downloads_it(
    send: Send, site: Site, tmp_path: Path, encoding: str, unpack: Callable[[bytes], bytes]
) -> None:
    """X7."""
    site.set_up(
        f"""[[inspectors]]\nmatch = [".txt"]\ncallable = "upload_inspectors.compression:inspect"
        options = {{ encoding = "{encoding}" }}"""
    )
    file = tmp_path / "packed.txt"
    file.write_text("the same again\n" * 1_000_000)
    assert send(file)["status"] == "completed"
    stored, head = site.object_of("packed.txt")
    assert unpack(stored) == file.read_bytes()
    told = (head["ContentEncoding"], head["Metadata"]["unpacked-size"])
    assert told == (encoding, str(file.stat().st_size))


def test_a_locked_file_opens_with_the_key_alone(send: Send, site: Site, tmp_path: Path) -> None:
    """X8."""
    site.set_up(
        f'[[inspectors]]\ncallable = "upload_inspectors.encryption:inspect"\noptions = {{ key = "{KEY}" }}'
    )
    file = random_file(tmp_path / "secret.bin", 12 * MIB + 345)
    assert send(file)["status"] == "completed"
    stored, head = site.object_of("secret.bin.enc")
    assert head["Metadata"]["encryption"] == "UWENC1"
    assert file.read_bytes()[:1000] not in stored
    clear = io.BytesIO()
    decrypt(io.BytesIO(stored), clear, base64.b64decode(KEY))
    assert clear.getvalue() == file.read_bytes()


@pytest.mark.long
def test_uploads_go_on_while_an_inspector_runs_for_ever(
    chromium: Callable[..., Browser], site: Site, tmp_path: Path
) -> None:
    """X2: at the speed that they have without it, but for the processor that it takes."""
    site.set_up(ORDERS.format("for_ever", "time_limit = 20_000"))
    looped, film = tmp_path / "looped.csv", random_file(tmp_path / "film.bin", 40 * MIB)
    looped.write_text("name,amount\n")
    browser = chromium()
    page = browser.page
    page.goto(f"{site.url}/")
    page.wait_for_selector("html[data-engine=ready]")
    browser.choose_files(film)  # nothing inspects it
    browser.choose_files(looped)
    assert until(page, ENDED, film.name)["status"] == "completed"
    assert page.evaluate(STATE, looped.name)["phase"] == "inspecting"
    assert site.object_of(film.name)[0] == film.read_bytes()
    assert "took too long" in until(page, ENDED, looped.name)["note"]


@pytest.mark.long
def test_a_person_may_take_a_file_back_from_an_inspector(
    chromium: Callable[..., Browser], site: Site, tmp_path: Path
) -> None:
    """X2: it is ended at once, and the next file's turn comes."""
    site.set_up(
        ORDERS.format("for_ever", "")
        + '\n[[inspectors]]\nmatch = [".txt"]\ncallable = "upload_inspectors.sniffing:inspect"'
    )
    looped, text = tmp_path / "given-up.csv", tmp_path / "after.txt"
    for file in (looped, text):
        file.write_text("name,amount\n")
    page = UploadsPage(chromium(), site.server, url=site.url)
    page.choose(looped, text)
    page.until(looped.name, "inspecting")
    page.press(looped.name, "Cancel")
    page.until(text.name, "completed")
    assert page.page.evaluate(STATE, looped.name) is None


def test_files_that_were_being_checked_when_the_page_went_are_named(
    visitor: Visitor, site: Site, tmp_path: Path
) -> None:
    """X2: no worker has heard of them. They are told once, without those that nobody wanted any more."""
    site.set_up(ORDERS.format("for_ever", ""))
    files = [tmp_path / f"{name}.csv" for name in ("first", "second", "third")]
    for file in files:
        file.write_text("name,amount\n")
    uploads = UploadsPage(visitor, site.server, url=site.url)
    uploads.choose(*files)
    uploads.until(files[2].name, "inspecting")
    uploads.press(files[1].name, "Cancel")
    uploads.page.wait_for_function("sessionStorage.getItem('uploads.unchecked').startsWith('[2,')")
    uploads.reload()
    told = uploads.page.locator("#notice p")
    told.wait_for()
    assert told.inner_text() == (
        "2 files were still being checked when this page was left. Add them again: first.csv, third.csv."
    )
    uploads.reload()
    assert not told.is_visible()
    uploads.choose(files[0])
    uploads.until(files[0].name, "inspecting")
    uploads.page.wait_for_function("sessionStorage.getItem('uploads.unchecked').startsWith('[1,')")
    uploads.reload()
    told.wait_for()
    assert told.inner_text() == "first.csv was still being checked when this page was left. Add it again."


REQUIREMENTS = """\
python-dateutil==2.9.0.post0 --hash=sha256:a8b2bc7bffae282281c8140a97d3aa9c14da0b136dfe83f850eea9a5f7470427
six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274
"""
DATES = """\
from dateutil.parser import parse
from upload_inspectors import accept


def inspect(file):
    return accept({"day": parse(file.readline().decode()).date().isoformat()})
"""


@pytest.mark.long
def test_packages_come_from_the_site_itself(
    chromium: Callable[..., Browser], site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X9: with what they need, and nothing is asked of another host."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(REQUIREMENTS)
    monkeypatch.setattr(assets, "INSPECTOR_REQUIREMENTS", requirements)
    builder.build(tmp_path / "built")
    shutil.copytree(tmp_path / "built", site.folder, dirs_exist_ok=True)
    (site.folder / "dates.py").write_text(DATES)
    site.set_up(
        '[[inspectors]]\npackages = ["dates.py", "python-dateutil"]\ncallable = "dates:inspect"\nmatch = [".log"]'
    )
    file = tmp_path / "a.log"
    file.write_text("29 November 2026 23:41\n")
    browser = chromium()
    browser.page.goto(f"{site.url}/")
    browser.page.wait_for_selector("html[data-engine=ready]")
    browser.choose_files(file)
    assert until(browser.page, ENDED, file.name)["status"] == "completed"
    assert site.object_of("a.log")[1]["Metadata"]["day"] == "2026-11-29"
    browser.close()
    hosts = {urlsplit(request["url"]).hostname for request in browser.requests()}
    assert hosts <= {"127.0.0.1", None}


@pytest.mark.long
def test_two_gibibytes_are_inspected_in_little_memory(
    chromium: Callable[..., Browser], site: Site, tmp_path: Path
) -> None:
    """X10: the limit of the inspector's heap is a sixteenth of the file."""
    site.set_up(
        '[[inspectors]]\nmatch = [".csv"]\nmemory_limit = 134_217_728\ncallable = "upload_inspectors.tables:inspect"\n'
        'options = { columns = { number = "integer", text = "text" } }'
    )
    rows = "".join(f"{number},{'x' * 4000}\n" for number in range(1000)).encode()
    file = tmp_path / "large.csv"
    with file.open("wb") as table:
        table.write(b"number,text\n")
        while table.tell() < 2 * 1024 * MIB:
            table.write(rows)
        table.write(b"wrong,x\n")
    last = file.stat().st_size
    page = chromium().page
    page.goto(f"{site.url}/")
    page.wait_for_selector("html[data-engine=ready]")
    page.set_input_files("#files", file)
    found = until(page, ENDED, file.name, limit=1500)
    assert found["status"] == "failed"
    count = (last - len("number,text\nwrong,x\n")) // len(rows) * 1000
    assert f'Row {count + 2}, column "number": "wrong" is not a whole number.' in found["note"]
