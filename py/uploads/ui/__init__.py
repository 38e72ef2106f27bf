"""The page: what a person sees of the uploads, and what they can press.

`format`, `words` and `view` compute what is said and shown, without a page; the components (one per file)
put it there through `dom`, the only module that touches JavaScript. Runs on MicroPython and Pyodide.
"""
