"""Two subsidiaries give one company its limit a second time, none of them knowing of the other."""

from simulation.company import FEN
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Small orders at both subsidiaries, then a large one at the first, which is decisive."""
    limit = scene.actor.credit_limit / FEN
    first, second = scene.actors[:2]
    for by, days in ((first, 5), (second, 3)):
        scene.order(scene.clock(days, 11.0), limit * scene.dice.uniform(0.18, 0.22), by=by, on_credit=True)
    sale = scene.order(scene.at, limit * scene.dice.uniform(0.72, 0.76), by=first, on_credit=True)
    return Turning(sale.event_id, first, sale.number)


DOUBLE_CREDIT = Scenario(
    "double-credit", "double-credit", Tier.HIGH, Cast.GROUP, When.BUSINESS, 7, "bad_debt", play, every=3
)
