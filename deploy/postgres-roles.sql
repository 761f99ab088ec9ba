-- Roles and databases of Kluis on PostgreSQL 15 or newer. Run it as superuser, with psql:
--
--   KLUIS_OWNER_PASSWORD=… KLUIS_APP_PASSWORD=… psql -v ON_ERROR_STOP=1 -v part=data -f postgres-roles.sql
--   KLUIS_OWNER_PASSWORD=… KLUIS_APP_PASSWORD=… psql -v ON_ERROR_STOP=1 -v part=keys -f postgres-roles.sql
--
-- Twice, because the keys belong on a server of their own: who holds a backup of both has everything but the root
-- key. (A second database on the same server works, and is the weaker choice.) It may run again at any time, and
-- should after an update: it then also fits the rights to the new tables.
--
--   kluis_owner, kluis_keys_owner   own the tables; used by `kluis migrate` only
--   kluis_app, kluis_keys           what the service signs in as: rows, no tables. It doesn't own them, so that
--                                   it can neither change nor drop a table
\set ON_ERROR_STOP on
\getenv owner_password KLUIS_OWNER_PASSWORD
\getenv app_password KLUIS_APP_PASSWORD
\if :{?part} \else \set part '' \endif
\if :{?owner_password} \else \set owner_password '' \endif
\if :{?app_password} \else \set app_password '' \endif

SELECT :'part' = 'data' AS is_data, :'part' = 'keys' AS is_keys,
       :'owner_password' <> '' AND :'app_password' <> '' AS has_passwords \gset
\if :is_data
    \set database kluis
    \set owner kluis_owner
    \set app kluis_app
\elif :is_keys
    \set database kluis_keys
    \set owner kluis_keys_owner
    \set app kluis_keys
\else
    DO $$ BEGIN RAISE EXCEPTION 'say -v part=data or -v part=keys'; END $$;
\endif
\if :has_passwords \else
    DO $$ BEGIN RAISE EXCEPTION 'KLUIS_OWNER_PASSWORD and KLUIS_APP_PASSWORD must be set'; END $$;
\endif

-- Passwords never reach the server's log, and are stored as SCRAM verifiers.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I', role) FROM unnest(ARRAY[:'owner', :'app']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 4
    PASSWORD :'owner_password';
ALTER ROLE :"app" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'app_password';

-- Parameters of statements are data of people; the log is not the place for them.
ALTER ROLE :"app" SET log_parameter_max_length = 0;
ALTER ROLE :"app" SET log_parameter_max_length_on_error = 0;
ALTER ROLE :"app" SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE :"app" SET lock_timeout = '10s';
ALTER ROLE :"app" SET search_path = public;

SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C.UTF-8''', :'database', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"app";

\connect :"database"
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"app";

-- Tables that are there, and those that migrations will make.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"app";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :"app";

-- What happened stays: the service adds to the audit log, and can't change or shorten it. And which migrations ran
-- is the owner's to write down.
SELECT format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM %I', name, :'app')
FROM unnest(ARRAY['audit_events', 'audit_checkpoints', 'erasure_ledger']) AS name WHERE to_regclass(name) IS NOT NULL \gexec
SELECT format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %I FROM %I', name, :'app')
FROM unnest(ARRAY['_sqlx_migrations']) AS name WHERE to_regclass(name) IS NOT NULL \gexec
