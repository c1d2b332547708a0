"""A customer that seldom orders complains about both of its last orders."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Two orders, and complaints about both; the second is decisive."""
    sales = [scene.order(scene.clock(days, 10.0), scene.dice.uniform(8_000, 60_000)) for days in (6, 5)]
    scene.complain(sales[0], scene.clock(2, 10.0), "quantity")
    event_id = scene.complain(sales[1], scene.at, "quantity")
    return Turning(event_id, scene.actor, sales[1].number)


COMPLAINT_SHARE = Scenario(
    "repeated-complaints", "complaint-share", Tier.LOW, Cast.RARE, When.BUSINESS, 7, "dispute", play, every=3
)
