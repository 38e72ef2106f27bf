"""The page's entry, run by PyScript: shows the page with the `[uploads]` settings of pyscript.toml."""

from pyscript import config

from uploads.ui.page import show_page

show_page(config.get("uploads") or {})
