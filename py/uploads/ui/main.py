"""The page's entry, run by PyScript: shows the page with the `[uploads]` settings of pyscript.toml.

`?debug` in the page's address is the setting `debug`.
"""

from pyscript import config

from uploads.ui import dom
from uploads.ui.page import show_page

settings = dict(config.get("uploads") or {})
if dom.has_flag("debug"):
    settings["debug"] = True
show_page(settings)
