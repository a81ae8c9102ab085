import type { Messages } from "./messages";

export const es: Messages = {
  language: "Español",
  direction: "ltr",
  sentence: "Alguien en {a} y alguien en {b} le han dado al play a «{song}» en el mismo segundo.",
  sentenceUntitled:
    "Alguien en {a} y alguien en {b} le han dado al play a la misma canción en el mismo segundo.",
  untitled: "Una canción sin título",
  rightNow: "Ahora mismo",
  earlier: "A las {time}",
  backToNow: "Volver a ahora",
  apart: "A {distance} de distancia",
  listeners: { one: "{n} persona escuchando", other: "{n} personas escuchando" },
  recent: "Justo antes",
  recentEmpty: "Aquí aparecerán las parejas anteriores.",
  pause: "Pausar el movimiento",
  resume: "Reanudar el movimiento",
  chooseLanguage: "Idioma",
  skip: "Ir a la pareja",
  waitingForFirst: "Esperando la primera pareja…",
  waitingForNext: "Esperando la siguiente pareja…",
  reconnecting: "Sin conexión por el momento. Reintentando…",
  paused: "En pausa",
  globe: "Globo terráqueo",
  globeHelp: "Las flechas lo giran; más y menos acercan y alejan.",
  footer: "Sin cookies ni rastreo. Mapa: Natural Earth.",
};
