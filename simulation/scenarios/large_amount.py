"""One order of two million yuan or more."""

from events.clock import HOUR
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """The order, and a usual one some days before and after."""
    scene.habit(3)
    sale = scene.order(scene.at, scene.dice.uniform(2_050_000, 3_300_000))
    scene.order(scene.at + 3 * HOUR, scene.dice.uniform(5_000, 30_000))
    return Turning(sale.event_id, scene.actor, sale.number)


LARGE_AMOUNT = Scenario(
    "large-amount", "large-amount", Tier.HIGH, Cast.ORDINARY, When.BUSINESS, 3, "legitimate", play
)
