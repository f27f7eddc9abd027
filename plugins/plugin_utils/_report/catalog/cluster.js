// Copyright (c) 2026, pgsvc.access contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The view of one cluster.

function clusterView(cluster) {
  return [
    element("p", { class: "back" }, element("a", { href: "#" }, "← All clusters")),
    element("div", { class: "title" },
      element("h1", { tabindex: "-1" }, cluster.name),
      cluster.status ? badge(cluster.status.health, HEALTH[cluster.status.health]) : null),
    element("p", { class: "lead" }, factsOf(cluster)),
    noticesOf(cluster),
    element("section", { "aria-labelledby": "way" },
      element("h2", { id: "way" }, "From clients to members"), pictureOf(cluster)),
    servicesSection(cluster),
    connectionsOf(cluster),
    membersOf(cluster),
    portsOf(cluster),
  ];
}

function factsOf(cluster) {
  const facts = [plural(cluster.members.length, "member"), plural(cluster.services.length, "service"),
    cluster.provider
      ? `${plural(cluster.balancers.length, "dedicated load balancer")} (group ${cluster.provider})`
      : plural(cluster.balancers.length, "load balancer")];
  if (cluster.dns) facts.push(`DNS name ${cluster.dns}`);
  if (cluster.vip) facts.push(`VIP ${cluster.vip}`);
  if (cluster.status && PAGE.statusTime !== null) facts.push(statusAge());
  return facts.join(" · ");
}

function noticesOf(cluster) {
  const findings = cluster.status ? cluster.status.findings : [];
  if (!findings.length && !cluster.warnings.length) return null;
  return element("section", { "aria-labelledby": "notices" },
    element("h2", { id: "notices" }, findings.length ? "What needs attention" : "Warnings of the plan"),
    element("ul", { class: "notices" },
      findings.map((finding) => element("li", { class: finding.severity },
        badge(finding.severity, finding.severity), " ", element("code", {}, finding.code),
        element("p", {}, finding.text), element("p", { class: "muted" }, `→ ${finding.fix}`))),
      cluster.warnings.map((warning) => element("li", { class: "warning" },
        badge("warning", "inventory"), element("p", {}, warning)))));
}

function servicesSection(cluster) {
  const headings = ["Service", "Port", "What clients get", "Members", "Health check",
    ...(cluster.status ? ["Serves now"] : [])];
  const rows = servicesOf(cluster).map((service) => [service.name, element("code", {}, String(service.port)),
    service.promise, usesOf(service),
    element("code", {}, service.check), ...(cluster.status ? [nowOf(cluster, service)] : [])]);
  return element("section", { "aria-labelledby": "services" },
    element("h2", { id: "services" }, "Services"), table("Services", headings, rows, "wide"));
}

function usesOf(service) {
  const expressions = service.backup ? `${service.selector}, backup ${service.backup}` : service.selector;
  return [service.uses, service.roles === "live" ? ", by their roles of the moment" : "",
    element("details", {}, element("summary", {}, "selector"), element("code", {}, expressions))];
}

function nowOf(cluster, service) {
  const groups = servingNow(cluster, service);
  if (!groups.length) return element("span", { class: "muted" }, "not known");
  return groups.map(({ members, hasServers, since, balancers, sessions }) => element("div", {},
    members.length ? element("strong", {}, members.join(", ")) : badge(hasServers ? "critical" : "", "no member"),
    Number.isFinite(since) ? ` for ${duration(since)}` : "",
    element("span", { class: "muted" },
      `, ${plural(sessions, "session")}${balancers.length ? `, on ${balancers.join(", ")}` : ""}`)));
}

function membersOf(cluster) {
  const headings = ["Member", "Address", "Role", "Weight", ...Object.keys(cluster.members[0].ports),
    ...(cluster.status ? ["Now", "State", "Lag"] : [])];
  const rows = cluster.members.map((member) => [member.name, element("code", {}, member.address),
    [badge(member.role, member.role), member.offline ? " and offline queries" : ""], String(member.weight),
    ...Object.values(member.ports).map((port) => element("code", {}, String(port))),
    ...(cluster.status ? memberNow(cluster.status.members[member.name]) : [])]);
  return element("section", { "aria-labelledby": "members" },
    element("h2", { id: "members" }, "Members"), table("Members", headings, rows));
}

function memberNow(status) {
  if (!status || !status.role) return ["not known", "", ""];
  const lag = typeof status.lag === "number" ? `${status.lag.toLocaleString("en")} bytes` : "not known";
  return [status.role, status.timeline === null ? status.state : `${status.state}, timeline ${status.timeline}`, lag];
}

// Ports of the cluster, and all others in use on its load balancers unless there are too many for a table.
const MOST_PORTS = 24;

function portsOf(cluster) {
  const own = new Set(servicesOf(cluster).map((service) => service.port));
  const all = new Set(cluster.balancers.flatMap((host) => PAGE.balancers[host].ports.map(([port]) => port)));
  const shown = [...(all.size > MOST_PORTS ? own : all)].sort((one, other) => one - other);
  const rows = cluster.balancers.map((host) => {
    const used = PAGE.balancers[host].ports;
    return [balancerLink(host), ...shown.map((port) =>
      used.filter(([each]) => each === port).map((use) => [userOf(use, cluster), " "]))];
  });
  return element("section", { "aria-labelledby": "ports" },
    element("h2", { id: "ports" }, "Ports in use on the load balancers"),
    all.size > shown.length
      ? element("p", { class: "lead" }, `${all.size - shown.length} more ports are in use by others on these hosts.`)
      : null,
    table("Ports in use on the load balancers", ["Load balancer", ...shown.map(String)], rows));
}

function userOf([, name, of], cluster) {
  if (of === cluster.name) return badge("own", name);
  return element("span", { class: "muted" }, of ? `${of}-${name}` : name);
}

function balancerLink(host) {
  const { address } = PAGE.balancers[host];
  return [element("a", { href: `#balancers=${encodeURIComponent(host)}` }, host),
    address === host ? "" : element("span", { class: "muted" }, ` ${address}`)];
}
