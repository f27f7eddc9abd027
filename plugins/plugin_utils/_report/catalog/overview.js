// Copyright (c) 2026, pgsvc.access contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The overviews: all clusters, and all load balancers. Both show a part of what matches, and more on demand.

const BATCH = 60;
const search = { clusters: "", balancers: "", filters: new Set() };

const FILTERS = [
  ...(PAGE.hasStatus ? Object.entries(HEALTH).map(([health, label]) =>
    [label, (cluster) => healthOf(cluster) === health]) : []),
  ["Virtual address", (cluster) => Boolean(cluster.vip)],
  ["Dedicated load balancers", (cluster) => Boolean(cluster.provider)],
  ["Live roles", (cluster) => servicesOf(cluster).some((service) => service.roles === "live")],
  ["Warnings", (cluster) => cluster.warnings.length > 0],
].filter(([, applies]) => PAGE.clusters.some(applies));

function overview() {
  const list = element("ul", { class: "cards" });
  const count = element("p", { class: "count", role: "status" });
  const more = element("button", { type: "button", class: "more" }, "Show more");
  const show = lazily(list, more, cardOf);
  const update = () => {
    const chosen = FILTERS.filter(([label]) => search.filters.has(label)).map(([, applies]) => applies);
    const matches = found(search.clusters, chosen);
    count.textContent = matches.length === PAGE.clusters.length
      ? plural(matches.length, "cluster")
      : `${matches.length.toLocaleString("en")} of ${plural(PAGE.clusters.length, "cluster")}`;
    show(matches);
  };
  const view = [
    element("h1", { tabindex: "-1" }, pageTitle),
    element("p", { class: "lead" }, [plural(PAGE.clusters.length, "cluster"),
      plural(Object.keys(PAGE.balancers).length, "load balancer"),
      plural(PAGE.clusters.reduce((sum, cluster) => sum + cluster.services.length, 0), "service"),
      statusAge()].filter(Boolean).join(" · ")),
    generalWarnings(),
    searchBox("Search clusters", "name, member, address, port, VIP", "clusters", update),
    FILTERS.length ? element("div", { class: "filters", role: "group", "aria-label": "Show only clusters with" },
      FILTERS.map(([label]) => filterButton(label, update))) : null,
    count, list, more,
  ];
  update();
  return view;
}

function generalWarnings() {
  if (!PAGE.warnings.length) return null;
  return element("details", { class: "notices" }, element("summary", {}, plural(PAGE.warnings.length, "warning")),
    element("ul", {}, PAGE.warnings.map((warning) => element("li", {}, warning))));
}

function searchBox(label, placeholder, of, update) {
  return element("label", { class: "search" }, element("span", { class: "hidden" }, label),
    element("input", { type: "search", placeholder: `${label}: ${placeholder}`, value: search[of],
      autocomplete: "off", spellcheck: "false", oninput: (event) => {
        search[of] = event.target.value;
        update();
      } }));
}

function filterButton(label, update) {
  const pressed = () => String(search.filters.has(label));
  const button = element("button", { type: "button", class: "filter", "aria-pressed": pressed(), onclick: () => {
    if (!search.filters.delete(label)) search.filters.add(label);
    button.setAttribute("aria-pressed", pressed());
    update();
  } }, label);
  return button;
}

// Returns a function that shows the first of some values, and adds more of them when the button is pressed.
function lazily(list, more, made) {
  let values = [];
  const add = (upTo) => {
    list.append(...values.slice(list.children.length, upTo).map(made));
    more.hidden = list.children.length >= values.length;
    more.textContent = `Show ${Math.min(BATCH, values.length - list.children.length)} more`;
  };
  more.addEventListener("click", () => {
    const next = list.children.length;
    add(next + BATCH);
    list.children[next].querySelector("a, [tabindex]").focus();
  });
  more.showAll = () => add(values.length);
  return (given) => {
    values = given;
    list.replaceChildren();
    add(BATCH);
  };
}

function cardOf(cluster) {
  const health = healthOf(cluster);
  return element("li", { class: "card" },
    element("h2", {}, element("a", { href: `#cluster=${encodeURIComponent(cluster.name)}` }, cluster.name)),
    health ? badge(health, HEALTH[health]) : null,
    element("p", { class: "members" },
      cluster.members.map((member) => element("span", { class: `dot ${member.role}`, title: `${member.name}: ${member.role}` })),
      " ", rolesOf(cluster)),
    element("p", { class: "chips" }, servicesOf(cluster).map((service) =>
      element("span", { class: "chip" }, service.name, " ", element("b", {}, String(service.port))))),
    element("p", { class: "muted" }, cardNote(cluster)));
}

function rolesOf(cluster) {
  return ROLES.map((role) => [role, cluster.members.filter((member) => member.role === role).length])
    .filter(([, count]) => count > 0)
    .map(([role, count]) => (count === 1 ? role : `${count} ${role === "replica" ? "replicas" : role}`)).join(", ");
}

function cardNote(cluster) {
  const notes = [cluster.vip ? `VIP ${cluster.vip}` : "", cluster.provider ? `through group ${cluster.provider}` : "",
    cluster.warnings.length ? plural(cluster.warnings.length, "warning") : ""];
  return notes.filter(Boolean).join(" · ") || "through its members";
}

function balancersView(wanted) {
  const names = Object.keys(PAGE.balancers).sort();
  if (wanted !== null) search.balancers = wanted;
  const list = element("ul", { class: "balancers" });
  const count = element("p", { class: "count", role: "status" });
  const more = element("button", { type: "button", class: "more" }, "Show more");
  const show = lazily(list, more, balancerItem);
  const update = () => {
    const words = search.balancers.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = names.filter((name) => words.every((word) => balancerText(name).includes(word)));
    count.textContent = `${matches.length.toLocaleString("en")} of ${plural(names.length, "load balancer")}`;
    show(matches);
  };
  update();
  return [
    element("h1", { tabindex: "-1" }, "Ports in use by load balancer"),
    searchBox("Search load balancers", "name, address, port, cluster", "balancers", update),
    count, list, more,
  ];
}

function balancerText(name) {
  const { address, ports } = PAGE.balancers[name];
  return [name, address, ...ports.flatMap(([port, user, of]) => [String(port), of, user])].join("\n").toLowerCase();
}

function balancerItem(name) {
  const { address, ports } = PAGE.balancers[name];
  return element("li", { class: "card" },
    element("h2", { tabindex: "-1" }, name),
    address === name ? null : element("p", { class: "muted" }, address),
    element("p", { class: "chips" }, ports.map(([port, user, of]) => element("span", { class: "chip" },
      element("b", {}, String(port)), " ",
      CLUSTERS.has(of) ? element("a", { href: `#cluster=${encodeURIComponent(of)}` }, `${of}-${user}`) : of ? `${of}-${user}` : user))));
}
