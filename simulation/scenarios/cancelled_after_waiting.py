"""A customer gives up an order of which nothing was shipped for days."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """One order, cancelled three days later; the cancellation is decisive."""
    sale = scene.order(scene.clock(3, 10.0), scene.dice.uniform(8_000, 60_000), fulfilled=False)
    scene.confirm(sale)
    return Turning(scene.cancel(sale, scene.at), scene.actor, sale.number)


CANCELLED_AFTER_WAITING = Scenario(
    "cancelled-after-waiting",
    "cancelled-after-waiting",
    Tier.LOW,
    Cast.ORDINARY,
    When.BUSINESS,
    0,
    "dispute",
    play,
    every=3,
)
