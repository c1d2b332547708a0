"""Turns a fresh interpreter into a server process that can't outlive its parent.

service.py runs this file as a script (`python -I -S launch.py …`). It changes to the account that the server
needs, asks the kernel for a signal when the parent dies, and becomes the server. It is a script because a
hook between fork and exec may lock up in a parent that has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522


class CapabilityHeader(ctypes.Structure):
    """`struct __user_cap_header_struct` of capset(2)."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class CapabilitySet(ctypes.Structure):
    """`struct __user_cap_data_struct` of capset(2), for capabilities 0 to 31."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def main(argv: list[str]) -> None:
    """Become the server: `PARENT DEATH_SIGNAL UID GID CAPABILITY PROGRAM ARGUMENT…`, `-` for none."""
    parent, death_signal, uid, gid, capability = (None if text == "-" else int(text) for text in argv[:5])
    libc = ctypes.CDLL(None, use_errno=True)
    if uid is not None and gid is not None:
        become(libc, uid, gid, capability)
    os.umask(0o077)
    # After the change of account, which would clear it.
    check(libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0))
    if os.getppid() != parent:
        sys.exit("the process that starts this server has ended")
    os.execv(argv[5], argv[5:])  # noqa: S606 - the program is a server of an installed wheel, no shell is wanted


def become(libc: ctypes.CDLL, uid: int, gid: int, capability: int | None) -> None:
    """Change to the account `uid`, `gid`; the one `capability` stays in force over the next exec."""
    if capability is not None:
        check(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability is not None:
        bit = 1 << capability
        header = CapabilityHeader(CAPABILITY_VERSION_3, 0)
        sets = (CapabilitySet * 2)(CapabilitySet(bit, bit, bit), CapabilitySet())
        check(libc.capset(ctypes.byref(header), sets))
        check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def check(result: int) -> None:
    """Raise OSError for the C convention of -1 and errno."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(sys.argv[1:])
