"""Goods are delivered in a far city a few hours after they left for another."""

from dataclasses import replace

from events.clock import HOUR
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """A shipment to the home region, delivered elsewhere; the delivery is decisive."""
    sale = scene.order(scene.clock(1, 10.0), scene.dice.uniform(60_000, 250_000), fulfilled=False)
    scene.confirm(sale)
    parcel, _ = scene.dispatch(sale, scene.at - int(scene.dice.uniform(1.5, 6) * HOUR), 1.0)
    elsewhere = replace(parcel, sale=replace(sale, region=scene.away()))
    return Turning(scene.deliver(elsewhere, scene.at), scene.actor, sale.number)


REGION_HOPPING = Scenario(
    "region-hopping", "region-hopping", Tier.HIGH, Cast.ORDINARY, When.BUSINESS, 3, "fraud", play, every=3
)
