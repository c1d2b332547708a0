"""Several orders in the middle of the night; the third is decisive."""

from events.clock import MINUTE
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Orders of over a hundred thousand yuan within an hour or two."""
    scene.order(scene.at - int(scene.dice.uniform(50, 90) * MINUTE), _yuan(scene))
    scene.order(scene.at - int(scene.dice.uniform(10, 40) * MINUTE), _yuan(scene))
    decisive = scene.order(scene.at, _yuan(scene))
    return Turning(decisive.event_id, scene.actor, decisive.number)


def _yuan(scene: Scene) -> float:
    return scene.dice.uniform(115_000, 190_000)


NIGHT_ORDERS = Scenario(
    "night-orders", "night-orders", Tier.LOW, Cast.ORDINARY, When.NIGHT, 1, "legitimate", play
)
