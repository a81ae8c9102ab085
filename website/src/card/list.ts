/** The last ten pairs, each of which can be looked at again. */
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

  constructor(private readonly choose: (slotNumber: number) => void) {}

  /** `slots` newest first. */
  show(slots: readonly Slot[], chosen: number | undefined, format: Format): void {
    setText(this.#heading, format.messages.recent);
    setText(this.#empty, format.messages.recentEmpty);
    this.#empty.hidden = slots.length > 0;
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
  setText(find(".names", item), pairText(session));
  setText(find(".title", item), session.track.title ?? format.messages.untitled);
  const button = find("button", item);
  if (isChosen) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}
