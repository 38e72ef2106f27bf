"""The page: puts the components together, and carries changes of the hook to them."""

from collections import OrderedDict

from uploads.client import ClientError, use_upload_worker
from uploads.protocol import ConfigError
from uploads.ui import dom, installed, view
from uploads.ui.announcer import Announcer
from uploads.ui.intake import Intake
from uploads.ui.leaving import Leaving
from uploads.ui.notice import Notice
from uploads.ui.offline import Offline
from uploads.ui.overview import Overview
from uploads.ui.row import UploadRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uploads.client import UploadClient
    from uploads.ui.demo import Demo

PROJECT_ID = "default"
"""The project of uploads from this page."""

RENDER_INTERVAL = 50
"""Milliseconds between two renderings."""

ROWS_AT_ONCE = 8
"""Rows brought up to date in one go, so that no task of the page grows long."""


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
    Page(client, notice, demo=demo, offline=Offline(keeps_copy))


def _open_demo(
    client: "UploadClient", take: "Callable[[Any], None]", tell: "Callable[[str], None]"
) -> "Demo":
    """Loaded only where it is wanted."""
    from uploads.ui import demo

    return demo.Demo(client, take, tell)


class Page:
    """The list of uploads and everything around it. `start(js_file)`: begins an upload, unless it is one of this page's own

    project. `demo`: with the offline demo's panel. `offline`: what keeps a copy of the site; None where the page is a part
    of another one.
    """

    def __init__(
        self,
        client: "UploadClient",
        notice: Notice,
        start: "Callable[[Any], object] | None" = None,
        *,
        demo: bool = False,
        offline: Offline | None = None,
    ) -> None:
        self._start = start or (lambda js_file: client.start_upload(js_file, PROJECT_ID))
        self._client = client
        self._notice = notice
        self._offline = offline
        self._rows: dict[str, UploadRow] = {}
        self._stale: OrderedDict[str, bool] = OrderedDict()  # in order, on MicroPython too
        self._started: dict[str, int] = {}  # as first heard of: the engine's own clock runs a little later
        self._js_list = dom.find("#uploads")
        self._js_nothing = dom.find("#nothing-yet")
        self._overview = Overview()
        self._leaving = Leaving()
        self._announcer = Announcer()
        self._later = dom.Later(self._render, RENDER_INTERVAL)
        dom.listen(self._js_list, "click", self._clicked_in_row)
        dom.listen(self._overview.js_element, "click", self._clicked_in_overview)
        client.subscribe(self._changed)
        self._demo = _open_demo(client, self._take, notice.tell) if demo else None
        self.intake = Intake(self._take, notice.tell)
        if offline is not None:
            installed.take_opened(self._take)
            if dom.has_flag("shared"):
                installed.take_shared(self._take)
        if client.config["debug"]:
            notice.offer_report(client.report)
        self._show_engine()
        dom.set_attribute(dom.js_root, "data-page", "ready")

    def _take(self, js_file: "Any") -> None:
        try:
            upload_id = self._start(js_file)
        except ClientError as error:
            self._notice.tell(str(error))
        else:
            if self._demo:
                self._demo.keep(str(upload_id), js_file)

    def _changed(self, change: "dict[str, Any]") -> None:
        """A change told by the hook."""
        kind, upload_id = change["type"], change["upload_id"]
        if kind == "demo":
            return
        if kind == "engine":
            self._show_engine()
            self.show_all()
        elif kind == "refused" and not (upload_id in self._rows and upload_id in self._client.active_uploads):
            self._remove(upload_id)
            self._notice.tell(change["message"])
        elif kind in ("removed", "replaced"):
            self._remove(upload_id)
        elif kind == "sign-in":
            return  # whoever has brought the token sees to it
        else:
            if kind == "refused":
                self._rows[upload_id].refusal = change["message"]
            elif upload_id not in self._started:
                self._started[upload_id] = self._client.active_uploads[upload_id]["started_at"]
            self._stale[upload_id] = True
        self._later.ask()

    def show_all(self) -> None:
        """Brings every row up to date, soon."""
        for known in self._rows:
            self._stale[known] = True
        self._later.ask()

    def _show_engine(self) -> None:
        client = self._client
        self._notice.show_engine(client.engine, client.failure, client.capabilities["warnings"])
        if client.engine != "starting" and self._offline is not None:
            self._offline.begin()
        if client.engine == "ready":
            dom.set_attribute(dom.js_root, "data-boot", client.capabilities["boot"])
        if client.failure:
            self._notice.offer_report(client.report)

    def _render(self) -> None:
        client = self._client
        for upload_id in list(self._stale)[:ROWS_AT_ONCE]:
            del self._stale[upload_id]
            session = client.active_uploads.get(upload_id)
            if session is None:
                continue
            row = self._rows.get(upload_id)
            new = row is None
            if row is None:
                row = self._rows[upload_id] = UploadRow(upload_id)
            error = client.upload_errors.get(upload_id)
            if session["phase"] == "failed":
                self._notice.offer_report(client.report)
            happened = row.show(session, client.upload_progress[upload_id], error, client.engine)
            self._announcer.tell(happened, row.name)
            if new:
                self._place(row, self._started[upload_id])
        self._overview.show(client.active_uploads, client.upload_progress)
        self._leaving.show(client.after_leaving)
        dom.set_shown(self._js_nothing, not client.active_uploads)
        if self._stale:
            self._later.ask()

    def _place(self, row: UploadRow, started_at: int) -> None:
        """Puts a new row where it belongs: the oldest upload first, whatever the order in which they come back."""
        row.started_at = started_at
        later = [other for other in self._rows.values() if other.started_at > started_at]
        if later:
            min(later, key=lambda other: other.started_at).js_element.before(row.js_element)
        else:
            self._js_list.append(row.js_element)

    def _remove(self, upload_id: str) -> None:
        self._stale.pop(upload_id, None)
        self._started.pop(upload_id, None)
        row = self._rows.pop(upload_id, None)
        if row is not None:
            focused = dom.has_focus(row.js_element)
            row.js_element.remove()
            if focused:
                self.intake.focus()

    def _clicked_in_row(self, js_event: "Any") -> None:
        js_button = dom.closest(js_event, "button[data-action]")
        if js_button is None:
            return
        upload_id = str(dom.closest(js_event, "[data-upload-id]").getAttribute("data-upload-id"))
        action = str(js_button.getAttribute("data-action"))
        if upload_id in self._client.active_uploads:
            if action == view.CHOOSE:
                self.intake.ask_for_one(lambda js_file: self._reselect(upload_id, js_file))
            else:
                self._order(action + "_upload", upload_id)

    def _clicked_in_overview(self, js_event: "Any") -> None:
        js_button = dom.closest(js_event, "button[data-action]")
        if js_button is not None:
            self._order(str(js_button.getAttribute("data-action")))

    def _reselect(self, upload_id: str, js_file: "Any") -> None:
        self._order("reselect_file", upload_id, js_file)
        if self._demo:
            self._demo.keep(str(upload_id), js_file)

    def _order(self, method: str, *values: "Any") -> None:
        """Calls a method of the hook; what it refuses is said on the page."""
        try:
            getattr(self._client, method)(*values)
        except ClientError as error:
            self._notice.tell(str(error))
