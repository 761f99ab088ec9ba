-- A relation says whose records belong together: its columns are bound by a MAC under the tenant's key, as those of other
-- records are. A row that was written without one can't be told from one that somebody put there, so none is taken over:
-- both databases refuse this step while there are any (made by a program from before the first release). Whoever has such
-- rows deletes them and enters them anew.
ALTER TABLE customer_relations ADD COLUMN mac BLOB NOT NULL;
