"""Customers that know nothing of one another order for one warehouse on one day."""

from dataclasses import replace

from events.clock import MINUTE
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Eight orders of eight customers; the eighth is decisive."""
    away = scene.away()
    warehouse = f"WH-{away}-{scene.dice.between(7, 99):02d}"
    at = scene.at - sum(gaps := [int(scene.dice.uniform(5, 28) * MINUTE) for _ in scene.actors[1:]])
    for actor, gap in zip(scene.actors, (*gaps, 0), strict=True):
        draft = scene.drafted(at, scene.dice.uniform(38_000, 60_000), by=actor, region=away)
        sale = scene.place(replace(draft, counterparty=warehouse))
        at += gap
    return Turning(sale.event_id, sale.customer, sale.number)


SHARED_CONSIGNEE = Scenario(
    "shared-consignee", "shared-consignee", Tier.MEDIUM, Cast.CROWD, When.BUSINESS, 1, "fraud", play, every=3
)
