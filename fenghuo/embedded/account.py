"""The account that a server runs as: PostgreSQL refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from fenghuo.embedded.errors import EmbeddedError

CANDIDATES = ("embedded_postgres", "postgres", "nobody")
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
OTHERS_MAY_ENTER = 0o001


@dataclass(frozen=True)
class Account:
    """A system account.

    Args:
        uid: user id.
        gid: group id.
        capability: number of the one capability that it keeps over the change of account, None for none.
    """

    uid: int
    gid: int
    capability: int | None = None


def unprivileged_account(data: Path, needed: list[Path]) -> Account | None:
    """The account for a server that must not be root; None when this process is not root.

    Args:
        data: the server's data directory; when it exists, its owner is the account.
        needed: paths that the account must reach. Where a directory above one of them is closed to it (a
            checkout below /root), it keeps the capability to pass: no mode of a directory is changed.

    Raises:
        EmbeddedError: no account fits.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    uid, gid = (owner, data.stat().st_gid) if owner else _system_account()
    if all(_open_to_others(path) for path in needed):
        return Account(uid, gid)
    return Account(uid, gid, _capability_to_pass(needed))


def give(path: Path, account: Account | None) -> None:
    """Make `path` belong to `account`; None leaves it as it is."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _system_account() -> tuple[int, int]:
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise EmbeddedError(
        f"PostgreSQL can't run as root, and none of {', '.join(f'`{n}`' for n in CANDIDATES)} exists; "
        "add one, run as another user, or set `FENGHUO_DATABASE_URL`"
    )


def _open_to_others(path: Path) -> bool:
    return all(above.stat().st_mode & OTHERS_MAY_ENTER for above in path.resolve().parents)


def _capability_to_pass(needed: list[Path]) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    permitted = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapPrm:"))
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):  # the smaller right first
        if permitted & 1 << capability:
            return capability
    raise EmbeddedError(
        f"PostgreSQL can't run as root, and its account can't enter {' or '.join(f'`{p}`' for p in needed)}; "
        "use a directory that others may enter, run as another user, or set `FENGHUO_DATABASE_URL`"
    )
