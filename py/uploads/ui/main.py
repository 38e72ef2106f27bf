"""The page's entry, run by PyScript: shows the page with the `[uploads]` settings of pyscript.toml.

`?debug` in the page's address is the setting `debug`; with `?embed` it is a widget in somebody else's page; `?demo` shows
the offline demo.
"""

import gc

from pyscript import config

from uploads.ui import dom, later, words
from uploads.ui.notice import Notice
from uploads.ui.page import show_page

if hasattr(gc, "threshold"):
    # MicroPython would look through all of its memory after every 16 KiB that are used: with thousands of uploads, always.
    gc.threshold(1_000_000)

settings = dict(config.get("uploads") or {})
if dom.has_flag("debug"):
    settings["debug"] = True
site = config.get("site") or {}
demo = dom.has_flag("demo")
if demo:
    settings["analytics_url"] = ""  # nothing leaves this browser
    settings["keep_copy"] = (
        settings.get("keep_copy") or 200_000_000
    )  # bytes: what the page makes cannot be chosen again
keeps_copy = site.get("offline", True) is not False


def show(is_there: bool) -> None:
    """Shows the page, as whatever its address says, once what it needs for that has come."""
    if not is_there:
        Notice().show_engine("failed", words.NOT_LOADED, [])
    elif dom.has_flag("embed"):
        from uploads.ui import embed

        embed.show_widget(settings)
    else:
        show_page(settings, demo=demo, keeps_copy=keeps_copy)


if demo or dom.has_flag("embed") or settings.get("inspectors"):
    later.load(show)
else:
    show(True)
