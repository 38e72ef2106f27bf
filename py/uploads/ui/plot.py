"""A plot of an upload's speed, by uPlot, which is loaded when the first one is wanted. An edge to JavaScript, like `dom`."""

import json

import js

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HEIGHT = 170
"""CSS pixels."""

_loading: "list[bool]" = []


def load(ready: "Callable[[], None]") -> None:
    """Fetches the library, once; calls `ready()` when it is there, and never where it does not come."""
    if js.Reflect.has(js.globalThis, "uPlot"):
        ready()
        return
    js_scripts = js.document.querySelector("head script[src*='uPlot']")
    if not _loading:
        _loading.append(True)
        js_parts = js.document.querySelector("#plot-library").content.cloneNode(True)
        js.document.head.append(js_parts)
        js_scripts = js.document.querySelector("head script[src*='uPlot']")
    js_scripts.addEventListener("load", create_proxy(lambda *_: ready()))


class Plot:
    """In an element. `keys`: the colours are those of these elements."""

    def __init__(self, js_parent: "Any", labels: "list[str]", js_keys: "list[Any]") -> None:
        self._js_parent = js_parent
        self._labels = labels
        self._js_keys = js_keys
        self._js_plot: Any = None
        self._options = ""

    def show(self, data: "list[list[float]]") -> None:
        """Draws it, or draws it anew."""
        width = int(self._js_parent.clientWidth)
        if not data[0] or not width:
            return
        js_data = js.JSON.parse(json.dumps(data))
        options = json.dumps(self._looks(width))
        if self._js_plot is not None and options == self._options:
            self._js_plot.setData(js_data)
            return
        self._js_parent.replaceChildren()
        self._options = options
        js_options = js.JSON.parse(options)
        answer = js.uploadWorker.attempt(
            js.Reflect, "construct", js.uPlot, js.Array.of(js_options, js_data, self._js_parent)
        )
        self._js_plot = answer[1] if answer[0] is True else None

    def _looks(self, width: int) -> "dict[str, Any]":
        colors = [str(js.getComputedStyle(js_key).color) for js_key in self._js_keys]
        text = str(js.getComputedStyle(self._js_parent).color)
        line = str(js.getComputedStyle(self._js_parent).borderTopColor)
        axis: dict[str, Any] = {
            "stroke": text,
            "grid": {"stroke": line, "width": 1},
            "ticks": {"stroke": line, "width": 1},
        }
        speed, count = dict(axis), dict(axis)
        speed["size"] = 56
        count["side"] = 1
        count["scale"] = "count"
        count["grid"] = {"show": False}
        count["size"] = 36
        return {
            "width": width,
            "height": HEIGHT,
            "legend": {"show": False},
            "cursor": {"show": False},
            "scales": {"x": {"time": False}, "y": _from_zero(0.1), "count": _from_zero(6)},
            "axes": [axis, speed, count],
            "series": [
                {},
                {"label": self._labels[0], "stroke": colors[0], "width": 2, "points": {"show": False}},
                {
                    "label": self._labels[1],
                    "stroke": colors[1],
                    "width": 1,
                    "scale": "count",
                    "points": {"show": False},
                },
                {
                    "label": self._labels[2],
                    "stroke": colors[2],
                    "width": 1,
                    "scale": "count",
                    "points": {"show": False},
                },
            ],
        }


def _from_zero(at_least: float) -> "dict[str, Any]":
    """A scale that begins at nothing and reaches this at least."""
    most = {"soft": at_least, "mode": 1, "pad": 0.1}
    return {"range": {"min": {"hard": 0, "mode": 1}, "max": most}}
