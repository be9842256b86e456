"""The triggers that say which days of visits are to be summed again."""

from __future__ import annotations

from django.db import migrations

# `note_stale_visit_days` takes visits that changed: their days, and those of the other visits to
# the same ticket (whether one visit was enough depends on them).
# Rows are only added here: two actions of the same day never wait for each other.
STALE = """
CREATE FUNCTION note_stale_visit_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO desk_stalevisitday (moment) SELECT date_bin('15 minutes', arrived_at, '2000-01-01 00:00+00')
            FROM new_rows WHERE arrived_at IS NOT NULL
            UNION SELECT date_bin('15 minutes', v.arrived_at, '2000-01-01 00:00+00')
            FROM new_rows JOIN visits_visitorder AS v USING (ticket_id) WHERE v.arrived_at IS NOT NULL;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO desk_stalevisitday (moment) SELECT date_bin('15 minutes', arrived_at, '2000-01-01 00:00+00')
            FROM old_rows WHERE arrived_at IS NOT NULL
            UNION SELECT date_bin('15 minutes', v.arrived_at, '2000-01-01 00:00+00')
            FROM old_rows JOIN visits_visitorder AS v USING (ticket_id) WHERE v.arrived_at IS NOT NULL;
    ELSE
        INSERT INTO desk_stalevisitday (moment) SELECT date_bin('15 minutes', arrived_at, '2000-01-01 00:00+00')
            FROM (SELECT arrived_at FROM new_rows UNION SELECT arrived_at FROM old_rows) AS c
            WHERE arrived_at IS NOT NULL
            UNION SELECT date_bin('15 minutes', v.arrived_at, '2000-01-01 00:00+00')
            FROM (SELECT ticket_id FROM new_rows UNION SELECT ticket_id FROM old_rows) AS t
            JOIN visits_visitorder AS v USING (ticket_id) WHERE v.arrived_at IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER desk_visit_new AFTER INSERT ON visits_visitorder
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_stale_visit_days();
CREATE TRIGGER desk_visit_changed AFTER UPDATE ON visits_visitorder
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_stale_visit_days();
CREATE TRIGGER desk_visit_gone AFTER DELETE ON visits_visitorder
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_stale_visit_days();

CREATE FUNCTION note_stale_visit_day_of_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO desk_stalevisitday (moment)
            SELECT DISTINCT date_bin('15 minutes', v.arrived_at, '2000-01-01 00:00+00')
            FROM new_rows AS p JOIN visits_visitorder AS v ON v.id = p.visit_id WHERE v.arrived_at IS NOT NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO desk_stalevisitday (moment)
            SELECT DISTINCT date_bin('15 minutes', v.arrived_at, '2000-01-01 00:00+00')
            FROM old_rows AS p JOIN visits_visitorder AS v ON v.id = p.visit_id WHERE v.arrived_at IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION note_stale_visit_days_of_installation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO desk_stalevisitday (moment)
        SELECT DISTINCT date_bin('15 minutes', arrived_at, '2000-01-01 00:00+00')
        FROM visits_visitorder WHERE installation_id = NEW.id AND arrived_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER desk_visit_installation AFTER UPDATE OF product_id ON customers_installation
    FOR EACH ROW WHEN (OLD.product_id IS DISTINCT FROM NEW.product_id)
    EXECUTE FUNCTION note_stale_visit_days_of_installation();
"""
NO_LONGER = """
DROP FUNCTION note_stale_visit_days() CASCADE;
DROP FUNCTION note_stale_visit_day_of_part() CASCADE;
DROP FUNCTION note_stale_visit_days_of_installation() CASCADE;
"""
# What the figures ask of a visit stands in these tables, too.
PARTS = ["workrecord", "satisfaction", "interruption", "appointment"]
OF_PART = """
CREATE TRIGGER desk_visit_{part}_new AFTER INSERT ON visits_{part}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_stale_visit_day_of_part();
CREATE TRIGGER desk_visit_{part}_changed AFTER UPDATE ON visits_{part}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_stale_visit_day_of_part();
CREATE TRIGGER desk_visit_{part}_gone AFTER DELETE ON visits_{part}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_stale_visit_day_of_part();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0001_initial"),
        ("visits", "0001_initial"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(STALE, NO_LONGER),
        *[migrations.RunSQL(OF_PART.format(part=part), migrations.RunSQL.noop) for part in PARTS],
    ]
