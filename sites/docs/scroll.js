// What is wider than the screen scrolls by itself. Whoever has no pointer needs
// to reach it first, and only then: so it is a stop for the Tab key while it is
// too wide, and none otherwise.
"use strict";

const fit = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const wide of document.querySelectorAll("pre, figure, .scroll")) fit.observe(wide);
