// Functions that find and create elements of the page. They never parse strings as HTML.

export const findElement = (id) => document.getElementById(id);

/** Create an element with attributes and children. A child is an element or a text. */
export function createElement(tag, attributes = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) created.setAttribute(name, value === true ? "" : value);
  }
  created.append(...children);
  return created;
}

/** Create a table with a header row. The first cell of each other row is the header of that row. */
export function createTable(caption, heads, rows) {
  return createElement("table", {},
    createElement("caption", { class: "visually-hidden" }, caption),
    createElement("thead", {},
      createElement("tr", {}, ...heads.map((head) => createElement("th", { scope: "col" }, head)))),
    createElement("tbody", {}, ...rows.map(([first, ...rest]) => createElement("tr", {},
      createElement("th", { scope: "row" }, first), ...rest.map((cell) => createElement("td", {}, cell))))));
}
