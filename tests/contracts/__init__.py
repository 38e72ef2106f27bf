"""One contract per role of ``upload_engine.interfaces``, kept by the tests' adapters and by the browser's alike."""
