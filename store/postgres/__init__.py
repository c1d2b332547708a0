"""PostgreSQL: tables, migrations, and the repositories of alerts, cases, users and rejected messages."""
