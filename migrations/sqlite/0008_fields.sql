-- Partners and their contact people can be put away and taken back.
ALTER TABLE partners ADD COLUMN archived_at INTEGER;
ALTER TABLE partner_contacts ADD COLUMN archived_at INTEGER;
