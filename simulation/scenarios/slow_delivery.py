"""Goods are on the way for more than five days."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """One shipment, delivered six days later; the delivery is decisive."""
    sale = scene.order(scene.clock(7, 10.0), scene.dice.uniform(8_000, 60_000), fulfilled=False)
    scene.confirm(sale)
    parcel, _ = scene.dispatch(sale, scene.clock(6, scene.dice.uniform(9, 15)), 1.0)
    return Turning(scene.deliver(parcel, scene.at), scene.actor, sale.number)


SLOW_DELIVERY = Scenario(
    "slow-delivery", "delivery-slow", Tier.LOW, Cast.ORDINARY, When.BUSINESS, 0, "dispute", play, every=3
)
