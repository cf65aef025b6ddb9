/* What happens next is shown in the zone of the place, and beside it in that of the reader, where their clocks differ. */
"use strict";

(() => {
  const clock = (at, timeZone) =>
    new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit", timeZone }).format(at);

  const show = () => {
    for (const each of document.querySelectorAll("time[data-zone]")) {
      const at = new Date(each.dateTime);
      const mine = clock(at);
      if (mine !== clock(at, each.dataset.zone)) each.append(`, ${mine} for you`);
      each.removeAttribute("data-zone");
    }
  };

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:afterSwap", show);
})();
