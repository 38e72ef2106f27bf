"""The commands, once `.venv` is there."""

from uploads.server.options import Options


def main(options: Options) -> int:
    print(options)
    return 0
