# shellcheck shell=sh
# Create the database account of the API. This account can only read the tax data. The image runs this script only on a
# new volume.
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
     --set password="$(cat /run/secrets/db_reader_password)" <<'SQL'
CREATE ROLE tax_reader LOGIN PASSWORD :'password';
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO tax_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO tax_reader;
SQL
