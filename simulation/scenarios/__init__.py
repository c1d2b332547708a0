"""The incidents that are injected, one module each, and their list."""

from simulation.scenarios.cancellation_ratio import CANCELLATION_RATIO
from simulation.scenarios.credit_red import CREDIT_RED
from simulation.scenarios.cross_region import CROSS_REGION
from simulation.scenarios.dormant_burst import DORMANT_BURST
from simulation.scenarios.first_customer import FIRST_CUSTOMER
from simulation.scenarios.frequent_orders import FREQUENT_ORDERS
from simulation.scenarios.large_amount import LARGE_AMOUNT
from simulation.scenarios.limit_exceeded import LIMIT_EXCEEDED
from simulation.scenarios.night_orders import NIGHT_ORDERS
from simulation.scenarios.odd_order import ODD_ORDER
from simulation.scenarios.order_splitting import ORDER_SPLITTING
from simulation.scenarios.returns_ratio import RETURNS_RATIO
from simulation.scenarios.shipped_beyond_order import SHIPPED_BEYOND_ORDER
from simulation.scenarios.shipped_without_order import SHIPPED_WITHOUT_ORDER

SCENARIOS = (
    FIRST_CUSTOMER,
    CREDIT_RED,
    LARGE_AMOUNT,
    SHIPPED_WITHOUT_ORDER,
    SHIPPED_BEYOND_ORDER,
    ORDER_SPLITTING,
    LIMIT_EXCEEDED,
    FREQUENT_ORDERS,
    CROSS_REGION,
    DORMANT_BURST,
    RETURNS_RATIO,
    CANCELLATION_RATIO,
    NIGHT_ORDERS,
    ODD_ORDER,
)
"""Every scenario, the most urgent tier first; each is played once on every day from the eighth on."""
