"""The demo's proofs: each finished object beside the file that it was, by their SHA-256 sums."""

from uploads.ui import demo_words, dom
from uploads.ui import format as fmt
from uploads.ui.speech import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class DemoChecks:
    """The list `.checks` in the demo's panel, an item for each upload."""

    def __init__(self, js_panel: "Any") -> None:
        self._js_list = dom.find(".checks", js_panel)
        self._js_items: dict[str, Any] = {}

    def begin(self, upload_id: str, name: str) -> None:
        """An object is being compared."""
        js_item = dom.clone("#demo-check")
        dom.set_attribute(js_item, "data-check", upload_id)
        dom.set_text(dom.find("bdi", js_item), fmt.short_name(fmt.visible_name(name)))
        dom.set_text(dom.find(".verdict", js_item), say(demo_words.COMPARING))
        dom.set_attribute(js_item, "data-verdict", "comparing")
        self._js_items[upload_id] = js_item
        self._js_list.append(js_item)
        dom.set_shown(self._js_list, True)

    def end(self, upload_id: str, file_sum: "str | None", object_sum: "str | None", had_file: bool) -> str:
        """The comparison has ended; what it has shown."""
        verdict = demo_words.verdict(file_sum, object_sum, had_file)
        js_item = self._js_items.get(upload_id)
        if js_item is not None:
            same = verdict == demo_words.SAME
            dom.set_text(dom.find(".verdict", js_item), say(verdict))
            for name, found, shown in (("file", file_sum, had_file), ("object", object_sum, True)):
                dom.set_text(dom.find(f"[data-sum={name}]", js_item), found or say(demo_words.NO_SUM))
                dom.set_shown(dom.find(f"[data-line={name}]", js_item), shown)
            dom.set_shown(dom.find(".sums", js_item), object_sum is not None)
            dom.set_attribute(js_item, "data-verdict", "same" if same else "other")
        return verdict

    def forget(self, upload_id: str) -> None:
        """The upload is off the list."""
        js_item = self._js_items.pop(upload_id, None)
        if js_item is not None:
            js_item.remove()
            dom.set_shown(self._js_list, bool(self._js_items))
