"""The page: puts the components together, and carries changes of the hook to them."""

from collections import OrderedDict

from uploads.client import ClientError, use_upload_worker
from uploads.protocol import ConfigError
from uploads.ui import dom, later, view, words
from uploads.ui import format as fmt
from uploads.ui.adding import Adding
from uploads.ui.alerts import Alerts
from uploads.ui.announcer import Announcer
from uploads.ui.intake import Intake
from uploads.ui.leaving import Leaving
from uploads.ui.notice import Notice
from uploads.ui.overview import Overview
from uploads.ui.panels import Panels
from uploads.ui.preferences import Preferences
from uploads.ui.row import UploadRow
from uploads.ui.speaking import Speaking
from uploads.ui.unchecked import Unchecked
from uploads.ui.upload_list import UploadList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from uploads.client import UploadClient
    from uploads.protocol import UploadHead
    from uploads.ui.demo import Demo
    from uploads.ui.offline import Offline
    from uploads.ui.thumbnails import Thumbnails

PROJECT_ID = "default"
"""The project of uploads from this page."""

RENDER_INTERVAL = 50
"""Milliseconds between two renderings."""
PROGRESS_INTERVAL = 250
"""The same, where nothing but progress is news: numbers that change faster cannot be read, and painting costs the upload its speed."""


def show_page(
    config: "Mapping[str, object] | None" = None,
    sentence: str = "",
    *,
    demo: bool = False,
    keeps_copy: bool = True,
) -> None:
    """Starts the page with an application's settings; what is wrong with them is said on the page, and `sentence`.

    `demo`: with the offline demo's panel. `keeps_copy`: whether the site may keep a copy of itself in the browser, to open
    without a network.
    """
    notice = Notice()
    if sentence:
        notice.tell(sentence)
    try:
        client = use_upload_worker(config)
    except (ClientError, ConfigError) as error:
        notice.show_engine("failed", f"The uploader is not set up correctly: {error}", [])
        return
    UploadWorkerDemo(client, notice, Speaking(), demo=demo, keeps_copy=keeps_copy)


def _open_demo(
    client: "UploadClient", take: "Callable[[Any], None]", tell: "Callable[[str], None]"
) -> "Demo":
    """Loaded only where it is wanted."""
    from uploads.ui import demo

    return demo.Demo(client, take, tell)


ROW_CHANGES = ("engine", "refused", "removed", "replaced", "upload")
"""The changes told by the hook that concern the list; of others, other rooms hear."""


