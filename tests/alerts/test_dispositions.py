"""What an analyst's word has to say, and what it says of the alert's events."""

import pytest

from alerts.dispositions import Answer, Disposition, DispositionError, Harm, check, check_seen, label_of


def said(disposition: Disposition, harm: Harm | None = None, reason: str = "looked at it") -> Answer:
    return Answer(disposition=disposition, harm=harm, reason=reason, hits=3)


@pytest.mark.parametrize("harm", Harm)
def test_a_confirmed_risk_says_what_was_wrong(harm: Harm) -> None:
    answer = said(Disposition.CONFIRMED_RISK, harm)
    check(answer)
    assert label_of(answer) == harm.value


@pytest.mark.parametrize("disposition", [Disposition.FALSE_POSITIVE, Disposition.LEGITIMATE])
def test_what_was_no_risk_is_legitimate(disposition: Disposition) -> None:
    check(said(disposition))
    assert label_of(said(disposition)) == "legitimate"


@pytest.mark.parametrize("disposition", [Disposition.INCONCLUSIVE, Disposition.DUPLICATE])
def test_what_was_not_found_out_says_nothing(disposition: Disposition) -> None:
    check(said(disposition))
    assert label_of(said(disposition)) is None


def test_answers_that_say_too_little_or_too_much_are_refused() -> None:
    for answer, words in (
        (said(Disposition.CONFIRMED_RISK), "say what was wrong"),
        (said(Disposition.LEGITIMATE, Harm.FRAUD), "only a confirmed risk has a harm"),
        (said(Disposition.LEGITIMATE, reason="  "), "the reason is empty"),
    ):
        with pytest.raises(DispositionError, match=words):
            check(answer)


def test_an_answer_is_to_what_was_seen() -> None:
    check_seen(said(Disposition.LEGITIMATE), 3)
    with pytest.raises(DispositionError, match="the alert has 4 hits by now, the answer is to 3"):
        check_seen(said(Disposition.LEGITIMATE), 4)
