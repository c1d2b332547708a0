"""Text stands out from its ground in both colour schemes, as WCAG 2 counts it."""

import re
from pathlib import Path

import pytest

import console

SHEET = (Path(console.__file__).parent / "static" / "console.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", block))
    for block in re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
)
ON_SURFACES = [
    "ink",
    "ink-soft",
    "ink-faint",
    "accent",
    "critical-text",
    "high",
    "medium",
    "low",
    "hold",
    "good",
]
PAIRS = [
    *((ink, ground) for ink in ON_SURFACES for ground in ("surface", "sunken", "ground")),
    *((ink, "fresh") for ink in ("ink", "ink-soft", "ink-faint")),
    *((ink, "accent-soft") for ink in ("ink", "ink-soft", "ink-faint")),
    *((f"{name}", f"{name}-soft") for name in ("high", "medium", "hold")),
    ("critical-ink", "critical"),
    ("critical-ink", "reject"),
    ("surface", "accent"),
    ("top-ink", "top"),
    ("top-soft", "top"),
]


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [LIGHT, {**LIGHT, **DARK}], ids=["light", "dark"])
def test_text_has_contrast(scheme: dict[str, str]) -> None:
    for ink, ground in PAIRS:
        darker, lighter = sorted((luminance(scheme[ink]), luminance(scheme[ground])))
        ratio = (lighter + 0.05) / (darker + 0.05)
        assert ratio >= 4.5, f"{ink} on {ground}: {ratio:.2f}"
