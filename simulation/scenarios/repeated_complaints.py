"""A customer complains about one order after the other."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Three orders, and complaints about all of them; the third is decisive."""
    sales = [scene.order(scene.clock(days, 10.0), scene.dice.uniform(8_000, 60_000)) for days in (7, 6, 5)]
    for sale, at in zip(sales, (scene.clock(3, 10.0), scene.clock(1, 14.0), scene.at), strict=True):
        event_id = scene.complain(sale, at, "quality")
    return Turning(event_id, scene.actor, sales[-1].number)


REPEATED_COMPLAINTS = Scenario(
    "repeated-complaints",
    "complaints-repeated",
    Tier.MEDIUM,
    Cast.ORDINARY,
    When.BUSINESS,
    0,
    "dispute",
    play,
    every=3,
)
