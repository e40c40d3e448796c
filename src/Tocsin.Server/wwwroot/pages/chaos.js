// In the demo: the mock upstream is made to fail in every way it knows, and the store is held against its ledger.
import { html, useEffect, useState } from "../lib/htm-preact.js";
import { change, readBody, readStats } from "../api.js";
import { count, plural } from "../format.js";
import { href } from "../router.js";
import { Card, Loaded, Scroll, useAction, useData } from "../ui.js";

const everyMs = 3000;
const sendAfterMs = 250;
const dials = [["failure_rate", "Failure rate (500)", 1, 0.05], ["latency_ms", "Latency, ms", 3000, 50], ["drip_per_second", "New records per s", 50, 1]];

/** The mock's faults in plain words; one that is not here is shown by its name. */
const words = {
  http_500: "Server error (500)", http_429: "Too busy (429)", timeout: "Never answers", truncate: "Cut short", malformed: "Broken JSON", repeat: "Records again",
  out_of_order: "Out of order", wrong_type: "Wrong types", redirect: "Redirects", big_body: "Far too long", gzip_bomb: "Gzip bomb", slow_body: "Byte by byte", empty_body: "Empty body",
  no_content: "No content (204)", html_200: "A web page", wrong_root: "Not the list", missing_fields: "Fields missing", unknown_severity: "Unknown severity", same_time: "All at one time",
  late_records: "Late records", clock_ahead: "Clock ahead", clock_behind: "Clock behind", nan: "NaN as number", bad_utf8: "Broken UTF-8", bom: "Byte order mark", deep_json: "Deep JSON",
  reset: "Connection reset", wrong_length: "Wrong length", bad_gzip: "Broken gzip", identity_gap: "Owner not known",
};

/** What each source reads of the mock. */
const made = { elevate: (ledger) => Object.values(ledger.incidents).reduce((sum, n) => sum + n, 0), alerts: (ledger) => ledger.alerts };

export function Chaos({ mayOperate }) {
  const config = useData((signal) => readBody("demo/mock/config", {}, { signal }), []);
  const [run, isBusy] = useAction();
  const set = (body) => run(async () => {
    await change("POST", "demo/mock/config", body);
    await config.reload();
  });
  const add = (n) => run(() => change("POST", `demo/mock/add?n=${n}`), `${plural(n, "new record")} wait in the mock; the next polls bring them.`);
  return html`<${Card} id="chaos" title="Chaos" more=${html`<span class="muted small">the demo's mock upstream</span>`}>
    <${Ledger} />
    <${Loaded} of=${config} lines=${8}>${(now) => {
      const faults = Object.entries(now.faults);
      const quiet = { failure_rate: 0, faults: Object.fromEntries(faults.map(([name]) => [name, 0])) };
      return html`
        ${mayOperate ? html`<p class="row"><button type="button" disabled=${isBusy} onClick=${() => add(100)}>100 new records now</button>
          <button type="button" disabled=${isBusy} onClick=${() => set({ failure_rate: 0.3, faults: { http_429: 0.05, truncate: 0.1, malformed: 0.1, repeat: 0.1, out_of_order: 0.1 } })}>A bad day</button>
          <button type="button" disabled=${isBusy} onClick=${() => set(quiet)}>All faults off</button></p>` : html`<p class="muted">To turn the dials, sign in with a token of scope operate; the demo prints a link.</p>`}
        <div class="dials">${dials.map(([name, label, most, step]) => html`<${Dial} key=${name} name=${name} label=${label} most=${most} step=${step} value=${now[name]} disabled=${!mayOperate} set=${(value) => set({ [name]: value })} />`)}</div>
        <h3>Faults, as a share of the calls</h3>
        <div class="dials">${faults.map(([name, rate]) => html`<${Dial} key=${name} name=${name} label=${words[name] ?? name.replaceAll("_", " ")} title=${name} most=${1} step=${0.05} value=${rate} disabled=${!mayOperate} set=${(value) => set({ faults: { [name]: value } })} />`)}</div>`;
    }}<//>
  <//>`;
}

