// Tokens: who may what, until when. A secret is shown once, here, and nowhere else.
import { html, useState } from "../lib/htm-preact.js";
import { change, readBody } from "../api.js";
import { Age, Card, copyText, Loaded, Scroll, Time, useAction, useData, useNow } from "../ui.js";

const scopes = { read: "look at everything", ingest: "push events", operate: "sync, pause, assign, configure", metrics: "read /metrics", admin: "all of it, tokens too" };
const lifetimes = [["1d", "a day"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "a year"], ["", "for good"]];

export function Tokens() {
  const tokens = useData((signal) => readBody("tokens", {}, { signal }), []);
  const now = useNow(10_000);
  const [made, setMade] = useState(null);
  return html`<${Card} id="tokens" title="Tokens">
    ${made && html`<${Made} token=${made} close=${() => setMade(null)} />`}
    <${Loaded} of=${tokens}>${(rows) => html`<${Scroll}><table class="roomy"><thead><tr><th scope="col">Name</th><th scope="col">May</th><th scope="col">Made</th><th scope="col">Expires</th><th scope="col">Last used</th><th scope="col">Do</th></tr></thead>
      <tbody>${rows.map((token) => html`<tr key=${token.name}><th scope="row">${token.name}</th><td>${token.scopes.join(", ")}</td><td><${Time} at=${token.created_at} /></td>
        <td>${token.expires_at ? html`<${Age} at=${token.expires_at} now=${now} />` : html`<span class="muted">never</span>`}</td><td>${token.last_used_at ? html`<${Age} at=${token.last_used_at} now=${now} />` : html`<span class="muted">never</span>`}</td>
        <td>${token.name === "admin" ? html`<span class="muted">by configuration</span>` : html`<${Revoke} name=${token.name} done=${tokens.reload} />`}</td></tr>`)}</tbody></table><//>`}<//>
    <h3>Make one</h3>
    <${NewToken} onMade=${(token) => { setMade(token); tokens.reload(); }} />
  <//>`;
}

/** Asks once more, in place: what is revoked does not come back. */
function Revoke({ name, done }) {
  const [asks, setAsks] = useState(false);
  const [run, isBusy] = useAction();
  const revoke = () => run(async () => {
    await change("DELETE", `tokens/${encodeURIComponent(name)}`);
    done();
  }, `${name} is revoked.`);
  return asks ? html`<span class="row nowrap"><button type="button" class="danger" disabled=${isBusy} onClick=${revoke}>Revoke ${name}</button><button type="button" onClick=${() => setAsks(false)}>Keep</button></span>`
    : html`<button type="button" onClick=${() => setAsks(true)} aria-label=${`Revoke ${name} …`}>Revoke …</button>`;
}

function Made({ token, close }) {
  return html`<div class="made" role="status"><p>The token <b>${token.name}</b> is made. This is the only time it is shown:</p>
    <p class="row"><code class="secret">${token.token}</code><button type="button" class="main" onClick=${() => copyText(token.token, "it")}>Copy</button><button type="button" onClick=${close}>I have it</button></p></div>`;
}

function NewToken({ onMade }) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState(["read"]);
  const [expires, setExpires] = useState("90d");
  const [run, isBusy] = useAction();
  const toggle = (scope) => setChosen(chosen.includes(scope) ? chosen.filter((one) => one !== scope) : [...chosen, scope]);
  const submit = (event) => {
    event.preventDefault();
    run(async () => {
      onMade(await change("POST", "tokens", { name: name.trim(), scopes: chosen, expires: expires || null }));
      setName("");
    });
  };
  return html`<form class="new-token" onSubmit=${submit}>
    <label>Name <input required maxlength="100" value=${name} onInput=${(event) => setName(event.target.value)} placeholder="billing-service" /></label>
    <fieldset><legend>May</legend>${Object.entries(scopes).map(([scope, does]) => html`<label key=${scope}><input type="checkbox" checked=${chosen.includes(scope)} onChange=${() => toggle(scope)} /> ${scope} <span class="muted small">${does}</span></label>`)}</fieldset>
    <label>Valid for <select value=${expires} onChange=${(event) => setExpires(event.target.value)}>${lifetimes.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>
    <button type="submit" class="main" disabled=${isBusy || chosen.length === 0}>Make token</button>
  </form>`;
}
