"""Plain checks of what the demo's panel says and shows, run on CPython, MicroPython and Pyodide."""

from uploads.ui import demo_view, demo_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COUNTERS = {name: 0 for name, _ in demo_words.COUNTERS}


def check_the_bandwidths_slider_goes_from_256_kib_to_no_limit() -> None:
    assert demo_view.bandwidth_at(0) == 256 * 1024
    assert demo_view.bandwidth_at(50) == 8 * 1024 * 1024, "the network's own default"
    assert demo_view.bandwidth_at(100) == 256 * 1024 * 1024
    assert demo_view.bandwidth_at(101) is None
    steps = [demo_view.bandwidth_at(position) or 0 for position in range(101)]
    assert steps == sorted(steps)
    for position in (0, 1, 37, 50, 100, 101):
        assert demo_view.position_of(demo_view.bandwidth_at(position)) == position
    assert demo_view.position_of(1) == 0
    assert demo_view.position_of(10**12) == 100


def check_the_levers_in_words() -> None:
    network: dict[str, Any] = {
        "bandwidth": 8 * 1024 * 1024,
        "latency": 50,
        "loss": 0,
        "offline": False,
        "failing": False,
    }
    assert demo_view.said(network) == {"bandwidth": "8.39 MB/s", "latency": "50 ms", "loss": "none"}
    network = {"bandwidth": None, "latency": 1250, "loss": 7, "offline": True, "failing": True}
    assert demo_view.said(network) == {
        "bandwidth": "as fast as it goes",
        "latency": "1.2 s",
        "loss": "7 % of all requests",
    }
    assert demo_words.latency(0) == "none"
    assert demo_words.latency(2000) == "2.0 s"


def check_what_is_kept() -> None:
    assert demo_view.kept(0, None) == "0 bytes"
    assert demo_view.kept(5 * 2**30, 10 * 2**30) == "5.37 GB of 10.7 GB"


def check_counters_and_events_go_on_over_a_crash() -> None:
    history = demo_view.History()
    assert history.counters() == COUNTERS
    history.record(dict(COUNTERS, stored=3, lost=1), ["a", "b"])
    history.record(dict(COUNTERS, stored=4, lost=1), ["b", "c"])
    assert history.counters() == dict(COUNTERS, stored=4, lost=1)
    assert history.events() == ["b", "c"]
    history.crashed()
    assert history.counters() == dict(COUNTERS, stored=4, lost=1)
    history.record(dict(COUNTERS, stored=2), ["d"])
    assert history.counters() == dict(COUNTERS, stored=6, lost=1)
    assert history.events() == ["b", "c", demo_words.CRASHED, "d"]
    history.record(COUNTERS, [str(number) for number in range(8)])
    assert history.events() == [str(number) for number in range(8)]


def check_the_comparison_in_words() -> None:
    assert demo_words.verdict("a", "a", True) == demo_words.SAME
    assert demo_words.verdict("a", "b", True) == demo_words.DIFFERENT
    assert demo_words.verdict(None, "b", True) == demo_words.DIFFERENT
    assert demo_words.verdict(None, "b", False) == demo_words.NO_FILE
    assert demo_words.verdict("a", None, True) == demo_words.NO_OBJECT
    assert demo_words.heard("film.bin", demo_words.SAME) == "film.bin: " + demo_words.SAME
