/** All that the page shows of a moment, put where it is seen, read out or drawn. What is the same is left alone. */
import { Card } from "./card/card";
import { Controls } from "./card/controls";
import { find, setText } from "./card/dom";
import { PairList } from "./card/list";
import { Progress } from "./card/progress";
import { sentenceText } from "./card/sentence";
import type { Globe } from "./globe/globe";
import { subsolarPoint } from "./globe/sun";
import type { Format } from "./i18n/format";
import type { Language } from "./i18n/languages";
import { labelsOf, sceneOf } from "./scene";
import type { Showing } from "./tour";

/** What the visitor can do. */
export interface Actions {
  /** A pair of the past, by the number of its slot; undefined to come back to now. */
  choose(slotNumber: number | undefined): void;
  chooseLanguage(language: Language): void;
  togglePause(): void;
}

export interface Moment {
  readonly format: Format;
  /** Undefined until the first pair. */
  readonly showing: Showing | undefined;
  /** Whether its names are in the format's language: a sentence in two languages is not read out. */
  readonly isTranslated: boolean;
  /** What the page waits for, in words. */
  readonly status: string;
  readonly isPaused: boolean;
  /** Whether nothing is to move. */
  readonly isStill: boolean;
}

export class View {
  readonly #card: Card;
  readonly #list: PairList;
  readonly #progress = new Progress();
  readonly #controls: Controls;
  readonly #status = find(".status");
  readonly #announcement = find(".announcement");
  #shown: Moment | undefined;
  /** What is on the globe, and how its places are named there. */
  #onGlobe = { pair: "", labels: "" };

  constructor(
    private readonly globe: Globe,
    actions: Actions,
  ) {
    this.#card = new Card(() => actions.choose(undefined));
    this.#list = new PairList((number) => actions.choose(number));
    this.#controls = new Controls(
      (language) => actions.chooseLanguage(language),
      () => actions.togglePause(),
    );
  }

  show(moment: Moment): void {
    const before = this.#shown;
    const { format, showing, isPaused } = moment;
    this.#shown = moment;
    if (format !== before?.format) this.#showLanguage(format);
    if (format !== before?.format || isPaused !== before.isPaused)
      this.#controls.show(format.language, format.messages, isPaused);
    this.globe.setStill(moment.isStill);
    if (!before || !isSame(before, moment)) this.#showPair(moment);
    this.#progress.show(showing?.passed);
    setText(this.#status, moment.status);
  }

  #showLanguage({ language, messages }: Format): void {
    document.documentElement.lang = language;
    document.documentElement.dir = messages.direction;
    setText(find(".skip"), messages.skip);
    setText(find(".footer p"), messages.footer);
    // Not the pair's names: what has the focus would be read out again with every pair.
    find(".lens").setAttribute("aria-label", messages.globe);
    setText(find("#globe-help"), messages.globeHelp);
  }

  #showPair({ format, showing, isTranslated }: Moment): void {
    if (!showing) {
      this.#card.showEmpty(format);
      this.#list.show([], undefined, format);
      return;
    }
    const { slot, recent, isChosen } = showing;
    this.#card.show(slot, format, showing);
    this.#list.show(recent, isChosen ? slot.number : undefined, format);
    this.#showOnGlobe(showing, format);
    if (isTranslated) setText(this.#announcement, sentenceText(slot.sessions[0], format));
  }

  #showOnGlobe({ slot }: Showing, format: Format): void {
    const session = slot.sessions[0];
    const texts = labelsOf(session, slot.startsAt, format);
    const [pair, labels] = [`${slot.number} ${session.id}`, JSON.stringify(texts)];
    if (pair !== this.#onGlobe.pair) this.globe.show(sceneOf(slot), texts, subsolarPoint(slot.startsAt));
    else if (labels !== this.#onGlobe.labels) this.globe.relabel(texts);
    this.#onGlobe = { pair, labels };
  }
}

/** Whether the same pairs are shown, in the same words. */
function isSame(one: Moment, other: Moment): boolean {
  const [a, b] = [one.showing, other.showing];
  return (
    one.format === other.format &&
    one.isTranslated === other.isTranslated &&
    a?.slot === b?.slot &&
    a?.recent === b?.recent &&
    a?.isNow === b?.isNow &&
    a?.isChosen === b?.isChosen
  );
}
