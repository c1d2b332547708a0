"""An order is cancelled when a part of it has left already."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Half of an order is shipped, then all of it cancelled; the cancellation is decisive."""
    sale = scene.order(scene.clock(2, 10.0), scene.dice.uniform(40_000, 200_000), fulfilled=False)
    scene.confirm(sale)
    scene.ship(sale, scene.clock(1, scene.dice.uniform(9, 17)), 0.5)
    return Turning(scene.cancel(sale, scene.at), scene.actor, sale.number)


CANCELLED_AFTER_DISPATCH = Scenario(
    "cancelled-after-dispatch",
    "cancelled-after-dispatch",
    Tier.MEDIUM,
    Cast.ORDINARY,
    When.BUSINESS,
    3,
    "dispute",
    play,
    every=3,
)
