"""Labels and the time since which they are known."""

from models.labels import Knowledge


def test_the_newest_statement_counts() -> None:
    knowledge = Knowledge()
    knowledge.report("a", "fraud", 10)
    knowledge.report("a", "legitimate", 20)
    knowledge.report("b", "dispute", 15)
    knowledge.report("b", "bad_debt", 15)
    assert knowledge.labels() == {"a": "legitimate", "b": "bad_debt"}
    assert knowledge.bad() == {"b"}


def test_what_became_known_later_is_not_known_yet() -> None:
    knowledge = Knowledge()
    knowledge.report("a", "fraud", 10)
    knowledge.report("a", "legitimate", 20)
    knowledge.report("c", "fraud")
    assert knowledge.bad(by=9) == {"c"}
    assert knowledge.bad(by=10) == {"a", "c"}
    assert knowledge.bad(by=20) == {"c"}


def test_statements_that_say_nothing_are_counted() -> None:
    knowledge = Knowledge()
    for target, label in ((None, "fraud"), ("a", None), ("a", "odd"), (7, "fraud"), ("a", ["fraud"])):
        knowledge.report(target, label, 1)
    assert knowledge.unreadable == 5
    assert knowledge.labels() == {}
