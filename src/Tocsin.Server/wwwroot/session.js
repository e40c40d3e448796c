// Who looks, and what they may. The secret stays in a cookie that no script can read.
import { change, Problem, readBody, refused } from "./api.js";
import { createStore } from "./store.js";

const anonymous = { signed_in: false, name: null, scopes: [], expires_at: null, anonymous_read: false, demo: false, version: null };

/** Null until the service has said who this is. */
export const session = createStore(null);

/** Why the page for signing in is shown; null when there is nothing to say. */
export const signInReason = createStore(null);

let wasSignedIn = false;

export function may(scope, who = session.get()) {
  if (!who) return false;
  if (who.scopes.includes("admin") || who.scopes.includes(scope)) return true;
  // What is open to those without a token is not to a token without the scope.
  return scope === "read" && who.anonymous_read && !who.signed_in;
}

export async function loadSession() {
  try {
    const said = await readBody("session");
    session.set({ ...anonymous, ...said, scopes: said.scopes ?? [] });
  } catch (error) {
    if (error.status === 404 || error.status === 405) session.set({ ...anonymous, anonymous_read: true, demo: await isDemo() });
    else if (error instanceof Problem && error.status !== 0) session.set(anonymous);
    else throw error;
  }
  wasSignedIn ||= session.get().signed_in;
}

/** A service that does not know sessions may still be a demo. */
async function isDemo() {
  try {
    await readBody("demo/mock/config");
    return true;
  } catch {
    return false;
  }
}

export async function signIn(body) {
  await change("POST", "session", body);
  signInReason.set(null);
  await loadSession();
}

export async function signOut() {
  await change("DELETE", "session");
  wasSignedIn = false;
  await loadSession();
}

/** The link that the demo prints: its code is used once, and taken out of the address bar before anything else. */
export async function useSignInLink() {
  const code = /^#signin=(.+)$/.exec(location.hash)?.[1];
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await change("POST", "session", { code: decodeURIComponent(code) });
    signInReason.set(null);
  } catch (error) {
    signInReason.set(error.status === 404 || error.status === 405
      ? "This service does not know sign-in links."
      : "That sign-in link was used already, or is too old. The service prints a new one when it starts; a token works too.");
  }
}

/** What another tab's sign-in changes: the cookie is the browser's, and this page would go on offering what somebody else may. */
const asOneself = (who) => JSON.stringify([who.name, who.scopes, who.expires_at]);

/** Where reads are open a session that has ended is refused nothing that is shown: it is asked for. */
export async function checkSession() {
  const before = session.get();
  if (!before?.signed_in) return;
  try {
    const said = await readBody("session");
    // Somebody signed in or out here meanwhile: that counts.
    if (session.get() !== before) return;
    if (!said.signed_in) refused.set(refused.get() + 1);
    else if (asOneself(said) !== asOneself(before)) session.set({ ...anonymous, ...said });
  } catch {
    // The service is away, or busy: the next look tells.
  }
}

/** What was refused may have been under way while another tab signed in anew, which ends the cookie it was sent with: only the service knows. */
refused.follow(async () => {
  const was = wasSignedIn;
  wasSignedIn = false;
  await loadSession().catch(() => session.set(anonymous));
  if (was && !session.get().signed_in) signInReason.set("Your session has ended. Sign in again, and you are back where you were.");
});