function Dial({ name, label, title, most, step, value, disabled, set }) {
  // Null: as it stands in the mock. A dial that is moved on while it is sent stays where it was moved to.
  const [moved, setMoved] = useState(null);
  const now = moved ?? value;
  useEffect(() => {
    if (moved === null) return undefined;
    const timer = setTimeout(async () => {
      await set(moved);
      setMoved((later) => (later === moved ? null : later));
    }, sendAfterMs);
    return () => clearTimeout(timer);
  }, [moved]);
  return html`<label class=${now > 0 && step < 1 ? "turned" : ""} for=${`dial-${name}`}><span title=${title}>${label}</span><input id=${`dial-${name}`} type="range" min="0" max=${most} step=${step} value=${now} disabled=${disabled} onInput=${(event) => setMoved(Number(event.target.value))} /><output>${most === 1 ? `${Math.round(now * 100)} %` : count(now)}</output></label>`;
}

/**
 * The mock's ledger against the store. A record counts as lost when it was in the ledger before a poll that began later and went well, and the store
 * holds fewer than that. What came since is on its way.
 */
function Ledger() {
  const [marks, setMarks] = useState({});
  const found = useData(async (signal) => {
    const ledger = await readBody("demo/mock/ledger", {}, { signal });
    const asked = Date.now();
    const rows = await Promise.all(Object.entries(made).map(async ([source, total]) => {
      // In this order: what a poll that is listed has brought is counted, unless the service stopped counting: that tells nothing of what is lost.
      const syncs = await readBody(`sources/${source}/syncs`, {}, { signal });
      const stats = await readStats({ by: "source", source }, { signal });
      return { source, made: total(ledger), stored: stats.total, asked, wellBegan: stats.isPartial ? 0 : Date.parse(syncs.find((sync) => sync.finished_at && !sync.error && sync.failed_feeds === 0)?.started_at ?? 0) };
    }));
    return rows;
  }, [], { everyMs });
  useEffect(() => {
    if (!found.data) return;
    setMarks((was) => Object.fromEntries(found.data.map((row) => {
      const mark = was[row.source] ?? { made: row.made, asked: row.asked, lost: null };
      return [row.source, row.wellBegan > mark.asked ? { made: row.made, asked: row.asked, lost: Math.max(0, mark.made - row.stored) } : mark];
    })));
  }, [found.data]);
  return html`<${Loaded} of=${found} lines=${3}>${(rows) => {
    const checked = rows.map((row) => marks[row.source]?.lost ?? null);
    const lost = checked.reduce((sum, n) => sum + (n ?? 0), 0);
    const isSure = checked.every((n) => n !== null);
    return html`<p class="verdict ${!isSure ? "" : lost === 0 ? "good" : "bad"}" role="status"><b>events lost: ${count(lost)}</b>${isSure ? "" : html` <span class="muted">(so far; each source has yet to finish a poll that began after the ledger was read)</span>`}</p>
      <${Scroll}><table class="roomy ledger"><thead><tr><th scope="col">Source</th><th scope="col" class="number">Made by the mock</th><th scope="col" class="number">In the store</th><th scope="col" class="number">On the way</th><th scope="col" class="number">Besides</th></tr></thead>
        <tbody>${rows.map((row) => html`<tr key=${row.source}><th scope="row"><a href=${href(["sources", row.source])}>${row.source}</a></th><td class="number">${count(row.made)}</td><td class="number">${count(row.stored)}</td><td class="number">${count(Math.max(0, row.made - row.stored))}</td><td class="number" title="Records that faults added, and those of earlier runs in the same folder">${count(Math.max(0, row.stored - row.made))}</td></tr>`)}</tbody></table><//>`;
  }}<//>`;
}
