#!/usr/bin/env bash
# Run once, by the image, when the data folder is made: Tocsin's own role, which is no superuser, and its database.
set -euo pipefail

# The password goes in as a variable of psql, so that no character of it can end the statement.
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres -v password="$TOCSIN_POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE tocsin LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
CREATE DATABASE tocsin OWNER tocsin ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE tocsin FROM PUBLIC;
SQL
