// Lists the sources with state and age, from the same public API that everybody uses. Text goes in as text nodes only.
const refreshMs = 2000;
const keptAs = "tocsin-token";
const byId = (id) => document.getElementById(id);

function age(time) {
  if (!time) return "never";
  const seconds = Math.round((Date.now() - Date.parse(time)) / 1000);
  const ahead = seconds < 0;
  const n = Math.abs(seconds);
  const text = n < 90 ? `${n} s` : n < 5400 ? `${Math.round(n / 60)} min` : n < 129600 ? `${Math.round(n / 3600)} h` : `${Math.round(n / 86400)} d`;
  return ahead ? `in ${text}` : `${text} ago`;
}

function cell(text, { title, className } = {}) {
  const td = document.createElement("td");
  td.textContent = text;
  if (title) td.title = title;
  if (className) td.className = className;
  return td;
}

function row(source) {
  const tr = document.createElement("tr");
  tr.append(
    cell(source.name),
    cell(source.status, { className: source.status }),
    cell(age(source.last_success), { title: source.last_success ?? "" }),
    cell(source.next_run ? age(source.next_run) : "–", { title: source.next_run ?? "" }),
    cell(source.counts.events.toLocaleString(), { className: "number" }),
    cell(source.counts.rejected.toLocaleString(), { className: "number" }),
    cell(source.last_error ?? ""),
  );
  return tr;
}

function message(text) {
  const tr = document.createElement("tr");
  const td = cell(text);
  td.colSpan = 7;
  tr.append(td);
  return tr;
}

async function refresh() {
  const token = sessionStorage.getItem(keptAs);
  try {
    const answer = await fetch("sources", token ? { headers: { Authorization: `Bearer ${token}` } } : {});
    byId("sign-in").hidden = answer.status !== 401;
    if (answer.status === 401) {
      byId("sign-in-error").textContent = token ? "That token is not known." : "";
      byId("status").textContent = "sign in to see more";
      byId("sources").replaceChildren(message("–"));
      return;
    }
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
    const sources = await answer.json();
    byId("sources").replaceChildren(...(sources.length ? sources.map(row) : [message("No sources yet. Put a source file into the sources folder and start again.")]));
    const trouble = sources.filter((source) => source.last_error).length;
    byId("status").textContent = trouble ? `${trouble} of ${sources.length} sources in trouble` : `${sources.length === 1 ? "1 source" : `${sources.length} sources`}, all well`;
  } catch (error) {
    byId("status").textContent = `no answer (${error.message}); trying again`;
  }
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(keptAs, byId("token").value.trim());
  byId("token").value = "";
  refresh();
});

refresh();
setInterval(refresh, refreshMs);
