"""Orders whose amounts are all full ten thousands, as invented trade often has them."""

from dataclasses import replace

from simulation.company import FEN
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_ORDERS = ((2, 14.0), (1, 10.0), (1, 16.5))  # days before, hour; all but the decisive one


def play(scene: Scene) -> Turning:
    """Four such orders within three days; the fourth is decisive."""
    for at in (*(scene.clock(*moment) for moment in _ORDERS), scene.at):
        yuan = 10_000 * scene.dice.between(5, 12)
        sale = scene.place(replace(scene.drafted(at, yuan), amount=yuan * FEN))
    return Turning(sale.event_id, scene.actor, sale.number)


ROUND_AMOUNTS = Scenario(
    "round-amounts", "round-amounts", Tier.LOW, Cast.ORDINARY, When.BUSINESS, 4, "fraud", play, every=3
)
