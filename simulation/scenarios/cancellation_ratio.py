"""A customer cancels most of what it ordered in three days."""

from events.clock import MINUTE
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_ORDERS = 7
_DECISIVE = 4  # of seven: the first time that it is more than half


def play(scene: Scene) -> Turning:
    """Seven orders on the day before, five cancelled; the fourth cancellation is decisive."""
    sales = [
        scene.order(scene.clock(1, 9.5 + hour), scene.dice.uniform(15_000, 60_000), fulfilled=False)
        for hour in range(_ORDERS)
    ]
    for sale in sales:
        scene.confirm(sale)
    at = scene.at - sum(gaps := [int(scene.dice.uniform(4, 14) * MINUTE) for _ in range(_DECISIVE - 1)])
    for sale, gap in zip(sales, gaps, strict=False):
        scene.cancel(sale, at)
        at += gap
    decisive = sales[_DECISIVE - 1]
    event_id = scene.cancel(decisive, at)
    scene.cancel(sales[_DECISIVE], at + 5 * MINUTE)
    return Turning(event_id, scene.actor, decisive.number)


CANCELLATION_RATIO = Scenario(
    "cancellation-ratio", "cancellation-ratio", Tier.LOW, Cast.ORDINARY, When.BUSINESS, 4, "dispute", play
)
