"""A customer with a steady history suddenly has a large delivery sent to a stranger."""

from dataclasses import replace

from simulation.customers import consignee
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Four ordinary orders, then a large one for a new consignee; its shipment is decisive."""
    for days in (7, 6, 5, 4):
        scene.habit(days)
    draft = scene.drafted(scene.clock(1, 15.0), scene.dice.uniform(530_000, 590_000))
    sale = scene.place(replace(draft, counterparty=consignee(scene.away(), scene.dice)), fulfilled=False)
    scene.confirm(sale)
    _, event_id = scene.ship(sale, scene.at, 1.0)
    return Turning(event_id, scene.actor, sale.number)


NEW_CONSIGNEE = Scenario(
    "new-consignee", "new-consignee", Tier.MEDIUM, Cast.SMALL, When.BUSINESS, 7, "fraud", play, every=3
)
