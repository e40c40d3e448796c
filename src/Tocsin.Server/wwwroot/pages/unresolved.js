// What nobody was found for: the addresses behind it, the most frequent first, and giving one to a person.
import { html, useEffect, useState } from "../lib/htm-preact.js";
import { change, readBody } from "../api.js";
import { count, plural } from "../format.js";
import { href } from "../router.js";
import { may, session } from "../session.js";
import { useStore } from "../store.js";
import { Card, Loaded, Scroll, useAction, useData } from "../ui.js";

const everyMs = 10_000;

/** The events of an address move behind the answer: until it is gone from here, it is looked for more often, but not for ever. */
const soonMs = 1000;
const awaitMs = 30_000;
const shownAtFirst = 5;
const mostShown = 100;

export function Unresolved({ unknown, query, onAssigned }) {
  const [shown, setShown] = useState(shownAtFirst);
  const [awaited, setAwaited] = useState(null);
  const addresses = useData((signal) => readBody("identities", { unresolved: "true", limit: shown }, { signal }), [shown], { everyMs: awaited ? soonMs : everyMs });
  const mayAssign = may("operate", useStore(session));
  const rows = addresses.data ?? [];
  useEffect(() => {
    if (!awaited || rows.some((row) => row.ip === awaited)) return;
    setAwaited(null);
    onAssigned();
  }, [addresses.data]);
  useEffect(() => {
    const timer = awaited && setTimeout(() => setAwaited(null), awaitMs);
    return () => clearTimeout(timer);
  }, [awaited]);
  if (!unknown && rows.length === 0 && !addresses.error) return null;
  return html`<${Card} id="unknown" title="unknown: addresses that wait for a person" more=${html`<a href=${href(["people", "unknown"], query)}>${unknown ? `${plural(unknown.total, "incident")} of nobody known` : "what nobody was found for"}</a>`}>
    <${Loaded} of=${addresses}>${() => rows.length === 0 ? html`<p class="empty">No address waits for a person.</p>` : html`<${Scroll}><table class="roomy">
      <thead><tr><th scope="col">Address</th><th scope="col" class="number">Events</th>${mayAssign && html`<th scope="col">Assign to</th>`}</tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.ip}><th scope="row" class="mono"><a href=${href("events", { window: "all", user_id: "unknown", ip: row.ip })}>${row.ip}</a></th><td class="number">${count(row.count)}</td>
        ${mayAssign && html`<td><${Assign} ip=${row.ip} done=${() => { setAwaited(row.ip); onAssigned(); }} /></td>`}</tr>`)}</tbody></table><//>
      ${rows.length === shown && shown < mostShown && html`<p><button type="button" onClick=${() => setShown(mostShown)}>Show more</button></p>`}`}<//>
  <//>`;
}

function Assign({ ip, done }) {
  const [id, setId] = useState("");
  const [run, isBusy] = useAction();
  const submit = (event) => {
    event.preventDefault();
    run(async () => {
      await change("POST", "identities", { ip, user_id: id.trim() });
      setId("");
      done();
    }, `${ip} is ${id.trim()}'s now; its events move.`);
  };
  return html`<form class="row nowrap" onSubmit=${submit}><input required size="12" maxlength="200" aria-label=${`Person for ${ip}`} placeholder="id of a person" value=${id} onInput=${(event) => setId(event.target.value)} /><button type="submit" disabled=${isBusy}>Assign</button></form>`;
}
