"""A customer sends back a large part of what it was shipped within a week."""

from events.clock import HOUR
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """One large delivery, returned in two parts of which the second is decisive."""
    sale = scene.order(
        scene.clock(5, scene.dice.uniform(9, 16)), scene.dice.uniform(280_000, 395_000), fulfilled=False
    )
    scene.confirm(sale)
    parcel, _ = scene.ship(sale, scene.clock(4, scene.dice.uniform(9, 16)), 1.0)
    scene.send_back(
        parcel, scene.at - int(scene.dice.uniform(0.3, 1.2) * HOUR), scene.dice.uniform(0.15, 0.22)
    )
    event_id = scene.send_back(parcel, scene.at, scene.dice.uniform(0.3, 0.5), part=2)
    return Turning(event_id, scene.actor, sale.number)


RETURNS_RATIO = Scenario(
    "returns-ratio", "returns-ratio", Tier.MEDIUM, Cast.ORDINARY, When.BUSINESS, 7, "dispute", play
)
