"""A customer rated yellow buys on credit beyond the limit that is its condition."""

from simulation.company import FEN
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_SHARES = ((4, 11.0, 0.35), (2, 15.0, 0.35))  # days before, hour, part of the limit


def play(scene: Scene) -> Turning:
    """Three orders on credit; the third goes beyond the limit and is decisive."""
    limit = scene.actor.credit_limit / FEN
    for days, hour, share in _SHARES:
        scene.order(scene.clock(days, hour), limit * share, on_credit=True)
    sale = scene.order(scene.at, limit * scene.dice.uniform(0.4, 0.55), on_credit=True)
    return Turning(sale.event_id, scene.actor, sale.number)


CREDIT_YELLOW = Scenario(
    "credit-yellow", "credit-yellow", Tier.HIGH, Cast.YELLOW, When.BUSINESS, 7, "bad_debt", play, every=3
)
