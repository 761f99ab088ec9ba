//! What is wrong with the shares that were handed over: all of it, so that their holders are called once.
//!
//! Must never: name more of a share than its number and its set.

use std::fmt;

use super::ShareSet;
use crate::kernel::Message;
use crate::privacy::keytext::KeyTextFault;

/// One fault of what was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShareFault {
    /// It can't be read. `place` counts what was handed over, from 1: a mistyped share has no number yet.
    Text {
        place: usize,
        fault: KeyTextFault,
    },
    /// It was made together with others than those that open this vault.
    OtherSet {
        number: u8,
        set: ShareSet,
        wanted: ShareSet,
    },
    /// It says that it is of the right set, and was never made with it.
    Unknown {
        number: u8,
    },
    Twice {
        number: u8,
    },
    TooFew {
        given: usize,
        needed: u8,
    },
    /// No shares were made for this vault.
    None,
}

impl ShareFault {
    pub fn message(&self) -> Message {
        match self {
            Self::Text { place, fault } => {
                let fault = fault.message();
                Message::new(
                    format!("Share given as number {place}: {}", fault.en),
                    format!("Het {place}e deel dat is gegeven: {}", fault.nl),
                )
            }
            Self::OtherSet { number, set, wanted } => Message::new(
                format!("Share {number} is of set {set}; this vault opens with shares of set {wanted}."),
                format!("Deel {number} is van reeks {set}; deze kluis opent met delen van reeks {wanted}."),
            ),
            Self::Unknown { number } => Message::new(
                format!("Share {number} was not made with this set."),
                format!("Deel {number} is niet met deze reeks gemaakt."),
            ),
            Self::Twice { number } => {
                Message::new(format!("Share {number} was given twice."), format!("Deel {number} is twee keer gegeven."))
            }
            Self::TooFew { given, needed } => Message::new(
                format!("{needed} different shares are needed; {given} good ones were given."),
                format!("Er zijn {needed} verschillende delen nodig; er zijn er {given} goede gegeven."),
            ),
            Self::None => Message::new(
                "No shares were made for this vault, or they are void.",
                "Voor deze kluis zijn geen delen gemaakt, of ze zijn vervallen.",
            ),
        }
    }
}

/// All faults of what was handed over; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareFaults(pub(super) Vec<ShareFault>);

impl ShareFaults {
    pub fn faults(&self) -> &[ShareFault] {
        &self.0
    }

    /// One sentence after another.
    pub fn message(&self) -> Message {
        let messages: Vec<_> = self.0.iter().map(ShareFault::message).collect();
        let joined = |text: fn(&Message) -> &str| messages.iter().map(text).collect::<Vec<_>>().join("\n");
        Message::new(joined(|message| &message.en), joined(|message| &message.nl))
    }
}

impl From<ShareFault> for ShareFaults {
    fn from(fault: ShareFault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for ShareFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message().en)
    }
}

impl std::error::Error for ShareFaults {}
