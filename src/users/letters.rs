//! The mails that users get about their account, in their language.

use kluis_core::kernel::{Email, Problem};
use zeroize::Zeroizing;

use super::account::Account;
use super::links::{LinkPurpose, OneTimeLink};
use super::model::UserLanguage;
use crate::mail::Letter;

/// The mail to the address before, when an account got another one: whoever didn't do that has to hear of it.
pub fn moved(account: &Account, before: Email) -> Letter {
    let (subject, text) = match account.row.language {
        UserLanguage::Nl => (
            "Uw account bij Kluis heeft een ander e-mailadres",
            "U meldt zich voortaan aan met een ander adres; dit adres wordt niet meer gebruikt.\r\n\r\n\
             Hebt u dat niet zelf gedaan? Vertel het dan meteen aan uw beheerder.\r\n",
        ),
        UserLanguage::En => (
            "Your account with Kluis has another e-mail address",
            "You sign in with another address from now on; this one is no longer used.\r\n\r\n\
             If that wasn't you, tell your administrator at once.\r\n",
        ),
    };
    Letter { to: before, subject, text: Zeroizing::new(text.to_owned()) }
}

/// The mail that brings a one-time link.
pub fn link(account: &Account, link: &OneTimeLink, public_url: &str) -> Result<Letter, Problem> {
    let (subject, before, after) = match (account.row.language, link.purpose) {
        (UserLanguage::Nl, LinkPurpose::PasswordReset) => (
            "Nieuw wachtwoord voor Kluis",
            "U kunt een nieuw wachtwoord kiezen met deze link:",
            "Hebt u hier niet om gevraagd? Dan hoeft u niets te doen: uw wachtwoord blijft zoals het is.",
        ),
        (UserLanguage::Nl, _) => (
            "Uw toegang tot Kluis",
            "U hebt toegang gekregen tot Kluis. Kies een wachtwoord met deze link:",
            "Verwachtte u dit bericht niet? Dan hoeft u niets te doen.",
        ),
        (UserLanguage::En, LinkPurpose::PasswordReset) => (
            "New password for Kluis",
            "You can choose a new password with this link:",
            "If you didn't ask for this, there is nothing to do: your password stays as it is.",
        ),
        (UserLanguage::En, _) => (
            "Your access to Kluis",
            "You were given access to Kluis. Choose a password with this link:",
            "If you didn't expect this message, there is nothing to do.",
        ),
    };
    let once = match account.row.language {
        UserLanguage::Nl => "De link werkt één keer en een half uur lang. Geef hem aan niemand.",
        UserLanguage::En => "The link works once, for half an hour. Give it to nobody.",
    };
    let url = link.url(public_url);
    let text = Zeroizing::new(format!("{before}\r\n\r\n{}\r\n\r\n{once}\r\n{after}\r\n", *url));
    Ok(Letter { to: account.contact()?.email, subject, text })
}
