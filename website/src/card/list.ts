/** The ten pairs before the one that is on, each of which can be looked at again. */
import type { Slot } from "../api/types";
import type { Format } from "../i18n/format";
import { artworkOf } from "./artwork";
import { find, make, setText } from "./dom";
import { pairText } from "./sentence";

export class PairList {
  readonly #heading = find(".recent h2");
  readonly #list = find(".recent ol");
  readonly #empty = find(".recent .empty");
  readonly #items = new Map<number, HTMLLIElement>();

  #hasPointer = false;
  /** What came while the list was held. */
  #missed: (() => void) | undefined;

  constructor(private readonly choose: (slotNumber: number) => void) {
    this.#list.addEventListener("pointerenter", () => {
      this.#hasPointer = true;
    });
    this.#list.addEventListener("pointerleave", () => {
      this.#hasPointer = false;
      this.#catchUp();
    });
    this.#list.addEventListener("focusout", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.#list.contains(relatedTarget))) this.#catchUp(true);
    });
  }

  /** `slots` newest first. While somebody is about to choose, no item comes, goes or moves. */
  show(slots: readonly Slot[], chosen: number | undefined, format: Format): void {
    setText(this.#heading, format.messages.recent);
    setText(this.#empty, format.messages.recentEmpty);
    this.#empty.hidden = slots.length > 0;
    if (this.#isHeld()) {
      this.#missed = () => this.show(slots, chosen, format);
      this.#fillKnown(slots, chosen, format);
      return;
    }
    this.#missed = undefined;
    const hadFocus = this.#list.contains(document.activeElement);
    for (const [number, item] of this.#items) {
      if (slots.some((slot) => slot.number === number)) continue;
      item.remove();
      this.#items.delete(number);
    }
    slots.forEach((slot, index) => {
      const item = this.#items.get(slot.number) ?? this.#add(slot);
      fillItem(item, slot, slot.number === chosen, format);
      // Only what is out of place is moved: the button that has the focus keeps it.
      if (this.#list.children[index] !== item)
        this.#list.insertBefore(item, this.#list.children[index] ?? null);
    });
    // A button that was clicked has the focus though nobody types; its successor takes it.
    if (hadFocus && !this.#list.contains(document.activeElement))
      this.#list.querySelector<HTMLElement>("li:last-child button")?.focus({ preventScroll: true });
  }

  #isHeld(): boolean {
    if (this.#items.size === 0) return false;
    return this.#hasPointer || this.#list.querySelector(":focus-visible") !== null;
  }

  #catchUp(isLeft = false): void {
    if (isLeft ? this.#hasPointer : this.#isHeld()) return;
    // The focus is on its way: only afterwards is it known where it went.
    const missed = this.#missed;
    queueMicrotask(() => {
      if (missed && missed === this.#missed) missed();
    });
  }

  /** An item that is not told of any more is not the chosen one. */
  #fillKnown(slots: readonly Slot[], chosen: number | undefined, format: Format): void {
    for (const [number, item] of this.#items) {
      const slot = slots.find((one) => one.number === number);
      if (slot) fillItem(item, slot, number === chosen, format);
      else find("button", item).removeAttribute("aria-current");
    }
  }

  #add(slot: Slot): HTMLLIElement {
    const button = make(
      "button",
      "",
      make("span", "thumbnail"),
      make("span", "names"),
      make("span", "title"),
    );
    button.type = "button";
    button.addEventListener("click", () => this.choose(slot.number));
    const item = make("li", "", button);
    find(".thumbnail", item).append(artworkOf(slot.sessions[0].track));
    this.#items.set(slot.number, item);
    return item;
  }
}

function fillItem(item: HTMLLIElement, slot: Slot, isChosen: boolean, format: Format): void {
  const session = slot.sessions[0];
  setWhole(find(".names", item), pairText(session));
  setWhole(find(".title", item), session.track.title ?? format.messages.untitled);
  const button = find("button", item);
  if (isChosen) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}

/** A text that may be cut where it is shown: all of it comes up under a pointer, and on the card. */
function setWhole(element: HTMLElement, text: string): void {
  setText(element, text);
  if (element.title !== text) element.title = text;
}
