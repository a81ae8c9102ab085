import type { Messages } from "./messages";

export const fr: Messages = {
  language: "Français",
  direction: "ltr",
  sentence: "{a} et {b} : à la même seconde, quelqu’un ici et quelqu’un là-bas ont lancé « {song} ».",
  sentenceUntitled:
    "{a} et {b} : à la même seconde, quelqu’un ici et quelqu’un là-bas ont lancé la même chanson.",
  untitled: "Une chanson sans titre",
  rightNow: "En ce moment même",
  earlier: "À {time}",
  backToNow: "Revenir au présent",
  apart: "À {distance} l’une de l’autre",
  listeners: { one: "{n} personne à l’écoute", other: "{n} personnes à l’écoute" },
  recent: "Juste avant",
  recentEmpty: "Les paires précédentes apparaîtront ici.",
  pause: "Suspendre l’animation",
  resume: "Reprendre l’animation",
  chooseLanguage: "Langue",
  skip: "Aller à la paire",
  waitingForFirst: "En attente de la première paire…",
  waitingForNext: "En attente de la paire suivante…",
  reconnecting: "Pas de connexion pour le moment. Nouvel essai…",
  paused: "En pause",
  globe: "Globe",
  globeHelp: "Les flèches le tournent, plus et moins zooment.",
  footer: "Ni cookies ni pistage. Carte : Natural Earth.",
};
