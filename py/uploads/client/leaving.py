"""What becomes of uploads when their page is closed or left. A pure function of plain data."""

from uploads.protocol import KEPT_FILES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from uploads.client.tally import Tally
    from uploads.protocol import UploadHead

NOTHING, GOES_ON, LINGERS, COMES_BACK, STOPS = "", "goes-on", "lingers", "comes-back", "stops"
WAITS = "waits"
"""Nothing is under way; another page keeps the uploads going; the worker outlives its last page by some minutes; they go
on when the page is opened again; at least one of them has to be given its file again. All of them wait for the network,
and their files are kept."""


def after_leaving(
    tally: "Tally",
    heads: "Mapping[str, UploadHead]",
    pages: int,
    takes_along: "Collection[str]",
    outlives: bool,
) -> str:
    """One of the words above.

    `pages`: open ones, this one included; `takes_along`: the uploads whose files the worker loses with this page, even
    if others are open; `outlives`: the worker outlives its last page.
    """
    if not tally.at_work:
        return NOTHING
    if "inspecting" in tally.phases:  # no worker has heard of it yet
        return STOPS
    if pages > 1:
        risky = [] if outlives else [heads[upload_id] for upload_id in takes_along if upload_id in heads]
        lost = [
            session
            for session in risky
            if session["status"] == "uploading" and session["file_access"] not in KEPT_FILES
        ]
        return STOPS if lost else GOES_ON
    phases = [phase for phase, _ in tally.at_work]
    # The network may be away for longer than the worker outlives its page.
    lost_here = [
        access
        for phase, access in tally.at_work
        if access not in KEPT_FILES and (not outlives or phase == "waiting-for-network")
    ]
    if lost_here:
        return STOPS
    if all(phase == "waiting-for-network" for phase in phases):
        return WAITS
    return LINGERS if outlives else COMES_BACK
