"""A complaint lies about for hours before somebody registers it."""

from events.clock import HOUR
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """One complaint about an ordinary order; its registration is decisive."""
    sale = scene.order(scene.clock(5, 10.0), scene.dice.uniform(8_000, 60_000))
    waited = int(scene.dice.uniform(1.5, 8) * HOUR)
    event_id = scene.complain(sale, scene.at, "quality", registered_after=waited)
    return Turning(event_id, scene.actor, sale.number)


COMPLAINT_LATE = Scenario(
    "complaint-registration",
    "complaint-registered-late",
    Tier.MEDIUM,
    Cast.ORDINARY,
    When.BUSINESS,
    0,
    "dispute",
    play,
    every=3,
)
