"""A customer rated red, whose orders must be paid before dispatch, orders on credit."""

from simulation.company import FEN
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """One order within the limit that is still on file; it is rejected and never shipped."""
    yuan = min(scene.dice.uniform(20_000, 90_000), scene.actor.credit_limit / (4 * FEN))
    sale = scene.order(scene.at, yuan, on_credit=True, fulfilled=False)
    return Turning(sale.event_id, scene.actor, sale.number)


CREDIT_RED = Scenario("credit-red", "credit-red", Tier.CRITICAL, Cast.RED, When.BUSINESS, 0, "bad_debt", play)
