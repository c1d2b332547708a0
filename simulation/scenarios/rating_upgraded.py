"""Somebody turns a red rating green without the time at yellow."""

from simulation.customers import Rating
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """One change of master data; it is decisive."""
    scene.actor.rating = Rating.GREEN
    return Turning(scene.change(scene.at, {"rating": scene.actor.rating.value}), scene.actor, "")


RATING_UPGRADED = Scenario(
    "rating-upgraded",
    "rating-upgraded",
    Tier.MEDIUM,
    Cast.RED,
    When.BUSINESS,
    0,
    "bad_debt",
    play,
    every=3,
    first_day=8,
)
