//! Imports as they leave, and what may be decided about them.

use kluis_core::kernel::id::{Job, Tenant, User};
use kluis_core::kernel::{CountryCode, Faults, Id, LanguageTag, Phrase, Problem};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use super::mapping::Field;
use super::merge::Terms;
use super::model::{Draft, Import, Opened, Stage};
use super::service::Decision;
use crate::customers::model::{CustomerStatus, LegalBasis};
use crate::web::{Ident, Timestamp};

/// What stands between two values of a line.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    Semicolon,
    Comma,
    Tab,
}

/// How far an import is: nothing written yet, run, or taken back.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    Draft,
    Run,
    Reversed,
}

impl From<Stage> for ImportState {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Draft => Self::Draft,
            Stage::Run => Self::Run,
            Stage::Reversed => Self::Reversed,
        }
    }
}

impl From<ImportState> for Stage {
    fn from(state: ImportState) -> Self {
        match state {
            ImportState::Draft => Self::Draft,
            ImportState::Run => Self::Run,
            ImportState::Reversed => Self::Reversed,
        }
    }
}

impl From<super::table::Delimiter> for Delimiter {
    fn from(delimiter: super::table::Delimiter) -> Self {
        match delimiter {
            super::table::Delimiter::Semicolon => Self::Semicolon,
            super::table::Delimiter::Comma => Self::Comma,
            super::table::Delimiter::Tab => Self::Tab,
        }
    }
}

/// A column of the file, and what it may mean.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ImportColumn {
    /// As it stands in the first line.
    pub header: String,
    /// The proposed field: `email`, `externalId:<system>`, `custom.<key>`, `ignore` …
    pub suggestion: String,
    /// How sure the proposal is, per cent.
    pub confidence: i32,
    /// How many of the first lines have a value here, per cent.
    pub filled: i32,
}

/// What is to become of the file.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportSettings {
    /// The field of each column, in their order: `email`, `externalId:<system>`, `custom.<key>`, `ignore` …
    #[oai(validator(max_items = 500))]
    pub columns: Vec<String>,
    /// Country of phone numbers and addresses that name none; ISO 3166 alpha-2.
    #[oai(validator(min_length = 2, max_length = 2))]
    pub country: String,
    /// Without a legal basis nothing personal is written (GDPR Art. 6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<LegalBasis>,
    /// Where the data comes from (GDPR Art. 14): `webshop`, `old-crm` …
    #[oai(validator(min_length = 1, max_length = 60, pattern = "^[a-z0-9]+([-_.][a-z0-9]+)*$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Status of new customers.
    pub status: CustomerStatus,
    /// Language of new customers whose line names none, BCP 47.
    #[oai(validator(max_length = 35))]
    pub language: String,
}

impl Example for ImportSettings {
    fn example() -> Self {
        Self {
            columns: vec!["externalId:klantnummer".to_owned(), "familyName".to_owned(), "email".to_owned()],
            country: "NL".to_owned(),
            legal_basis: Some(LegalBasis::Contract),
            source: Some("old-crm".to_owned()),
            status: CustomerStatus::Active,
            language: "nl".to_owned(),
        }
    }
}

impl ImportSettings {
    /// What was decided; before that, what is proposed.
    pub fn of(draft: &Draft) -> Self {
        let proposed = || draft.suggestions.iter().map(|suggestion| suggestion.field.to_string()).collect();
        let decided = |mapping: &super::mapping::Mapping| mapping.columns.iter().map(ToString::to_string).collect();
        let country = draft.mapping.as_ref().map_or(CountryCode::NL, |mapping| mapping.country);
        let terms = draft.terms.as_ref();
        Self {
            columns: draft.mapping.as_ref().map_or_else(proposed, decided),
            country: country.as_str().to_owned(),
            legal_basis: terms.map(|terms| terms.legal_basis),
            source: terms.map(|terms| terms.source.clone()),
            status: terms.map_or(CustomerStatus::Active, |terms| terms.status),
            language: terms.map_or_else(|| "nl".to_owned(), |terms| terms.language.clone()),
        }
    }

