"""The upload engine: Python in a Web Worker that sends files to S3 in parts.

``core`` decides and does no I/O; ``engine`` carries its decisions out through the roles of ``interfaces``;
``browser`` plays those roles with the browser's own objects; ``main`` puts the three together.
"""
