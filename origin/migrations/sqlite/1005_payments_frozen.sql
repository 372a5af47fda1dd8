-- payments: entries and signed heads never change, a transfer changes once, when its hold ends.
-- The number is 1000 more than that of the tables' own file; see postgres/ for the other engine.

create trigger entry_no_update before update on entry
begin select raise(abort, 'entries are immutable'); end;
create trigger entry_no_delete before delete on entry
begin select raise(abort, 'entries are immutable'); end;

-- `insert or replace` deletes without asking the trigger of deletes.
create trigger entry_no_replace before insert on entry
when exists (select 1 from entry where id = new.id)
begin select raise(abort, 'entries are immutable'); end;

create trigger signed_head_no_update before update on signed_head
begin select raise(abort, 'signed heads are immutable'); end;
create trigger signed_head_no_delete before delete on signed_head
begin select raise(abort, 'signed heads are immutable'); end;

create trigger ledger_node_no_update before update on ledger_node
begin select raise(abort, 'the log only grows'); end;
create trigger ledger_node_no_delete before delete on ledger_node
begin select raise(abort, 'the log only grows'); end;

create trigger transfer_no_delete before delete on transfer
begin select raise(abort, 'transfers are immutable'); end;
create trigger transfer_settles_once before update on transfer
when old.status <> 1 or new.status = 1 or new.id <> old.id or new.debit <> old.debit
    or new.credit <> old.credit or new.amount <> old.amount or new.currency <> old.currency
    or new.purpose <> old.purpose or new.reference is not old.reference or new.held <> old.held
    or new.made_at <> old.made_at or new.made_by <> old.made_by
    or new.made_request <> old.made_request
begin select raise(abort, 'transfers are immutable'); end;