    /// Parses everything, and names every fault.
    pub fn decision(&self) -> Result<Decision, Problem> {
        const FIELD: Phrase = Phrase { en: "There is no such field.", nl: "Dit veld bestaat niet." };
        const NEEDED: Phrase = Phrase { en: "This has to be given.", nl: "Dit moet worden opgegeven." };
        let mut faults = Faults::new();
        let mut columns = Vec::with_capacity(self.columns.len());
        for (at, name) in self.columns.iter().enumerate() {
            match Field::parse(name) {
                Some(field) => columns.push(field),
                None => faults.add(format!("/columns/{at}"), "field", FIELD),
            }
        }
        let country = faults.check("/country", CountryCode::parse(&self.country));
        let language = faults.check("/language", LanguageTag::parse(&self.language));
        if self.legal_basis.is_none() {
            faults.add("/legalBasis", "required", NEEDED);
        }
        if self.source.is_none() {
            faults.add("/source", "required", NEEDED);
        }
        match (country, language, self.legal_basis, &self.source, faults.is_empty()) {
            (Some(country), Some(language), Some(legal_basis), Some(source), true) => Ok(Decision {
                columns,
                country,
                terms: Terms {
                    legal_basis,
                    source: source.clone(),
                    status: self.status,
                    language: language.as_str().to_owned(),
                },
            }),
            _ => Err(Problem::invalid(faults.into_vec())),
        }
    }
}

/// A file that was handed in, what it looks like, what is to become of it, and what was done.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase")]
pub struct ImportView {
    pub id: Ident<Import>,
    pub tenant_id: Ident<Tenant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Ident<User>>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// `utf-8`, `utf-16le`, `utf-16be` or `windows-1252`, as detected.
    pub encoding: String,
    pub delimiter: Delimiter,
    /// Bytes.
    pub size: i64,
    /// Lines that say something, without the header.
    pub rows: i64,
    pub columns: Vec<ImportColumn>,
    /// The first lines as they stand; shown to whoever handed the file in.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sample: Vec<Vec<String>>,
    /// What was decided; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<ImportSettings>,
    pub state: ImportState,
    /// The last dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run_job_id: Option<Ident<Job>>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_job_id: Option<Ident<Job>>,
    /// The job that took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversal_job_id: Option<Ident<Job>>,
    /// Until when it can be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversible_until: Option<Timestamp>,
    pub revision: i64,
}

impl Example for ImportView {
    fn example() -> Self {
        let at = Timestamp(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default());
        let column = |header: &str, suggestion: &str| ImportColumn {
            header: header.to_owned(),
            suggestion: suggestion.to_owned(),
            confidence: 98,
            filled: 100,
        };
        Self {
            id: Id::from_uuid(uuid::Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ab)).into(),
            tenant_id: Id::from_uuid(uuid::Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ac)).into(),
            created_by: None,
            created_at: at,
            updated_at: at,
            encoding: "utf-8".to_owned(),
            delimiter: Delimiter::Semicolon,
            size: 322_244,
            rows: 2000,
            columns: vec![column("klantnummer", "externalId:klantnummer"), column("achternaam", "familyName")],
            sample: vec![vec!["K000001".to_owned(), "Voorbeeld".to_owned()]],
            settings: None,
            state: ImportState::Draft,
            dry_run_job_id: None,
            run_job_id: None,
            reversal_job_id: None,
            reversible_until: None,
            revision: 1,
        }
    }
}

impl ImportView {
    pub fn of(opened: &Opened, sample: Vec<Vec<String>>) -> Self {
        let Opened { row, draft } = opened;
        let columns = draft.headers.iter().zip(&draft.suggestions).map(|(header, suggestion)| ImportColumn {
            header: header.clone(),
            suggestion: suggestion.field.to_string(),
            confidence: suggestion.confidence.into(),
            filled: suggestion.filled.into(),
        });
        Self {
            id: row.id.into(),
            tenant_id: row.tenant.into(),
            created_by: row.created_by.map(Into::into),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            encoding: draft.format.encoding.name().to_owned(),
            delimiter: draft.format.delimiter.into(),
            size: draft.size.bytes,
            rows: draft.rows,
            columns: columns.collect(),
            sample,
            settings: draft.mapping.as_ref().map(|_| ImportSettings::of(draft)),
            state: row.stage().into(),
            dry_run_job_id: row.dry_job.map(Into::into),
            run_job_id: row.run_job.map(Into::into),
            reversal_job_id: row.undo_job.map(Into::into),
            reversible_until: row.undo_until.map(Into::into),
            revision: row.revision,
        }
    }
}

/// How an import is to run.
#[derive(Object, Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRunDraft {
    /// Writes nothing, and says for each line what a run would do.
    pub dry_run: bool,
}

impl Example for ImportRunDraft {
    fn example() -> Self {
        Self { dry_run: true }
    }
}
