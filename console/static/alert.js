// The page of one alert: says when it has grown, and leads back to the board as it was filtered.

import { watch } from "./live.js";

const id = document.getElementById("alert").dataset.alert;
const grown = document.getElementById("grown");

watch({
  whenHidden: false,
  onChange: (ids) => { if (ids?.has(id)) grown.hidden = false; },
});

const back = document.querySelector("[data-back]");
const from = document.referrer ? new URL(document.referrer) : null;
if (from?.origin === location.origin && from.pathname === "/") back.href = from.pathname + from.search;
