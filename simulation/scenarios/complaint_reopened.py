"""A complaint that was marked as resolved comes back."""

from events.clock import HOUR
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """A complaint, its answer and its end, and another about the same order, which is decisive."""
    sale = scene.order(scene.clock(6, 10.0), scene.dice.uniform(8_000, 60_000))
    opened = scene.clock(3, 10.0)
    scene.complain(sale, opened, "quality")
    scene.settle(sale, opened + 4 * HOUR, scene.clock(1, 15.0), "quality")
    event_id = scene.complain(sale, scene.at, "quality", again=2)
    return Turning(event_id, scene.actor, sale.number)


COMPLAINT_REOPENED = Scenario(
    "complaint-reopened",
    "complaint-reopened",
    Tier.MEDIUM,
    Cast.ORDINARY,
    When.BUSINESS,
    0,
    "dispute",
    play,
    every=3,
)
