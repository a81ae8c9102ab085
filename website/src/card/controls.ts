/** The menu of languages and the button that stops all motion. */
import { isLanguage, LANGUAGES, type Language, MESSAGES } from "../i18n/languages";
import type { Messages } from "../i18n/messages";
import { find, setText } from "./dom";

export class Controls {
  readonly #menu = find<HTMLSelectElement>(".language select");
  readonly #menuLabel = find(".language .visually-hidden");
  readonly #button = find<HTMLButtonElement>(".motion");
  readonly #buttonText = find(".motion span");

  constructor(chooseLanguage: (language: Language) => void, togglePause: () => void) {
    const options = LANGUAGES.map((language) => {
      const option = new Option(MESSAGES[language].language, language);
      option.lang = language;
      return option;
    });
    this.#menu.replaceChildren(...options);
    this.#menu.addEventListener("change", () => {
      if (isLanguage(this.#menu.value)) chooseLanguage(this.#menu.value);
    });
    this.#button.addEventListener("click", togglePause);
  }

  show(language: Language, messages: Messages, isPaused: boolean): void {
    this.#menu.value = language;
    setText(this.#menuLabel, messages.chooseLanguage);
    setText(this.#buttonText, isPaused ? messages.resume : messages.pause);
    this.#button.dataset.paused = `${isPaused}`;
  }
}
