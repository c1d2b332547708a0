"""More than fifteen orders of one customer within an hour; the sixteenth is decisive."""

from events.clock import MINUTE
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_DECISIVE = 16


def play(scene: Scene) -> Turning:
    """Small orders every few minutes, some more of them after the decisive one."""
    at = scene.at - sum(gaps := [_gap(scene) for _ in range(_DECISIVE - 1)])
    for gap in gaps:
        scene.order(at, _yuan(scene))
        at += gap
    decisive = scene.order(at, _yuan(scene))
    for _ in range(scene.dice.between(2, 6)):
        at += _gap(scene)
        scene.order(at, _yuan(scene))
    return Turning(decisive.event_id, scene.actor, decisive.number)


def _gap(scene: Scene) -> int:
    return int(scene.dice.uniform(1.2 * MINUTE, 3.2 * MINUTE))


def _yuan(scene: Scene) -> float:
    return scene.dice.uniform(4_000, 25_000)


FREQUENT_ORDERS = Scenario(
    "frequent-orders", "frequent-orders", Tier.MEDIUM, Cast.ORDINARY, When.BUSINESS, 1, "legitimate", play
)
