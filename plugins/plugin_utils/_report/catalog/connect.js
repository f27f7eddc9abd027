// Copyright (c) 2026, pgsvc.access contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The section "Connect": every URL of a cluster, in the format of the tab that is chosen.

let chosenFormat = PAGE.formats[0][0];

function connectionsOf(cluster) {
  const panel = element("div", { role: "tabpanel", id: "connections", "aria-labelledby": `tab-${chosenFormat}` });
  const show = (format) => {
    chosenFormat = format;
    panel.setAttribute("aria-labelledby", `tab-${format}`);
    panel.replaceChildren(...waysOf(cluster, format));
  };
  const tabs = tabList(show);
  show(chosenFormat);
  return element("section", { "aria-labelledby": "connect" },
    element("h2", { id: "connect" }, "Connect"),
    element("p", { class: "lead" }, "Every way to reach this cluster. The URLs contain no password."),
    tabs, panel);
}

// Tabs as the ARIA Authoring Practices have them: one stop for Tab, arrows, Home and End move between them.
function tabList(show) {
  const tabs = PAGE.formats.map(([format, title]) => element("button", {
    type: "button", role: "tab", id: `tab-${format}`, "aria-controls": "connections", onclick: () => choose(format),
  }, title));
  const choose = (format) => {
    PAGE.formats.forEach(([name], index) => {
      tabs[index].setAttribute("aria-selected", String(name === format));
      tabs[index].tabIndex = name === format ? 0 : -1;
    });
    show(format);
  };
  const list = element("div", { role: "tablist", "aria-label": "Format", onkeydown: (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    choose(PAGE.formats[next][0]);
    tabs[next].focus();
  } }, tabs);
  PAGE.formats.forEach(([name], index) => {
    tabs[index].setAttribute("aria-selected", String(name === chosenFormat));
    tabs[index].tabIndex = name === chosenFormat ? 0 : -1;
  });
  return list;
}

// The ways of single instances and addresses are many, and for special cases: they are closed at first.
const SINGLE = ["instance", "address", "load_balancer"];
const closed = new Set(["instance", "address"]);

function waysOf(cluster, format) {
  const endpoints = endpointsOf(cluster);
  return PAGE.ways.map(([way, heading]) => {
    const own = endpoints.filter((endpoint) => endpoint.way === way);
    return own.length ? wayOf(way, heading, own, format) : null;
  }).filter(Boolean);
}

function wayOf(way, heading, endpoints, format) {
  const all = () => endpoints.map((endpoint) => written(endpoint, format)).join(format === "service" ? "\n\n" : "\n");
  return element("details", { class: "way", open: !closed.has(way), ontoggle: (event) => {
    if (event.target.open) closed.delete(way);
    else closed.add(way);
  } },
  element("summary", {}, element("h3", {}, heading), " ", element("span", { class: "muted" }, String(endpoints.length))),
  element("ul", { class: "urls" }, endpoints.map((endpoint) => urlOf(endpoint, format))),
  copyButton(`all ${endpoints.length}: ${heading.toLowerCase()}`, all, "Copy all"));
}

function urlOf(endpoint, format) {
  const text = written(endpoint, format);
  const who = SINGLE.includes(endpoint.way) ? `${endpoint.name} ` : "";
  return element("li", {},
    element("span", { class: "what" },
      element("strong", {}, who, endpoint.service), " ", element("span", { class: "muted" }, endpoint.promise)),
    element("code", { title: endpoint.path ? `client → ${endpoint.path}` : false }, text),
    copyButton(`${endpoint.service} at ${endpoint.marks[0]}, ${endpoint.promise}`, () => text));
}
