// SPDX-License-Identifier: Apache-2.0
"use strict";
// The button in a column head sorts the table: numbers in decreasing, text in increasing order; again reverses it.
const valueOf = (row, column) => {
  const text = row.cells[column].dataset.value;
  return text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
};
const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));

function sort(head) {
  const table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
  const up = head.getAttribute("aria-sort") === "descending" || (head.getAttribute("aria-sort") === "none" && !head.classList.contains("number"));
  const sign = up ? 1 : -1;
  const rows = [...body.rows].sort((first, second) => {
    const a = valueOf(first, column), b = valueOf(second, column);
    if (a === null || b === null) return (a === null) - (b === null); // rows without a value come last
    return sign * compare(a, b);
  });
  body.append(...rows);
  for (const other of head.parentNode.cells) {
    if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
  }
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  document.getElementById("announce").textContent =
    `Sorted by ${head.textContent}, ${up ? "ascending" : "descending"}`;
}
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sort(button.parentNode));
}
// A reader cannot unfold blocks on paper.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details.tensor:not([open])")];
  for (const details of folded) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
});
