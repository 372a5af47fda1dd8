-- The audit only grows. See postgres/ for the other engine.

create trigger audit_no_update before update on audit
begin select raise(abort, 'the audit only grows'); end;
create trigger audit_no_delete before delete on audit
begin select raise(abort, 'the audit only grows'); end;

-- `insert or replace` deletes without asking the trigger of deletes.
create trigger audit_no_replace before insert on audit
when exists (select 1 from audit where n = new.n)
begin select raise(abort, 'the audit only grows'); end;
