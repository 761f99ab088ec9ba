//! What personal data is used for (GDPR Art. 5(1)(b)): part of every decision and of every audit event.

use super::words;

words! {
    /// Why somebody asks. Named by the request, or the default of the role.
    Purpose {
        Contract = "contract", "preparing and carrying out contracts", "voorbereiden en uitvoeren van overeenkomsten";
        Service = "service", "service and support", "service en ondersteuning";
        /// Direct marketing: only towards those who consented.
        Marketing = "marketing", "direct marketing", "direct marketing";
        Billing = "billing", "invoicing and payments", "facturering en betalingen";
        /// Figures about groups.
        Statistics = "statistics", "statistics", "statistiek";
        /// Duties under data-protection and other law.
        Compliance = "compliance", "legal duties and oversight", "wettelijke plichten en toezicht";
        /// Handing a customer over to a partner.
        Referral = "referral", "referral to a partner", "doorverwijzing naar een partner";
        /// Somebody's vital interest; break-glass.
        Emergency = "emergency", "emergency", "noodgeval";
        /// Running the system itself: tenants, users, settings.
        Administration = "administration", "administration of the system", "beheer van het systeem";
        /// People who look at or mend their own record.
        SelfService = "self_service", "people's own records", "inzage en beheer van eigen gegevens";
    }
}

impl Purpose {
    /// Whether only the rows of people who consented to it may be used for it; the scope adds that per row.
    pub const fn requires_consent(self) -> bool {
        matches!(self, Self::Marketing)
    }
}
