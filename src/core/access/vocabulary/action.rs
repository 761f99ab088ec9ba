//! What can be done to an object.

use super::words;

words! {
    /// What can be done. Looking, listing and searching are all [`Action::Read`]: a list can't show what a get refuses.
    Action {
        Read = "read", "see", "inzien";
        Create = "create", "create", "aanmaken";
        /// Changing, and for a compartment also writing it when its record is created.
        Update = "update", "change", "wijzigen";
        Delete = "delete", "delete", "verwijderen";
        /// Putting away and bringing back.
        Archive = "archive", "archive and restore", "archiveren en terugzetten";
        /// Making somebody the owner.
        Assign = "assign", "assign to somebody", "toewijzen";
        /// Changing many records in one request.
        Bulk = "bulk", "change many at once", "in bulk wijzigen";
        Import = "import", "import", "importeren";
        Export = "export", "export", "exporteren";
        /// Letting another tenant see it.
        Share = "share", "share with partners", "delen met partners";
        /// Numbers about groups, never a record.
        Aggregate = "aggregate", "see figures of", "cijfers zien van";
        /// Seeing a compartment with most of its characters replaced.
        Mask = "mask", "see masked", "afgeschermd inzien";
        /// Seeing a masked compartment in clear, once, for a reason that is put on record.
        Reveal = "reveal", "reveal with a reason", "onthullen met reden";
        /// Destroying the keys of a person's data (GDPR Art. 17).
        Erase = "erase", "erase for good", "definitief wissen";
        Grant = "grant", "grant", "toekennen";
        Revoke = "revoke", "revoke", "intrekken";
        /// Setting a new password or second factor for somebody else.
        Reset = "reset", "reset the sign-in of", "aanmelding herstellen van";
        Cancel = "cancel", "cancel", "afbreken";
        Undo = "undo", "undo", "ongedaan maken";
        /// Trying out without an effect.
        Simulate = "simulate", "try out", "uitproberen";
        /// Asking why somebody may or may not.
        Explain = "explain", "explain", "uitleggen";
        /// Putting into force what somebody else has prepared.
        Activate = "activate", "put into force", "in werking stellen";
        Verify = "verify", "verify", "controleren";
    }
}
