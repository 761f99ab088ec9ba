//! The register: what the whole program keeps and shows of people, put together from the domains' declarations.
//!
//! A test compares it with the columns of both databases and with every answer of the API's document: what is new is
//! declared here, or in the `fields` of its domain, before it exists.
//!
//! Must never: hold a value, or excuse a personal field with a reason.

use kluis_core::privacy::{ColumnDeclaration as Column, Compartment, FieldDeclaration};

use crate::{customers, interactions, partners, relations, users};

/// Every field of personal data.
pub const FIELDS: &[&[FieldDeclaration]] = &[
    customers::fields::FIELDS,
    interactions::fields::FIELDS,
    relations::fields::FIELDS,
    partners::fields::FIELDS,
    users::fields::FIELDS,
    IMPORTS,
];

/// Every column.
pub const COLUMNS: &[&[Column]] = &[
    customers::fields::COLUMNS,
    interactions::fields::COLUMNS,
    relations::fields::COLUMNS,
    partners::fields::COLUMNS,
    users::fields::COLUMNS,
    EVERYWHERE,
    ORGANISATIONS,
    WORK,
    MACHINERY,
    KEYS,
];

const fn import(field: &'static str) -> FieldDeclaration {
    FieldDeclaration {
        entity: "import",
        field,
        // Whatever stands in somebody's table: treated as free text.
        compartment: Some(Compartment::Notes),
        category: "dpv:PersonalData",
        purposes: &["contract", "service"],
        retention_class: "import",
    }
}

/// A file on its way in.
const IMPORTS: &[FieldDeclaration] = &[import("sample"), import("columns[].header")];

/// Names that mean the same wherever they stand.
const EVERYWHERE: &[Column] = &[
    Column::impersonal("*", "id", "an id, made at random"),
    Column::impersonal("*", "tenant_id", "the organisation: an id"),
    Column::impersonal("*", "revision", "a count of changes"),
    Column::impersonal("*", "created_at", "a time"),
    Column::impersonal("*", "updated_at", "a time"),
    Column::impersonal("*", "archived_at", "a time"),
    Column::impersonal("*", "expires_at", "a time"),
    Column::keyed("*", "key_id", "which key of the key store: its id, made at random"),
    Column::keyed("*", "mac", "the row's other columns"),
    Column::keyed("*", "wrapped", "a key, under another key"),
];

const fn of_tenant(column: &'static str) -> Column {
    Column::impersonal(
        "tenants",
        column,
        "an organisation of the network, as it stands in contracts and the trade register",
    )
}

const fn of_field(column: &'static str) -> Column {
    Column::impersonal("custom_fields", column, "describes a field, and holds nobody's value")
}

const ORGANISATIONS: &[Column] = &[
    of_tenant("parent_id"),
    of_tenant("kind"),
    of_tenant("name"),
    of_tenant("status"),
    of_tenant("country"),
    of_tenant("kvk_number"),
    of_tenant("branch_number"),
    of_tenant("contract_starts"),
    of_tenant("contract_ends"),
    of_tenant("special_ground"),
    Column::impersonal("tenant_tree", "ancestor_id", "an organisation: an id"),
    Column::impersonal("tenant_tree", "descendant_id", "an organisation: an id"),
    Column::impersonal("tenant_tree", "depth", "a count"),
    of_field("kind"),
    of_field("compartment"),
    of_field("required"),
    of_field("category"),
    of_field("purposes"),
    of_field("retention"),
    Column::whole("custom_fields", "texts", "key, labels and choices: people write anything into a label"),
];

const fn of_job(column: &'static str, why: &'static str) -> Column {
    Column::impersonal("jobs", column, why)
}

const fn of_import(column: &'static str, why: &'static str) -> Column {
    Column::impersonal("imports", column, why)
}

