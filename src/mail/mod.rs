//! Mail: plain text over SMTP, or none at all where no server is configured.
//!
//! Must never: log an address, a subject or a text, or keep a mail after it was handed over.

use kluis_core::kernel::Email;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use zeroize::Zeroizing;

use crate::config::MailConfig;

/// Hands mails to the configured server; cheap to clone.
#[derive(Clone)]
pub struct Mailer(Option<Smtp>);

#[derive(Clone)]
struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// One mail to one person.
pub struct Letter {
    pub to: Email,
    pub subject: &'static str,
    pub text: Zeroizing<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("no mail server is configured")]
    NotConfigured,
    #[error("the sender of mails is not an address")]
    Sender,
    #[error("the mail server's name or certificates can't be used")]
    Server,
    #[error("the mail can't be written")]
    Letter,
    /// What the server said may repeat the address; only its code is kept.
    #[error("the mail server refused or did not answer (code {0:?})")]
    Refused(Option<u16>),
}

impl Mailer {
    /// Sends nothing.
    pub const fn none() -> Self {
        Self(None)
    }

    pub fn new(config: Option<&MailConfig>) -> Result<Self, MailError> {
        let Some(config) = config else { return Ok(Self(None)) };
        let builder = match config.tls.as_str() {
            "implicit" => AsyncSmtpTransport::<Tokio1Executor>::relay(&config.host).map_err(|_| MailError::Server)?,
            "none" => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host),
            _ => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&config.host).map_err(|_| MailError::Server)?,
        };
        let mut builder = builder.port(config.port);
        if let (Some(user), Some(password)) = (&config.user, &config.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.to_string()));
        }
        let from = config.from.parse().map_err(|_| MailError::Sender)?;
        Ok(Self(Some(Smtp { transport: builder.build(), from })))
    }

    pub const fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Comes back when the server has taken the mail.
    pub async fn send(&self, letter: Letter) -> Result<(), MailError> {
        let smtp = self.0.as_ref().ok_or(MailError::NotConfigured)?;
        let to = letter.to.expose().parse().map_err(|_| MailError::Letter)?;
        let message = Message::builder()
            .from(smtp.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.to_string())
            .map_err(|_| MailError::Letter)?;
        let sent = smtp.transport.send(message).await;
        sent.map(drop).map_err(|error| MailError::Refused(error.status().map(u16::from)))
    }

    /// Sends beside the request, so that its answer doesn't tell by its time whether there was anybody to write to.
    pub fn send_aside(&self, letter: Letter) {
        let mailer = self.clone();
        tokio::spawn(async move {
            if let Err(error) = mailer.send(letter).await {
                tracing::error!(%error, "a mail could not be sent");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_server_nothing_is_sent() {
        let letter =
            Letter { to: Email::parse("iemand@voorbeeld.example").unwrap(), subject: "x", text: Zeroizing::default() };
        let mailer = Mailer::new(None).unwrap();
        assert!(!mailer.is_configured());
        assert!(matches!(mailer.send(letter).await, Err(MailError::NotConfigured)));
    }
}
