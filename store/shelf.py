"""A shelf: folders of small files at a place, a directory or an S3-like store."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from pyarrow import ArrowException, ArrowInvalid, fs

from store.errors import StoreError

SCHEME = "s3://"
T = TypeVar("T")


class ShelfError(StoreError):
    """Raised when the place can't be understood, reached, read or written."""


class Shelf:
    """Folders of files; a file is seen whole or not at all, and folders are made with their first file.

    Args:
        place: directory, or `s3://bucket/prefix?region=…&endpoint_override=…` as pyarrow reads it; keys of
            access come from the usual `AWS_*` variables.
        setting: what messages tell to correct.

    Raises:
        ShelfError: the place can't be understood; whether it answers is seen when it is used.
    """

    def __init__(self, place: str, setting: str) -> None:
        self.place = _bare(place.partition("?")[0])
        self._address = place
        self._setting = setting
        self._found: tuple[fs.FileSystem, str] | None = None
        self._local = "://" not in place
        if self._local:
            self._found = fs.LocalFileSystem(), str(Path(place).absolute())
        elif not place.startswith(SCHEME):
            raise self._error("understand", f"expected a directory or `{SCHEME}bucket/prefix`")
        else:
            try:
                self._found = fs.FileSystem.from_uri(place)
            except ArrowInvalid as error:
                raise self._error("understand", error) from None
            except OSError:
                self._found = None  # where no region is named the store is asked for it: later

    def folders(self) -> list[str]:
        """Names of the folders, sorted.

        Raises:
            ShelfError: the place does not answer.
        """

        def listed() -> list[fs.FileInfo]:
            files, root = self._open()
            found: list[fs.FileInfo] = files.get_file_info(fs.FileSelector(root, allow_not_found=True))
            return found

        infos = self._ask("list", listed)
        return sorted(info.base_name for info in infos if info.type is fs.FileType.Directory)

    def holds(self, folder: str, name: str) -> bool:
        """Whether there is such a file.

        Raises:
            ShelfError: the place does not answer.
        """

        def found() -> bool:
            files, root = self._open()
            return bool(files.get_file_info(f"{root}/{folder}/{name}").type is fs.FileType.File)

        return self._ask("list", found)

    def read(self, folder: str, name: str) -> bytes | None:
        """The content of a file; None where it is missing.

        Raises:
            ShelfError: the place does not answer.
        """

        def content() -> bytes | None:
            files, root = self._open()
            try:
                with files.open_input_stream(f"{root}/{folder}/{name}", compression=None) as stream:
                    read: bytes = stream.read()
            except (FileNotFoundError, NotADirectoryError):
                return None
            return read

        return self._ask("read", content)

    def write(self, folder: str, name: str, content: bytes) -> None:
        """Write a file.

        Raises:
            ShelfError: the place does not answer, or nothing may be written there.
        """

        def written() -> None:
            files, root = self._open()
            path = f"{root}/{folder}/{name}"
            fresh = f"{root}/{folder}/.{name}.{uuid4().hex}" if self._local else path
            if self._local:
                files.create_dir(f"{root}/{folder}")
            with files.open_output_stream(fresh, compression=None) as stream:
                stream.write(content)
            if fresh != path:
                files.move(fresh, path)

        self._ask("write", written)

    def _open(self) -> tuple[fs.FileSystem, str]:
        if self._found is None:
            self._found = fs.FileSystem.from_uri(self._address)
        return self._found

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except (OSError, ArrowException) as error:
            raise self._error(what, error) from error

    def _error(self, what: str, why: object) -> ShelfError:
        told = _bare(" ".join(str(why).split()))[:300]
        return ShelfError(f"`{self.place}`: can't {what} it: {told}; correct `{self._setting}` or mend it")


def _bare(text: str) -> str:
    """Without keys of access in addresses."""
    return re.sub(r"//[^/@\s]*@", "//", text)
