"""Shards: how owners of windows are spread, alike on every machine and for ever."""

from zlib import crc32


def shard_key(shard: int) -> str:
    """The key of a shard in keyed streams."""
    return f"{shard:03d}"


def shard_of(owner: str, shards: int) -> int:
    """The shard of a group or a counterparty."""
    return crc32(owner.encode()) % shards
