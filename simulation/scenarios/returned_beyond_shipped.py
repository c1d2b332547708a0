"""More comes back, and would be refunded, than was ever shipped."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """A part of an order is shipped and more than that returned; the return is decisive."""
    sale = scene.order(scene.clock(4, 10.0), scene.dice.uniform(30_000, 110_000), fulfilled=False)
    scene.confirm(sale)
    parcel, _ = scene.ship(sale, scene.clock(3, scene.dice.uniform(9, 17)), 0.5)
    event_id = scene.send_back(parcel, scene.at, scene.dice.uniform(1.3, 1.6))
    return Turning(event_id, scene.actor, sale.number)


RETURNED_BEYOND_SHIPPED = Scenario(
    "returned-beyond-shipped",
    "returned-beyond-shipped",
    Tier.HIGH,
    Cast.ORDINARY,
    When.BUSINESS,
    5,
    "fraud",
    play,
    every=3,
)
