"""Several sizable orders on a day of rest."""

from events.clock import MINUTE
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Four orders within an hour and a half; the fourth is decisive."""
    for minutes in (90, 55, 25, 0):
        sale = scene.order(scene.at - minutes * MINUTE, scene.dice.uniform(132_000, 160_000))
    return Turning(sale.event_id, scene.actor, sale.number)


HOLIDAY_ORDERS = Scenario(
    "holiday-orders", "holiday-orders", Tier.LOW, Cast.ORDINARY, When.REST, 1, "legitimate", play
)
