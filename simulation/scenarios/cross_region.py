"""Most that a customer orders in three days goes far from its home region, for over half a million yuan."""

from events.clock import HOUR
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """A usual order at home, then three large ones to one place far away; the third is decisive."""
    away = scene.away()
    scene.order(scene.clock(1, 14.5), scene.dice.uniform(8_000, 30_000))
    scene.order(scene.clock(1, 16.2), scene.dice.uniform(190_000, 240_000), region=away)
    scene.order(scene.at - HOUR, scene.dice.uniform(190_000, 240_000), region=away)
    sale = scene.order(scene.at, scene.dice.uniform(160_000, 260_000), region=away)
    return Turning(sale.event_id, scene.actor, sale.number)


CROSS_REGION = Scenario(
    "cross-region", "cross-region", Tier.MEDIUM, Cast.ORDINARY, When.BUSINESS, 4, "fraud", play
)
