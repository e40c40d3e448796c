// Every request to the service goes through here: errors become Problems with words for people, a lost connection is noticed and mended.
import { createStore } from "./store.js";

const livezEveryMs = 2000;

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

async function request(method, url, { body, signal, accept = "application/json" } = {}) {
  const headers = { Accept: accept };
  if (method !== "GET") headers["X-Tocsin-Session"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    watchForReturn();
    throw new Problem(0, "The service does not answer. This page goes on by itself as soon as it does.");
  }
  if (!answer.ok) throw await problemOf(answer, url);
  return answer;
}

async function problemOf(answer, url) {
  let said = {};
  try {
    said = await answer.json();
  } catch {
    // A proxy's page, or nothing: the status has to do.
  }
  if (answer.status === 401 && !url.startsWith("session")) refused.set(refused.get() + 1);
  const detail = [said.detail ?? said.title ?? `The service answered ${answer.status}.`, ...(said.errors ?? []).map((e) => `${e.pointer ?? ""} ${e.detail ?? ""}`.trim())].join(" ");
  const problem = new Problem(answer.status, detail, { code: said.code, errors: said.errors, retryAfter: answer.headers.get("Retry-After") });
  problem.body = said;
  return problem;
}

let isWatching = false;

async function watchForReturn() {
  if (isWatching) return;
  isWatching = true;
  connectionLost.set(true);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, livezEveryMs));
    try {
      if ((await fetch("livez", { cache: "no-store" })).ok) break;
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
    await fetch("livez", { cache: "no-store" });
  } catch {
    watchForReturn();
  }
}

export async function read(path, query, options) {
  const answer = await request("GET", address(path, query), options);
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
}

export const readBody = async (path, query, options) => (await read(path, query, options)).body;
export const readText = async (path, query, options) => (await request("GET", address(path, query), options)).text();
export const readBlob = async (path, query, options) => (await request("GET", address(path, query), options)).blob();

/** Changes something. The answer's JSON, or null when it has none. */
export async function change(method, path, body, options) {
  const answer = await request(method, path, { ...options, body });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}
