//! The words that names and addresses of the demonstration are put together from.
//!
//! Given and family names are common ones; each combination is drawn by chance. Streets and firms are invented.

/// Given names of women.
pub const WOMEN: &[&str] = &[
    "Emma",
    "Julia",
    "Mila",
    "Sophie",
    "Zoë",
    "Sara",
    "Nora",
    "Yara",
    "Eva",
    "Liv",
    "Elin",
    "Anna",
    "Noor",
    "Lotte",
    "Saar",
    "Fleur",
    "Femke",
    "Anouk",
    "Maud",
    "Roos",
    "Isa",
    "Lieke",
    "Marit",
    "Sanne",
    "Iris",
    "Floor",
    "Esmée",
    "Joëlle",
    "Renée",
    "Chloë",
    "Fatima",
    "Aylin",
    "Zeynep",
    "Samira",
    "Naima",
    "Priya",
    "Shanti",
    "Mei",
    "Ingrid",
    "Wilhelmina",
    "Johanna",
    "Cornelia",
    "Geertje",
    "Trijntje",
    "Hendrika",
    "Marijke",
    "Annemieke",
    "Josephine",
];

/// Given names of men.
pub const MEN: &[&str] = &[
    "Noah",
    "Daan",
    "Levi",
    "Sem",
    "Lucas",
    "Finn",
    "Liam",
    "Luuk",
    "Milan",
    "Bram",
    "Mees",
    "James",
    "Thijs",
    "Jesse",
    "Sam",
    "Adam",
    "Max",
    "Thomas",
    "Ruben",
    "Lars",
    "Tijn",
    "Sven",
    "Gijs",
    "Teun",
    "Stijn",
    "Koen",
    "Jurre",
    "Pepijn",
    "René",
    "André",
    "Loïs",
    "Mohamed",
    "Yusuf",
    "Emre",
    "Ibrahim",
    "Omar",
    "Ravi",
    "Wei",
    "Johannes",
    "Cornelis",
    "Hendrik",
    "Willem",
    "Pieter",
    "Gerrit",
    "Jacobus",
    "Theodorus",
    "Sjoerd",
    "Wiebe",
    "Douwe",
    "Bartholomeus",
];

/// Family names with their prefix (tussenvoegsel).
pub const FAMILIES: &[(&str, &str)] = &[
    ("de", "Jong"),
    ("", "Jansen"),
    ("de", "Vries"),
    ("van den", "Berg"),
    ("van", "Dijk"),
    ("", "Bakker"),
    ("", "Janssen"),
    ("", "Visser"),
    ("", "Smit"),
    ("", "Meijer"),
    ("de", "Boer"),
    ("", "Mulder"),
    ("de", "Groot"),
    ("", "Bos"),
    ("", "Vos"),
    ("", "Peters"),
    ("", "Hendriks"),
    ("van", "Leeuwen"),
    ("", "Dekker"),
    ("", "Brouwer"),
    ("de", "Wit"),
    ("", "Dijkstra"),
    ("", "Smits"),
    ("de", "Graaf"),
    ("van der", "Meer"),
    ("van der", "Linden"),
    ("", "Kok"),
    ("", "Jacobs"),
    ("de", "Haan"),
    ("", "Vermeulen"),
    ("van den", "Heuvel"),
    ("van der", "Veen"),
    ("van den", "Broek"),
    ("de", "Bruijn"),
    ("van der", "Heijden"),
    ("", "Schouten"),
    ("van", "Beek"),
    ("", "Willems"),
    ("van", "Vliet"),
    ("van de", "Ven"),
    ("", "Hoekstra"),
    ("", "Maas"),
    ("", "Verhoeven"),
    ("", "Koster"),
    ("van", "Dam"),
    ("van der", "Wal"),
    ("", "Prins"),
    ("", "Blom"),
    ("", "Huisman"),
    ("", "Peeters"),
    ("", "Kuipers"),
    ("van", "Veen"),
    ("van", "Dongen"),
    ("", "Veenstra"),
    ("", "Kramer"),
    ("van den", "Bosch"),
    ("van der", "Berg"),
    ("", "Postma"),
    ("", "IJzerman"),
    ("van", "IJsselstein"),
    ("ter", "Horst"),
    ("ten", "Brink"),
    ("ten", "Cate"),
    ("in 't", "Veld"),
    ("van 't", "Hof"),
    ("'t", "Hart"),
    ("op den", "Kamp"),
    ("uit den", "Boogaard"),
    ("von", "Essen"),
    ("de la", "Rie"),
    ("el", "Amrani"),
    ("", "Yıldız"),
    ("", "Öztürk"),
    ("", "Şahin"),
    ("", "Benali"),
    ("", "Bouzid"),
    ("", "Ramdin"),
    ("", "Kartosen"),
    ("", "Nguyen"),
    ("", "Wang"),
    ("", "Kowalski"),
    ("", "Müller"),
    ("", "Dubois"),
    ("", "Van Acker"),
    ("", "Scholten-Bär"),
    ("", "Zuidema"),
    ("", "Ågren"),
    ("", "Quist"),
    ("", "Çelik"),
];

