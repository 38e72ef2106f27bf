"""The page's entry, run by PyScript: shows the page with the `[uploads]` settings of pyscript.toml.

`?debug` in the page's address is the setting `debug`; with `?embed` it is a widget in somebody else's page; `?demo` shows
the offline demo.
"""

from pyscript import config

from uploads.ui import dom
from uploads.ui.page import show_page

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
if dom.has_flag("embed"):
    from uploads.ui.embed import show_widget  # other pages need not wait for it

    show_widget(settings)
else:
    show_page(settings, demo=demo, keeps_copy=site.get("offline", True) is not False)
