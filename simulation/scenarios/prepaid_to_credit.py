"""A customer that always paid before dispatch orders on credit, and more than usual."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Five ordinary prepaid orders, then one on credit, which is decisive."""
    for days in (6, 5, 4, 3, 2):
        scene.habit(days)
    sale = scene.order(scene.at, scene.dice.uniform(105_000, 160_000), on_credit=True)
    return Turning(sale.event_id, scene.actor, sale.number)


PREPAID_TO_CREDIT = Scenario(
    "prepaid-to-credit",
    "prepaid-to-credit",
    Tier.LOW,
    Cast.PREPAID,
    When.BUSINESS,
    7,
    "bad_debt",
    play,
    every=3,
)
