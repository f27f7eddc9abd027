// Copyright (c) 2026, pgsvc.access contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What the page shows: the data of the catalogue, and what is derived of it.

const PAGE = JSON.parse(document.getElementById("data").textContent);
const CLUSTERS = new Map(PAGE.clusters.map((cluster) => [cluster.name, cluster]));
const HEALTH = { critical: "Critical", unknown: "Unknown", warning: "Needs attention", ok: "All is well" };
const ROLES = ["primary", "replica", "offline", "standby", "delayed"];

// A service with what it shares with services of other clusters, and text by its number.
function servicesOf(cluster) {
  return cluster.services.map(([definition, promise]) =>
    ({ ...PAGE.definitions[definition], promise: PAGE.texts[promise] }));
}

function endpointsOf(cluster) {
  return cluster.endpoints.map(([way, name, service, promise, path, shaped, hosts, ports, label]) => ({
    way, name, service, promise: PAGE.texts[promise], path: PAGE.texts[path], shaped,
    marks: marksOf(hosts.split(","), ports.split(","), label),
  }));
}

// What stands for U+E000 and following in a template: see MARKS in catalog_clients.py.
function marksOf(hosts, ports, label) {
  const addresses = hosts.map((host, index) =>
    `${host.includes(":") ? `[${host}]` : host}:${ports[ports.length === 1 ? 0 : index]}`);
  const variable = `${label.toUpperCase().replace(/[^A-Z0-9]/g, "_")}_URL`;
  return [addresses.join(","), hosts.join(","), ports.join(","), label, /^[0-9]/.test(variable) ? `_${variable}` : variable];
}

function written(endpoint, format) {
  return PAGE.templates[endpoint.shaped][format].replace(/[\ue000-\ue004]/g, (mark) =>
    endpoint.marks[mark.charCodeAt(0) - 0xe000]);
}

const searchTexts = new Map();

function searchText(cluster) {
  if (!searchTexts.has(cluster.name)) {
    const words = [cluster.name, cluster.dns, cluster.vip, cluster.provider, ...cluster.balancers,
      ...cluster.balancers.map((host) => PAGE.balancers[host].address),
      ...cluster.members.flatMap((member) => [member.name, member.address]),
      ...servicesOf(cluster).flatMap((service) => [service.name, String(service.port)])];
    searchTexts.set(cluster.name, words.join("\n").toLowerCase());
  }
  return searchTexts.get(cluster.name);
}

// Whose names begin with what is searched for come first; the order is otherwise that of names.
function found(query, filters) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = PAGE.clusters.filter((cluster) =>
    filters.every((filter) => filter(cluster)) && words.every((word) => searchText(cluster).includes(word)));
  const begins = (cluster) => words.length > 0 && cluster.name.toLowerCase().startsWith(words[0]);
  return [...matches.filter(begins), ...matches.filter((cluster) => !begins(cluster))];
}

function healthOf(cluster) {
  return cluster.status ? cluster.status.health : "";
}

function duration(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const [size, unit] = units.find(([least]) => seconds >= least) || [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

function statusAge() {
  if (PAGE.statusTime === null) return "";
  const taken = new Date(PAGE.statusTime * 1000);
  const age = duration(Math.max(0, (Date.now() - taken.getTime()) / 1000));
  return `status of ${taken.toISOString().slice(0, 16).replace("T", " ")} UTC, ${age} ago`;
}

// Who takes new connections of a service now: the members, with the load balancers where it is so.
function servingNow(cluster, service) {
  const places = cluster.status ? cluster.status.services[service.name] || [] : [];
  const groups = new Map();
  for (const place of places) {
    const members = place.serves.join(", ");
    groups.set(members, [...(groups.get(members) || []), place]);
  }
  return [...groups.values()].map((same) => ({
    members: same[0].serves,
    hasServers: same.some((place) => place.servers.length > 0),
    since: Math.min(...same.flatMap((place) => place.servers
      .filter((server) => place.serves.includes(server.member) && typeof server.since === "number")
      .map((server) => server.since))),
    balancers: groups.size > 1 ? same.map((place) => place.load_balancer) : [],
    sessions: same.reduce((sum, place) => sum + place.sessions, 0),
  }));
}
