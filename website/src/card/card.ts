/** The card: the pair that is shown, in words. */
import type { Session, Slot } from "../api/types";
import type { Format } from "../i18n/format";
import { fill } from "../i18n/text";
import { artworkOf } from "./artwork";
import { find, make, setText } from "./dom";
import { localTimes, sentenceParts } from "./sentence";

/** The elements that parts of the sentence are put in. */
const MARKS: Readonly<Record<string, readonly ["strong" | "cite", string]>> = {
  a: ["strong", "city city-first"],
  b: ["strong", "city city-second"],
  song: ["cite", "song"],
};

/** Lengths of a sentence above which it is set in a smaller size: none is cut. */
const SIZES = [
  [220, "longest"],
  [110, "long"],
] as const;

/** What a pair is among those that the page knows. */
export interface Standing {
  readonly isNow: boolean;
  readonly isChosen: boolean;
}

export class Card {
  readonly #article = find("#pair");
  readonly #sentence = find(".sentence");
  readonly #artwork = find(".artwork");
  readonly #artists = find(".artists");
  readonly #moment = find(".moment");
  readonly #localTimes = find(".local-times");
  readonly #apart = find(".apart");
  readonly #listeners = find(".listeners");
  readonly #back = find<HTMLButtonElement>(".back");
  #shownTrack = "";
  #shownSentence = "";

  constructor(backToNow: () => void) {
    this.#back.addEventListener("click", backToNow);
    this.#article.setAttribute("aria-labelledby", this.#sentence.id);
  }

  /** Nothing is known yet. */
  showEmpty({ messages }: Format): void {
    this.#article.dataset.state = "empty";
    this.#shownSentence = "";
    this.#sentence.dataset.size = "";
    setText(this.#sentence, messages.waitingForFirst);
    setText(this.#moment, messages.rightNow);
    setText(this.#back, messages.backToNow);
  }

  /** `isNow` while the slot lasts; `isChosen` when the visitor chose a pair of the past. */
  show(slot: Slot, format: Format, { isNow, isChosen }: Standing): void {
    const session = slot.sessions[0];
    const { messages } = format;
    this.#article.dataset.state = isNow ? "now" : "past";
    this.#article.dataset.slot = `${slot.number}`;
    this.#showSentence(session, format);
    this.#showArtwork(session);
    setText(this.#artists, format.list(session.track.artists));
    this.#artists.hidden = session.track.artists.length === 0;
    const moment = isNow ? messages.rightNow : fill(messages.earlier, { time: format.time(slot.startsAt) });
    setText(this.#moment, moment);
    setText(this.#localTimes, localTimes(session, slot.startsAt, format));
    this.#localTimes.hidden = this.#localTimes.textContent === "";
    setText(this.#apart, fill(messages.apart, { distance: format.distance(session.distanceKm) }));
    setText(this.#listeners, format.listeners(session.listeners));
    setText(this.#back, messages.backToNow);
    this.#back.hidden = !isChosen;
  }

  #showSentence(session: Session, format: Format): void {
    const wanted = sentenceParts(session, format);
    const key = JSON.stringify(wanted);
    if (key === this.#shownSentence) return;
    this.#shownSentence = key;
    const parts = wanted.map((part) => {
      if ("text" in part) return part.text;
      const [name, className] = MARKS[part.name] ?? (["strong", ""] as const);
      const element = make(name, hasNoItalics(part.value) ? `${className} upright` : className, part.value);
      // A title or a name may be in a script that runs the other way.
      element.dir = "auto";
      return element;
    });
    this.#sentence.replaceChildren(make("span", "", ...parts));
    const length = lengthOf(this.#sentence.textContent ?? "");
    this.#sentence.dataset.size = SIZES.find(([least]) => length > least)?.[1] ?? "";
  }

  #showArtwork({ track }: Session): void {
    const key = `${track.id} ${track.artworkUrl ?? ""}`;
    if (key === this.#shownTrack) return;
    this.#shownTrack = key;
    this.#artwork.replaceChildren(artworkOf(track));
  }
}

/** Scripts whose signs are as wide as two letters, and have no italics. */
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

/** In letters. */
function lengthOf(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
}

/** Whatever the page's language. */
function hasNoItalics(text: string): boolean {
  return text.search(WIDE) >= 0;
}
