/** Starts the page. */
import "./style/tokens.css";
import "./style/page.css";
import "./style/card.css";
import "./style/list.css";
import "./style/controls.css";
import "./style/globe.css";
import "./style/no-script.css";
import landUrl from "../generated/land.json?url";
import { browserWorld } from "./api/world";
import { App } from "./app";
import { find } from "./card/dom";
import { Globe } from "./globe/globe";
import { type LandTopology, landRings } from "./globe/land";
import { Preferences } from "./preferences";

const globe = new Globe({
  stage: find(".stage"),
  canvas: find<HTMLCanvasElement>(".stage canvas"),
  lens: find(".lens"),
  labels: find(".labels"),
  above: find(".masthead"),
});

async function loadLand(): Promise<void> {
  const answer = await fetch(landUrl, { credentials: "omit" });
  if (answer.ok) globe.setLand(landRings((await answer.json()) as LandTopology));
}

// Without land, pairs can still be shown.
loadLand().catch(() => {});

const app = new App(browserWorld, new Preferences(() => window.localStorage), globe, navigator.languages);

const reduced = matchMedia("(prefers-reduced-motion: reduce)");
reduced.addEventListener("change", () => app.setReduced(reduced.matches));
app.setReduced(reduced.matches);

document.addEventListener("visibilitychange", () => {
  if (document.hidden) app.stop();
  else app.start();
});
window.addEventListener("online", () => app.retry());
if (!document.hidden) app.start();
