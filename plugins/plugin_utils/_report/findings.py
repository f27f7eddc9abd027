# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the services of a cluster, and what to do about it. Each rule is one function of a view.

docs/status.md has a line for each code. Values in, values out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import listed, printable
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import passes_on_leader_only
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import Place, View

WARNING, CRITICAL = "warning", "critical"

NEAR_MAXCONN = 0.9
LAG = 16 * 2**20  # bytes that a replica may lag
FLAPS = 3  # times down since the worker started
FLAP_EVERY = 600  # seconds: a server that goes down more often than this on average, and has done so lately, flaps
_RUNNING = frozenset(("running", "streaming", "in archive recovery"))
_NO_STANDBY_LEADER = frozenset(("/", "/primary", "/master", "/read-write"))
_MOST_NAMES = 4


@dataclass(frozen=True)
class Finding:
    """Something that needs attention: ``text`` says what and where, ``fix`` what to do."""

    severity: str
    code: str
    text: str
    fix: str


Rule = Callable[[View], Iterator[Finding]]


def findings(view: View) -> list[Finding]:
    """Everything that is wrong, the critical first."""
    found = [finding for rule in RULES for finding in rule(view)]
    return sorted(found, key=lambda finding: finding.severity != CRITICAL)


def _unreachable(view: View) -> Iterator[Finding]:
    for host, answer in view.answers.items():
        if answer.facts is None and not answer.is_reachable:
            yield Finding(
                WARNING,
                "load_balancer_unreachable",
                f"load balancer {host} cannot be reached: {printable(answer.error)}",
                f"see whether the host is up and accepts Ansible's login: ansible {host} -m ansible.builtin.ping",
            )
        elif answer.facts is None:
            yield Finding(
                WARNING,
                "load_balancer_failed",
                f"load balancer {host} could not be asked: {printable(answer.error)}",
                "correct what the message names",
            )


def _not_running(view: View) -> Iterator[Finding]:
    hosts = [host for host, facts in view.facts.items() if not facts["running"]]
    if hosts:
        yield Finding(
            CRITICAL,
            "haproxy_not_running",
            f"HAProxy is not running on {_few(hosts)}, so no service accepts connections there",
            "start it (systemctl start haproxy), and see why it ended: journalctl -u haproxy",
        )


def _service_not_running(view: View) -> Iterator[Finding]:
    for where in view.by_service().values():
        hosts = [
            place.load_balancer
            for place in where
            if place.service.servers and not place.is_running and view.facts[place.load_balancer]["running"]
        ]
        if hosts:
            yield Finding(
                CRITICAL,
                "service_not_running",
                f"HAProxy does not run service {_service(where[0])} on {_few(hosts)}",
                f"publish it: pgsql-svc {view.cluster}",
            )


def _no_server(view: View) -> Iterator[Finding]:
    for where in view.by_service().values():
        if _cannot_serve(view, where[0]):
            continue
        hosts = [
            place.load_balancer for place in where if place.service.servers and place.is_running and not place.serves
        ]
        if hosts:
            leads = ", and Patroni names no leader" if view.patroni is not None and view.leader is None else ""
            yield Finding(
                CRITICAL,
                "service_without_server",
                f"service {_service(where[0])} has no server on {_few(hosts)}{leads}",
                f"no member passes {where[0].service.check}: see patronictl list {view.cluster}, and Patroni's logs "
                "on the members",
            )


def _cannot_serve(view: View, place: Place) -> bool:
    """Whether no member passes the check of a primary because the cluster is a standby cluster."""
    is_standby = view.leader is not None and view.leader.patroni["role"] == "standby_leader"
    return is_standby and place.service.check.partition("?")[0] in _NO_STANDBY_LEADER


def _two_primaries(view: View) -> Iterator[Finding]:
    for members, where in _leading(view, lambda place: len(place.serves) > 1):
        yield Finding(
            CRITICAL,
            "two_primaries",
            f"service {_service(where[0])} sends new connections to {_and(members)} on {_places(where)}, and only one "
            "of them can be the primary",
            "look again: during a switchover this may last for a second or two. If it stays, both members hold "
            "themselves for the leader: compare patronictl list on both, and stop the wrong one",
        )


