"""S3's limits on multipart uploads, in bytes and counts.

Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
"""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MIN_PART_SIZE = 5 * MIB
"""Every part but the last has at least this many bytes."""
MAX_PART_SIZE = 5 * GIB
MAX_PARTS = 10_000
MAX_OBJECT_SIZE = MAX_PARTS * MAX_PART_SIZE

READ_AT_ONCE = MIB
"""A file up to this size that is sent whole is read whole when it is added: see ``fingerprint``."""
LITTLE = 256 * KIB
"""A body up to this size is gone in about one round trip: nobody would see it move."""
