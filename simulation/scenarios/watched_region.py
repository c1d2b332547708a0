"""A sizable order goes to a place from which goods tend to leave the agreed market."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_WATCHED = ("150100", "440400")  # as the pack lists them


def play(scene: Scene) -> Turning:
    """One order; it is decisive."""
    yuan = scene.dice.uniform(215_000, 390_000)
    sale = scene.order(scene.at, yuan, region=scene.dice.pick(_WATCHED))
    return Turning(sale.event_id, scene.actor, sale.number)


WATCHED_REGION = Scenario(
    "watched-region", "watched-region", Tier.MEDIUM, Cast.ORDINARY, When.BUSINESS, 4, "fraud", play, every=3
)