def _wrong_member(view: View) -> Iterator[Finding]:
    leader = view.leader
    if leader is None:
        return
    name = leader.member.name
    for members, where in _leading(view, lambda place: len(place.serves) == 1 and place.serves != [name]):
        yield Finding(
            CRITICAL,
            "writes_to_wrong_member",
            f"service {_service(where[0])} sends new connections to {_and(members)} on {_places(where)}, but "
            f"Patroni's leader is {name}",
            "look again: during a switchover this may last for a few seconds. If it stays, see whether the load "
            f"balancer reaches the Patroni of {name}, and take {_and(members)} out: "
            f"pgsql-svc {view.cluster} --maint {members[0]}",
        )


def _leading(view: View, choose: Callable[[Place], bool]) -> Iterator[tuple[list[str], list[Place]]]:
    """Services that only a leader serves, where chosen: the members that serve, and where they are the same."""
    for where in view.by_service().values():
        if passes_on_leader_only(where[0].service.check):
            found: dict[tuple[str, ...], list[Place]] = {}
            for place in where:
                if choose(place):
                    found.setdefault(tuple(place.serves), []).append(place)
            yield from ((list(members), places) for members, places in found.items())


def _disagree(view: View) -> Iterator[Finding]:
    for where in view.by_service().values():
        found: dict[tuple[str, ...], list[Place]] = {}
        for place in where:
            if place.is_running:
                found.setdefault(tuple(sorted(place.serves)), []).append(place)
        if len(found) > 1:
            said = "; ".join(f"{_places(places)}: {_and(members) or 'none'}" for members, places in found.items())
            yield Finding(
                WARNING,
                "load_balancers_disagree",
                f"load balancers use different members for service {_service(where[0])}: {said}",
                "look again: checks do not end everywhere at once. If it stays, a load balancer does not reach a "
                "member's Patroni, or a server is in drain or maintenance there only",
            )


def _drifted(view: View) -> Iterator[Finding]:
    leader = view.leader
    if leader is None or leader.member.role == "primary":
        return
    affected = [
        where[0].service.service
        for where in view.by_service().values()
        if where[0].service.roles != "live" and not passes_on_leader_only(where[0].service.check)
    ]
    if affected:
        declared = listed(known.member.name for known in view.members if known.member.role == "primary")
        yield Finding(
            WARNING,
            "roles_drifted",
            f"the inventory declares {declared} as primary, and Patroni's leader is {leader.member.name}: the "
            f"selectors of {_and(affected)} see the declared roles",
            f"exchange pg_role in the inventory and publish (pgsql-svc {view.cluster}), or let services follow the "
            "roles of the moment with pg_service_roles: live",
        )


def _on_backups(view: View) -> Iterator[Finding]:
    for where in view.by_service().values():
        found: dict[tuple[str, ...], list[Place]] = {}
        for place in where:
            is_backup = place.serving and all(server["backup"] for server in place.serving)
            if is_backup and any(not server["backup"] for server in place.servers):
                found.setdefault(tuple(place.serves), []).append(place)
        for members, places in found.items():
            yield Finding(
                WARNING,
                "service_on_backups",
                f"service {_service(where[0])} is served by its backups on {_places(places)}: {_and(members)}",
                f"no other member passes {where[0].service.check}: see patronictl list {view.cluster}",
            )


def _not_published(view: View) -> Iterator[Finding]:
    found: dict[tuple[str, ...], list[str]] = {}
    for host, facts in view.facts.items():
        planned = view.digests.get(host, {})
        disk = _files_of(facts, planned)
        names = sorted(name for name in {*planned, *disk} if planned.get(name) != disk.get(name))
        if names:
            found.setdefault(tuple(names), []).append(host)
    for changed, hosts in found.items():
        yield Finding(
            WARNING,
            "not_published",
            f"files on {_few(hosts)} are not those of the inventory: {_few(changed)}",
            f"see the difference and publish it: pgsql-svc {view.cluster} --check --diff, pgsql-svc {view.cluster}",
        )


