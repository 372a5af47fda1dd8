-- payments: entries and signed heads never change, a transfer changes once, when its hold ends.
-- The number is 1000 more than that of the tables' own file; see sqlite/ for the other engine.

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is immutable', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger entry_no_change before update or delete on entry
for each row execute function refuse_change();
create trigger entry_no_truncate before truncate on entry
for each statement execute function refuse_change();

create trigger signed_head_no_change before update or delete on signed_head
for each row execute function refuse_change();
create trigger signed_head_no_truncate before truncate on signed_head
for each statement execute function refuse_change();

create trigger ledger_node_no_change before update or delete on ledger_node
for each row execute function refuse_change();
create trigger ledger_node_no_truncate before truncate on ledger_node
for each statement execute function refuse_change();

create trigger transfer_no_delete before delete on transfer
for each row execute function refuse_change();
create trigger transfer_no_truncate before truncate on transfer
for each statement execute function refuse_change();
create trigger transfer_settles_once before update on transfer
for each row when (
    old.status <> 1 or new.status = 1 or new.id <> old.id or new.debit <> old.debit
    or new.credit <> old.credit or new.amount <> old.amount or new.currency <> old.currency
    or new.purpose <> old.purpose or new.reference is distinct from old.reference
    or new.held <> old.held or new.made_at <> old.made_at or new.made_by <> old.made_by
    or new.made_request <> old.made_request
) execute function refuse_change();

-- Room beside each account for its next versions, so that moving funds touches no index.
alter table account set (fillfactor = 60);
