"""`fenghuo rules check`: a summary of a good pack, every error of a bad one."""

from pathlib import Path

import pytest
import typer

from fenghuo.commands.rules_check import check
from tests.rules.making import SMALL, TRADE_CORE


def test_a_good_pack_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    check(TRADE_CORE)
    out, err = capsys.readouterr()
    assert "trade-core@3" in out
    for words in ("first-customer-72h-5m", "首次合作客户三日发货超", "shipment.dispatched", "credit-control"):
        assert words in out
    assert err == ""


def test_a_bad_pack_is_told_with_all_its_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(SMALL.replace("tier: high", "tier: hihg").replace("amount >= 2000", "amout >= 2000"))
    with pytest.raises(typer.Exit) as caught:
        check(path)
    assert caught.value.exit_code == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, excerpt, carets, second = err.splitlines()
    assert first == f"{path}:13: rule `large`, `when`: unknown name `amout`; did you mean `amount`?"
    assert (excerpt, carets) == ("    amout >= 2000", "    ^^^^^")
    assert second == f"{path}:24: rule `much`, `tier`: unknown tier `hihg`; did you mean `high`?"