def _files_of(facts: Mapping[str, Any], planned: Iterable[str]) -> dict[str, str]:
    """The files of the cluster on disk: those that HAProxy was asked about, and those that it should have."""
    names = {*planned, *(service["name"] for service in facts["services"])}
    return {name: facts["files"][name] for name in names if name in facts["files"]}


def _not_applied(view: View) -> Iterator[Finding]:
    for state, code, words, fix in (
        (
            "not_applied",
            "files_not_applied",
            "files are written and not applied",
            f"apply them: pgsql-svc {view.cluster}",
        ),
        (
            "different",
            "servers_differ",
            "HAProxy runs other servers than its files say",
            "somebody has changed servers at the Runtime API, or a run was killed; publishing puts them right: "
            f"pgsql-svc {view.cluster}",
        ),
    ):
        found: dict[tuple[str, ...], list[str]] = {}
        for host, facts in view.facts.items():
            services = [each for each in facts["services"] if each["file"] == state]
            names = [_with_words(each["name"], each["differences"]) for each in services]
            if names:
                found.setdefault(tuple(names), []).append(host)
        for changed, hosts in found.items():
            yield Finding(WARNING, code, f"{words} on {_few(hosts)}: {_few(changed)}", fix)


def _with_words(name: str, words: Sequence[str]) -> str:
    return f"{name} ({printable(_few(words))})" if words else name


def _removed(view: View) -> Iterator[Finding]:
    for host, facts in view.facts.items():
        names = [name for name in facts["removed"] if name.startswith(f"{view.cluster}-")]
        if names:
            yield Finding(
                WARNING,
                "removed_service_runs",
                f"HAProxy on {host} still runs services whose files are gone: {_few(names)}",
                f"apply the removal: pgsql-svc {view.cluster}",
            )


def _reload_failed(view: View) -> Iterator[Finding]:
    hosts = [host for host, facts in view.facts.items() if facts["process"].get("failed_reloads")]
    if hosts:
        yield Finding(
            WARNING,
            "reload_failed",
            f"the last reload of HAProxy failed on {_few(hosts)}; it goes on with the configuration of before",
            "see what it refuses: journalctl -u haproxy",
        )


def _old_workers(view: View) -> Iterator[Finding]:
    leading = {place.service.name: place for place in view.places if passes_on_leader_only(place.service.check)}
    for host, facts in view.facts.items():
        for worker in facts["old_workers"]:
            for held in worker["servers"]:
                place = leading.get(held["service"])
                if place is None or held["member"] in _leaders(view, place):
                    continue
                yield Finding(
                    WARNING,
                    "old_worker_sessions",
                    f"an old HAProxy worker on {host} (pid {worker['pid']}) holds {_count(held['sessions'], 'session')}"
                    f" of service {_service(place)} on {held['member']}, which is not the primary any more",
                    "nothing checks servers in an old worker, so its sessions do not end by themselves: let the "
                    f"applications reconnect, or end the worker: kill {worker['pid']}",
                )


def _leaders(view: View, place: Place) -> list[str]:
    return place.serves if view.leader is None else [view.leader.member.name]


def _unverified(view: View) -> Iterator[Finding]:
    for member, hosts in _of_servers(view, lambda _facts, server: server["usable"] and not server["verified"]):
        yield Finding(
            WARNING,
            "server_unverified",
            f"{member} takes connections on {_few(hosts)}, and no health check of it has ended yet",
            "look again in a few seconds. If it stays, HAProxy cannot run its checks: journalctl -u haproxy",
        )


def _flapping(view: View) -> Iterator[Finding]:
    def flaps(facts: Mapping[str, Any], server: Mapping[str, Any]) -> bool:
        times, uptime = server["times_down"], facts["process"].get("uptime", 0)
        return bool(times >= FLAPS and uptime <= times * FLAP_EVERY and server["since"] <= FLAP_EVERY)

    for member, hosts in _of_servers(view, flaps):
        yield Finding(
            WARNING,
            "server_flapping",
            f"{member} goes up and down again and again on {_few(hosts)}",
            "see whether its Patroni answers slowly (time curl the health check from the load balancer), and how "
            "busy the member is",
        )