const WORK: &[Column] = &[
    of_job("kind", "what the job does"),
    of_job("state", "how far it is"),
    of_job("created_by", "an id"),
    of_job("started_at", "a time"),
    of_job("finished_at", "a time"),
    of_job("due_at", "a time"),
    of_job("lease_owner", "a process"),
    of_job("lease_number", "a count"),
    of_job("attempts", "a count"),
    of_job("cancel_asked_at", "a time"),
    of_job("position", "a count"),
    of_job("progress", "a count"),
    of_job("total", "a count"),
    of_job("counts", "how many rows had which outcome"),
    of_job("failure", "a code"),
    Column::whole("jobs", "params", "who asked for the job and what exactly"),
    Column::impersonal("job_rows", "job_id", "an id"),
    Column::impersonal("job_rows", "line", "a line number"),
    Column::impersonal("job_rows", "outcome", "a code"),
    Column::impersonal("job_rows", "codes", "codes"),
    Column::impersonal("job_rows", "record_id", "an id"),
    Column::impersonal("job_rows", "of_line", "a line number"),
    Column::impersonal("job_files", "size", "a count of bytes"),
    Column::impersonal("job_files", "pieces", "a count"),
    Column::impersonal("job_file_pieces", "file_id", "an id"),
    Column::impersonal("job_file_pieces", "number", "a count"),
    Column::whole("job_file_pieces", "content", "a piece of an uploaded file"),
    of_import("created_by", "an id"),
    of_import("file_id", "an id"),
    of_import("legal_basis", "the ground on which a whole file is taken"),
    of_import("source", "where a whole file comes from, in a word"),
    Column::whole("imports", "draft", "format, headers and mapping: headers may say anything"),
    of_import("dry_job_id", "an id"),
    of_import("run_job_id", "an id"),
    of_import("undo_job_id", "an id"),
    of_import("undo_until", "a time"),
    Column::impersonal("import_changes", "import_id", "an id"),
    Column::impersonal("import_changes", "line", "a line number"),
    Column::impersonal("import_changes", "record_id", "an id"),
    Column::impersonal("import_changes", "change", "a code"),
    Column::impersonal("import_changes", "revision_after", "a count"),
    Column::whole("import_changes", "before", "a customer as it was, under its own key"),
    Column::impersonal("bulk_runs", "job_id", "an id"),
    Column::impersonal("bulk_runs", "needed", "actions and compartments, by name"),
    Column::impersonal("bulk_runs", "undo_until", "a time"),
    Column::impersonal("bulk_runs", "undo_job_id", "an id"),
    Column::impersonal("bulk_changes", "job_id", "an id"),
    Column::impersonal("bulk_changes", "line", "a line number"),
    Column::impersonal("bulk_changes", "record_id", "an id"),
    Column::impersonal("bulk_changes", "revision_after", "a count"),
    Column::whole("bulk_changes", "before", "a customer as it was, under its own key"),
];

const fn of_event(column: &'static str, why: &'static str) -> Column {
    Column::impersonal("audit_events", column, why)
}

const fn of_erasure(column: &'static str, why: &'static str) -> Column {
    Column::impersonal("erasures", column, why)
}

const fn of_ledger(column: &'static str, why: &'static str) -> Column {
    Column::impersonal("erasure_ledger", column, why)
}

