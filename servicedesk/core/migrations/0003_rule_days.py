"""The handbook's figures by day, and the triggers that say which days have changed."""

from __future__ import annotations

from django.db import migrations, models

# Statement triggers: an action stores thirty answers at once, and notes their one day once.
# Rows are only added here: two actions of the same day never wait for each other.
STALE = """
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
INSERT INTO core_staleruleday (moment)
    SELECT DISTINCT date_bin('15 minutes', counts_at, '2000-01-01 00:00+00') FROM core_ruleresult;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_database_rules")]

    operations = [
        migrations.CreateModel(
            name='RuleDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('rule', models.CharField(max_length=20)),
                ('dimension', models.CharField(choices=[('all', 'All'), ('team', 'Team'), ('person', 'Person'), ('product', 'Product')], max_length=10)),
                ('key', models.BigIntegerField(default=0)),
                ('kept', models.PositiveIntegerField()),
                ('broken', models.PositiveIntegerField()),
                ('not_provable', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='StaleRuleDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('moment', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='ruleresult',
            name='customer_id',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='ruleresult',
            name='product_id',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name='ruleresult',
            index=models.Index(fields=['counts_at'], include=('rule', 'answer', 'person_id', 'team_id', 'customer_id', 'product_id'), name='core_ruleresult_counted'),
        ),
        migrations.AddIndex(
            model_name='ruleresult',
            index=models.Index(condition=models.Q(('customer_id__isnull', False)), fields=['customer_id', 'counts_at'], include=('rule', 'answer', 'person_id', 'team_id', 'product_id'), name='core_ruleresult_customer'),
        ),
        migrations.AddIndex(
            model_name='ruleday',
            index=models.Index(fields=['rule', 'dimension', 'day'], include=('key', 'kept', 'broken', 'not_provable'), name='core_ruleday_rule'),
        ),
        migrations.AddConstraint(
            model_name='ruleday',
            constraint=models.UniqueConstraint(fields=('dimension', 'key', 'day', 'rule'), include=('kept', 'broken', 'not_provable'), name='core_ruleday_once'),
        ),
        migrations.RunSQL(STALE, "DROP FUNCTION note_stale_rule_day() CASCADE"),
    ]
