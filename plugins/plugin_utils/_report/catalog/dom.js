// Copyright (c) 2026, pgsvc.access contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";

// Elements are made with text, never from HTML, so that no value of an inventory can become markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function plural(count, noun, many = `${noun}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : many}`;
}

function badge(kind, text) {
  return element("span", { class: `badge ${kind}` }, text);
}

// A table that scrolls by itself on a narrow screen, also with the keyboard.
function table(caption, headings, rows, style = "") {
  const head = element("tr", {}, headings.map((heading) => element("th", { scope: "col" }, heading)));
  const body = rows.map(([first, ...others]) =>
    element("tr", {}, element("th", { scope: "row" }, first), others.map((cell) => element("td", {}, cell))));
  return scrolling(caption, element("table", { class: style },
    element("caption", { class: "hidden" }, caption), element("thead", {}, head), element("tbody", {}, body)));
}

function scrolling(label, content) {
  return element("div", { class: "scrolling", role: "group", "aria-label": label, tabindex: "0" }, content);
}

// Says to screen readers what has changed elsewhere on the page.
function announce(text) {
  document.getElementById("announcements").textContent = text;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", { class: "hidden", "aria-hidden": "true", readonly: true }, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // where a page that is not from https may not use the clipboard
    area.remove();
  }
}

function copyButton(label, text, caption = "Copy") {
  const button = element("button", { type: "button", class: "copy", "aria-label": `Copy ${label}` }, caption);
  button.addEventListener("click", async () => {
    await copy(text());
    button.textContent = "Copied";
    announce(`Copied ${label}`);
    setTimeout(() => { button.textContent = caption; }, 1500);
  });
  return button;
}
