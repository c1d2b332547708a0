"""Tables beside the stream, as CSV rows: the group's mapping tables and the list of injected incidents."""

from collections.abc import Iterable, Iterator

from events.clock import SECOND, moment
from simulation.company import SUBSIDIARIES, catalogue, regions
from simulation.customers import Customer
from simulation.director import Incident
from simulation.rhythm import SHANGHAI

LABEL_COLUMNS = (
    "scenario",
    "group",
    "customer",
    "subsidiary",
    "order",
    "event_id",
    "from",
    "to",
    "expected_rule",
)


def label_rows(incidents: Iterable[Incident]) -> Iterator[tuple[str, ...]]:
    """One row per incident; `from` is its first event, `to` the decisive one, in Shanghai time."""
    for incident in incidents:
        turning = incident.turning
        customer = turning.customer
        yield (
            incident.scenario.name,
            customer.group,
            customer.code,
            customer.subsidiary.code,
            turning.order,
            turning.event_id,
            _written(incident.begins),
            _written(incident.decisive_at),
            incident.scenario.rule,
        )


def mapping_tables(customers: Iterable[Customer]) -> dict[str, list[tuple[str, ...]]]:
    """The mapping tables by file name, each with its header as the first row."""
    accounts = [(*customer.key, customer.group) for customer in customers]
    names = [
        (name, region.code)
        for region in regions().values()
        for name in (region.full, region.short, region.english)
    ]
    skus = [
        (subsidiary.code, subsidiary.sku_prefix + item.code, item.code, item.name, item.unit)
        for subsidiary in SUBSIDIARIES
        for item in catalogue()
    ]
    return {
        "customers.csv": [("subsidiary", "customer", "group"), *accounts],
        "regions.csv": [("name", "code"), *names],
        "skus.csv": [("subsidiary", "sku", "group_sku", "name", "unit"), *skus],
    }


def _written(at: int) -> str:
    return moment(at - at % SECOND).astimezone(SHANGHAI).isoformat()
