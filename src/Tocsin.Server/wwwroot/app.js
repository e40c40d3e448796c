// The frame around every page: where one can go, who looks, how the service is, and the keys that work everywhere.
import { html, render, useEffect, useErrorBoundary, useState } from "./lib/htm-preact.js";
import { connectionLost, healed } from "./api.js";
import { Footer, Help, SignInBox, ThemeButton, Toast } from "./frame.js";
import { go, href, useRoute } from "./router.js";
import { checkSession, loadSession, may, session, signInReason, signOut, useSignInLink } from "./session.js";
import { useStore } from "./store.js";
import { ErrorBox, health, refreshHealth, say } from "./ui.js";
import { Overview } from "./pages/overview.js";

const healthEveryMs = 2000;
const sessionEveryMs = 20_000;

/** Pages but the first are fetched when they are wanted. */
const pages = {
  overview: { title: "Overview", load: async () => Overview },
  people: { title: "People", load: async () => (await import("./pages/people.js")).People },
  alerts: { title: "Alerts", load: async () => (await import("./pages/events.js")).Alerts },
  events: { title: "Events", load: async () => (await import("./pages/events.js")).Events },
  sources: { title: "Sources", load: async () => (await import("./pages/sources.js")).Sources },
  settings: { title: "Settings", load: async () => (await import("./pages/settings.js")).Settings },
};

function App() {
  const route = useRoute();
  const who = useStore(session);
  const lost = useStore(connectionLost);
  const reason = useStore(signInReason);
  const [wantsSignIn, setWantsSignIn] = useState(false);
  const [helps, setHelps] = useState(false);
  useKeys(setHelps);
  useEffect(() => {
    if (who?.signed_in) setWantsSignIn(false);
    let asked = null;
    const ask = () => (asked ??= refreshHealth().finally(() => (asked = null)));
    ask();
    const timer = setInterval(() => document.hidden || connectionLost.get() || ask(), healthEveryMs);
    const look = () => document.hidden || connectionLost.get() || checkSession();
    const looks = setInterval(look, sessionEveryMs);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      clearInterval(looks);
      document.removeEventListener("visibilitychange", look);
    };
  }, [who]);
  useEffect(() => {
    document.title = `${pages[route.page]?.title ?? "Nothing here"}${route.rest[0] ? `: ${route.rest[0]}` : ""} · Tocsin`;
  }, [route.page, route.rest[0]]);
  const mustSignIn = who && !may("read", who);
  const mayNotLook = mustSignIn && who.signed_in && `${who.name} may: ${who.scopes.join(", ")}. To look at anything, sign in with a token of scope read.`;
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>Skip to the content</a>
    <header class="top">
      <a class="brand" href=${href("overview")}><img src="bell.svg" alt="" width="20" height="20" /> <span>Tocsin</span></a>
      <nav aria-label="Pages">${Object.entries(pages).map(([name, page]) => html`<a key=${name} href=${href(name)} aria-current=${route.page === name ? "page" : undefined}>${page.title}</a>`)}</nav>
      <div class="tools">
        <${HealthPill} />
        <${ThemeButton} />
        <button type="button" class="quiet" onClick=${() => setHelps(true)} title="Keys and help (?)" aria-label="Help">?</button>
        ${who && (who.signed_in
          ? html`<span class="who" title=${`may: ${who.scopes.join(", ")}`}>${who.name}</span><button type="button" onClick=${() => signOut().catch((error) => say(`You are still signed in: ${error.message}`, true))}>Sign out</button>`
          : !mustSignIn && html`<button type="button" onClick=${() => setWantsSignIn(true)}>Sign in</button>`)}
      </div>
    </header>
    <div class="lost" role="status" hidden=${!lost}>${lost ? "The service does not answer. What is shown may be old; this page goes on by itself as soon as it is back." : ""}</div>
    <main id="main" tabindex="-1">
      ${who === null ? html`<p class="starting">Asking who you are …</p>`
        : mustSignIn || wantsSignIn || reason ? html`<${SignInBox} reason=${reason || mayNotLook} mayCancel=${!mustSignIn} cancel=${() => { setWantsSignIn(false); signInReason.set(null); }} />`
        : html`<${Page} key=${`${route.page}|${who.name}|${who.signed_in}`} route=${route} />`}
    </main>
    <${Footer} />
    <${Toast} />
    ${helps && html`<${Help} close=${() => setHelps(false)} />`}`;
}

function Page({ route }) {
  const [page, setPage] = useState(null);
  const [failed, setFailed] = useState(null);
  const [broken, mend] = useErrorBoundary((error) => console.error(error));
  const known = pages[route.page];
  const back = useStore(healed);
  useEffect(() => {
    known?.load().then((component) => setPage(() => component), () => setFailed(healed.get()));
  }, [route.page]);
  // A browser does not ask again for a script that it could not get; the address holds all that this page shows.
  useEffect(() => {
    if (failed !== null && back !== failed) location.reload();
  }, [back]);
  if (!known) return html`<h1 class="hidden">Nothing here</h1><p class="empty">There is no page of this name. <a href=${href("overview")}>Go to the overview</a>.</p>`;
  if (broken) return html`<${ErrorBox} error=${new Error(`This page broke: ${broken.message}.`)} retry=${mend} />`;
  if (failed !== null) return html`<${ErrorBox} error=${new Error("This page could not be fetched.")} retry=${() => location.reload()} />`;
  return page && html`<h1 class="hidden">${known.title}</h1><${page} route=${route} />`;
}

function HealthPill() {
  const now = useStore(health);
  const lost = useStore(connectionLost);
  if (!now) return null;
  if (lost) return html`<span class="pill unhealthy">no answer</span>`;
  return html`<a class="pill ${now.status}" href=${href(now.status === "healthy" ? "sources" : "overview")} title=${now.last_error ?? "nothing is wrong"}>${now.status}</a>`;
}

/** / searches, ? helps, g and a letter go to a page. Not while something is typed. A dialog that was closed keeps the focus until the next frame. */
function useKeys(setHelps) {
  useEffect(() => {
    let isGoing = false;
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog[open]")) return;
      if (isGoing) {
        isGoing = false;
        const page = Object.keys(pages).find((name) => name[0] === event.key || (name === "settings" && event.key === "t"));
        if (page) go(href(page));
        return;
      }
      if (event.key === "/") {
        event.preventDefault();
        const field = document.querySelector("[data-search]");
        if (field) field.focus();
        else go(href("events", { focus: "search" }));
      } else if (event.key === "?") setHelps(true);
      else if (event.key === "g") isGoing = true;
      else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-row] a[data-open]")];
  const at = rows.indexOf(document.activeElement);
  rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

/** Before anything is drawn: a sign-in link's code is no page, and must not stay in the address bar. */
async function findOutWho() {
  try {
    await useSignInLink();
    await loadSession();
  } catch {
    const unfollow = healed.follow(() => loadSession().then(unfollow, () => {}));
  }
}

// A link that is opened in a page that is there already only changes the hash.
addEventListener("hashchange", () => location.hash.startsWith("#signin=") && findOutWho());
document.getElementById("app").replaceChildren();
findOutWho();
render(html`<${App} />`, document.getElementById("app"));
