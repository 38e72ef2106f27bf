"""Who is signed in, and that nobody sees, sends or loses what is another user's (fault 43)."""

import asyncio

import pytest
from upload_engine.core.errors import NetworkFault
from upload_engine.core.limits import GIB
from upload_engine.interfaces import ApiRequest, HttpResponse
from upload_engine.memory_store import MemoryStore
from uploads import protocol as p

from tests.simulation.browser import Disk, KeptKey, Life, Page
from tests.simulation.scenario import scenario
from tests.simulation.signing import call_kind, problem
from tests.simulation.virtual_time import run
from tests.simulation.world import World

OFFLINE = "line: offline for hours"


@pytest.mark.parametrize("trouble", ["an older guest", "a key that no longer fits"])
def test_another_user_does_not_see_the_first_ones_uploads(trouble: str) -> None:
    """Fault 43: invisible, not deleted."""

    async def story() -> None:
        world, store, key = World(), MemoryStore(), KeptKey()
        async with Life(world, store, key=key) as life:
            life.start("a", Disk("a.bin", GIB))
            await asyncio.sleep(4)
        world.server.cookie, world.server.new_guest = "somebody", trouble != "an older guest"
        if world.server.new_guest:
            await key.keep("me", b"another server's")
        async with Life(world, store, key=key) as life:
            await asyncio.sleep(10)
            assert life.page.sessions == {}
        assert (world.server.cookie, len(await store.load("me"))) == ("somebody", 1)

    run(story())


@scenario
async def test_a_user_who_turns_out_to_be_another_sees_only_their_own() -> None:
    """Fault 43: offline at first, the sessions of last time are shown until the server says who it is."""
    world, store, file = World(), MemoryStore(), Disk("b.bin", GIB)
    world.oracle.files["b"] = file
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(4)
    world.begin(OFFLINE)
    world.server.cookie = "somebody"
    async with Life(world, store) as life:
        await life.page.until("a", "waiting-for-file")
        world.end(OFFLINE)
        await asyncio.sleep(60)
        assert life.page.sessions == {}
    assert len(await store.load("me")) == 1


def hello(life: Life) -> Page:
    """Another page comes."""
    page = Page()
    life.engine.receive(page, p.encode_message({"type": p.HELLO, "config": {}}), None)
    return page


def let_in(world: World, user: str) -> None:
    world.server.cookie, world.server.new_guest = user, False


@scenario
async def test_a_page_of_another_user_sees_nothing_of_what_is_under_way() -> None:
    """Fault 43: the engine outlives the page of the first user, whose upload stops, and waits for them."""
    world, store, file = World(), MemoryStore(), Disk("a.bin", 5 * GIB)
    async with Life(world, store) as life:
        life.start("a", file)
        await asyncio.sleep(5)
        let_in(world, "somebody")
        page = hello(life)
        await asyncio.sleep(1)
        stored = world.bytes_stored
        assert page.texts, "the page is welcome"
        assert not any('"a"' in text for text in page.texts)
        assert life.page.sessions == {}, "the first user's page, if it is still there, shows nothing either"
        await asyncio.sleep(60)
        assert world.bytes_stored == stored, "and nothing is sent"
        let_in(world, "me")
        back = hello(life)
        await back.until("a", "waiting-for-file")
        life.say(p.RESELECT_FILE, file, upload_id="a")
        session = await back.until("a", "completed")
    assert world.holds(session["s3_key"], file)
    assert world.bytes_stored == file.size, "what was stored was not sent again"


@scenario
async def test_what_a_new_page_asks_for_waits_until_it_is_known_whose_it_is() -> None:
    """Fault 43: an upload begins in the account of the one who chose the file."""
    world, store, file = World(), MemoryStore(), Disk("b.bin", GIB)
    world.oracle.files["b"] = file
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(2)
        let_in(world, "somebody")
        page = hello(life)
        wanted = {"type": p.START_UPLOAD, "upload_id": "b", "project_id": "p", "s3_key": ""}
        life.engine.receive(page, p.encode_message(wanted), file)
        session = await page.until("b", "completed")
    assert session["user_id"] == "somebody"
    assert session["s3_key"].startswith("u/somebody/")


@scenario
async def test_an_upload_is_not_begun_anew_in_the_account_of_somebody_else() -> None:
    """Fault 43: they signed in elsewhere, and the server does not know the first user's upload any more."""
    world, store = World(url_lifetime=40.0), MemoryStore()
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", 5 * GIB))
        await asyncio.sleep(5)
        let_in(world, "somebody")
        await asyncio.sleep(200)
        assert life.page.sessions == {}
    assert [upload.key.split("/")[1] for upload in world.bucket.uploads.values()] == ["me"]
    assert [record["userId"] for record in await store.load("me")] == ["me"]


class Shy(World):
    """Does not say who it is, from some time on."""

    is_shy = False

    async def call(self, request: ApiRequest) -> HttpResponse:
        if self.is_shy and call_kind(request) == "who":
            raise NetworkFault("no answer")
        return await super().call(request)


@scenario
async def test_as_long_as_the_server_does_not_say_who_it_is_nothing_begins_anew() -> None:
    """Fault 43."""
    world, store = Shy(url_lifetime=40.0), MemoryStore()
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", 5 * GIB))
        await asyncio.sleep(5)
        let_in(world, "somebody")
        world.is_shy = True
        await asyncio.sleep(600)
        assert len(world.bucket.uploads) == 1
        assert life.page.sessions["a"]["status"] == "uploading", "it waits"
        world.is_shy = False
        await asyncio.sleep(200)
        assert life.page.sessions == {}
    assert len(world.bucket.uploads) == 1