def _of_servers(
    view: View, choose: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
) -> Iterator[tuple[str, list[str]]]:
    """Members of which a server is chosen, and where. A server in maintenance or drain is not looked at."""
    found: dict[str, dict[str, None]] = {}
    for place in view.places:
        for server in place.servers:
            if not server["admin"] and choose(view.facts[place.load_balancer], server):
                found.setdefault(server["member"], {})[place.load_balancer] = None
    yield from ((member, list(hosts)) for member, hosts in sorted(found.items()))


def _administered(view: View) -> Iterator[Finding]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    for place in view.places:
        for server in place.servers:
            if server["admin"]:
                hosts = found.setdefault((server["member"], server["admin"]), {})
                hosts[place.load_balancer] = max(hosts.get(place.load_balancer, 0), server["since"])
    for (member, admin), hosts in sorted(found.items()):
        since = duration(max(hosts.values()))
        code, text = (
            ("member_in_maintenance", f"{member} has been in maintenance on {_few(hosts)} for {since}")
            if admin == "maint"
            # From 3.0 on, HAProxy does not take the start of a drain for a change of the status.
            else ("member_in_drain", f"{member} is in drain on {_few(hosts)}; its status last changed {since} ago")
        )
        yield Finding(WARNING, code, text, f"when the work is done: pgsql-svc {view.cluster} --ready {member}")


def _near_maxconn(view: View) -> Iterator[Finding]:
    for place in view.places:
        counted = [(f"service {_service(place)}", place.facts)] if place.facts else []
        counted += [(f"server {each['name']} of service {_service(place)}", each) for each in place.servers]
        for what, counts in counted:
            if counts["max_sessions"] and counts["sessions"] >= NEAR_MAXCONN * counts["max_sessions"]:
                yield Finding(
                    WARNING,
                    "near_maxconn",
                    f"{what} has {counts['sessions']} of {counts['max_sessions']} sessions on {place.load_balancer}",
                    "see which applications hold them; maxconn of the service, and that in its options, set the limits",
                )


def _queued(view: View) -> Iterator[Finding]:
    for place in view.places:
        waiting = place.facts["queue"] + sum(server["queue"] for server in place.servers) if place.facts else 0
        if waiting:
            yield Finding(
                WARNING,
                "connections_queued",
                f"{_count(waiting, 'connection')} of service {_service(place)} waiting for a server on "
                f"{place.load_balancer}",
                "servers are at their maxconn, or there is none: see the other findings and the sessions of servers",
            )


def _patroni(view: View) -> Iterator[Finding]:
    if view.patroni is None:
        if view.facts:
            yield Finding(
                WARNING,
                "patroni_unreachable",
                f"Patroni could not be asked for the members: {printable(view.patroni_error)}",
                "the health checks of the load balancers need it, too: see whether it runs (systemctl status patroni) "
                "and whether the load balancers reach its port",
            )
        return
    if view.patroni["pause"]:
        yield Finding(
            WARNING,
            "patroni_paused",
            "Patroni is paused: there is no automatic failover",
            f"when the work is done: patronictl resume {view.cluster}",
        )
    if view.leader is None:
        yield Finding(
            WARNING, "no_leader", "Patroni names no leader", f"see patronictl list {view.cluster} and Patroni's logs"
        )


def _members(view: View) -> Iterator[Finding]:
    if view.patroni is None:
        return
    for known in view.members:
        name, said = known.member.name, known.patroni
        if not said:
            yield Finding(
                WARNING,
                "member_missing",
                f"{name} is in the inventory, and Patroni does not know it",
                f"start its Patroni, or remove {known.member.host} from the inventory and publish",
            )
        elif said.get("state") not in _RUNNING:
            yield Finding(
                WARNING,
                "member_not_running",
                f"PostgreSQL of {name} is not running: Patroni says {printable(said.get('state'))}",
                f"see the logs of Patroni and PostgreSQL on {known.member.host}",
            )
        elif not known.leads:
            yield from _replica(name, said)
    if view.strangers:
        yield Finding(
            WARNING,
            "member_unknown",
            f"Patroni knows members that are not in the inventory: {_few(map(printable, view.strangers))}",
            f"add them to the inventory and publish (pgsql-svc {view.cluster}): they get no connections until then",
        )


