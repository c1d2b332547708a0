"""Notes: what a reader of a report should know before trusting its figures."""

from collections.abc import Sequence

from backtest.figures import Side
from backtest.report import Labelled
from backtest.rulebook import Rulebook
from rules.decision import Text


def notes(books: Sequence[Rulebook], sides: Sequence[Side], labelled: Labelled | None) -> list[Text]:
    """The notes on a report, by language."""
    found: list[Text] = []
    if len(books) > 1:
        found += _same_version(books)
    for book, side in zip(books, sides, strict=True):
        found += _side_notes(book, side)
    return found + (_label_notes(labelled) if labelled is not None else [])


def _same_version(books: Sequence[Rulebook]) -> list[Text]:
    tested, against = (book.pack for book in books)
    if tested.id != against.id or tested.content_hash == against.content_hash:
        return []
    return [
        {
            "zh": f"两份规则包都叫 `{tested.id}`，内容却不同；请提高版本号。",
            "en": f"Both packs are called `{tested.id}` but differ in content; raise the version.",
        }
    ]


def _side_notes(book: Rulebook, side: Side) -> list[Text]:
    found: list[Text] = []
    failed = [rule.rule for rule in side.rules if rule.errors]
    if failed:
        names = _names(failed)
        found.append(
            {
                "zh": f"`{side.pack}`：规则 {names} 执行出错，结果不完整。",
                "en": f"`{side.pack}`: {names} failed with errors, so their figures are incomplete.",
            }
        )
    if side.model is None and any("anomaly" in rule.when.kinds for rule in book.rules):
        found.append(
            {
                "zh": f"`{side.pack}`：未使用异常模型，读取 `anomaly` 的规则无法判定。",
                "en": f"`{side.pack}`: judged without an anomaly model, so rules that read `anomaly` "
                "are not evaluable.",
            }
        )
    if side.left_out:
        names = _names(side.left_out)
        found.append(
            {
                "zh": f"`{side.pack}`：规则 {names} 为草稿、暂停或停用状态，未参与回测。",
                "en": f"`{side.pack}`: {names} are drafts, paused or retired and were not evaluated.",
            }
        )
    return found


def _label_notes(labelled: Labelled) -> list[Text]:
    found: list[Text] = []
    if labelled.unknown:
        names = _names(labelled.unknown_examples)
        found.append(
            {
                "zh": f"{labelled.unknown:,} 个标注的事件不在回测范围内，不计入：{names} …",
                "en": f"{labelled.unknown:,} labelled events were not evaluated and count nowhere: {names} …",
            }
        )
    for count, zh, en in (
        (labelled.repeated, "行标注重复，只计一次。", "rows of labels repeat another and count once."),
        (
            labelled.unreadable,
            "个 label.reported 事件缺少目标或标注未知，已忽略。",
            "`label.reported` events have no target or an unknown label and were left out.",
        ),
        (
            labelled.contradicted,
            "个事件的文件标注与事件流不一致，以文件为准。",
            "events are labelled otherwise in the stream than in the file; the file counts.",
        ),
    ):
        if count:
            found.append({"zh": f"{count:,} {zh}", "en": f"{count:,} {en}"})
    if not labelled.bad:
        found.append(
            {
                "zh": "没有标注为问题的事件，召回率无从计算。",
                "en": "No evaluated event is labelled bad, so there is no recall.",
            }
        )
    return found


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
