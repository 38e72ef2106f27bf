"""The JavaScript edge: every role of ``interfaces`` played by the browser's own objects, in a worker.

The only room that may import ``js`` and ``pyodide``. It decides nothing about uploads: an adapter turns one call into
one use of a browser interface, and the ways that fails into the faults of ``core.errors``. A variable that holds a
JavaScript object begins with ``js_``; every ``create_proxy`` has its ``destroy``.
"""
