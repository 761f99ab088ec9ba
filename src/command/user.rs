//! `kluis user`: people who sign in, made by whoever runs the machine.

use clap::{Args, Subcommand};
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Id, Message, Phrase};

use super::exit::Failure;
use super::migrate::must_exist;
use super::options::Options;
use super::secret;
use super::terminal::{Terminal, p};
use crate::app::App;
use crate::server::open::StartError;
use crate::server::operator;
use crate::server::stores::Stores;
use crate::tenants;
use crate::users::links::LinkPurpose;
use crate::users::model::{UserDraft, UserLanguage};
use crate::users::service::{UserFilter, list as list_users};
use crate::users::setup::{create_user, make_link};
use crate::web::Language;

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Makes a user, and the one-time link by which they choose a password
    Create(CreateCommand),
    /// Lists the users of the whole network
    List,
}

#[derive(Debug, Args)]
pub struct CreateCommand {
    /// E-mail address; the user signs in with it
    email: String,
    /// Name as colleagues see it
    #[arg(long)]
    name: String,
    /// The organisation, by its id; otherwise the one at the top
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Role in that organisation; may be given more than once
    #[arg(long, required = true)]
    role: Vec<String>,
}

pub async fn run(command: &UserCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (resolved, config) = options.load()?;
    must_exist(&config)?;
    let stores = Stores::open(&config).await?;
    let done = match secret::opened((&resolved, config), &stores, terminal).await {
        Ok(app) => match command {
            UserCommand::Create(command) => create(&app, command, terminal).await.map_err(Failure::from),
            UserCommand::List => list(&app, terminal).await.map_err(Failure::from),
        },
        Err(failure) => Err(failure),
    };
    stores.close().await;
    done
}

async fn create(app: &App, command: &CreateCommand, terminal: Terminal) -> Result<(), StartError> {
    let home = match &command.tenant {
        None => tenants::service::roots(app).await?.first().map(|tenant| tenant.id),
        Some(text) => Id::parse(text),
    };
    let Some(home): Option<Id<Tenant>> = home else {
        terminal.note(NO_TENANT);
        return Err(kluis_core::kernel::Problem::not_found().into());
    };
    let language = match terminal.language {
        Language::En => UserLanguage::En,
        Language::Nl => UserLanguage::Nl,
    };
    let draft = UserDraft { email: command.email.clone(), display_name: command.name.clone(), language };
    let roles: Vec<_> = command.role.iter().map(|role| (home, role.as_str())).collect();
    let user = create_user(app, home, &draft, &roles).await?;
    let link = make_link(app, user, LinkPurpose::Invitation).await?;
    app.keys.flush().await?;
    terminal.say(Message::new(
        format!("{user} is made. The link works once, for 30 minutes:"),
        format!("{user} is gemaakt. De link werkt één keer, 30 minuten lang:"),
    ));
    Terminal::line(format!("\n    {}\n", *link.url(&app.config.public_url)));
    Ok(())
}

const NO_TENANT: Phrase = p("There is no such organisation.", "Deze organisatie bestaat niet.");
/// Users are read this many at a time.
const PAGE: u32 = 200;

async fn list(app: &App, terminal: Terminal) -> Result<(), StartError> {
    terminal.say(p(
        "user                                      organisation                              status    second factor",
        "gebruiker                                 organisatie                               status    tweede factor",
    ));
    for root in tenants::service::roots(app).await? {
        let scope = operator::scope(app, root.id).await?;
        let mut after = None;
        loop {
            let found = list_users(app, &scope, &UserFilter::default(), after, (PAGE, false)).await?;
            for user in found.views {
                let factor = if user.second_factor { p("yes", "ja") } else { p("no", "nee") };
                let (id, tenant, status) = (user.id.0, user.tenant_id.0, user.status.code());
                Terminal::line(format!("{id}  {tenant}  {status:<8}  {}", terminal.language.say(factor)));
            }
            after = found.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}
