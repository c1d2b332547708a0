"""A small customer with a steady history orders in three days far more than in the week before."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When


def play(scene: Scene) -> Turning:
    """Three ordinary orders, then a large one on each of three days; the third is decisive."""
    for days in (6, 5, 4):
        scene.habit(days)
    scene.order(scene.clock(2, 13.0), _yuan(scene))
    scene.order(scene.clock(1, 10.5), _yuan(scene))
    decisive = scene.order(scene.at, _yuan(scene))
    return Turning(decisive.event_id, scene.actor, decisive.number)


def _yuan(scene: Scene) -> float:
    return scene.dice.uniform(215_000, 240_000)


SUDDEN_GROWTH = Scenario(
    "sudden-growth",
    "sudden-growth",
    Tier.MEDIUM,
    Cast.STEADY,
    When.BUSINESS,
    7,
    "fraud",
    play,
    first_day=12,
)
