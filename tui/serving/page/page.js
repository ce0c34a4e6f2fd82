// What the script of textual-serve leaves out: whoever opens the page can type at once, without a click.
"use strict";

window.addEventListener("load", () => {
  const seen = new MutationObserver(() => {
    if (document.body.classList.contains("-first-byte")) {
      seen.disconnect();
      document.querySelector(".xterm-helper-textarea")?.focus();
    }
  });
  seen.observe(document.body, { attributes: true, attributeFilter: ["class"] });
});
