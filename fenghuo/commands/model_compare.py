"""`fenghuo model compare`: what a model in the shadow says beside the champion."""

from urllib.parse import quote

from rich.console import Console

from fenghuo.console_client import ConsoleClient
from fenghuo.printing import columns, say


def compare(console: ConsoleClient, model: str, out: Console) -> None:
    """Print the comparisons of a model, the newest first.

    Raises:
        FenghuoError: the console refuses.
    """
    rows = console.get(f"/api/models/{quote(model, safe='')}/comparison")["comparisons"]
    if not rows:
        say(out, f"{model}: nothing was compared; try it by `fenghuo model shadow {model}` while events flow")
        return
    shown = columns(
        "现任 champion",
        "影子 shadow",
        "事件 events",
        "都预警 both",
        "仅现任 champion only",
        "仅影子 shadow only",
        "秩相关 correlation",
    )
    for row in rows:
        found = row["found"]
        counts = [sum(found["grid"]), found["both"], found["champion"], found["shadow"]]
        correlation = "—" if row["correlation"] is None else f"{row['correlation']:.3f}"
        shown.add_row(row["champion"], row["shadow"], *(f"{count:,}" for count in counts), correlation)
    out.print(shown)
    for row in rows:
        for side in ("champion", "shadow"):
            if ids := row["found"][f"{side}_only"]:
                say(out, f"{row['champion']} / {row['shadow']}: only the {side}: {', '.join(ids)}")
