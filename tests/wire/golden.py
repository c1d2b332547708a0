"""Golden files: texts that a person has read and found good. FENGHUO_GOLDEN=write rewrites them."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden" / "wire"


def check_golden(name: str, found: str) -> None:
    """Compare a text with the golden file of that name."""
    path = GOLDEN / name
    if os.environ.get("FENGHUO_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")
