"""One company uses its credit limit at two subsidiaries at once, which each of them sees only in part."""

from simulation.company import FEN
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_ORDERS = ((2, 15.0), (1, 10.5), (1, 16.0))  # days before, hour; all but the decisive one


def play(scene: Scene) -> Turning:
    """Four orders of two fifths of the limit, by turns at both subsidiaries; the fourth is decisive."""
    scene.habit(4)
    limit = scene.actor.credit_limit / FEN
    first, second = scene.actors[:2]
    for by, moment in zip((first, second, first), _ORDERS, strict=True):
        scene.order(scene.clock(*moment), limit * scene.dice.uniform(0.4, 0.43), by=by, on_credit=True)
    decisive = scene.order(scene.at, limit * scene.dice.uniform(0.4, 0.43), by=second, on_credit=True)
    return Turning(decisive.event_id, second, decisive.number)


LIMIT_EXCEEDED = Scenario(
    "limit-exceeded", "limit-exceeded", Tier.HIGH, Cast.GROUP, When.BUSINESS, 7, "bad_debt", play
)