const MACHINERY: &[Column] = &[
    Column::impersonal("authz_epoch", "value", "a count"),
    Column::impersonal("audit_head", "seq", "a count"),
    Column::keyed("audit_head", "chain", "a hash of all events"),
    Column::impersonal("audit_tree", "size", "a count"),
    Column::keyed("audit_tree", "chain", "a hash of the events in the tree"),
    Column::impersonal("audit_tiles", "level", "a count"),
    Column::impersonal("audit_tiles", "position", "a count"),
    Column::impersonal("audit_tiles", "width", "a count"),
    Column::keyed("audit_tiles", "hashes", "hashes of events, whose subjects stand under the tenant's audit key"),
    Column::impersonal("audit_checkpoints", "size", "a count"),
    Column::impersonal("audit_checkpoints", "at", "a time"),
    Column::impersonal("audit_checkpoints", "note", "a count, a hash of all events, and a signature"),
    Column::impersonal("audit_checkpoints", "verifier", "a public key"),
    of_event("seq", "a count"),
    of_event("at", "a time"),
    of_event("owner_id", "an organisation: an id"),
    of_event("actor", "an id, or the name of a part of the system"),
    of_event("channel", "a code"),
    of_event("request_id", "an id"),
    of_event("class", "a code"),
    of_event("action", "a code"),
    of_event("entity", "a code"),
    of_event("record_id", "an id"),
    Column::keyed("audit_events", "subjects", "whom it was about, under the tenant's audit key"),
    of_event("compartments", "which compartments, as bits"),
    of_event("purpose", "a code"),
    of_event("outcome", "a code"),
    of_event("detail", "counts, codes and names of fields"),
    Column::keyed("audit_events", "chain", "a hash of this event and those before it"),
    Column::keyed("idempotency_keys", "id", "caller, operation and key"),
    Column::keyed("idempotency_keys", "request_hash", "what was asked"),
    Column::impersonal("idempotency_keys", "attempt", "a process"),
    Column::impersonal("idempotency_keys", "lease_until", "a time"),
    Column::whole("idempotency_keys", "answer", "the answer that is repeated"),
    Column::impersonal("idempotency_keys", "customer_id", "an id"),
    of_erasure("customer_id", "an id that nobody has any more"),
    of_erasure("ground", "a code"),
    of_erasure("state", "a code"),
    of_erasure("requested_by", "an id"),
    of_erasure("removed", "counts, and a time"),
    of_erasure("completed_at", "a time"),
    of_erasure("certificate", "ids, counts and times, signed"),
    of_ledger("seq", "a count"),
    of_ledger("at", "a time"),
    of_ledger("subject_id", "an id that nobody has any more"),
];

const KEYS: &[Column] = &[
    Column::keyed("root_record", "record", "the root key, under the recovery key and the passphrase"),
    Column::impersonal("tenant_keys", "kind", "what the key is for"),
    Column::impersonal("tenant_keys", "version", "a count"),
    Column::impersonal("tenant_keys", "root_version", "a count"),
    Column::impersonal("tenant_keys", "uses", "a count"),
    Column::impersonal("subject_keys", "version", "a count"),
    Column::impersonal("subject_keys", "wrap_version", "a count"),
    Column::impersonal("subject_keys", "state", "reserved, used or destroyed"),
    Column::impersonal("index_versions", "field", "which field it is that can be found"),
    Column::impersonal("index_versions", "version", "a count"),
    Column::impersonal("index_versions", "bits", "a length"),
    Column::impersonal("index_versions", "root_version", "a count"),
];

/// Of which entity the answers of the API speak, by the name of their schema.
pub const VIEWS: &[(&str, &str)] = &[
    ("AuditCheckpointView", "audit_checkpoint"),
    ("AuditEventView", "audit_event"),
    ("ConsistencyProofView", "audit_checkpoint"),
    ("ContactView", "partner_contact"),
    ("CustomFieldView", "custom_field"),
    ("CustomerView", "customer"),
    ("DuplicateView", "duplicate"),
    ("Enrolment", "credential"),
    ("ErasurePreview", "erasure"),
    ("ErasureRemoved", "erasure"),
    ("ErasureView", "erasure"),
    ("ImportView", "import"),
    ("InclusionProofView", "audit_checkpoint"),
    ("InteractionView", "interaction"),
    ("JobRowView", "job"),
    ("JobView", "job"),
    ("LinkRedeemed", "credential"),
    ("LinkView", "credential"),
    ("MeView", "user"),
    ("PartnerView", "partner"),
    ("RecoveryCodes", "credential"),
    ("RelationView", "relation"),
    ("RoleGrantView", "role_grant"),
    ("SessionStarted", "credential"),
    ("SessionView", "session"),
    ("TenantView", "tenant"),
    ("TokenMade", "credential"),
    ("TokenView", "session"),
    ("UserView", "user"),
];

