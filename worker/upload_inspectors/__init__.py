"""Your Python, before the upload: an inspector is a function that looks at a file, in a worker of its own.

    from upload_inspectors import InspectedFile, Verdict, accept, reject

    def inspect(file: InspectedFile) -> Verdict:
        return accept(metadata={"first-byte": file.read(1).hex()}) if file.size else reject("The file is empty.")

It may be `async`, and takes the `options` of its entry in the configuration by keyword. What it raises is its own bug, and the
entry's `on_failure` decides what becomes of the file. Nothing here imports the browser's modules but `browser` and `main`, so
that inspectors run, and can be tested, on any CPython.
"""

from upload_inspectors.files import InspectedFile, NewFile
from upload_inspectors.verdict import Verdict, accept, reject, replace

__all__ = ["InspectedFile", "NewFile", "Verdict", "accept", "reject", "replace"]
