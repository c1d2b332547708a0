"""The journals of a shard on a real Valkey: what is appended, what is read, whose keys are whose."""

import pytest

from store.redis.journal import RedisJournal, forget
from tests.store.redis.journals import Worker, put
from windows.journal import Append, WindowsLostError


@pytest.fixture
def worker(valkey_url: str, unique: str) -> Worker:
    return Worker(valkey_url, unique)


def keys(worker: Worker, pattern: str) -> set[str]:
    return {key.decode() for key in worker.client.scan_iter(match=pattern)}


def test_an_append_answers_with_what_the_writer_has_not_read(worker: Worker) -> None:
    first, second = worker.open(), worker.open()
    assert put(first, "e:g", 0, b"abc") == b""
    assert put(second, "e:g", 0, b"de") == b"abc"
    assert put(first, "e:g", 3, b"f") == b"de"
    assert put(second, "e:g", 5) == b"f"
    assert put(second, "e:g", 6) == b""
    assert put(worker.open(), "e:g", 0) == b"abcdef"


def test_one_call_serves_many_journals_in_order(worker: Worker) -> None:
    journal = worker.open()
    names = ["e:上海\0:*{}", "p:上海\0:*{}", "e:", "e:" + "g" * 500]
    data = [bytes(range(256)), b"", b"\0" * 100_000, b"x"]
    assert journal.append([Append(n, 0, d) for n, d in zip(names, data, strict=True)]) == [b""] * 4
    assert journal.append([Append(name, 0, b"") for name in reversed(names)]) == data[::-1]


def test_a_batch_of_thousands_is_one_call(worker: Worker) -> None:
    journal = worker.open()
    appends = [Append(f"e:{number}", 0, b"%d" % number) for number in range(5_000)]
    journal.append(appends)
    calls = worker.registry.get_sample_value("fenghuo_window_store_seconds_count")
    assert calls == 1
    found = journal.append([Append(append.name, 0, b"") for append in appends])
    assert found == [append.data for append in appends]


def test_reading_alone_makes_no_key(worker: Worker, unique: str) -> None:
    journal = worker.open(7)
    assert put(journal, "e:g", 0) == b""
    assert keys(worker, f"*{unique}*") == {f"{{s07}}:{unique}:layout:mark"}


def test_keys_of_a_shard_lie_in_one_slot_of_a_cluster(worker: Worker, unique: str) -> None:
    put(worker.open(3), "e:g}{", 0, b"x")
    assert keys(worker, f"*{unique}*") == {
        f"{{s03}}:{unique}:layout:mark",
        f"{{s03}}:{unique}:layout:e:g}}{{",
    }


def test_shards_namespaces_and_layouts_do_not_meet(worker: Worker, valkey_url: str, unique: str) -> None:
    others = [
        worker.open(1),
        Worker(valkey_url, f"{unique}2").open(),
        Worker(valkey_url, unique, fingerprint="other").open(),
    ]
    put(worker.open(), "e:g", 0, b"mine")
    assert [put(other, "e:g", 0) for other in others] == [b""] * 3


def marked(journal: RedisJournal) -> str:
    """The mark of a journal that gets `abc`."""
    put(journal, "e:g", 0, b"abc")
    assert journal.mark
    return journal.mark


def test_the_mark_is_made_once_and_stays(worker: Worker, valkey_url: str, unique: str) -> None:
    assert worker.open().mark is None
    mark = marked(worker.open())
    again = Worker(valkey_url, unique).open(0, mark)
    assert again.mark == mark  # before the first call, too
    assert put(again, "e:g", 0) == b"abc"
    assert again.mark == mark
    other = worker.open(1)
    put(other, "e:g", 0)
    assert other.mark not in {None, mark}


def test_two_workers_that_start_at_once_agree_on_the_mark(
    worker: Worker, valkey_url: str, unique: str
) -> None:
    first, second = worker.open(), Worker(valkey_url, unique).open()
    put(first, "e:g", 0, b"a")
    assert put(second, "e:g", 0, b"b") == b"a"
    assert first.mark == second.mark


def empty(worker: Worker, pattern: str) -> None:
    for key in worker.client.scan_iter(match=pattern):
        worker.client.delete(key)


def test_windows_that_were_emptied_are_noticed_by_the_open_journal(worker: Worker, unique: str) -> None:
    journal = worker.open(5)
    put(journal, "e:g", 0, b"abc")
    empty(worker, f"*{unique}*")
    with pytest.raises(WindowsLostError) as caught:
        put(journal, "e:h", 0, b"x")
    assert str(caught.value) == (
        "the window store lost shard 5 (LOST the mark of the shard is gone); restore Redis from its "
        "append-only file, or delete the recovery directory to start with empty windows"
    )
    assert keys(worker, f"*{unique}*") == set()
    assert worker.failures("ResponseError") == 1


def test_windows_that_were_emptied_are_noticed_after_a_restart(worker: Worker, unique: str) -> None:
    journal = worker.open()
    put(journal, "e:g", 0, b"abc")
    empty(worker, f"*{unique}*")
    for _ in range(2):  # the mark that the first try made does not make it good
        with pytest.raises(WindowsLostError, match="the mark of the shard changed"):
            put(worker.open(0, journal.mark), "e:g", 0)
    # Without a saved mark, as after deleting the recovery directory, it starts anew.
    assert put(worker.open(), "e:g", 0, b"x") == b""


@pytest.mark.parametrize("left", [None, b"ab"])
def test_a_journal_shorter_than_it_was_is_noticed_and_nothing_written(
    worker: Worker, unique: str, left: bytes | None
) -> None:
    journal = worker.open()
    put(journal, "e:g", 0, b"abc")
    key = f"{{s00}}:{unique}:layout:e:g"
    worker.client.delete(key)
    if left is not None:
        worker.client.set(key, left)
    with pytest.raises(WindowsLostError, match="a journal is shorter than it was"):
        journal.append([Append("e:other", 0, b"x"), Append("e:g", 3, b"y")])
    assert put(journal, "e:other", 0) == b""


def test_forgetting_deletes_the_journals_of_one_namespace_only(
    worker: Worker, valkey_url: str, unique: str
) -> None:
    others = {
        namespace: Worker(valkey_url, namespace)
        for namespace in (f"{unique}2", f"x{unique}", f"{unique}-*", f"{unique}[a-z]")
    }
    hostile = f"e:x}}:{unique}:e:g"  # a group whose key looks like one of the namespace
    for other in others.values():
        put(other.open(12), hostile, 0, b"kept")
    worker.client.set(f"{unique}:free", "kept")
    for shard in (0, 7, 63, 128):
        put(worker.open(shard), "e:上海", 0, b"x" * 10)
        put(worker.open(shard), "p:上海", 0, b"x")

    forget(worker.client, unique)
    assert worker.client.get(f"{unique}:free") == b"kept"
    for other in others.values():
        assert put(other.open(12), hostile, 0) == b"kept"
    assert put(worker.open(), "e:上海", 0) == b""

    for namespace in others:
        forget(worker.client, namespace)
    assert keys(worker, f"{{s*{unique}*") == {f"{{s00}}:{unique}:layout:mark"}
