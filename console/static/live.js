// The live stream of changed alerts.

/**
 * Calls `onChange` with the set of ids of alerts that changed, or null where anything may have,
 * and `onState` with "live" or "lost". With `whenHidden` false, a tab in the background lets go of its
 * connection: browsers allow only six to one server, and an analyst opens many alerts.
 */
export function watch({ onChange, onState = () => {}, whenHidden = true }) {
  let source = null;
  let again = 0;

  function open() {
    clearTimeout(again);
    source?.close();
    source = new EventSource("/events");
    source.addEventListener("ready", () => { onState("live"); onChange(null); });
    source.addEventListener("alerts", (event) => onChange(new Set(JSON.parse(event.data).ids)));
    source.onerror = () => {
      onState("lost");
      // Refused outright (signed out, or the store is down): the browser would not try again by itself.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(open, 5000);
    };
  }

  function close() {
    clearTimeout(again);
    source?.close();
    source = null;
  }

  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  if (!whenHidden) {
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    if (document.hidden) return;
  }
  open();
}
