"""The incidents that are injected, one module each, and their list."""

from simulation.scenarios.cancellation_ratio import CANCELLATION_RATIO
from simulation.scenarios.cancelled_after_dispatch import CANCELLED_AFTER_DISPATCH
from simulation.scenarios.cancelled_after_waiting import CANCELLED_AFTER_WAITING
from simulation.scenarios.complaint_late import COMPLAINT_LATE
from simulation.scenarios.complaint_reopened import COMPLAINT_REOPENED
from simulation.scenarios.complaint_share import COMPLAINT_SHARE
from simulation.scenarios.credit_red import CREDIT_RED
from simulation.scenarios.credit_yellow import CREDIT_YELLOW
from simulation.scenarios.cross_region import CROSS_REGION
from simulation.scenarios.diverted_shipment import DIVERTED_SHIPMENT
from simulation.scenarios.dormant_burst import DORMANT_BURST
from simulation.scenarios.double_credit import DOUBLE_CREDIT
from simulation.scenarios.first_customer import FIRST_CUSTOMER
from simulation.scenarios.frequent_orders import FREQUENT_ORDERS
from simulation.scenarios.holiday_orders import HOLIDAY_ORDERS
from simulation.scenarios.large_amount import LARGE_AMOUNT
from simulation.scenarios.limit_doubled import LIMIT_DOUBLED
from simulation.scenarios.limit_exceeded import LIMIT_EXCEEDED
from simulation.scenarios.new_consignee import NEW_CONSIGNEE
from simulation.scenarios.night_orders import NIGHT_ORDERS
from simulation.scenarios.odd_order import ODD_ORDER
from simulation.scenarios.order_splitting import ORDER_SPLITTING
from simulation.scenarios.prepaid_to_credit import PREPAID_TO_CREDIT
from simulation.scenarios.rating_upgraded import RATING_UPGRADED
from simulation.scenarios.region_hopping import REGION_HOPPING
from simulation.scenarios.repeated_complaints import REPEATED_COMPLAINTS
from simulation.scenarios.returned_beyond_shipped import RETURNED_BEYOND_SHIPPED
from simulation.scenarios.returns_ratio import RETURNS_RATIO
from simulation.scenarios.round_amounts import ROUND_AMOUNTS
from simulation.scenarios.shared_consignee import SHARED_CONSIGNEE
from simulation.scenarios.shipped_after_cancellation import SHIPPED_AFTER_CANCELLATION
from simulation.scenarios.shipped_beyond_order import SHIPPED_BEYOND_ORDER
from simulation.scenarios.shipped_without_order import SHIPPED_WITHOUT_ORDER
from simulation.scenarios.slow_delivery import SLOW_DELIVERY
from simulation.scenarios.sudden_growth import SUDDEN_GROWTH
from simulation.scenarios.watched_region import WATCHED_REGION

SCENARIOS = (
    FIRST_CUSTOMER,
    CREDIT_RED,
    LARGE_AMOUNT,
    SHIPPED_WITHOUT_ORDER,
    SHIPPED_BEYOND_ORDER,
    ORDER_SPLITTING,
    LIMIT_EXCEEDED,
    DOUBLE_CREDIT,
    CREDIT_YELLOW,
    REGION_HOPPING,
    DIVERTED_SHIPMENT,
    SHIPPED_AFTER_CANCELLATION,
    RETURNED_BEYOND_SHIPPED,
    FREQUENT_ORDERS,
    CROSS_REGION,
    DORMANT_BURST,
    RETURNS_RATIO,
    SUDDEN_GROWTH,
    WATCHED_REGION,
    NEW_CONSIGNEE,
    SHARED_CONSIGNEE,
    CANCELLED_AFTER_DISPATCH,
    LIMIT_DOUBLED,
    RATING_UPGRADED,
    COMPLAINT_LATE,
    COMPLAINT_REOPENED,
    REPEATED_COMPLAINTS,
    CANCELLATION_RATIO,
    NIGHT_ORDERS,
    ODD_ORDER,
    ROUND_AMOUNTS,
    HOLIDAY_ORDERS,
    PREPAID_TO_CREDIT,
    COMPLAINT_SHARE,
    SLOW_DELIVERY,
    CANCELLED_AFTER_WAITING,
)
"""Every scenario, the most urgent tier first; from the eighth day on played daily or every few days."""
