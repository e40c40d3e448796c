// Every request to the service goes through here: errors become Problems with words for people, a lost connection is noticed and mended.
import { createStore } from "./store.js";

const livezEveryMs = 2000;
const livezWithinMs = 5000;

/** Who waits longer waits for nobody: the service gives every answer up sooner. */
const answerWithinMs = 15_000;

/** True while the service does not answer. */
export const connectionLost = createStore(false);

/** Moves when something that was lost came back: pages that follow it ask again. */
export const healed = createStore(0);

/** Moves when the service said 401: the session is over. */
export const refused = createStore(0);

/** What the service answered instead of what was asked for (RFC 9457). Status 0: it did not answer. */
export class Problem extends Error {
  constructor(status, detail, { code, errors, retryAfter } = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** name=value&name=value; lists repeat the name, what is empty is left out. */
export function queryText(query) {
  const text = new URLSearchParams();
  for (const [name, value] of query instanceof URLSearchParams ? query : Object.entries(query ?? {}))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== null && one !== "") text.append(name, one);
  return text.toString();
}

export function address(path, query) {
  const text = queryText(query);
  return text ? `${path}?${text}` : path;
}

/** take: what is read of the answer. It counts as the answer: who falls silent in the middle of it is away, too. withinMs 0: however long it takes. */
async function request(method, url, { body, signal, accept = "application/json", withinMs = answerWithinMs } = {}, take) {
  const headers = { Accept: accept };
  if (method !== "GET") headers["X-Tocsin-Session"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const ends = AbortSignal.any([signal, withinMs > 0 && AbortSignal.timeout(withinMs)].filter(Boolean));
  try {
    const answer = await fetch(url, { method, headers, signal: ends, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!answer.ok) throw await problemOf(answer, url);
    return await take(answer);
  } catch (error) {
    if (error instanceof Problem || error instanceof SyntaxError || error.name === "AbortError") throw error;
    watchForReturn();
    throw new Problem(0, "The service does not answer. This page goes on by itself as soon as it does.");
  }
}

/**
 * Whether a proxy speaks for a service that it does not reach. The service says 503 itself, and of the demo's mock 502: as a problem, or as its health.
 */
const isProxys = (answer, said) => [502, 503, 504].includes(answer.status) && typeof said.status !== "string"
  && (said.code === "no_node" || !answer.headers.get("Content-Type")?.startsWith("application/problem+json"));

async function problemOf(answer, url) {
  let said = {};
  try {
    said = await answer.json();
  } catch (error) {
    if (error.name === "AbortError" || error.name === "TimeoutError") throw error;
    // A proxy's page, or nothing: the status has to do.
  }
  if (isProxys(answer, said)) throw new Error(`A proxy answered ${answer.status}.`);
  if (answer.status === 401 && !url.startsWith("session")) refused.set(refused.get() + 1);
  const detail = [said.detail ?? said.title ?? `The service answered ${answer.status}.`, ...(said.errors ?? []).map((e) => `${e.pointer ?? ""} ${e.detail ?? ""}`.trim())].join(" ");
  const problem = new Problem(answer.status, detail, { code: said.code, errors: said.errors, retryAfter: answer.headers.get("Retry-After") });
  problem.body = said;
  return problem;
}

const askIfAlive = () => fetch("livez", { cache: "no-store", signal: AbortSignal.timeout(livezWithinMs) });

let isWatching = false;

async function watchForReturn() {
  if (isWatching) return;
  isWatching = true;
  connectionLost.set(true);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, livezEveryMs));
    try {
      if ((await askIfAlive()).ok) break;
    } catch {
      // Still away.
    }
  }
  isWatching = false;
  connectionLost.set(false);
  healed.set(healed.get() + 1);
}

/** A stream broke: perhaps only it, perhaps the service is away. */
export async function checkConnection() {
  try {
    if ((await askIfAlive()).ok) return;
  } catch {
    // Away, as when a proxy says so.
  }
  watchForReturn();
}

export const read = (path, query, options) => request("GET", address(path, query), options, async (answer) => {
  const link = /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get("Link") ?? "");
  return {
    body: await answer.json(),
    nextCursor: link ? new URL(link[1], location.href).searchParams.get("cursor") : null,
    sequence: Number(answer.headers.get("Tocsin-Sequence") ?? 0),
    isPartial: answer.headers.has("Tocsin-Partial"),
    incomplete: answer.headers.get("Tocsin-Incomplete"),
    floor: answer.headers.get("Tocsin-Floor"),
    asOf: answer.headers.get("Tocsin-As-Of"),
  };
});

export const readBody = async (path, query, options) => (await read(path, query, options)).body;

/** Counts. isPartial: the service stopped counting after its deadline; each number is a least then, and what is not there may be. */
export async function readStats(query, options) {
  const { body, isPartial } = await read("stats", query, options);
  return { ...body, isPartial };
}

export const readText = (path, query, options) => request("GET", address(path, query), options, (answer) => answer.text());

/** Everything that matches takes as long as it takes. */
export const readBlob = (path, query, options) => request("GET", address(path, query), { ...options, withinMs: 0 }, (answer) => answer.blob());

/** Changes something. The answer's JSON, or null when it has none. */
export async function change(method, path, body, options) {
  const text = await request(method, path, { ...options, body }, (answer) => answer.text());
  return text ? JSON.parse(text) : null;
}
