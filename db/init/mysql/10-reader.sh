# The API's account: it can read the tax data, nothing else. Runs once, when the volume is new.
MYSQL_PWD=$(cat /run/secrets/db_root_password) mysql --user=root <<SQL
CREATE USER 'tax_reader'@'%' IDENTIFIED BY '$(sed "s/'/''/g" /run/secrets/db_reader_password)';
GRANT SELECT ON \`$MYSQL_DATABASE\`.* TO 'tax_reader'@'%';
SQL
