"""What the database itself guarantees: append-only tables, frozen documents, days to be summed again."""

from __future__ import annotations

from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

UNSEALED = """
CREATE FUNCTION note_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core_unsealed (entry_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER core_entry_unsealed AFTER INSERT ON core_entry
    FOR EACH ROW EXECUTE FUNCTION note_unsealed();
"""

FROZEN = """
CREATE FUNCTION refuse_thawing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.data, OLD.data_sha256, OLD.number, OLD.version, OLD.kind, OLD.subject_kind, OLD.subject_id,
        OLD.blocks, OLD.signer_ids)
        IS DISTINCT FROM
       (NEW.data, NEW.data_sha256, NEW.number, NEW.version, NEW.kind, NEW.subject_kind, NEW.subject_id,
        NEW.blocks, NEW.signer_ids)
       OR OLD.status = 'sealed' AND (OLD.status, OLD.file, OLD.file_sha256)
        IS DISTINCT FROM (NEW.status, NEW.file, NEW.file_sha256) THEN
        RAISE EXCEPTION 'a frozen document cannot change'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_document_frozen BEFORE UPDATE ON core_document
    FOR EACH ROW EXECUTE FUNCTION refuse_thawing();
CREATE TRIGGER core_document_kept BEFORE DELETE ON core_document
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

# Statement triggers: an action stores thirty answers at once, and notes their one day once.
# Rows are only added here: two actions of the same day never wait for each other.
STALE_RULE_DAYS = """
CREATE FUNCTION note_stale_rule_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO core_staleruleday (moment)
        SELECT DISTINCT date_bin('15 minutes', counts_at, '2000-01-01 00:00+00') FROM new_rows;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO core_staleruleday (moment)
        SELECT DISTINCT date_bin('15 minutes', counts_at, '2000-01-01 00:00+00') FROM old_rows;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER core_ruleresult_new AFTER INSERT ON core_ruleresult
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_stale_rule_day();
CREATE TRIGGER core_ruleresult_changed AFTER UPDATE ON core_ruleresult
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_stale_rule_day();
CREATE TRIGGER core_ruleresult_gone AFTER DELETE ON core_ruleresult
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_stale_rule_day();
"""

TABLES = ["core_entry", "core_entrysubject", "core_seal", "core_signature", "core_keptsignature",
          "core_outboxattempt"]


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        TrigramExtension(),
        BtreeGistExtension(),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION refuse_change() CASCADE"),
        *[
            migrations.RunSQL(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
                f"DROP TRIGGER IF EXISTS {table}_kept ON {table}",
            )
            for table in TABLES
        ],
        migrations.RunSQL(UNSEALED, "DROP FUNCTION note_unsealed() CASCADE"),
        migrations.RunSQL(FROZEN, "DROP FUNCTION refuse_thawing() CASCADE"),
        migrations.RunSQL(STALE_RULE_DAYS, "DROP FUNCTION note_stale_rule_day() CASCADE"),
    ]
