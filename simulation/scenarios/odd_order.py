"""An order that breaks no rule but fits nothing its customer ever did: amount, hour and region at once."""

from simulation.company import FEN
from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_TIMES_USUAL = 100
_MOST = 440_000.0  # yuan; with what small customers order besides, below all that other rules look at


def play(scene: Scene) -> Turning:
    """A single order, many times the usual amount, to the other end of the country."""
    for days in (7, 6, 5, 4):
        scene.habit(days)
    yuan = min(_TIMES_USUAL * scene.actor.usual_order / FEN, _MOST) * scene.dice.uniform(0.85, 1.0)
    sale = scene.order(scene.at, yuan, region=scene.away())
    return Turning(sale.event_id, scene.actor, sale.number)


ODD_ORDER = Scenario("anomaly", "anomaly-high", Tier.LOW, Cast.SMALL, When.ODD, 0, "fraud", play)
