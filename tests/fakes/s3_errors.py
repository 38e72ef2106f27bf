"""An error as S3 answers it."""

from __future__ import annotations


class S3Error(Exception):
    """status: of the answer; code: S3's name for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def no_such_upload() -> S3Error:
    return S3Error(404, "NoSuchUpload", "The specified multipart upload does not exist.")


def no_such_key() -> S3Error:
    return S3Error(404, "NoSuchKey", "The specified key does not exist.")
