"""Redis: the journals of the windows, one Lua call per shard and batch."""
