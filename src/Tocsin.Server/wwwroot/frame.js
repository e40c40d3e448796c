// Parts of the frame: signing in, the theme, help, messages, the footer.
import { html, useEffect, useRef, useState } from "./lib/htm-preact.js";
import { signIn } from "./session.js";
import { useStore } from "./store.js";
import { health, toast } from "./ui.js";

const toastMs = 6000;

export function SignInBox({ reason, mayCancel, cancel }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState(null);
  const field = useRef(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event) => {
    event.preventDefault();
    try {
      await signIn({ token: token.trim() });
      setToken("");
    } catch (error) {
      setProblem(error.status === 401 ? "That token is not known, was revoked, or has expired."
        : error.status === 404 || error.status === 405 ? "This service does not know signing in yet; its reads may be open without." : error.message);
    }
  };
  return html`<form class="sign-in card" onSubmit=${submit}>
    <h2>Sign in</h2>
    ${reason && html`<p role="status">${reason}</p>`}
    <label for="token">Your token</label>
    <input id="token" ref=${field} type="password" autocomplete="off" spellcheck="false" required value=${token} onInput=${(event) => setToken(event.target.value)} aria-describedby="token-help" />
    <p id="token-help" class="muted">The admin token stands in <code>admin.token</code> in the data folder. Others are made under Settings, or with <code>tocsin token create</code>. It is sent once; the browser keeps a cookie that scripts cannot read.</p>
    <p class="bad" role="alert">${problem}</p>
    <p class="row"><button type="submit" class="main">Sign in</button>${mayCancel && html`<button type="button" onClick=${cancel}>Not now</button>`}</p>
  </form>`;
}

const themes = { "": "system", light: "light", dark: "dark" };

export function ThemeButton() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "");
  const change = () => {
    const names = Object.keys(themes);
    const next = names[(names.indexOf(theme) + 1) % names.length];
    if (next) document.documentElement.dataset.theme = next;
    else delete document.documentElement.dataset.theme;
    try {
      if (next) localStorage.setItem("tocsin.theme", next);
      else localStorage.removeItem("tocsin.theme");
    } catch {
      // It holds for this visit only.
    }
    setTheme(next);
    dispatchEvent(new Event("themechange"));
  };
  return html`<button type="button" class="quiet" onClick=${change} aria-label=${`Theme: ${themes[theme]}. Change it`} title=${`Theme: ${themes[theme]}`}>${theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐"}</button>`;
}

const keys = [
  ["/", "search"], ["?", "this help"], ["j, k", "next and previous row"], ["Enter", "open the row"], ["Esc", "close what is open"],
  ["g o", "overview"], ["g p", "people"], ["g a", "alerts"], ["g e", "events"], ["g s", "sources"], ["g t", "settings"],
];

export function Help({ close }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog ref=${dialog} class="help" aria-labelledby="help-title" onClose=${close}>
    <h2 id="help-title">Keys</h2>
    <dl>${keys.map(([key, does]) => html`<dt key=${key}><kbd>${key}</kbd></dt><dd>${does}</dd>`)}</dl>
    <p class="muted">Pages open on the last 7 days; the chip “all” shows everything. The address bar holds what you see: send it to somebody, or go back. Times are local; hover for UTC.</p>
    <p class="row"><button type="button" class="main" onClick=${() => dialog.current.close()}>Close</button> <a href="docs">Read and try the API</a></p>
  </dialog>`;
}

export function Toast() {
  const now = useStore(toast);
  useEffect(() => {
    if (!now) return undefined;
    const timer = setTimeout(() => toast.set(null), toastMs);
    return () => clearTimeout(timer);
  }, [now]);
  return html`<div class="toast ${now ? "shown" : ""} ${now?.isBad ? "is-bad" : ""}" role="status" aria-live="polite">${now?.text}</div>`;
}

export function Footer() {
  const now = useStore(health);
  return html`<footer>
    <span>Tocsin ${now?.version}</span>
    <a href="docs">API</a>
    ${now?.geoip?.attribution && html`<a href="https://db-ip.com" rel="noopener noreferrer" target="_blank">${now.geoip.attribution.replace(/,?\s*https?:\/\/\S+/, "")}</a>`}
  </footer>`;
}
