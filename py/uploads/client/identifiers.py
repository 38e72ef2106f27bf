"""Ids of uploads, where the browser has none to give: pages that are not served securely lack `crypto.randomUUID`."""


def uuid4_text(random_bytes: bytes) -> str:
    """A version 4 UUID (RFC 9562) from 16 random bytes."""
    values = list(random_bytes)
    values[6] = values[6] & 0x0F | 0x40
    values[8] = values[8] & 0x3F | 0x80
    digits = "".join([f"{value:02x}" for value in values])
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
