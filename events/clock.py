"""Time: UTC integer milliseconds inside, RFC 3339 with an offset at the edges."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EARLIEST = -62_135_596_800_000  # 0001-01-01T00:00:00Z
LATEST = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

Clock = Callable[[], int]


def wall_clock() -> int:
    """The present moment in epoch milliseconds; the one place that asks the machine for it."""
    return milliseconds(datetime.now(UTC))


def milliseconds(moment: datetime) -> int:
    """Epoch milliseconds of an offset-aware `moment`, rounded down.

    >>> milliseconds(datetime(1970, 1, 1, 8, 0, 1, tzinfo=UTC))
    28801000
    """
    return (moment - EPOCH) // _MILLISECOND


def moment(ms: int) -> datetime:
    """The UTC datetime of epoch milliseconds `ms`."""
    return EPOCH + timedelta(milliseconds=ms)


def rfc3339(ms: int) -> str:
    """RFC 3339 text in UTC with milliseconds.

    >>> rfc3339(0)
    '1970-01-01T00:00:00.000Z'
    """
    return moment(ms).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def rfc3339_column(ms: npt.NDArray[np.int64]) -> list[str]:
    """RFC 3339 texts of a column of epoch milliseconds, shape (n,)."""
    texts: list[str] = np.datetime_as_string(ms.astype("M8[ms]"), unit="ms").tolist()
    return [text + "Z" for text in texts]
