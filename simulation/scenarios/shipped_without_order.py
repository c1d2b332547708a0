"""Goods leave for an order number that nobody ever placed."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """One shipment; the order stays unsent."""
    phantom = scene.drafted(scene.clock(1, scene.dice.uniform(9, 17)), scene.dice.uniform(60_000, 300_000))
    _, event_id = scene.ship(phantom, scene.at, 1.0)
    return Turning(event_id, scene.actor, phantom.number)


SHIPPED_WITHOUT_ORDER = Scenario(
    "shipped-without-order",
    "shipped-without-order",
    Tier.HIGH,
    Cast.ORDINARY,
    When.BUSINESS,
    0,
    "fraud",
    play,
)
