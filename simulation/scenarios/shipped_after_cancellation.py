"""Goods of a cancelled order leave the warehouse all the same."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """An order cancelled within hours and shipped on the next day; the shipment is decisive."""
    sale = scene.order(scene.clock(1, 9.5), scene.dice.uniform(40_000, 200_000), fulfilled=False)
    scene.confirm(sale)
    scene.cancel(sale, scene.clock(1, scene.dice.uniform(11, 17)))
    _, event_id = scene.ship(sale, scene.at, 1.0)
    return Turning(event_id, scene.actor, sale.number)


SHIPPED_AFTER_CANCELLATION = Scenario(
    "shipped-after-cancellation",
    "shipped-after-cancellation",
    Tier.HIGH,
    Cast.ORDINARY,
    When.BUSINESS,
    3,
    "fraud",
    play,
    every=3,
)