/// First halves of invented street names.
pub const STREETS: &[&str] = &[
    "Zilverberk",
    "Sterrenmos",
    "Kluisveld",
    "Waterklaver",
    "Vossenbes",
    "Molenwiek",
    "Boterbloem",
    "Hazelhoen",
    "Kiezel",
    "Lantaarn",
    "Maanzaad",
    "Nachtegaal",
    "Oeverzwaluw",
    "Papaver",
    "Rietvoorn",
    "Salamander",
    "Tijm",
    "Uilenspiegel",
    "Veenpluis",
    "Wolkenveld",
    "IJsvogel",
    "Zonnehoed",
    "Bosanemoon",
    "Duinroos",
    "Egelantier",
    "Fluitenkruid",
    "Ganzerik",
    "Hagedoorn",
    "Jeneverbes",
    "Kievitsbloem",
];

/// Second halves of street names.
pub const WAYS: &[&str] = &["straat", "laan", "weg", "hof", "dreef", "kade", "plein", "pad", "singel", "burg"];

/// First halves of invented names of firms.
pub const FIRMS: &[&str] = &[
    "Voorbeeld",
    "Zilverberk",
    "Molenwiek",
    "Waterklaver",
    "Noordster",
    "De Gouden Ganzerik",
    "Bosanemoon",
    "Lantaarn",
    "Het Rode Paviljoen",
    "Kiezel & Zand",
    "Duinroos",
    "IJsvogel",
];

/// What the firms do.
pub const TRADES: &[&str] = &[
    "Bouw",
    "Installatie",
    "Vastgoed",
    "Advies",
    "Onderhoud",
    "Techniek",
    "Zorg",
    "Onderwijs",
    "Horeca",
    "Transport",
    "Tuinen",
    "Interieur",
];

/// Legal forms of firms.
pub const FORMS: &[&str] = &["B.V.", "V.O.F.", "N.V.", "Coöperatie U.A.", "Stichting", "Eenmanszaak"];

/// Domains that can't receive mail (RFC 2606 and RFC 6761).
pub const DOMAINS: &[&str] = &["example.com", "example.org", "voorbeeld.example", "post.example", "mail.example"];

/// What people may be interested in.
pub const INTERESTS: &[&str] =
    &["warmtepomp", "zonnepanelen", "isolatie", "thuisbatterij", "laadpaal", "ventilatie", "groendak", "onderhoud"];

/// Remarks that any colleague may read.
pub const REMARKS: &[&str] = &[
    "Belt graag na 18:00 uur.",
    "Voorkeur voor e-mail.",
    "Vaste klant; is tevreden over de vorige levering.",
    "Woont op een bovenwoning zonder lift, graag vooraf melden.",
    "Wil eerst een adviesgesprek aan huis.",
    "Klacht over de levering is naar tevredenheid afgehandeld.",
    "Heeft een hond; graag aanbellen bij de achterdeur.",
    "Vergelijkt nog met twee andere offertes.",
];

/// Family and given names in the letters of an e-mail address.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => out.push(letter),
            'à'..='å' => out.push('a'),
            'ç' => out.push('c'),
            'è'..='ë' => out.push('e'),
            'ì'..='ï' | 'ı' => out.push('i'),
            'ò'..='ö' => out.push('o'),
            'ù'..='ü' => out.push('u'),
            'ş' => out.push('s'),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leaves_letters_for_an_address() {
        for name in WOMEN.iter().chain(MEN).chain(FAMILIES.iter().map(|(_, family)| family)) {
            let letters = name.chars().filter(|letter| letter.is_alphabetic()).count();
            assert_eq!(ascii(name).len(), letters, "{name}");
        }
    }
}