class UploadWorkerDemo:
    """The documented demo component: the list of uploads and everything around it. `start(js_file, key)`: begins an upload and returns its id, unless it is

    one of this page's own project. `demo`: with the offline demo's panel. `keeps_copy`: whether a copy of the site may be kept; None where
    the page is a part of another one.
    """

    def __init__(
        self,
        client: "UploadClient",
        notice: Notice,
        speaking: Speaking,
        start: "Callable[[Any, str], str] | None" = None,
        *,
        demo: bool = False,
        keeps_copy: bool | None = None,
    ) -> None:
        self._client = client
        self._notice = notice
        self._keeps_copy = keeps_copy
        self._offline: Offline | None = None
        self._is_begun = False
        self._stale: OrderedDict[str, bool] = OrderedDict()  # in order, on MicroPython too
        self._heard: dict[str, str] = {}
        self._highest: dict[str, float] = {}
        self._refusals: dict[str, str] = {}
        self._twins: list[str] = []
        self._ranks: dict[str, float] = {}
        self._told: dict[str, bool] = {}  # by the engine, and not just begun on this page
        self._js_nothing = dom.find("#nothing-yet")
        self._list = UploadList(self._fill)
        self._overview = Overview()
        self._preferences = Preferences(self._preferences_changed)
        self._speaking = speaking
        speaking.listen(self._say_anew)
        self._alerts = Alerts(self._preferences)
        self._panels = Panels(
            client, self._preferences, lambda take: self.intake.ask_for_one(take), notice.tell
        )
        self._thumbnails: Thumbnails | None = None
        self._filtering, self._sorting = dom.Work(), dom.Work()
        self._moved = ""
        self._hides = self._preferences.hide_finished
        self._show_preferences()
        self._leaving = Leaving()
        self._unchecked = Unchecked(notice.tell)
        self._announcer = Announcer(self._name_of)
        self._later = dom.Later(self._render, RENDER_INTERVAL)
        self._lazily = dom.Later(self._render, PROGRESS_INTERVAL)
        dom.listen(self._list.js_element, "click", self._clicked_in_row)
        dom.listen(self._list.js_element, "keydown", self._key_in_row)
        dom.listen(self._overview.js_element, "click", self._clicked_in_overview)
        client.subscribe(self._changed)
        self.adding = Adding(client, start or self._start, self._given, notice.tell)
        self._demo = _open_demo(client, self.adding.take, notice.tell) if demo else None
        self.intake = Intake(self.adding, client.config["allowed_types"], notice.tell)
        if client.config["debug"]:
            notice.offer_report(client.report)
        self._show_rules()
        self._show_engine()
        dom.set_attribute(dom.js_root, "data-page", "ready")

    def _start(self, js_file: "Any", key: str) -> str:
        return self._client.start_upload(js_file, PROJECT_ID, f"{PROJECT_ID}/{key}" if key else "")

    def _given(self, upload_id: str, js_file: "Any") -> None:
        """A person has given an upload its file."""
        if self._demo:
            self._demo.keep(upload_id, js_file)
        if fmt.file_kind(str(js_file.name), "") == "image":
            later.load(lambda is_there: self._picture(upload_id, js_file) if is_there else None)

    def _picture(self, upload_id: str, js_file: "Any") -> None:
        """There may be a picture of this upload's file."""
        from uploads.ui.thumbnails import Thumbnails

        thumbnails = self._thumbnails = self._thumbnails or Thumbnails()
        row = self._list.row(upload_id)
        if upload_id in self._client.heads:
            thumbnails.keep(upload_id, js_file)
        if row is not None:
            thumbnails.show(upload_id, row.js_icon)

    def _changed(self, change: "dict[str, Any]") -> None:
        """A change told by the hook."""
        kind, upload_id = change["type"], change["upload_id"]
        if kind == "settings":
            self._panels.refresh()
        if kind not in ROW_CHANGES:
            return
        if kind == "engine":
            self._show_engine()
            self.show_all()
        elif kind == "refused" and not (upload_id in self._list and upload_id in self._client.heads):
            self._remove(upload_id)
            self._notice.tell(change["message"])
        elif kind in ("removed", "replaced"):
            if kind == "replaced":
                self._note_twin(change["by"])
            self._remove(upload_id)
        elif kind == "refused":
            self._refusals[upload_id] = change["message"]
            self._stale[upload_id] = True
        elif not self._hear(upload_id, self._client.heads[upload_id]):
            self._lazily.ask()
            return
        self._later.ask()

    def _hear(self, upload_id: str, head: "UploadHead") -> bool:
        """An upload is new, or stands differently; whether by more than its progress."""
        if self._hides and head["status"] == "completed":
            self._hide(upload_id)
        elif upload_id not in self._list:
            # As first heard of: the engine's own clock runs a little later.
            self._list.put(upload_id, head["rank"])
        rank = self._ranks.get(upload_id)
        self._ranks[upload_id] = head["rank"]
        if rank is not None and rank != head["rank"] and upload_id in self._told:
            self._sorting.begin(self._sort_again())  # somebody has moved it
        if head["file_size"] is not None:
            self._told[upload_id] = True
        before, after = self._heard.get(upload_id), view.heard(head)
        if before != after:
            self._heard[upload_id] = after
            if after == "inspecting":
                self._unchecked.note(upload_id, self._client.active_uploads[upload_id]["file_name"])
            else:
                self._unchecked.drop(upload_id)
            if before:
                self._refusals.pop(upload_id, None)
            self._announcer.tell(words.happened(before, after), upload_id)
            if after == "failed":
                self._notice.offer_report(self._client.report)
        if self._list.row(upload_id) is not None:
            self._stale[upload_id] = True
        return before != after

    def _note_twin(self, known: str) -> None:
        """A file was given that has an upload: told, unless the upload waited for it."""
        head = self._client.heads.get(known)
        if head is not None and head["phase"] != "waiting-for-file":
            self._twins.append(known)

    def _name_of(self, upload_id: str) -> str:
        session = self._client.active_uploads.get(upload_id)
        return fmt.visible_name(session["file_name"]) if session is not None else ""

    def _hide(self, upload_id: str) -> None:
        """Takes a row out of sight."""
        self._stale.pop(upload_id, None)
        if self._list.remove(upload_id):
            self.intake.focus()

    def _filter(self) -> "Iterator[None]":
        """Hides or shows what is finished, one upload after the other."""
        for upload_id, head in self._client.heads.items():
            if self._hides and head["status"] == "completed":
                self._hide(upload_id)
            elif upload_id not in self._list:
                self._list.put(upload_id, head["rank"])
            yield
        self._later.ask()

    def _sort_again(self) -> "Iterator[None]":
        """Puts every upload where the engine has it."""
        for upload_id, rank in list(self._ranks.items()):
            if upload_id in self._list:
                self._list.put(upload_id, rank)
            yield
        if self._moved in self._list:
            self._announcer.say(
                words.moved(self._name_of(self._moved), self._list.place(self._moved), len(self._list))
            )
        self._moved = ""
        self._later.ask()

    def _preferences_changed(self) -> None:
        self._show_preferences()
        self._panels.refresh()
        if self._hides != self._preferences.hide_finished:
            self._hides = self._preferences.hide_finished
            self._filtering.begin(self._filter())
        self._later.ask()

    def _show_preferences(self) -> None:
        if self._keeps_copy is None:  # a widget looks and speaks as the page around it wants it to
            return
        self._speaking.use(self._preferences.language)
        if self._preferences.theme:
            dom.set_attribute(dom.js_root, "data-theme", self._preferences.theme)
        else:
            dom.js_root.removeAttribute("data-theme")

    def _say_anew(self) -> None:
        """Another language is spoken."""
        self._list.renew()
        for part in (self._notice, self._overview, self._leaving, self._offline, self._demo):
            if part is not None:
                part.say_anew()
        self._panels.refresh()
        self._show_rules()
        self._show_engine()
        self._later.ask()

    def show_all(self) -> None:
        """Brings every row up to date, soon."""
        for known in self._list.rows():
            self._stale[known] = True
        self._later.ask()

    def _show_rules(self) -> None:
        js_rules = dom.find("#rules")
        rules = view.rules(self._client.config)
        dom.set_text(js_rules, rules)
        dom.set_shown(js_rules, bool(rules))

    def _show_engine(self) -> None:
        client = self._client
        self._notice.show_engine(client.engine, client.failure, client.capabilities["warnings"])
        if client.engine != "starting" and self._keeps_copy is not None and not self._is_begun:
            self._is_begun = True
            later.load(self._begin_offline)  # now that nothing is in a hurry
        if client.engine == "ready":
            dom.set_attribute(dom.js_root, "data-boot", client.capabilities["boot"])
        if client.failure:
            self._notice.offer_report(client.report)

    def _begin_offline(self, is_there: bool) -> None:
        """The site as an application: what the system opens with it or shares, and a copy of it in this browser."""
        if not is_there:
            return
        from uploads.ui import installed
        from uploads.ui.offline import Offline

        installed.take_opened(self.adding.take)
        if dom.has_flag("shared"):
            installed.take_shared(self.adding.take)
        self._offline = Offline(bool(self._keeps_copy))

    def _render(self) -> None:
        self._list.update()
        end = dom.now() + dom.STEP
        while self._stale and dom.now() < end:
            upload_id = next(iter(self._stale))
            del self._stale[upload_id]
            row = self._list.row(upload_id)
            if row is not None:
                self._fill(row)
        if self._twins:
            self._notice.tell(words.known_already(len(self._twins), self._name_of(self._twins[0])))
            self._twins = []
        self._overview.show(self._client.tally, self._hides)
        self._alerts.look(self._client.tally)
        self._leaving.show(self._client.after_leaving)
        dom.set_shown(self._js_nothing, not self._client.tally.uploads)
        if self._stale:
            self._later.ask()

    def _fill(self, row: UploadRow) -> None:
        """Brings one row up to date."""
        client, upload_id = self._client, row.upload_id
        session = client.active_uploads.get(upload_id)
        if session is None:
            return
        progress, error = client.upload_progress[upload_id], client.upload_errors.get(upload_id)
        many_wait = client.tally.phases.get("queued", 0) > 1
        highest = self._highest.get(upload_id, 0.0)
        shown = view.row(session, progress, error, client.engine, highest, many_wait=many_wait)
        self._highest[upload_id] = shown["highest"]
        if not row.name and shown["kind"] == "image" and self._thumbnails is not None:
            self._thumbnails.show(upload_id, row.js_icon)
        row.show(shown, self._refusals.get(upload_id, ""))

    def _remove(self, upload_id: str) -> None:
        for mapping in (self._stale, self._heard, self._highest, self._refusals, self._ranks, self._told):
            mapping.pop(upload_id, None)
        self._unchecked.drop(upload_id)
        if self._thumbnails is not None:
            self._thumbnails.forget(upload_id)
        if self._list.remove(upload_id):
            self.intake.focus()

    def _clicked_in_row(self, js_event: "Any") -> None:
        js_button = dom.closest(js_event, "button[data-action]")
        if js_button is None:
            return
        upload_id = str(dom.closest(js_event, "[data-upload-id]").getAttribute("data-upload-id"))
        action = str(js_button.getAttribute("data-action"))
        if upload_id in self._client.heads:
            if action == view.CHOOSE:
                self.intake.ask_for_one(lambda js_file: self._reselect(upload_id, js_file))
            elif action == view.DETAILS:
                self._panels.open_details(upload_id)
            elif action == view.FIRST:
                self._move(upload_id, self._list.first(self._waits))
            else:
                self._order(action + "_upload", upload_id)

    def _waits(self, upload_id: str) -> bool:
        return self._client.heads[upload_id]["phase"] == "queued"

    def _key_in_row(self, js_event: "Any") -> None:
        """Alt and an arrow move an upload up or down."""
        key = str(js_event.key)
        if not js_event.altKey or key not in ("ArrowUp", "ArrowDown"):
            return
        js_event.preventDefault()
        upload_id = str(dom.closest(js_event, "[data-upload-id]").getAttribute("data-upload-id"))
        before = self._list.above(upload_id) if key == "ArrowUp" else self._list.after_next(upload_id)
        if before != upload_id:
            self._move(upload_id, before)

    def _move(self, upload_id: str, before: "str | None") -> None:
        self._order("move_upload", upload_id, before)
        self._moved = upload_id

    def _clicked_in_overview(self, js_event: "Any") -> None:
        js_button = dom.closest(js_event, "button[data-action]")
        if js_button is None:
            return
        action = str(js_button.getAttribute("data-action"))
        if action == "hide_finished":
            self._preferences.change(hide_finished=not self._hides)
        elif action == "statistics":
            self._panels.open_statistics()
        else:
            self._order(action)

    def _reselect(self, upload_id: str, js_file: "Any") -> None:
        self._order("reselect_file", upload_id, js_file)
        self._given(upload_id, js_file)

    def _order(self, method: str, *values: "Any") -> None:
        """Calls a method of the hook; what it refuses is said on the page."""
        try:
            getattr(self._client, method)(*values)
        except ClientError as error:
            self._notice.tell(str(error))
