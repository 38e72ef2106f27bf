"""Which files a pattern means: of `allowed_types`, and of inspectors."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def matches(patterns: "Sequence[str]", name: str, content_type: str) -> bool:
    """Whether a file is meant: ``.csv`` is the end of a name; ``image/*`` and ``text/plain`` are media types (HTML's ``accept``)."""
    name, content_type = name.lower(), content_type.lower()
    return not patterns or any(_matches(pattern.lower(), name, content_type) for pattern in patterns)


def _matches(pattern: str, name: str, content_type: str) -> bool:
    if pattern.startswith("."):
        return name.endswith(pattern)
    if pattern.endswith("/*"):
        return content_type.startswith(pattern[:-1])
    return content_type.split(";")[0].strip() == pattern
