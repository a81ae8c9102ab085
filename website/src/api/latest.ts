/** One question to `/api/latest`: what is on, in a language, unless it is what is known already. */
import { parseLatest } from "./parse";
import type { Latest } from "./types";
import type { World } from "./world";

/** What an answer is called, and what it was an answer to. */
export interface Tag {
  readonly url: string;
  readonly value: string;
}

export type Outcome =
  | { readonly kind: "new"; readonly latest: Latest; readonly tag: Tag | undefined }
  /** It is what was answered last. */
  | { readonly kind: "same" }
  /**
   * No answer, or none that helps; ask again after so many milliseconds if it said when. A server that says that it has
   * nothing yet (503) is one to which there is a connection.
   */
  | { readonly kind: "failed"; readonly retryAfter: number | undefined; readonly isConnected: boolean };

/** A server that answers nothing for so long is not waited for any longer. */
const PATIENCE = 8000;
const UNAVAILABLE = 503;

export class LatestClient {
  #known: Tag | undefined;

  constructor(private readonly world: World) {}

  /** The answer of this tag is in use: only then is it enough to hear that it is still the same. */
  keep(tag: Tag | undefined): void {
    this.#known = tag;
  }

  async ask(language: string): Promise<Outcome> {
    const url = `/api/latest?lang=${encodeURIComponent(language)}`;
    const giveUp = new AbortController();
    const timer = this.world.setTimer(() => giveUp.abort(), PATIENCE);
    try {
      const headers: Record<string, string> =
        this.#known?.url === url ? { "If-None-Match": this.#known.value } : {};
      const answer = await this.world.fetch(url, {
        headers,
        signal: giveUp.signal,
        credentials: "omit",
        // The tag is sent by hand, and what the browser keeps would only stand in between.
        cache: "no-store",
      });
      if (answer.status === 304) return { kind: "same" };
      const latest = answer.ok ? parseLatest(await answer.text()) : undefined;
      if (!latest) {
        return { kind: "failed", retryAfter: retryAfter(answer), isConnected: answer.status === UNAVAILABLE };
      }
      const value = answer.headers.get("ETag");
      return { kind: "new", latest, tag: value ? { url, value } : undefined };
    } catch {
      return { kind: "failed", retryAfter: undefined, isConnected: false };
    } finally {
      this.world.clearTimer(timer);
    }
  }
}

/** Milliseconds; only the form in seconds is used here. */
function retryAfter(answer: Response): number | undefined {
  const seconds = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
