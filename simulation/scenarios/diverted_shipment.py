"""A shipment goes to somebody else than the order says."""

from dataclasses import replace

from simulation.customers import consignee
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """An order for the usual consignee, shipped to a stranger; the shipment is decisive."""
    sale = scene.order(scene.clock(1, 10.5), scene.dice.uniform(60_000, 300_000), fulfilled=False)
    scene.confirm(sale)
    stranger = replace(sale, counterparty=consignee(scene.away(), scene.dice))
    _, event_id = scene.ship(stranger, scene.at, 1.0)
    return Turning(event_id, scene.actor, sale.number)


DIVERTED_SHIPMENT = Scenario(
    "diverted-shipment",
    "diverted-shipment",
    Tier.HIGH,
    Cast.ORDINARY,
    When.BUSINESS,
    3,
    "fraud",
    play,
    every=3,
)
