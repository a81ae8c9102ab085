//! Words that titles and names are put together from, in several languages.
//!
//! Two nouns and the word between them need no grammar, which makes every combination a possible title. Names of
//! artists are made of syllables of no language: no real artist is meant.

/// A way to make titles and names in one script.
pub(super) struct Lexicon {
    pub(super) nouns: &'static [&'static str],
    /// What may stand between two nouns, with its spaces.
    pub(super) joints: &'static [&'static str],
    pub(super) syllables: &'static [&'static str],
    /// Names of groups; `*` stands for an invented word.
    pub(super) groups: &'static [&'static str],
    /// What stands between the two parts of a person's name.
    pub(super) name_joint: &'static str,
}

/// Every lexicon, and how often it is used.
pub(super) const LEXICONS: [(u32, &Lexicon); 8] = [
    (8, &ENGLISH),
    (3, &SPANISH),
    (2, &FRENCH),
    (2, &GERMAN),
    (2, &PORTUGUESE),
    (2, &JAPANESE),
    (1, &RUSSIAN),
    (2, &CHINESE),
];

const LATIN_SYLLABLES: &[&str] = &[
    "ba", "bre", "cal", "de", "dru", "el", "fa", "fi", "ga", "hal", "il", "jo", "ka", "lu", "mar", "mi",
    "na", "nor", "o", "pa", "quil", "ra", "ren", "sa", "sol", "ta", "tri", "u", "ve", "vi", "wen", "ya",
    "zo",
];

const ENGLISH: Lexicon = Lexicon {
    nouns: &[
        "Harbour",
        "Lantern",
        "Orchard",
        "Static",
        "Gravel",
        "Meridian",
        "Kitchen",
        "Thunder",
        "Velvet",
        "Compass",
        "Window",
        "Paper",
        "Island",
        "Copper",
        "Midnight",
        "Feather",
        "Railway",
        "Winter",
        "Balcony",
        "Honey",
        "Satellite",
        "River",
        "Almanac",
        "Mirror",
        "Garden",
        "Signal",
        "Monsoon",
        "Letter",
        "Staircase",
        "Saffron",
        "Lighthouse",
        "Avenue",
        "Pendulum",
        "Cinema",
        "Tide",
        "Quarry",
        "Parade",
        "Umbrella",
        "Echo",
        "Marble",
    ],
    joints: &[" and ", " of ", " without ", " under the ", " after the ", " in ", ", "],
    syllables: LATIN_SYLLABLES,
    groups: &[
        "The * Arrangement",
        "* & the Weathermen",
        "* Street Choir",
        "Club *",
        "* Sound Bureau",
        "The Late *",
    ],
    name_joint: " ",
};

const SPANISH: Lexicon = Lexicon {
    nouns: &[
        "Luna",
        "Arena",
        "Ceniza",
        "Puerto",
        "Verano",
        "Espejo",
        "Lluvia",
        "Madrugada",
        "Naranja",
        "Tren",
        "Sombra",
        "Jardín",
        "Piedra",
        "Viento",
        "Canción",
        "Ventana",
        "Fuego",
        "Mar",
        "Niebla",
        "Sal",
    ],
    joints: &[" y ", " de ", " sin ", " con "],
    syllables: LATIN_SYLLABLES,
    groups: &["Los *", "Orquesta *", "Trío *"],
    name_joint: " ",
};

const FRENCH: Lexicon = Lexicon {
    nouns: &[
        "Minuit", "Nuage", "Velours", "Dimanche", "Brume", "Miroir", "Rivage", "Papier", "Neige", "Jardin",
        "Train", "Lumière", "Silence", "Cerise", "Tempête", "Ruelle", "Plume", "Saison", "Vague", "Marbre",
    ],
    joints: &[" et ", " sans ", " sous ", ", "],
    syllables: LATIN_SYLLABLES,
    groups: &["Les *", "Bureau *", "Quatuor *"],
    name_joint: " ",
};

const GERMAN: Lexicon = Lexicon {
    nouns: &[
        "Nachtzug", "Fenster", "Sommer", "Kupfer", "Laterne", "Nebel", "Garten", "Spiegel", "Regen",
        "Papier", "Hafen", "Gewitter", "Treppe", "Morgen", "Kino", "Feder", "Insel", "Winter", "Marmor",
        "Brücke",
    ],
    joints: &[" und ", " ohne ", " im ", ", "],
    syllables: LATIN_SYLLABLES,
    groups: &["Kapelle *", "Institut *", "Die *"],
    name_joint: " ",
};

const PORTUGUESE: Lexicon = Lexicon {
    nouns: &[
        "Saudade", "Maré", "Varanda", "Chuva", "Laranja", "Domingo", "Espelho", "Areia", "Vento", "Jardim",
        "Noite", "Farol", "Pedra", "Barco", "Janela", "Neblina", "Sol", "Cinza", "Viola", "Estrada",
    ],
    joints: &[" e ", " de ", " sem ", " com "],
    syllables: LATIN_SYLLABLES,
    groups: &["Banda *", "Os *", "Conjunto *"],
    name_joint: " ",
};

const JAPANESE: Lexicon = Lexicon {
    nouns: &[
        "夜",
        "窓",
        "海",
        "手紙",
        "灯台",
        "雨",
        "鏡",
        "庭",
        "坂道",
        "銀河",
        "花火",
        "汽車",
        "珈琲",
        "硝子",
        "月曜日",
        "風",
        "地図",
        "砂",
        "傘",
        "朝",
    ],
    joints: &["と", "の", "、"],
    syllables: &[
        "ミ", "ロ", "カ", "セ", "ナ", "ト", "ユ", "ハ", "リ", "ソ", "ネ", "モ", "ラ", "キ", "ヤ", "ル",
    ],
    groups: &["*楽団", "*と港", "東*研究会"],
    name_joint: "・",
};

const RUSSIAN: Lexicon = Lexicon {
    nouns: &[
        "Полночь",
        "Берег",
        "Снег",
        "Окно",
        "Поезд",
        "Зеркало",
        "Дождь",
        "Фонарь",
        "Песок",
        "Письмо",
        "Остров",
        "Ветер",
        "Сад",
        "Мрамор",
        "Туман",
        "Гроза",
        "Лестница",
        "Утро",
    ],
    joints: &[" и ", ", "],
    syllables: &[
        "ва", "ло", "ми", "ре", "но", "та", "ли", "со", "ку", "да", "зе", "ри", "ма", "не", "бо", "ла",
    ],
    groups: &["Ансамбль «*»", "Группа «*»"],
    name_joint: " ",
};

const CHINESE: Lexicon = Lexicon {
    nouns: &[
        "夜色", "海岸", "信件", "灯塔", "雨季", "镜子", "花园", "列车", "星河", "茶馆", "屋顶", "风筝",
        "沙丘", "月台", "晨光", "旧城", "纸船", "雪线", "回声", "长街",
    ],
    joints: &["与", "的", "和"],
    syllables: &[
        "洛", "弥", "岚", "溪", "禾", "澄", "予", "舟", "黎", "沐", "瑾", "野", "棠", "朔", "微", "砚",
    ],
    groups: &["*乐队", "*合唱团", "南*电台"],
    name_joint: "",
};
