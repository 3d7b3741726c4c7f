"""Files written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

_REASONS = {
    errno.ENOENT: "there is no such place",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file system allows no file of this size",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of the path is a file and no folder",
    errno.EEXIST: "there is a file of that name where a folder is needed",
}


class SaveError(OSError):
    """Something could not be written; the message is one sentence that says what and why. Nothing is half written."""


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Writes one file (text as UTF-8), whole or not at all; raises SaveError. See `write_all`."""
    return write_all({path: content})[0]


def write_all(contents: Mapping[str | os.PathLike[str], bytes | str]) -> list[Path]:
    """Writes several files (text as UTF-8) and the folders that they need, and returns their paths.

    Each is written beside its place and moved there when all are complete, so that a full disk or Ctrl-C leaves every
    old file as it was; a pipe or a device is written to directly. Raises SaveError with one sentence.
    """
    staged: list[tuple[Path, Path]] = []
    made: list[Path] = []
    written = [Path(path) for path in contents]
    path = Path()
    try:
        for path, content in zip(written, contents.values()):
            data = content.encode() if isinstance(content, str) else content
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a directory")
            _make_folder(path.parent, made)
            if path.exists() and not path.is_file():
                path.write_bytes(data)
                continue
            place = path.resolve()
            temporary = place.with_name(f".{place.name[:100]}.{secrets.token_hex(6)}")
            staged.append((temporary, place))
            _write(temporary, data)
            if place.exists():
                shutil.copymode(place, temporary)
        while staged:
            temporary, path = staged[0]
            os.replace(temporary, path)
            staged.pop(0)
    except BaseException as error:
        for temporary, _ in staged:
            _remove(temporary)
        for folder in reversed(made):
            _remove(folder)
        if isinstance(error, OSError):
            reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
            raise SaveError(f"{path} can not be written, because {reason}: choose another place.") from error
        raise
    return written


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Makes a folder and its parents, and notes in `made` the ones that were not there."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        made.append(place)


def _write(path: Path, data: bytes) -> None:
    # Not by tempfile, whose files only their owner may read.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    """Removes a file or an empty folder of ours, as far as it can be."""
    try:
        path.rmdir() if path.is_dir() else path.unlink()
    except OSError:
        pass  # it was never made, or somebody else has put something into it meanwhile