/// What the API shows that is nobody's personal data: entity (`*`: of any), paths, and why.
pub const IMPERSONAL: &[(&str, &[&str], &str)] = &[
    ("*", &["id", "tenantId", "createdBy"], "an id, made at random"),
    ("*", &["createdAt", "updatedAt", "archivedAt", "expiresAt"], "a time"),
    ("*", &["revision"], "a count of changes"),
    ("*", &["withheld"], "names of compartments"),
    (
        "erasure",
        &[
            "answers",
            "certificate",
            "completedAt",
            "customerId",
            "files",
            "ground",
            "indexEntries",
            "interactions",
            "ledgerCopied",
            "relations",
            "requestedBy",
            "state",
            "undoRecords",
            "uploadsUntil",
        ],
        "ids that nobody has any more, codes, counts and times",
    ),
    (
        "audit_checkpoint",
        &["at", "from", "hashes", "index", "leaf", "note", "origin", "root", "size", "to", "verifierKey"],
        "sizes, times, hashes over all events, and what was signed",
    ),
    (
        "audit_event",
        &[
            "action",
            "actor",
            "at",
            "channel",
            "class",
            "compartments",
            "detail",
            "entity",
            "outcome",
            "ownerId",
            "purpose",
            "recordId",
            "requestId",
            "seq",
            "subjects",
        ],
        "ids, codes, counts and times: the log holds no values",
    ),
    (
        "credential",
        &[
            "choosePassword.expiresAt",
            "choosePassword.needsCode",
            "choosePassword.token",
            "code",
            "purpose",
            "recoveryCodes",
            "secret",
            "token",
            "uri",
            "url",
            "userId",
        ],
        "made by the system and shown once: it says nothing about its holder",
    ),
    (
        "custom_field",
        &[
            "category",
            "choices[].archived",
            "choices[].code",
            "choices[].labels.en",
            "choices[].labels.nl",
            "compartment",
            "key",
            "kind",
            "labels.en",
            "labels.nl",
            "purposes",
            "required",
            "retention",
        ],
        "describes a field, and holds nobody's value",
    ),
    ("duplicate", &["reasons[].code", "reasons[].weight", "weight"], "computed, and not kept"),
    (
        "import",
        &[
            "columns[].confidence",
            "columns[].filled",
            "columns[].suggestion",
            "delimiter",
            "dryRunJobId",
            "encoding",
            "reversalJobId",
            "reversibleUntil",
            "rows",
            "runJobId",
            "settings.columns",
            "settings.country",
            "settings.language",
            "settings.legalBasis",
            "settings.source",
            "settings.status",
            "size",
            "state",
        ],
        "about the file as a whole: its form, and what is to become of it",
    ),
    (
        "job",
        &[
            "cancellationRequested",
            "codes",
            "counts",
            "failure",
            "finishedAt",
            "kind",
            "line",
            "ofLine",
            "outcome",
            "progress",
            "recordId",
            "startedAt",
            "state",
            "total",
        ],
        "ids, codes, counts and times",
    ),
    ("session", &["current"], "a fact about the request"),
    (
        "tenant",
        &[
            "branchNumber",
            "contractEnds",
            "contractStarts",
            "country",
            "kind",
            "kvkNumber",
            "name",
            "parentId",
            "specialGround",
            "status",
        ],
        "an organisation of the network, as it stands in contracts and the trade register",
    ),
    (
        "user",
        &[
            "permissions[].action",
            "permissions[].object",
            "permissions[].relations",
            "tenants[].id",
            "tenants[].kind",
            "tenants[].name",
        ],
        "organisations of the network, and what the policy gives to a role",
    ),
];
