"""The server: set-up, site build, embedded store, signing API. CPython only; may touch files, processes and S3.

It imports `uploads.protocol` and nothing else of the project.
"""
