#!/usr/bin/env python3
"""Upload Worker: one command that sets itself up, builds the site and serves it (`python serve.py --help`).

Only the standard library runs here, and only syntax that an old Python parses, so that it can say what it needs.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the sentence is the point
    sys.stderr.write("serve.py needs Python 3.11 or newer; this is Python %d.%d.\n" % sys.version_info[:2])  # noqa: UP031
    sys.exit(2)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "py"))

from uploads.server.bootstrap import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
