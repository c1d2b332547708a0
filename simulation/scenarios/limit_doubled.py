"""Somebody raises a credit limit to far more than twice in one step."""

from simulation.company import FEN
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_LEAST = 600_000 * FEN


def play(scene: Scene) -> Turning:
    """One change of master data; it is decisive."""
    actor = scene.actor
    actor.credit_limit = max(_LEAST, int(actor.credit_limit * scene.dice.uniform(2.3, 3.0)))
    return Turning(scene.change(scene.at, {"credit_limit": actor.credit_limit}), actor, "")


LIMIT_DOUBLED = Scenario(
    "limit-doubled",
    "limit-doubled",
    Tier.MEDIUM,
    Cast.SMALL,
    When.BUSINESS,
    0,
    "fraud",
    play,
    every=3,
    first_day=8,
)
