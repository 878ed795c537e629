//! The page of a run, for `recover open`: where it listens, who comes in, and how the person's browser gets there.
//!
//! The run is the same one, by the same way: the page is one more reader of its events, and the channel of its person. Nothing
//! begins before somebody has the page open, so that whoever is asked sees it from the first question on.

mod browser;
mod door;
mod picture;
mod place;
mod secret;
mod server;
mod shown;
mod watch;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use crate::cli::arguments::{MessageFormat, PageArgs};
use crate::cli::job::Job;
use crate::cli::open::browser::show_in_browser;
use crate::cli::open::door::Door;
use crate::cli::open::place::Manner;
use crate::cli::open::server::Server;
use crate::cli::open::watch::{AtPlace, PlaceNumber, Watch};
use crate::cli::reader::rehearses;
use crate::cli::refusal::refuse;
use crate::cli::runs::record::Record;
use crate::cli::streams::{complain, say};
use crate::engine::{Outcome, Refusal, Told, before_anything, finished};
use crate::words::FaultClass;
use crate::world::{NotPrivate, Person, read_private};

/// How long nothing begins because nobody has the page open.
const FIRST_TAB_LIMIT: Duration = Duration::from_secs(10 * 60);
/// A token that can be guessed is none.
const TOKEN_LETTERS_MIN: usize = 16;
const TOKEN_LETTERS_MAX: usize = 200;

/// The page of one run.
#[derive(Debug)]
pub(super) struct Page {
    server: Server,
    watch: Watch,
    place: PlaceNumber,
}

impl Page {
    /// Opens the page of this run, where it is to have one, and waits until somebody looks at it.
    pub(super) fn of(job: &Job) -> Result<Option<Page>, Box<Refusal>> {
        let Some(args) = &job.options.page else { return Ok(None) };
        let format = job.options.message_format;
        let watch = Watch::default();
        let place = watch.add_place("");
        let server = open(args, &watch, format).map_err(|error| no_page(&error))?;
        let page = Page { server, watch, place };
        if page.watch.wait_for_tab(FIRST_TAB_LIMIT) {
            return Ok(Some(page));
        }
        page.server.close();
        let what = "nobody has opened the page, so nothing was begun".to_owned();
        let next = vec!["Run recover again, and open the address that it prints.".to_owned()];
        Err(refuse(Outcome::Declined, before_anything(FaultClass::Cancelled, what, next)))
    }

    /// The run begins: who is asked in it, and what makes its events seen.
    pub(super) fn begin(&self, job: &Job, record: Option<&Record>) -> (Person, AtPlace) {
        let (person, channel) = Person::at_page();
        let manner = Manner {
            rehearses: rehearses(job),
            log: record.map(|record| record.log_path().display().to_string()),
            no_record: job.bench.is_none() && record.is_none(),
        };
        self.watch.begin(self.place, &manner, channel);
        (person, AtPlace { watch: self.watch.clone(), place: self.place })
    }

    /// The run could not even begin.
    pub(super) fn refused(self, refusal: &Refusal) {
        let Refusal { outcome, problem } = refusal;
        self.watch.tell(self.place, &Told::now(&finished(*outcome, problem.clone())));
        self.server.close();
    }

    /// The run is over, and everything about it was told.
    pub(super) fn close(self) {
        self.server.close();
    }
}

#[derive(Debug, thiserror::Error)]
enum NoPage {
    #[error("the page cannot be opened at {address}: {source}")]
    NoListener { address: SocketAddr, source: io::Error },
    #[error("the page cannot be opened: {0}")]
    Failed(#[from] io::Error),
    #[error("the token file {path} cannot be used: {source}")]
    TokenFile { path: String, source: NotPrivate },
    #[error(
        "the token in {path} can be guessed: it needs {TOKEN_LETTERS_MIN} to {TOKEN_LETTERS_MAX} letters, in one line"
    )]
    WeakToken { path: String },
}

fn no_page(error: &NoPage) -> Box<Refusal> {
    let next = match error {
        NoPage::NoListener { .. } | NoPage::Failed(_) => {
            "Without a page, leave `open` out: the same run then goes on in the terminal."
        }
        NoPage::TokenFile { .. } | NoPage::WeakToken { .. } => {
            "Make one that only you may read, such as: (umask 077; openssl rand -hex 16 > token)"
        }
    };
    refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, error.to_string(), vec![next.to_owned()]))
}

fn open(args: &PageArgs, watch: &Watch, format: MessageFormat) -> Result<Server, NoPage> {
    let wanted = args.listen.map_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), |listen| listen.0);
    let no_listener = |source| NoPage::NoListener { address: wanted, source };
    let listener = TcpListener::bind(wanted).map_err(no_listener)?;
    let address = listener.local_addr().map_err(no_listener)?;
    let door = match &args.token_file {
        Some(path) => Door::by_token(address, token(path)?)?,
        None => Door::by_address(address)?,
    };
    // The address lets in whoever has it: it goes to the person, and into no event, log or record.
    let tell = |text: &str| if format == MessageFormat::Json { complain(text) } else { say(text) };
    tell(&format!("The page of this run: {}", door.address()));
    if door.asks_for_token() {
        tell("It asks for the token. What is typed there can be read on the way: use it in a network that you trust.");
    }
    tell("Nothing begins before it is open. Ctrl-C here does what Stop does there.");
    let for_browser = door.address_for_browser().filter(|_| !args.no_browser);
    let server = Server::begin(listener, door, watch.clone())?;
    if let Some(address) = for_browser {
        show_in_browser(address);
    }
    Ok(server)
}

fn token(path: &Path) -> Result<String, NoPage> {
    let shown = || path.display().to_string();
    let token = read_private(path).map_err(|source| NoPage::TokenFile { path: shown(), source })?;
    let token = token.trim();
    let letters = token.chars().count();
    let fits = (TOKEN_LETTERS_MIN..=TOKEN_LETTERS_MAX).contains(&letters) && !token.chars().any(char::is_control);
    if fits { Ok(token.to_owned()) } else { Err(NoPage::WeakToken { path: shown() }) }
}
