// The address bar holds the state: #/alerts?country=DE. So a view can be sent to somebody else, and back goes back.
import { useEffect, useState } from "./lib/htm-preact.js";

/** The page, what follows it, and the query. */
export function parseHash(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [page, ...rest] = path.split("/").filter((part) => part.length > 0).map(decode);
  return { page: page ?? "overview", rest, query: new URLSearchParams(query ?? "") };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page. Query: an object (lists repeat) or URLSearchParams. */
export function href(path, query) {
  const parts = (Array.isArray(path) ? path : [path]).map(encodeURIComponent).join("/");
  const text = new URLSearchParams();
  for (const [name, value] of query instanceof URLSearchParams ? query : Object.entries(query ?? {}))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== null && one !== "") text.append(name, one);
  const said = text.toString();
  return `#/${parts}${said ? `?${said}` : ""}`;
}

export function go(target, { replace = false } = {}) {
  if (target === location.hash) return;
  if (replace) {
    history.replaceState(null, "", target);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = target;
}

/** The present query with some names set anew; null takes one away. Changing what is looked for begins at the first page again. */
export function withQuery(route, changes, { keepPage = false } = {}) {
  const query = new URLSearchParams(route.query);
  if (!keepPage) query.delete("cursor");
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== null && one !== "") query.append(name, one);
  }
  return href([route.page, ...route.rest], query);
}

export function useRoute() {
  const [route, setRoute] = useState(() => parseHash(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parseHash(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
