"""The shipments of an order sum to more than was ordered, beyond the tolerance of two percent."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Three fifths the day before, then more than the rest; the second shipment is decisive."""
    sale = scene.order(
        scene.clock(2, scene.dice.uniform(9, 12)), scene.dice.uniform(60_000, 300_000), fulfilled=False
    )
    scene.confirm(sale)
    scene.ship(sale, scene.clock(1, scene.dice.uniform(9, 17)), 0.6)
    _, event_id = scene.ship(sale, scene.at, scene.dice.uniform(0.5, 0.7), number=2)
    return Turning(event_id, scene.actor, sale.number)


SHIPPED_BEYOND_ORDER = Scenario(
    "shipped-beyond-order",
    "shipped-beyond-order",
    Tier.HIGH,
    Cast.ORDINARY,
    When.BUSINESS,
    0,
    "dispute",
    play,
)