def _replica(name: str, said: Mapping[str, Any]) -> Iterator[Finding]:
    lag = said.get("lag")
    if not isinstance(lag, int) or lag > LAG:
        amount = size(lag) if isinstance(lag, int) else "an unknown amount"
        yield Finding(
            WARNING,
            "replica_lagging",
            f"{name} lags by {amount}",
            "see pg_stat_replication on the leader; the field lag of a service leaves out replicas that lag",
        )
    tags = said.get("tags")
    if isinstance(tags, dict) and tags.get("noloadbalance"):
        yield Finding(
            WARNING,
            "replica_noloadbalance",
            f"{name} has the tag noloadbalance, so it does not pass /replica and takes no reads",
            f"if that is not meant any more: remove the tag from patroni.yml of {name} and reload its Patroni",
        )


def _virtual_addresses(view: View) -> Iterator[Finding]:
    """An address that keepalived or vip-manager has not bound, or not where it belongs."""
    known = {host: facts["addresses"] for host, facts in view.facts.items() if facts.get("addresses") is not None}
    leader = view.leader.member.host if view.leader is not None else None
    for each in view.addresses:
        holders = [host for host, found in known.items() if each.address in found]
        service, role = ("keepalived", "lb_vip") if each.is_shared else ("vip-manager", "pg_vip")
        if len(holders) > 1:
            yield Finding(
                CRITICAL,
                "vip_duplicate",
                f"virtual address {each.address} is on {_and(holders)} at once",
                "look again: while the address moves this may last for a second. If it stays, see why on these hosts: "
                f"journalctl -u {service}",
            )
        elif not holders and len(known) == len(view.answers) and (each.is_shared or leader in known):
            yield Finding(
                CRITICAL,
                "vip_missing",
                f"virtual address {each.address} is on no load balancer, so its clients cannot connect",
                f"set it up (ansible-playbook pgsvc.access.access -t {role}), or see why it is not bound: "
                f"journalctl -u {service}",
            )
        elif holders and not each.is_shared and leader in known and holders != [leader]:
            yield Finding(
                WARNING,
                "vip_elsewhere",
                f"virtual address {each.address} is on {holders[0]}, and Patroni's leader is on {leader}",
                "look again: after a failover this may last for a few seconds. If it stays, see what vip-manager reads "
                "from the store: journalctl -u vip-manager",
            )


RULES: Sequence[Rule] = (
    _not_running,
    _service_not_running,
    _no_server,
    _two_primaries,
    _wrong_member,
    _virtual_addresses,
    _disagree,
    _on_backups,
    _unreachable,
    _patroni,
    _members,
    _drifted,
    _administered,
    _near_maxconn,
    _queued,
    _not_published,
    _not_applied,
    _removed,
    _reload_failed,
    _old_workers,
    _unverified,
    _flapping,
)


def duration(seconds: int) -> str:
    """
    >>> duration(45), duration(3900), duration(200000)
    ('45 s', '1 h 5 min', '2 d 7 h')
    """
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def size(count: int) -> str:
    """
    >>> size(0), size(16777216), size(3 * 2**30)
    ('0 B', '16 MB', '3 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1024:
            return f"{count} {unit}"
        count //= 1024
    return f"{count} TB"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _service(place: Place) -> str:
    return f"{place.service.service} (port {place.service.port})"


def _places(places: Iterable[Place]) -> str:
    return _few(place.load_balancer for place in places)


def _few(words: Iterable[str]) -> str:
    """``a, b, c``, of more than a few the first ones and how many more."""
    found = list(words)
    more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
    return ", ".join(found[:_MOST_NAMES]) + more


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
