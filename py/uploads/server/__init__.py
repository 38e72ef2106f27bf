"""The server: set-up, site build, embedded store, signing API. CPython only; may touch files, processes and S3.

It imports `uploads.protocol` and nothing else of the project.
"""

import os

# Where awscrt happens to be installed, botocore would sign by other code than the one that is tested.
os.environ.setdefault("BOTO_DISABLE_CRT", "true")
