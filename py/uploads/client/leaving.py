"""What becomes of uploads when their page is closed or left. A pure function of plain data."""

from uploads.protocol import KEPT_FILES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from uploads.protocol import SessionSnapshot

NOTHING, GOES_ON, LINGERS, COMES_BACK, STOPS = "", "goes-on", "lingers", "comes-back", "stops"
WAITS = "waits"
"""Nothing is under way; another page keeps the uploads going; the worker outlives its last page by some minutes; they go
on when the page is opened again; at least one of them has to be given its file again. All of them wait for the network,
and their files are kept."""


def after_leaving(
    sessions: "Mapping[str, SessionSnapshot]",
    pages: int,
    takes_along: "Collection[str]",
    outlives: bool,
) -> str:
    """One of the words above.

    `pages`: open ones, this one included; `takes_along`: the uploads whose files the worker loses with this page, even
    if others are open; `outlives`: the worker outlives its last page.
    """
    at_work = [session for session in sessions.values() if session["status"] == "uploading"]
    if not at_work:
        return NOTHING
    # The network may be away for longer than the worker outlives its page.
    at_risk = [session for session in at_work if not outlives or session["phase"] == "waiting-for-network"]
    lost = [
        session
        for session in at_risk
        if session["file_access"] not in KEPT_FILES
        and (pages <= 1 or (session["upload_id"] in takes_along and not outlives))
    ]
    if lost:
        return STOPS
    if pages > 1:
        return GOES_ON
    if all(session["phase"] == "waiting-for-network" for session in at_work):
        return WAITS
    return LINGERS if outlives else COMES_BACK
