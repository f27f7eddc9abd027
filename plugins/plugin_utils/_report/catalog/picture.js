// Copyright (c) 2026, pgsvc.access contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The picture of a cluster as SVG. Its layout is in the data.

function pictureOf(cluster) {
  const { size: [width, height], nodes, edges } = cluster.picture;
  const drawn = shape("svg", {
    viewBox: `-1 0 ${width + 2} ${height}`, width, height, role: "img", "aria-labelledby": "picture-title picture-text",
  },
  shape("title", { id: "picture-title" }, `The way from clients to the members of ${cluster.name}`),
  shape("desc", { id: "picture-text" }, described(cluster)),
  PAGE.columns.map(([heading, left, wide]) =>
    shape("text", { x: left + wide / 2, y: 14, class: "heading" }, heading)),
  linesOf(cluster, nodes, edges),
  nodes.map((node) => boxOf(cluster, node)));
  const legend = element("figcaption", {}, legendOf(cluster));
  return element("figure", {}, scrolling(`Picture of ${cluster.name}`, drawn), legend);
}

function described(cluster) {
  const services = servicesOf(cluster).map((service) => `${service.name} on port ${service.port}: ${service.promise}`);
  return `${plural(cluster.balancers.length, "load balancer")}. ${services.join(". ")}.`;
}

function legendOf(cluster) {
  const entries = [["plain", "may serve, if it passes the health check"], ["dashed", "backup, if no other member can"]];
  if (cluster.status) entries.push(["serving", "takes new connections now"]);
  return entries.map(([style, text]) => element("span", { class: "legend" },
    shape("svg", { viewBox: "0 0 34 8", width: 34, height: 8, "aria-hidden": "true" },
      shape("path", { class: `line ${style}`, d: "M1 4H33" })), text));
}

function boxOf(cluster, [kind, x, y, width, height, text, note]) {
  const now = ROLES.includes(kind) ? changed(cluster, text, kind) || note : note;
  const middle = y + height / 2;
  return shape("g", { class: `box ${kind}` },
    shape("title", {}, now ? `${text}: ${now}` : text),
    shape("rect", { x, y, width, height, rx: 9 }),
    shape("rect", { x, y: y + 8, width: 4, height: height - 16, rx: 2, class: "mark" }),
    shape("text", { x: x + 14, y: now ? middle - 4 : middle + 5, class: "label" }, shortened(text, width - 22, 7.4)),
    now ? shape("text", { x: x + 14, y: middle + 14, class: "note" }, shortened(now, width - 22, 6.3)) : null);
}

// What has become of a member since its role was declared, as far as Patroni says it.
function changed(cluster, name, role) {
  const status = cluster.status && cluster.status.members[name];
  if (!status || !status.role || status.leads === (role === "primary")) return "";
  return `now ${status.leads ? "leads" : "follows"}, declared ${role}`;
}

function shortened(text, width, perCharacter) {
  const most = Math.floor(width / perCharacter);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

// Every load balancer leads to every service: these lines meet in one point between the two columns.
function linesOf(cluster, nodes, edges) {
  const lines = edges.map(([start, end, isDashed]) => lineBetween(nodes[start], nodes[end],
    `${isDashed ? "dashed" : "plain"} ${servingClass(cluster, nodes[start], nodes[end])}`));
  const starts = nodes.filter(([kind]) => kind === "balancer").map(rightOf);
  const ends = nodes.filter(([kind]) => kind === "service").map(leftOf);
  if (!starts.length || !ends.length) return lines;
  const point = [(starts[0][0] + ends[0][0]) / 2, (ends[0][1] + ends[ends.length - 1][1]) / 2];
  return [...lines, starts.map((start) => line(start, point, "plain")), ends.map((end) => line(point, end, "plain")),
    shape("circle", { cx: point[0], cy: point[1], r: 3.5, class: "joint" })];
}

function servingClass(cluster, [kind, , , , , service], [, , , , , member]) {
  if (kind !== "service" || !cluster.status) return "";
  const places = cluster.status.services[service] || [];
  return places.some((place) => place.serves.includes(member)) ? "serving" : "idle";
}

// A box leads to one of the next columns, or to the one below it.
function lineBetween(start, end, style) {
  const [, x, y, width, height] = start;
  if (x !== end[1]) return line(rightOf(start), leftOf(end), style);
  return shape("path", { class: `line ${style.trim()}`, d: `M${x + width / 2} ${y + height}V${end[2]}` });
}

function line([fromX, fromY], [toX, toY], style) {
  const bend = (toX - fromX) / 2;
  const d = `M${fromX} ${fromY}C${fromX + bend} ${fromY} ${toX - bend} ${toY} ${toX} ${toY}`;
  return shape("path", { class: `line ${style.trim()}`, d });
}

function rightOf([, x, y, width, height]) {
  return [x + width, y + height / 2];
}

function leftOf([, x, y, , height]) {
  return [x, y + height / 2];
}
