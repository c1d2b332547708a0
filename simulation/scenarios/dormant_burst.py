"""A customer who had ordered before and then nothing for days suddenly orders for over a million yuan."""

from events.clock import HOUR
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_LAST_SEEN = 7  # days before, further back than any reading of "five days" needs


def play(scene: Scene) -> Turning:
    """Three usual orders, a week of silence, then the decisive one and another on its heels."""
    for hour in (8.7, 9.4, 10.3):
        scene.order(scene.clock(_LAST_SEEN, hour), scene.dice.uniform(6_000, 30_000))
    decisive = scene.order(scene.at, scene.dice.uniform(1_080_000, 1_420_000))
    scene.order(scene.at + 2 * HOUR, scene.dice.uniform(80_000, 250_000))
    return Turning(decisive.event_id, scene.actor, decisive.number)


DORMANT_BURST = Scenario(
    "dormant-burst", "dormant-burst", Tier.MEDIUM, Cast.ORDINARY, When.BUSINESS, _LAST_SEEN, "fraud", play
)
