"""Names of files and folders as the steps of an object's key. Pure functions of text."""

LONGEST_NAME = 150
"""Characters of a file's name in a key: S3's 1,024 bytes have to do for the rest as well."""

LONGEST_KEY = 800
"""Bytes of a key: the user's prefix comes before it."""

# What no key may hold (Unicode's Cf), apart from control characters and surrogates.
_FORMATTING = (
    (0x80, 0xA0),
    (0xAD, 0xAD),
    (0x600, 0x605),
    (0x61C, 0x61C),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x890, 0x891),
    (0x8E2, 0x8E2),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0x110BD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0001, 0xE007F),
)
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def key_name(name: str) -> str:
    """A file's name as the last step of a key: nothing that could be taken for a folder, or that a server refuses."""
    kept = []
    for letter in name:
        code = ord(letter)
        is_kept = letter in _PLAIN or (
            code > 127 and not any(first <= code <= last for first, last in _FORMATTING)
        )
        kept.append(letter if is_kept else "_")
    safe = "".join(kept)[-LONGEST_NAME:]
    return safe if safe.strip(".") else "file"


def key_in_folder(batch: str, folder: str, name: str) -> str:
    """The end of the key of a file that came with its folder: folders keep their names and places.

    `batch`: an id of the files that were given together, so that the same folder can be given once more. Folders that are too
    deep for a key lose their upper ones.
    """
    steps = [key_name(step) for step in folder.split("/") if step]
    key = "/".join([batch] + steps + [key_name(name)])
    while len(key.encode()) > LONGEST_KEY and len(steps) > 1:
        steps = steps[1:]
        key = "/".join([batch] + steps + [key_name(name)])
    return key