@scenario
async def test_no_upload_begins_in_the_account_of_somebody_else() -> None:
    """Fault 43: the answer to Create tells of it. The page says why the file is gone; chosen again, it is theirs."""
    world, store = World(), MemoryStore()
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", 5 * GIB))
        await asyncio.sleep(5)
        let_in(world, "somebody")
        file = Disk("b.bin", GIB)
        life.start("b", file)
        await asyncio.sleep(5)
        assert life.page.sessions == {}
        assert "Somebody else has signed in" in life.page.capabilities["warnings"][0]
        assert [upload.file for upload in world.bucket.uploads.values() if upload.is_open] == ["a.bin"]
        life.start("c", file)
        session = await life.page.until("c", "completed")
    assert session["user_id"] == "somebody"
    assert sorted(record["uploadId"] for record in await store.load("me")) == ["a", "b"]


@pytest.mark.parametrize("back", ["Resume is pressed", "a person comes back to the page"])
def test_signed_out_in_the_middle_and_in_again(back: str) -> None:
    """Fault 41: in the same session; a look at the page while nobody is signed in changes nothing."""

    async def story() -> None:
        world, file = World(url_lifetime=40.0), Disk("a.bin", 5 * GIB)
        async with Life(world, MemoryStore()) as life:
            life.start("a", file)
            await asyncio.sleep(5)
            world.signed_in = False
            await life.page.until("a", "waiting-for-sign-in")
            life.say(p.NETWORK_HINT)
            await asyncio.sleep(1)
            assert life.page.sessions["a"]["phase"] == "waiting-for-sign-in"
            world.signed_in = True
            if back == "Resume is pressed":
                life.say(p.RESUME_UPLOAD, upload_id="a")
            else:
                life.say(p.NETWORK_HINT)
            await life.page.until("a", "uploading", seconds=1.0)
            session = await life.page.until("a", "completed")
        assert world.holds(session["s3_key"], file)

    run(story())


class Application(World):
    """Knows its users by their tokens, some of which have expired."""

    def __init__(self) -> None:
        super().__init__(url_lifetime=40.0)
        self.users = {"t1": "me", "t2": "me", "t3": "somebody"}
        self.expired: set[str] = set()

    async def call(self, request: ApiRequest) -> HttpResponse:
        if call_kind(request) == "probe":
            return await super().call(request)
        if self.token in self.expired:
            return problem(401, "TokenExpired")
        let_in(self, self.users[self.token])
        return await super().call(request)


def sign_in(life: Life, token: str, *, is_guest: bool = False) -> None:
    life.say(p.SIGN_IN, token=token, is_guest=is_guest)


def needs(page: Page) -> int:
    """How often the page was told that a token is needed."""
    return sum(f'"{p.SIGN_IN_NEEDED}"' in text for text in page.texts)


@scenario
async def test_a_token_that_expires_is_waited_for_and_the_next_one_lets_it_go_on() -> None:
    """W5."""
    world, store, file = Application(), MemoryStore(), Disk("a.bin", 5 * GIB)
    world.token = "t1"
    async with Life(world, store) as life:
        life.start("a", file)
        await asyncio.sleep(5)
        world.expired.add("t1")
        await life.page.until("a", "waiting-for-sign-in")
        await asyncio.sleep(600)
        sign_in(life, "t2")
        session = await life.page.until("a", "completed")
    assert world.holds(session["s3_key"], file)
    assert world.bytes_stored == file.size, "what was stored was not sent again"


@scenario
async def test_a_token_that_is_not_taken_at_the_start_is_asked_for_once() -> None:
    """W5: and until there is one that is, nothing of anybody's is shown."""
    world, store = Application(), MemoryStore()
    await store.set_meta("lastUser", "somebody")
    world.token = "t1"
    world.expired.add("t1")
    async with Life(world, store) as life:
        await asyncio.sleep(3_600)
        assert needs(life.page) == 1
        assert needs(hello(life)) == 0, "it is not here yet"
        late = hello(life)
        await asyncio.sleep(10)
        assert needs(late) == 1
        sign_in(life, "t1")
        await asyncio.sleep(10)
        assert needs(life.page) == 2, "the same one again is tried, and is no better"
        sign_in(life, "t2")
        await asyncio.sleep(1)
        life.start("a", Disk("a.bin", GIB))
        session = await life.page.until("a", "completed")
    assert session["user_id"] == "me"
    assert await store.get_meta("lastUser") == "somebody", "a token's user is not remembered"


@scenario
async def test_the_last_one_to_sign_in_wins_and_the_user_before_is_put_aside() -> None:
    """W5, fault 43."""
    world, store = Application(), MemoryStore()
    world.token = "t1"
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", 5 * GIB))
        await asyncio.sleep(5)
        sign_in(life, "t3")
        await asyncio.sleep(5)
        assert life.page.sessions == {}
        assert len(await store.load("me")) == 1
        sign_in(life, "t2")
        await life.page.until("a", "waiting-for-file")


@scenario
async def test_a_guests_token_counts_only_where_nobody_has_come_with_one() -> None:
    """W5."""
    world, store = Application(), MemoryStore()
    world.users["g1"] = "guest"
    async with Life(world, store) as life:
        world.token = "t1"
        await asyncio.sleep(1)
        sign_in(life, "g1", is_guest=True)
        await asyncio.sleep(1)
        assert world.token == "t1"
        world.token = ""
        sign_in(life, "g1", is_guest=True)
        await asyncio.sleep(1)
        assert world.token == "g1"
        sign_in(life, "t1")
        await asyncio.sleep(1)
        assert world.token == "t1"
