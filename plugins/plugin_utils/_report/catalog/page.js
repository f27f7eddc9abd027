// Copyright (c) 2026, pgsvc.access contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Which view is shown: the address says it, so that every view can be linked to.

const main = document.getElementById("main");
const pageTitle = document.title;

function route() {
  const [view, value] = location.hash.slice(1).split("=");
  return [view, value === undefined ? null : decoded(value)];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function showView(isFirst) {
  const [view, value] = route();
  const cluster = view === "cluster" ? CLUSTERS.get(value) : undefined;
  document.title = pageTitle;
  let content;
  if (cluster) content = clusterView(cluster);
  else if (view === "balancers") content = balancersView(value);
  else content = [view === "cluster" ? unknown(value) : null, ...overview()];
  main.replaceChildren(...content.filter(Boolean));
  if (cluster) document.title = `${cluster.name}: ${pageTitle}`;
  for (const link of document.querySelectorAll("nav a")) {
    const isCurrent = (link.hash || "#") === (view === "balancers" ? "#balancers" : "#");
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!isFirst) {
    scrollTo(0, 0);
    main.querySelector("h1").focus({ preventScroll: true });
  }
}

function unknown(name) {
  return element("p", { class: "notices", role: "alert" }, `There is no cluster ${name} on this page.`);
}

addEventListener("hashchange", () => showView(false));
// On paper, everything of the view is shown.
addEventListener("beforeprint", () => {
  for (const details of main.querySelectorAll("details")) details.open = true;
  for (const more of main.querySelectorAll(".more")) more.showAll();
});
addEventListener("keydown", (event) => {
  const box = main.querySelector("input[type=search]");
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "/" && box && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    box.focus();
  }
});

showView(true);
