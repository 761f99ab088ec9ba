//! What the pages of signing in say, in both languages.

use kluis_core::kernel::Phrase;

const fn p(en: &'static str, nl: &'static str) -> Phrase {
    Phrase { en, nl }
}

pub const SIGN_IN: Phrase = p("Sign in", "Aanmelden");
pub const EMAIL: Phrase = p("E-mail address", "E-mailadres");
pub const PASSWORD: Phrase = p("Password", "Wachtwoord");
pub const FORGOTTEN: Phrase = p("I have forgotten my password", "Ik ben mijn wachtwoord vergeten");
pub const FORGOTTEN_TITLE: Phrase = p("Choose a new password", "Nieuw wachtwoord kiezen");
pub const HAVE_LINK: Phrase = p("I have a one-time link", "Ik heb een eenmalige link");
pub const WITH_PASSWORD: Phrase = p("Sign in with a password", "Aanmelden met een wachtwoord");
pub const START_OVER: Phrase = p("Start over", "Opnieuw beginnen");
pub const CONTINUE: Phrase = p("Continue", "Doorgaan");
pub const SAVE: Phrase = p("Save and sign in", "Opslaan en aanmelden");

pub const SECOND_FACTOR: Phrase = p("Second factor", "Tweede factor");
pub const CODE: Phrase = p("Code", "Code");
pub const CODE_HINT: Phrase = p(
    "Six digits from your authenticator app, or a recovery code",
    "Zes cijfers uit uw authenticatie-app, of een herstelcode",
);

pub const LINK: Phrase = p("One-time link", "Eenmalige link");
pub const LINK_INTRO: Phrase =
    p("A one-time link works once, for half an hour.", "Een eenmalige link werkt één keer, een half uur lang.");
pub const LINK_CODE: Phrase = p("Code of the link", "Code van de link");
pub const LINK_HINT: Phrase =
    p("Filled in by itself; otherwise paste the link here", "Vult zichzelf in; plak anders hier de link");

pub const CHOOSE: Phrase = p("Choose a password", "Kies een wachtwoord");
pub const NEW_PASSWORD: Phrase = p("New password", "Nieuw wachtwoord");
pub const PASSWORD_HINT: Phrase = p(
    "At least 12 characters; several unrelated words are easy to remember and hard to guess",
    "Ten minste 12 tekens; enkele woorden zonder verband zijn makkelijk te onthouden en moeilijk te raden",
);

pub const RESET_INTRO: Phrase = p(
    "We send a link to your e-mail address with which you choose a new password.",
    "We sturen een link naar uw e-mailadres waarmee u een nieuw wachtwoord kiest.",
);
pub const SEND_LINK: Phrase = p("Send the link", "Link sturen");
pub const RESET_SENT: Phrase = p(
    "If this address has an account, a link is on its way. It works for half an hour.",
    "Als dit adres een account heeft, is er een link onderweg. Die werkt een half uur.",
);
pub const RESET_BY_ADMINISTRATOR: Phrase = p(
    "This installation sends no mail. Ask an administrator of your organisation for a one-time link.",
    "Deze installatie verstuurt geen mail. Vraag een beheerder van uw organisatie om een eenmalige link.",
);

pub const ACCOUNT: Phrase = p("Signed in", "Aangemeld");
pub const NAME: Phrase = p("Name", "Naam");
pub const TENANT: Phrase = p("Works for", "Werkt voor");
pub const ROLES: Phrase = p("Roles", "Rollen");
pub const ACT_FOR: Phrase = p("Work for another organisation", "Voor een andere organisatie werken");
pub const SWITCH: Phrase = p("Switch", "Wisselen");
pub const API: Phrase = p("Interface for programs", "Koppelvlak voor programma's");
pub const DOCS: Phrase = p("Documentation of the API", "Documentatie van de API");
pub const SIGN_OUT: Phrase = p("Sign out", "Afmelden");
pub const SIGN_OUT_EVERYWHERE: Phrase = p("Sign out everywhere", "Overal afmelden");
