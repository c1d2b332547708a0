"""Breakers: running processes add up what rules hold, and a rule that holds too much is limited once."""

from collections.abc import Mapping

import uuid_utils
from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from alerts.hit import Hit, hit_id
from events.clock import MINUTE, Clock, rfc3339, wall_clock
from events.rights import SYSTEM, LifecycleError, Person, Refusal
from rules.breaker import BUCKET, HUNDRED, LONGEST, Count, Trip, trips
from rules.decision import Outcome, RuleResult, RuleStatus, Tier
from rules.lifecycle import Action, may
from rules.pack import Pack
from rules.rule import Mode, Rule
from rules.views import LimitedRule, Moved
from store.postgres.batch import lock, uncounted, write
from store.postgres.errors import translated
from store.postgres.rules.editions import make, newest, packs_in_force
from store.postgres.rules.history import FREE, LIMITED, Subject, alone, breakers, newest_changes, record
from store.postgres.tables import RULE_COUNTS

GROUP, SCENARIO = "fenghuo:rules", "rule-breaker"
"""Whom and what the alert about a tripped breaker concerns."""

NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "urn:fenghuo:breaker")


class RuleCounts:
    """What one process adds to the counts of rules.

    Args:
        engine: of the database.
        process: its name, other than that of every other process; each writes rows of its own.
    """

    def __init__(self, engine: Engine, process: str, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._process = process
        self._clock = clock

    def add(self, counts: Mapping[str, Count]) -> None:
        """Add what rules did since the last call, by rule; call it about twice a second.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer; nothing was added.
        """
        if not counts:
            return
        bucket = self._clock() // BUCKET * BUCKET
        rows = [
            {
                "rule": rule,
                "bucket": bucket,
                "process": self._process,
                "judged": count.judged,
                "holds": count.holds,
            }
            for rule, count in sorted(counts.items())
        ]
        statement = insert(RULE_COUNTS)
        added = {name: RULE_COUNTS.c[name] + statement.excluded[name] for name in ("judged", "holds")}
        keys = list(RULE_COUNTS.primary_key)
        upsert = statement.on_conflict_do_update(index_elements=keys, set_=added)
        with translated("add up the counts of rules"), self._engine.begin() as connection:
            connection.execute(upsert, rows)


class Breakers:
    """Looks at the counts, limits rules, and frees them when a person says so."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    def check(self, now: int) -> list[Trip]:
        """Limit every rule that exceeds its breaker at `now`, epoch milliseconds; each at most once.

        All of one call become one edition, with one alert to the owner of each rule. Counts too old for any
        breaker are thrown away.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer; nothing was changed.
        """
        with translated("check the breakers"), self._engine.begin() as connection:
            if not _tripped(connection, now):
                connection.execute(delete(RULE_COUNTS).where(RULE_COUNTS.c.bucket < now - LONGEST - BUCKET))
                return []
            alone(connection)
            tripped = _tripped(connection, now)  # another process may have been first
            edition = newest(connection) + 1
            for _, _, trip in tripped:
                record(
                    connection,
                    now,
                    Subject.BREAKER,
                    trip.rule,
                    action="trip",
                    before=FREE,
                    to=LIMITED,
                    actor=SYSTEM,
                    reason=_counted(trip),
                    edition=edition,
                )
            if tripped:
                make(connection, now)
                hits = [_hit(pack, rule, trip, edition, now) for pack, rule, trip in tripped]
                lock(connection, hits)
                write(connection, uncounted(connection, hits), now)
        return [trip for _, _, trip in tripped]

    def reset(self, rule: str, person: Person, reason: str = "") -> Moved:
        """Free a rule; its counts begin anew.

        Raises:
            LifecycleError: the rule is not limited, or the person may not.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        may(Action.RESET, person)
        now = self._clock()
        with translated("reset a breaker"), self._engine.begin() as connection:
            alone(connection)
            if breakers(connection).get(rule, (FREE, 0))[0] != LIMITED:
                raise LifecycleError(Refusal.STATE, f"rule `{rule[:64]}` is not limited; nothing was changed")
            edition = newest(connection) + 1
            record(
                connection,
                now,
                Subject.BREAKER,
                rule,
                action=Action.RESET,
                before=LIMITED,
                to=FREE,
                actor=person.name,
                reason=reason,
                edition=edition,
            )
            make(connection, now)
        return Moved(name=rule, state=FREE, edition=edition)

    def limited(self) -> list[LimitedRule]:
        """The rules that are limited, by name.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("list the breakers"), self._engine.connect() as connection:
            return [
                LimitedRule(rule=row.name, reason=row.reason, limited_at=row.changed_at)
                for row in connection.execute(newest_changes(Subject.BREAKER))
                if row.to_state == LIMITED
            ]


def _tripped(connection: Connection, now: int) -> list[tuple[Pack, Rule, Trip]]:
    """The rules in force that exceed their breakers and are not limited, with the packs they stand in."""
    at = breakers(connection)
    sums = _Sums(connection, now)
    tripped = []
    for pack in packs_in_force(connection):
        for rule in pack.rules:
            state, since = at.get(rule.name, (FREE, 0))
            if state == LIMITED or rule.mode is not Mode.ACTIVE:
                continue
            count = sums.of(rule, since)
            if trips(rule.breaker, count):
                trip = Trip(rule=rule.name, breaker=rule.breaker, count=count)
                tripped.append((pack, rule, trip))
    return tripped


class _Sums:
    """Counts by rule since a moment, one query for each length of interval."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._known: dict[int, dict[str, Count]] = {}

    def of(self, rule: Rule, reset_at: int) -> Count:
        """What a rule did within its interval and since its breaker was reset."""
        begin = self._now - rule.breaker.within
        if reset_at > begin:
            return self._since(reset_at).get(rule.name, Count(judged=0, holds=0))
        return self._since(begin).get(rule.name, Count(judged=0, holds=0))

    def _since(self, begin: int) -> dict[str, Count]:
        if begin not in self._known:
            sums = (
                select(
                    RULE_COUNTS.c.rule,
                    func.sum(RULE_COUNTS.c.judged).label("judged"),
                    func.sum(RULE_COUNTS.c.holds).label("holds"),
                )
                .where(RULE_COUNTS.c.bucket >= begin)
                .group_by(RULE_COUNTS.c.rule)
            )
            self._known[begin] = {
                row.rule: Count(judged=int(row.judged), holds=int(row.holds))
                for row in self._connection.execute(sums)
            }
        return self._known[begin]


def _counted(trip: Trip) -> str:
    """The counts for the history, in no language."""
    share = trip.count.holds / max(trip.count.judged, 1)
    return f"{trip.count.holds} / {trip.count.judged} = {share:.1%}, {trip.breaker.within / MINUTE:g} min"


def _reasons(trip: Trip) -> dict[str, str]:
    share = trip.count.holds / max(trip.count.judged, 1) * HUNDRED
    minutes = trip.breaker.within / MINUTE
    return {
        "zh": f"规则 {trip.rule} 在 {minutes:g} 分钟内拦截 {trip.count.holds} 笔，"
        f"占所判 {trip.count.judged} 笔的 {share:.1f}%，超过熔断上限；在人工复位前最多作出“复核”。",
        "en": f"Rule {trip.rule} held {trip.count.holds} of {trip.count.judged} events ({share:.1f}%) within "
        f"{minutes:g} min, above its breaker; until a person resets it, it leads to review at most.",
    }


def _hit(pack: Pack, rule: Rule, trip: Trip, edition: int, now: int) -> Hit:
    """The alert's hit for the owner of a rule; repeated for the same edition it is the same."""
    decision = str(uuid_utils.uuid5(NAMESPACE, f"{edition}\n{rule.name}"))
    at = rfc3339(now)
    return Hit(
        hit_id=hit_id(decision, SCENARIO),
        decision_id=decision,
        event_id=f"breaker:{edition}:{rule.name}",
        event_type="rule.limited",
        group=f"{GROUP}:{rule.name}",
        subsidiary="fenghuo",
        customer=pack.name,
        order=None,
        shipment=None,
        region=None,
        counterparty=None,
        scenario=SCENARIO,
        tier=Tier.HIGH,
        outcome=Outcome.REVIEW,
        queue=rule.owner,
        playbook=None,
        title={"zh": f"规则熔断：{rule.name}", "en": f"Rule limited: {rule.name}"},
        reason=_reasons(trip),
        amount=None,
        rules=[
            RuleResult(
                rule.name,
                rule.version,
                RuleStatus.HIT,
                {"judged": trip.count.judged, "holds": trip.count.holds},
            )
        ],
        features={"judged": trip.count.judged, "holds": trip.count.holds},
        units={"judged": "number", "holds": "number"},
        anomaly=None,
        model=None,
        pack=pack.id,
        degraded=False,
        occurred_at=at,
        decided_at=at,
    )
