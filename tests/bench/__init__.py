"""What is measured, never asserted: each prints ratios against a baseline of the same run. `python -m tests.bench.NAME`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("py", "worker")]
