"""A new customer is shipped more than five million yuan within three days of its first order."""

from simulation.scene import Cast, Scenario, Scene, Tier, Turning, When

_ORDERS = ((2, 10.2), (2, 14.6), (1, 9.3), (1, 10.8), (1, 14.1))  # days before, hour
_SHIPPED = ((1, 13.5), (1, 16.0), (1, 17.4), (0, 8.4))  # all but the decisive one


def play(scene: Scene) -> Turning:
    """Five orders of about 1.2 million on credit; the fifth shipment is decisive."""
    sales = [
        scene.order(
            scene.clock(*moment), scene.dice.uniform(1_120_000, 1_230_000), on_credit=True, fulfilled=False
        )
        for moment in _ORDERS
    ]
    for sale in sales:
        scene.confirm(sale)
    for sale, moment in zip(sales, _SHIPPED, strict=False):
        scene.ship(sale, scene.clock(*moment), 1.0)
    _, event_id = scene.ship(sales[-1], scene.at, 1.0)
    return Turning(event_id, scene.actor, sales[-1].number)


FIRST_CUSTOMER = Scenario(
    "first-customer", "first-customer-72h-5m", Tier.CRITICAL, Cast.NEWCOMER, When.BUSINESS, 0, "fraud", play
)
