"""What the browser's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.fake_line import open_fake_line
from tests.browser.line import BadLine, Line, open_bad_line, open_line
from tests.browser.other_page import OtherPage
from tests.browser.runs import URL_SECONDS, clear
from tests.browser.scene import Scene
from tests.browser.static_host import open_static_host, set_up
from tests.browser.uploads_page import random_file
from tests.harness.browser import Browser, Visitor
from tests.harness.tabs import AnyBrowser


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """One line for the tests of a module."""
    with open_line(tmp_path_factory.mktemp("line") / "data") as opened:
        yield opened


@pytest.fixture
def slow(line: Line, request: pytest.FixtureRequest) -> Iterator[Line]:
    """The module's line at ``SLOW`` bytes a second, which the module names."""
    line.limit(request.module.SLOW)
    yield line
    line.limit(None)
    line.server.abort_open_uploads()  # of a test that failed


@pytest.fixture(scope="module")
def copying(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Line, str]]:
    """A line, and the address of a page that keeps copies of files up to ``SIZE``, which the module names."""
    folder = tmp_path_factory.mktemp("copying")
    with (
        open_static_host(folder / "site") as url,
        open_line(folder / "data", UPLOADS_ALLOWED_ORIGINS=url) as line,
    ):
        set_up(folder / "site", f'keep_copy = {request.module.SIZE}\nsigner_url = "{line.server.url}"')
        yield line, url


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("firefox", marks=pytest.mark.firefox),
        pytest.param("webkit", marks=pytest.mark.webkit),
    ],
)
def browser(request: pytest.FixtureRequest) -> AnyBrowser:
    """The other browsers, one after the other."""
    found: AnyBrowser = request.getfixturevalue(request.param)()
    return found


@pytest.fixture(
    params=[
        "chromium",
        pytest.param("firefox", marks=pytest.mark.firefox),
        pytest.param("webkit", marks=pytest.mark.webkit),
    ]
)
def every_browser(request: pytest.FixtureRequest) -> AnyBrowser:
    """Each of the three in turn, with nothing of an earlier test in it."""
    if request.param == "chromium":
        visitor: Visitor = request.getfixturevalue("visitor")
        return visitor
    found: AnyBrowser = request.getfixturevalue(request.param)()
    return found


@pytest.fixture
def page(browser: AnyBrowser, line: Line) -> Iterator[OtherPage]:
    """A freshly loaded page, whose console must stay silent for the whole test."""
    before = len(browser.console)
    yield OtherPage(browser, line)
    line.limit(None)
    assert browser.console[before:] == []


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 200 MB."""
    return random_file(tmp_path_factory.mktemp("film") / "film.bin", 200_000_000)


@pytest.fixture(scope="module")
def module_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BadLine]:
    """URLs are good for twelve seconds: each of these uploads has to have some of them signed anew."""
    with open_bad_line(
        tmp_path_factory.mktemp("bad") / "data", UPLOADS_URL_EXPIRY=str(URL_SECONDS)
    ) as opened:
        yield opened


@pytest.fixture
def bad(module_line: BadLine) -> Iterator[BadLine]:
    """A bad line that is good until the test says otherwise."""
    yield module_line
    clear(module_line)


@pytest.fixture(scope="module")
def module_scene(shared_chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_fake_line(tmp_path_factory.mktemp("fake") / "data") as line:
        scene = Scene(line, shared_chromium)
        yield scene
        scene.leave()


@pytest.fixture
def scene(module_scene: Scene, request: pytest.FixtureRequest) -> Iterator[Scene]:
    failed = request.session.testsfailed
    yield module_scene
    if request.session.testsfailed != failed:
        module_scene.leave()
    module_scene.line.clear()
