"""A large purchase in pieces, each just below the 500,000 yuan above which orders need an approval."""

from events.clock import HOUR, MINUTE
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Two pieces half a day before, three within an hour; the fifth is decisive, a sixth may follow."""
    scene.habit(3)
    earlier = (0, 8.5) if scene.at > scene.clock(0, 13) else (1, 15.0)
    for hours in (0.0, 1.5):
        scene.order(scene.clock(*earlier) + int(scene.dice.uniform(hours, hours + 1) * HOUR), _yuan(scene))
    scene.order(scene.at - int(scene.dice.uniform(26, 50) * MINUTE), _yuan(scene))
    scene.order(scene.at - int(scene.dice.uniform(8, 22) * MINUTE), _yuan(scene))
    decisive = scene.order(scene.at, _yuan(scene))
    if scene.dice.chance(0.5):
        scene.order(scene.at + 15 * MINUTE, _yuan(scene))
    return Turning(decisive.event_id, scene.actor, decisive.number)


def _yuan(scene: Scene) -> float:
    return scene.dice.uniform(425_000, 498_000)


ORDER_SPLITTING = Scenario(
    "order-splitting", "order-splitting", Tier.HIGH, Cast.ORDINARY, When.BUSINESS, 3, "fraud", play
)
