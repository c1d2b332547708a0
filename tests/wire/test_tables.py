"""Mapping tables and rates: what good ones hold, and one line of error for each bad one."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.wire.golden import check_golden
from wire.errors import TableError
from wire.tables import Tables, read_tables

SAMPLES = Path(__file__).parents[2] / "samples"
CUSTOMERS = "subsidiary,customer,group\n"
RATES = "date,currency,rate\n"

BAD_TABLES: dict[str, tuple[str, str | bytes]] = {
    "nothing in it": ("customers.csv", ""),
    "column missing": ("customers.csv", "subsidiary,group\nSH01,G1\n"),
    "semicolons": ("customers.csv", "subsidiary;customer;group\nSH01;C1;G1\n"),
    "blank cell": ("customers.csv", CUSTOMERS + "SH01,C1,G1\nSH01, ,G1\n"),
    "short row": ("customers.csv", CUSTOMERS + "SH01,C1\n"),
    "long row": ("customers.csv", CUSTOMERS + "SH01,C1,G1,G2\n"),
    "two groups for one customer": ("customers.csv", CUSTOMERS + "SH01,C1,G1\nSH01,C2,G1\nSH01,C1,G2\n"),
    "group of 130": ("customers.csv", CUSTOMERS + f"SH01,C1,{'g' * 130}\n"),
    "GBK": ("customers.csv", (CUSTOMERS + "SH01,C1,G1\nSH01,上海,G1\n").encode("gbk")),
    "GBK header": ("regions.csv", "名称,代码\n".encode("gbk")),
    "UTF-16": ("customers.csv", CUSTOMERS.encode("utf-16")),
    "NUL": ("regions.csv", "name,code\n上海\0,310000\n"),
    "cell of 200,000": ("regions.csv", f"name,code\n{'上' * 200_000},310000\n"),
    "quote not closed": ("regions.csv", 'name,code\n"上海,310000\n北京,110000\n'),
    "blank after a cell of two lines": ("regions.csv", 'name,code\n"上\n海",310000\n北京,\n'),
    "two codes for one name": ("regions.csv", "name,code\n上海,310000\n上海,310100\n"),
    "two articles for one": ("skus.csv", "subsidiary,sku,group_sku\nSH01,A,X\nSH01,A,Y\n"),
    "currency in small letters": ("rates.csv", RATES + "2025-01-01,usd,7.2\n"),
    "currency with a symbol": ("rates.csv", RATES + "2025-01-01,US$,7.2\n"),
    "month 13": ("rates.csv", RATES + "2025-13-01,USD,7.2\n"),
    "day first": ("rates.csv", RATES + "01.02.2025,USD,7.2\n"),
    **{
        f"rate {rate}": ("rates.csv", RATES + f'2025-01-01,USD,"{rate}"\n')
        for rate in ("seven", "7,2", "0", "0.00", "-7.2", "NaN", "Infinity", "1e999999", "7_2", "７.２")
    },
    "two rates on one day": ("rates.csv", RATES + "2025-01-01,USD,7.2\n2025-01-01,USD,7.3\n"),
}


def read(folder: Path, name: str, content: str | bytes) -> Tables:
    """The tables of a folder that has only this file."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_tables(None, path) if name == "rates.csv" else read_tables(folder, None)


def test_every_bad_table_is_one_line_with_file_and_line(tmp_path: Path) -> None:
    told = []
    for number, (name, (file, content)) in enumerate(BAD_TABLES.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(TableError) as caught:
            read(folder, file, content)
        told.append(f"{name} | {str(caught.value).replace(f'{folder}/', '')}")
        assert "\n" not in told[-1]
    check_golden("table_errors.txt", "\n".join(told) + "\n")


def test_folders_and_files_that_are_not_there_name_their_setting(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"nowhere: no such folder of mapping tables.*FENGHUO_MAPPINGS"):
        read_tables(tmp_path / "nowhere", None)
    for path in (tmp_path / "rates.csv", tmp_path):
        with pytest.raises(TableError, match=r"no such rate table; correct FENGHUO_RATES"):
            read_tables(None, path)


def test_no_tables_map_nothing(tmp_path: Path) -> None:
    assert read_tables(None, None) == Tables()
    assert read_tables(tmp_path, None) == Tables()
    assert Tables().group_of("SH01", "C1") == "SH01:C1"


def test_tables_are_read_as_excel_writes_them(tmp_path: Path) -> None:
    content = (
        '\ufeffgroup,subsidiary,customer,note\r\n G1 ,SH01,"C,1",x\r\n\r\nG1,GD02,C 1,\r\nG1,GD02,C 1,\r\n'
    )
    tables = read(tmp_path, "customers.csv", content)
    assert tables.groups == {("SH01", "C,1"): "G1", ("GD02", "C 1"): "G1"}


def test_rates_are_in_order_of_their_days_whatever_the_file_s(tmp_path: Path) -> None:
    content = RATES + "2025-02-01,USD,7.3\n2025-01-01,USD,7.2\n2025-01-01,EUR,7.5\n2025-02-01,USD,7.30\n"
    assert read(tmp_path, "rates.csv", content).rates == {
        "USD": ([date(2025, 1, 1), date(2025, 2, 1)], [Decimal("7.2"), Decimal("7.3")]),
        "EUR": ([date(2025, 1, 1)], [Decimal("7.5")]),
    }


def test_the_tables_of_the_sample_can_be_read() -> None:
    tables = read_tables(SAMPLES / "mappings", SAMPLES / "rates.csv")
    assert tables.groups
    assert tables.regions["上海"] == "310000"
    assert tables.skus
    assert tables.rates["USD"]
