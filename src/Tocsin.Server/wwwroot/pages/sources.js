// Where records come from: how each source is, when it runs next, and what an operator may do about it.
import { html, useState } from "../lib/htm-preact.js";
import { change, readBody } from "../api.js";
import * as format from "../format.js";
import { href } from "../router.js";
import { may, session } from "../session.js";
import { useStore } from "../store.js";
import { SourceDetail } from "./source-detail.js";
import { TrySource } from "./source-test.js";
import { Age, Empty, Loaded, Scroll, Status, say, useAction, useData, useNow } from "../ui.js";

const everyMs = 2000;

export function Sources({ route }) {
  const sources = useData((signal) => readBody("sources", {}, { signal }), [], { everyMs });
  const mayOperate = may("operate", useStore(session));
  const [chosen] = route.rest;
  if (chosen === "try") return html`<${TrySource} mayOperate=${mayOperate} />`;
  return html`<${Loaded} of=${sources} lines=${6}>${(all) => {
    if (!chosen) return html`<${Table} sources=${all} mayOperate=${mayOperate} reload=${sources.reload} />`;
    const source = all.find((one) => one.name === chosen);
    return source ? html`<${SourceDetail} key=${chosen} source=${source} mayOperate=${mayOperate} reload=${sources.reload} />`
      : html`<${Empty}>There is no source named ${chosen}. <a href=${href("sources")}>All sources</a><//>`;
  }}<//>`;
}

function Table({ sources, mayOperate, reload }) {
  const now = useNow();
  return html`<section class="card" aria-labelledby="sources-title"><header><h2 id="sources-title">${format.plural(sources.length, "source")}</h2>
      ${mayOperate && html`<a href=${href(["sources", "try"])}>Try a source file</a>`}</header>
    ${sources.length === 0 ? html`<${Empty}>No sources yet. Put a source file into the sources folder and start again; <code>tocsin init</code> writes an example.<//>` : html`<${Scroll}><table class="roomy">
      <thead><tr><th scope="col">Source</th><th scope="col">State</th><th scope="col">Complete as of</th><th class="spare" scope="col">Next run</th><th class="spare" scope="col">Every</th><th class="spare" scope="col">Bookmark</th>
        <th scope="col" class="number spare">Events</th><th scope="col" class="number spare">Repeats</th><th scope="col" class="number spare">Kept aside</th><th scope="col">What is wrong</th>${mayOperate && html`<th scope="col">Do</th>`}</tr></thead>
      <tbody>${sources.map((source) => html`<tr key=${source.name}>
        <th scope="row"><a href=${href(["sources", source.name])}>${source.name}</a></th>
        <td><${Status} of=${source.status} /></td>
        <td><${Age} at=${source.last_success} now=${now} /></td>
        <td class="spare"><${NextRun} source=${source} now=${now} /></td>
        <td class="spare">${format.interval(source.every_seconds)}</td>
        <td class="mono spare">${source.cursor ?? html`<span class="faint">none</span>`}</td>
        <td class="number spare"><a href=${href("events", { window: "all", source: source.name })}>${format.count(source.counts.events)}</a></td>
        <td class="number spare">${format.count(source.counts.duplicates)}</td>
        <td class="number spare">${source.counts.rejected > 0 ? html`<a href=${href(["sources", source.name])}>${format.count(source.counts.rejected)}</a>` : "0"}</td>
        <td class="wrap bad">${source.last_error ?? ""}</td>
        ${mayOperate && html`<td><${SourceActions} source=${source} reload=${reload} /></td>`}
      </tr>`)}</tbody></table><//>`}</section>`;
}

export const NextRun = ({ source, now }) => (source.status === "syncing" ? html`<span>running</span>` : source.next_run ? html`<${Age} at=${source.next_run} now=${now} />` : html`<span class="faint">–</span>`);

export function SourceActions({ source, reload }) {
  const [run, isBusy] = useAction();
  const path = `sources/${encodeURIComponent(source.name)}`;
  const sync = () => run(async () => {
    try {
      await change("POST", `sync?source=${encodeURIComponent(source.name)}`);
      say(`${source.name} is being polled.`);
    } catch (error) {
      if (error.status !== 409) throw error;
      say(`${source.name} was polling already.`);
    }
    reload();
  });
  const pause = () => run(async () => {
    await change("PATCH", path, { enabled: !source.enabled });
    reload();
  }, source.enabled ? `${source.name} is paused, also after a restart.` : `${source.name} goes on.`);
  return html`<span class="row nowrap"><button type="button" disabled=${isBusy || !source.enabled} onClick=${sync}>Sync now</button><button type="button" disabled=${isBusy} onClick=${pause}>${source.enabled ? "Pause" : "Resume"}</button></span>`;
}

export function IntervalForm({ source, reload }) {
  const [text, setText] = useState(format.interval(source.every_seconds));
  const [run, isBusy] = useAction();
  const set = (every) => run(async () => {
    const now = await change("PATCH", `sources/${encodeURIComponent(source.name)}`, { every });
    setText(format.interval(now.every_seconds));
    reload();
    return now;
  }, (now) => `${now.name} is polled every ${format.interval(now.every_seconds)} from now on.`);
  const submit = (event) => {
    event.preventDefault();
    set(text.trim());
  };
  return html`<form class="row" onSubmit=${submit}><label for="every">Every</label>
    <input id="every" size="6" required value=${text} onInput=${(event) => setText(event.target.value)} placeholder="30s" pattern="[0-9]+(s|m|h|d)" title="Like 30s, 5m or 1h" />
    <button type="submit" disabled=${isBusy}>Set</button><button type="button" disabled=${isBusy} onClick=${() => set("file")}>As its file says</button></form>`;
}
