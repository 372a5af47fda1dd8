-- The audit only grows. See sqlite/ for the other engine; `refuse_change` is 1005's.

create trigger audit_no_change before update or delete on audit
for each row execute function refuse_change();
create trigger audit_no_truncate before truncate on audit
for each statement execute function refuse_change();
