"""Messages that the desk had to put aside."""

from sqlalchemy import Engine, text

from store.postgres.rejects import Reject, RejectStore

REJECT = Reject("risk.alerts", 3, 17, "the message is no hit: \0", b"\x00\xff{")


def rows(engine: Engine) -> list[tuple[object, ...]]:
    columns = "topic, partition, message_offset, reason, message"
    with engine.connect() as connection:
        return [
            tuple(row)
            for row in connection.execute(text(f"SELECT {columns} FROM desk_rejects ORDER BY 3, 5"))
        ]


def test_a_reject_keeps_its_place_reason_and_bytes(engine: Engine) -> None:
    RejectStore(engine).add([REJECT])
    assert rows(engine) == [("risk.alerts", 3, 17, "the message is no hit: ␀", b"\x00\xff{")]


def test_the_same_message_is_kept_once_and_another_at_its_place_as_well(engine: Engine) -> None:
    store = RejectStore(engine)
    store.add([REJECT, REJECT])
    store.add([REJECT])
    store.add([REJECT._replace(message=b"{", reason="of a topic made anew")])
    assert len(rows(engine)) == 2


def test_five_megabytes_are_kept_whole(engine: Engine) -> None:
    RejectStore(engine).add([REJECT._replace(message=b"x" * 5_000_000)])
    assert rows(engine)[0][-1] == b"x" * 5_000_000
