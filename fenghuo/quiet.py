"""Native noise: what compiled libraries print when a run ends is kept for those who ask for it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO


@contextmanager
def native_stderr_to(stream: IO[bytes]) -> Iterator[None]:
    """Send what native code writes to file descriptor 2 into `stream`; Python's own stderr stays where it is.

    The engine of the dataflow prints a stack of its own for every error that a step raises on purpose; the
    error itself reaches us as an exception.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    own = os.fdopen(
        kept, "w", encoding=sys.stderr.encoding or "utf-8", errors="backslashreplace", buffering=1
    )
    before = sys.stderr
    os.dup2(stream.fileno(), 2)
    sys.stderr = own
    try:
        yield
    finally:
        own.flush()
        os.dup2(kept, 2)
        sys.stderr = before
        own.close()
