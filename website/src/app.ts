/** The page: slots come in, the globe, the card and the list show them when it is their time. */
import { Feed } from "./api/feed";
import { LONGEST_WAIT } from "./api/schedule";
import type { Latest, Slot } from "./api/types";
import type { World } from "./api/world";
import { Card, type Standing } from "./card/card";
import { Controls } from "./card/controls";
import { find, setText } from "./card/dom";
import { PairList } from "./card/list";
import { Progress } from "./card/progress";
import { sentenceText } from "./card/sentence";
import { isRightNow, statusOf } from "./card/status";
import { ServerClock } from "./clock";
import type { Globe } from "./globe/globe";
import { subsolarPoint } from "./globe/sun";
import { type Format, formatFor } from "./i18n/format";
import { chooseLanguage, isLanguage, type Language } from "./i18n/languages";
import { fill, isolated } from "./i18n/text";
import type { Preferences } from "./preferences";
import { heldAt, type OnAir, Programme } from "./programme";
import { labelsOf, sceneOf } from "./scene";

/** How long a pair of the past that was chosen is shown; then the tour goes on. */
const CHOSEN_FOR = 15_000;
/** How often the notches and the line that tells of waiting are looked at. */
const TICK = 500;

export class App {
  readonly #programme = new Programme();
  readonly #clock: ServerClock;
  readonly #feed: Feed;
  readonly #card = new Card(() => this.#choose(undefined));
  readonly #list = new PairList((number) => this.#choose(number));
  readonly #progress = new Progress();
  readonly #controls: Controls;
  readonly #status = find(".status");
  readonly #announcement = find(".announcement");
  readonly #lens = find(".lens");
  #format: Format;
  /** The language that the slots' names are in. */
  #namesIn: string | undefined;
  #slotMs = 5000;
  #isConnected = true;
  #isReduced = false;
  #chosen: { readonly number: number; readonly until: number } | undefined;
  #onAir: OnAir | undefined;
  /** What is on the globe. */
  #shown: { readonly slot: Slot; readonly isNow: boolean } | undefined;
  #switchTimer: unknown;
  #tickTimer: unknown;

