// Everything that matches, as a file. The browser keeps what arrives on its disk, not in this page.
import { html } from "./lib/htm-preact.js";
import { readBlob } from "./api.js";
import { bytes } from "./format.js";
import { useAction } from "./ui.js";

const formats = [["csv", "text/csv", "CSV"], ["ndjson", "application/x-ndjson", "NDJSON"]];

/** refusal: why what is shown cannot be had as a file. */
export function ExportButtons({ path, query, refusal = null }) {
  const [run, isBusy] = useAction();
  const save = (extension, accept) => run(async () => {
    const blob = await readBlob(path, query, { accept });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${path}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${extension}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return blob;
  }, (blob) => `Exported ${bytes(blob.size)}.`);
  return html`<span class="row" role="group" aria-label="Export everything that matches" title=${refusal}>${formats.map(([extension, accept, text]) => html`<button key=${extension} type="button" disabled=${isBusy || refusal !== null} onClick=${() => save(extension, accept)}>${isBusy ? "…" : text}</button>`)}</span>`;
}
