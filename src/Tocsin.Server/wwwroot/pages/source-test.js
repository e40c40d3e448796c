// A source file, pasted and tried: the calls it would make, and what would come of them. Nothing is kept.
import { html, useState } from "../lib/htm-preact.js";
import { change } from "../api.js";
import * as format from "../format.js";
import { href } from "../router.js";
import { Card, Empty, Priority, Scroll, Time } from "../ui.js";

const example = `name: example
kind: alert
base_url: https://alerts.example.com
requests: [ { get: /alerts } ]
records: "."
map:
  external_id: id
  time: created_at
  priority: severity
  description: description
  user_id: src_ip
`;

/** Its calls are made meanwhile, and the service waits a minute for them. */
const testWithinMs = 75_000;

export function TrySource({ mayOperate }) {
  const [text, setText] = useState("");
  const [result, setResult] = useState(null);
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  if (!mayOperate) return html`<${Empty}>Trying a source makes calls: sign in with a token of scope operate. <a href=${href("sources")}>Back to the sources</a><//>`;
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    setResult(null);
    try {
      setResult(await change("POST", "sources/test", { file: text }, { withinMs: testWithinMs }));
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<p class="crumbs"><a href=${href("sources")}>Sources</a> / <b>Try a source file</b></p>
    <form class="card" onSubmit=${submit}>
      <label for="file">The text of a source file. Its calls are made once; nothing is kept.</label>
      <textarea id="file" class="mono" rows="16" spellcheck="false" required placeholder=${example} value=${text} onInput=${(event) => setText(event.target.value)}></textarea>
      <p class="row"><button type="submit" class="main" disabled=${isBusy}>${isBusy ? "Trying …" : "Try it"}</button>${text === "" && html`<button type="button" onClick=${() => setText(example)}>Begin with an example</button>`}</p>
      ${problem && html`<div role="alert" class="error"><div><p>${problem.errors.length ? "The source was not tried." : problem.message}</p><ul>${problem.errors.map((error, i) => html`<li key=${i}><code>${error.pointer} ${error.code}</code> ${error.detail}</li>`)}</ul></div></div>`}
    </form>
    <div role="status">${result && html`<${Outcome} result=${result} />`}</div>`;
}

function Outcome({ result }) {
  return html`<p class=${result.ok ? "good" : "bad"}>${result.ok ? "All of it works." : result.error ?? "Something is wrong; see below."}</p>
    ${result.calls.map((call, i) => html`<${Card} key=${i} id=${`call-${i}`} title=${call.request} more=${html`<span class="muted small">${format.plural(call.records, "record")}, ${format.bytes(call.bytes)}, ${format.took(call.took_ms)}</span>`}>
      ${call.error && html`<p class="bad">${call.error}</p>`}
      <ul class="plain-list small">${call.exchanges.map((exchange, n) => html`<li key=${n}><code>${exchange.request}</code> → ${exchange.status ?? "no answer"}</li>`)}
        ${call.unmapped.length > 0 && html`<li>Fields that no map uses: <code>${call.unmapped.join(", ")}</code></li>`}
        ${call.unknown_priorities > 0 && html`<li>${format.plural(call.unknown_priorities, "unknown priority", "unknown priorities")}</li>`}
        ${call.next_cursor && html`<li>Next bookmark: <code>${call.next_cursor}</code></li>`}
        ${call.rejects.map((reject, n) => html`<li key=${`r${n}`} class="bad">Kept aside: ${reject.reason}</li>`)}</ul>
      ${call.events.length > 0 && html`<${Scroll}><table class="roomy"><thead><tr><th scope="col">Time</th><th scope="col">Type</th><th scope="col">Priority</th><th scope="col">Person</th><th scope="col">Description</th><th scope="col">From</th></tr></thead>
        <tbody>${call.events.slice(0, 20).map((event, n) => html`<tr key=${n}><td><${Time} at=${event.time} /></td><td>${event.type}</td><td><${Priority} of=${event.priority} /></td><td>${event.user_id ?? "unknown"}</td><td class="wrap">${event.description}</td><td class="mono">${event.src_ip}</td></tr>`)}</tbody></table><//>`}
    <//>`)}`;
}