  constructor(
    private readonly world: World,
    private readonly preferences: Preferences,
    private readonly globe: Globe,
    private readonly wanted: readonly string[],
  ) {
    const kept = preferences.language;
    const language = isLanguage(kept) ? kept : chooseLanguage(wanted);
    this.#format = formatFor(language, wanted);
    this.#clock = new ServerClock(world, () => this.#advance());
    this.#feed = new Feed(
      world,
      () => this.#clock.now(),
      {
        latest: (latest, names) => this.#learn(latest, names),
        slot: (slot) => this.#announced(slot),
        isConnected: (isConnected) => {
          this.#isConnected = isConnected;
          this.#showMoment();
          this.#showStatus();
        },
      },
      language,
    );
    this.#controls = new Controls(
      (chosen) => this.#setLanguage(chosen),
      () => {
        preferences.isPaused = !preferences.isPaused;
        this.#showPaused();
      },
    );
    this.#showLanguage();
    this.#showPaused();
  }

  start(): void {
    this.#clock.start();
    this.#feed.start();
    // What was to come when the page went out of sight is still to come, or has.
    this.#advance();
    this.#tick();
  }

  /** Out of sight, nothing is asked and nothing is drawn. */
  stop(): void {
    this.#clock.stop();
    this.#feed.stop();
    this.world.clearTimer(this.#tickTimer);
    this.world.clearTimer(this.#switchTimer);
  }

  /** The network is back. */
  retry(): void {
    this.#feed.askNow();
  }

  setReduced(isReduced: boolean): void {
    this.#isReduced = isReduced;
    this.globe.setStill(isReduced || this.preferences.isPaused);
  }

  #learn(latest: Latest, names: string): void {
    this.#slotMs = latest.slotMs;
    if (names === this.#namesIn) {
      this.#programme.learn(latest);
      this.#advance();
      return;
    }
    this.#namesIn = names;
    this.#programme.relearn(latest);
    this.#rename();
    this.#advance();
  }

  #announced(slot: Slot): void {
    this.#programme.announce(slot);
    this.#advance();
  }

  /** The server's time; before that is known, only what the server calls current has begun. */
  #now(): number {
    return this.#clock.isSynchronised ? this.#clock.now() : Number.NEGATIVE_INFINITY;
  }

  /** Shows what is to be shown now, and comes back when that changes. */
  #advance(): void {
    this.world.clearTimer(this.#switchTimer);
    const now = this.#now();
    const onAir = this.#programme.at(now);
    if (!onAir) return;
    if (this.preferences.isPaused && this.#onAir) {
      this.#showStatus();
      return;
    }
    this.#onAir = onAir;
    this.#present();
    const { next } = onAir;
    if (next && this.#clock.isSynchronised) {
      const wait = Math.min(LONGEST_WAIT, Math.max(0, next.startsAt - now));
      this.#switchTimer = this.world.setTimer(() => this.#advance(), wait);
    }
  }

  #present(): void {
    const onAir = this.#onAir;
    if (!onAir) return;
    const pairs = [onAir.current, ...onAir.recent];
    const chosen = this.#chosen && pairs.find(({ number }) => number === this.#chosen?.number);
    if (!chosen) this.#chosen = undefined;
    const slot = chosen ?? onAir.current;
    this.#show(slot, { isNow: !chosen && this.#isRightNow(slot), isChosen: chosen !== undefined });
    this.#list.show(pairs, slot.number, this.#format);
    this.#showStatus();
    this.#showProgress();
  }

  /** A pair does not stay right now when nothing follows it, or is not to. */
  #showMoment(): void {
    const shown = this.#shown;
    if (!shown || this.#chosen || shown.isNow === this.#isRightNow(shown.slot)) return;
    this.#present();
  }

  #isRightNow({ endsAt }: Slot): boolean {
    const { isPaused } = this.preferences;
    const situation = { isPaused, isConnected: this.#isConnected, slotMs: this.#slotMs };
    return isRightNow(this.#now() - endsAt, situation);
  }

  #show(slot: Slot, standing: Standing): void {
    const before = this.#shown;
    this.#shown = { slot, isNow: standing.isNow };
    this.#card.show(slot, this.#format, standing);
    const session = slot.sessions[0];
    const isSame = before && before.slot.number === slot.number && before.slot.sessions[0].id === session.id;
    if (isSame) return;
    this.globe.show(
      sceneOf(slot),
      labelsOf(session, slot.startsAt, this.#format),
      subsolarPoint(slot.startsAt),
    );
    setText(this.#announcement, sentenceText(session, this.#format));
    this.#nameGlobe();
  }

  /** The same pair in another language; the newest when the names of that one are not told of any more. */
  #rename(): void {
    const shown = this.#shown;
    const onAir = this.#programme.at(this.#now());
    if (!shown || !onAir) return;
    if (this.preferences.isPaused && this.#onAir) this.#onAir = heldAt(this.#onAir.current.number, onAir);
    else this.#onAir = onAir;
    this.#present();
    const { slot } = this.#shown ?? shown;
    const session = slot.sessions[0];
    this.globe.relabel(labelsOf(session, slot.startsAt, this.#format));
    setText(this.#announcement, sentenceText(session, this.#format));
    this.#nameGlobe();
  }

  #choose(number: number | undefined): void {
    const isCurrent = number === undefined || number === this.#onAir?.current.number;
    this.#chosen = isCurrent ? undefined : { number, until: this.world.monotonic() + CHOSEN_FOR };
    this.globe.letGo();
    this.#present();
  }

  #setLanguage(language: Language): void {
    this.preferences.language = language;
    this.#format = formatFor(language, this.wanted);
    this.#showLanguage();
    this.#feed.setLanguage(language);
  }

  #showLanguage(): void {
    const { language, messages } = this.#format;
    document.documentElement.lang = language;
    document.documentElement.dir = messages.direction;
    this.#controls.show(language, messages, this.preferences.isPaused);
    setText(find(".skip"), messages.skip);
    setText(find(".footer p"), messages.footer);
    this.#nameGlobe();
    if (this.#shown) {
      const { slot } = this.#shown;
      this.globe.relabel(labelsOf(slot.sessions[0], slot.startsAt, this.#format));
      this.#present();
    } else {
      this.#card.showEmpty(this.#format);
      this.#list.show([], undefined, this.#format);
    }
  }

  #nameGlobe(): void {
    const { messages } = this.#format;
    const places = this.#shown?.slot.sessions[0].places;
    const name = places
      ? fill(messages.globe, { a: isolated(places[0].city), b: isolated(places[1].city) })
      : messages.globeEmpty;
    this.#lens.setAttribute("aria-label", `${name}. ${messages.globeHelp}`);
  }

  #showPaused(): void {
    const { isPaused } = this.preferences;
    this.#controls.show(this.#format.language, this.#format.messages, isPaused);
    this.globe.setStill(isPaused || this.#isReduced);
    if (!isPaused) this.#advance();
    this.#showStatus();
    this.#showProgress();
  }

  /** Twice a second: too seldom to cost anything. */
  #tick(): void {
    this.world.clearTimer(this.#tickTimer);
    this.#tickTimer = this.world.setTimer(() => this.#tick(), TICK);
    if (this.#chosen && this.world.monotonic() > this.#chosen.until && !this.preferences.isPaused) {
      this.#choose(undefined);
    }
    this.#showMoment();
    this.#showProgress();
    this.#showStatus();
  }

  #showProgress(): void {
    const onAir = this.#onAir;
    const isShown = onAir && this.#clock.isSynchronised && this.#shown?.isNow && !this.preferences.isPaused;
    if (!onAir || !isShown) {
      this.#progress.show(undefined);
      return;
    }
    const { startsAt, endsAt } = onAir.current;
    this.#progress.show((this.#now() - startsAt) / Math.max(1, endsAt - startsAt));
  }

  #showStatus(): void {
    const onAir = this.#onAir;
    const situation = {
      isPaused: this.preferences.isPaused,
      isConnected: this.#isConnected,
      overdue: onAir && !onAir.next ? this.#now() - onAir.current.endsAt : undefined,
      slotMs: this.#slotMs,
    };
    setText(this.#status, statusOf(situation, this.#format.messages));
  }
}
